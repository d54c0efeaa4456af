"""Strips of a record: wholly in one rhythm, of the annotated beats' rate, in mV without baseline, aliases or delay."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import wfdb
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.strips.definition import STRIP_LENGTH
from edgeward.training.datasets.strips.rhythm_episodes import Episode, rhythm_episodes
from edgeward.training.datasets.strips.wfdb_strips import RecordStrips, cut_strips
from edgeward.training.datasets.wfdb.annotations import Annotations
from edgeward.training.datasets.wfdb.record import Origin
from hypothesis import given
from hypothesis import strategies as st

ORIGIN = Origin("a record of this test", "get another")
STRIP_S = 10.24

Rhythms = Sequence[tuple[float, str]]
"""From which second on, which note."""


@pytest.fixture
def record(tmp_path: Path, write_record: Callable[..., None]) -> Callable[..., Path]:
    """Write record `r`: a pulse a beat in two leads, and its annotations."""

    def write(
        *,
        fs: float = 250.0,
        seconds: float = 60.0,
        beat_s: Sequence[float] | None = None,
        rhythms: Rhythms = ((0.0, "(N"),),
        leads: Sequence[str] = ("MLII", "V1"),
        units: Sequence[str] = ("mV", "mV"),
        change: Callable[[dict[str, npt.NDArray[np.float64]]], object] = lambda signals: None,
        annotator: str = "atr",
    ) -> Path:
        times = np.arange(round(seconds * fs)) / fs
        beats = np.arange(0.3, seconds - 0.1, 0.75) if beat_s is None else np.array(beat_s)
        bells = np.exp(-0.5 * ((times[:, None] - beats) / 0.02) ** 2).sum(axis=1)
        # The hum keeps the signal from being flat between beats.
        signals = {
            lead: bells * (1.0 if number == 0 else -0.5) + 0.01 * np.sin(2 * np.pi * 17.0 * times)
            for number, lead in enumerate(leads)
        }
        change(signals)
        write_record(tmp_path, "r", signals, fs=fs, units=units, comments=["69 M 1 2 x1"])
        marks = [(round(at * fs), "N", "") for at in beats]
        changes = [(round(at * fs), "+", note) for at, note in rhythms]
        if annotator != "atr":
            annotate(tmp_path, annotator, marks)
            marks = []
        annotate(tmp_path, "atr", sorted(marks + changes))
        return tmp_path

    return write


def annotate(folder: Path, annotator: str, marks: Sequence[tuple[int, str, str]]) -> None:
    samples, symbols, notes = zip(*marks, strict=True)
    wfdb.wrann("r", annotator, np.array(samples), list(symbols), aux_note=list(notes), write_dir=str(folder))


def cut(folder: Path, **options: int) -> RecordStrips:
    strips = cut_strips(folder, "r", ORIGIN, **options)
    assert strips is not None
    return strips


class TestRhythm:
    def test_strips_lie_one_after_another_in_the_middle_of_their_episode(self, record: Callable[..., Path]) -> None:
        """A step in the signal at a second tells where the strips begin."""

        def ramp(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            signals["MLII"][round(22.0 * 250) :] += 2.0  # 22 s on the record's clock

        strips = cut(record(rhythms=[(10.0, "(N"), (35.0, "(AFIB"), (40.0, "(N")], change=ramp))
        # 25 s hold two strips with 4.52 s to spare: they begin at 12.26 and 22.5. 5 s hold none, the last 20 s one.
        assert strips.rhythms.tolist() == ["N", "N", "N"]
        jump = np.abs(np.diff(strips.samples[0, 0])).argmax()
        assert jump / 125 == pytest.approx(22.0 - 12.26, abs=0.02)

    @given(data=st.data())
    def test_episodes_are_what_lies_between_changes(self, data: st.DataObject) -> None:
        """Against the rhythm of each sample, told one by one."""
        length = 60
        notes = st.sampled_from(["(N", "(AFIB", "(B", "", "MISSB", "(", "(n"])
        changes = data.draw(st.lists(st.tuples(st.integers(0, length - 1), st.sampled_from("+N"), notes), max_size=8))
        changes.sort(key=lambda change: change[0])
        samples, symbols, texts = zip(*changes, strict=True) if changes else ((), (), ())
        annotations = Annotations(np.array(samples, dtype=np.int64), np.array(symbols, dtype=np.str_), texts)
        expected = [""] * length
        for sample, symbol, note in changes:
            if symbol == "+" and note in {"(N", "(AFIB", "(B"}:
                expected[sample:] = [note[1:]] * (length - sample)
        episodes = rhythm_episodes(annotations, length)
        told = [""] * length
        for episode in episodes:
            told[episode.start : episode.end] = [episode.rhythm] * (episode.end - episode.start)
        assert told == expected
        assert all(one.rhythm != other.rhythm for one, other in itertools.pairwise(episodes))

    def test_a_repeated_rhythm_is_one_episode_and_other_names_are_the_usual_ones(self) -> None:
        notes = ("(NSR", "(N", "(J", "(VFIB", "(PM")
        annotations = Annotations(np.arange(5) * 10, np.array(["+"] * 5), notes)
        assert rhythm_episodes(annotations, 60) == [
            Episode("N", 0, 20),
            Episode("NOD", 20, 30),
            Episode("VF", 30, 40),
            Episode("P", 40, 60),
        ]

    def test_what_is_no_known_rhythm_is_left_out_and_counted(self, record: Callable[..., Path]) -> None:
        strips = cut(record(rhythms=[(0.0, "(NOISE"), (25.0, "(AFIB")]))
        assert set(strips.rhythms.tolist()) == {"AFIB"}
        assert strips.left_out["in stretches annotated (NOISE, which is no rhythm known here"] == 2

    def test_a_record_gives_at_most_so_many_strips_of_a_rhythm_spread_evenly(self, record: Callable[..., Path]) -> None:
        folder = record(seconds=125.0, rhythms=[(0.0, "(N"), (62.0, "(AFIB"), (124.0, "(N")])
        everything, some = cut(folder), cut(folder, most_of_rhythm=3)
        assert everything.rhythms.tolist() == ["N"] * 6 + ["AFIB"] * 6
        assert some.rhythms.tolist() == ["N"] * 3 + ["AFIB"] * 3
        assert some.left_out["beyond 3 of one rhythm in one record"] == 6
        assert np.array_equal(some.samples[[0, 2]], everything.samples[[0, 5]])


class TestSignal:
    @pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
    def test_at_any_rate_beats_are_where_and_as_high_as_annotated(self, record: Callable[..., Path], fs: float) -> None:
        strips = cut(record(fs=fs))
        assert strips.samples.shape == (5, 2, STRIP_LENGTH)
        # 60 s hold 5 strips with 8.8 s to spare.
        first_s = np.ceil(0.5 * (60.0 - 5 * STRIP_S) * 125) / 125
        beats_s = np.arange(0.3, 59.9, 0.75)
        for number, strip in enumerate(strips.samples):
            inside = beats_s - first_s - number * STRIP_S
            inside = inside[(inside > 0.2) & (inside < STRIP_S - 0.2)]
            for at in inside:
                around = slice(round(at * 125) - 10, round(at * 125) + 11)
                peak = strip[0, around].argmax() - 10 + round(at * 125)
                assert abs(peak / 125 - at) < 0.009
                assert strip[0, peak] == pytest.approx(1.0 - np.sqrt(2 * np.pi) * 0.02 / 0.75, abs=0.07)
                assert strip[1, peak] == pytest.approx(-0.5 * strip[0, peak], abs=0.02)

    def test_frequencies_that_125_hz_cannot_hold_are_gone_and_others_stay(self, record: Callable[..., Path]) -> None:
        def tones(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            times = np.arange(len(signals["MLII"])) / 360.0
            signals["MLII"][:] = np.sin(2 * np.pi * 100.0 * times)
            signals["V1"][:] = np.sin(2 * np.pi * 20.0 * times)

        aliased, kept = cut(record(fs=360.0, change=tones)).samples[2]
        assert np.abs(aliased).max() < 0.01
        assert np.abs(kept).max() == pytest.approx(1.0, abs=0.02)

    def test_the_slow_baseline_is_gone(self, record: Callable[..., Path]) -> None:
        def wander(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            times = np.arange(len(signals["MLII"])) / 250.0
            signals["MLII"] += 1.5 + np.sin(2 * np.pi * 0.05 * times)

        wandering = cut(record(change=wander)).samples
        np.testing.assert_allclose(wandering, cut(record()).samples, atol=0.02)

    def test_values_outside_the_channel_are_clipped_and_counted(self, record: Callable[..., Path]) -> None:
        def high(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            signals["MLII"] *= 9.0

        strips = cut(record(change=high))
        assert strips.samples.max() == np.float32(5.12)
        assert strips.clipped > 0


class TestHeartRate:
    def test_it_is_that_of_the_annotated_beats_in_the_strip(self, record: Callable[..., Path]) -> None:
        beats = [*np.arange(0.2, 30.0, 0.5), *np.arange(30.2, 59.0, 1.0)]
        strips = cut(record(beat_s=beats, rhythms=[(0.0, "(N"), (30.0, "(SBR")]))
        assert strips.rhythms.tolist() == ["N", "N", "SBR", "SBR"]
        assert strips.heart_rates.tolist() == pytest.approx([120.0, 120.0, 60.0, 60.0])

    def test_strips_without_two_beats_are_left_out_and_counted(self, record: Callable[..., Path]) -> None:
        strips = cut(record(beat_s=[5.0, 16.0, 17.0, 18.0], rhythms=[(4.0, "(N")]))
        assert len(strips.samples) == 1
        assert strips.left_out["with no heart rate from 20 to 250 /min"] == 4

    def test_beats_may_stand_in_a_file_beside_the_rhythms(self, record: Callable[..., Path]) -> None:
        assert cut(record(annotator="qrs")).heart_rates == pytest.approx([80.0] * 5, abs=0.05)


class TestFaults:
    def test_strips_near_invalid_samples_are_left_out_and_others_are_as_without(
        self, record: Callable[..., Path]
    ) -> None:
        def gap(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            signals["V1"][7000:7100] = np.nan  # 28 s, in the third strip

        whole, holed = cut(record()), cut(record(change=gap))
        assert holed.left_out == {"with invalid samples": 1, "beyond 400 of one rhythm in one record": 0}
        assert np.isfinite(holed.samples).all()
        np.testing.assert_allclose(holed.samples, whole.samples[[0, 1, 3, 4]], atol=0.02)

    def test_strips_with_a_lead_that_is_off_are_left_out(self, record: Callable[..., Path]) -> None:
        def off(signals: dict[str, npt.NDArray[np.float64]]) -> None:
            signals["V1"][7000:7600] = 0.3

        strips = cut(record(change=off))
        assert strips.left_out["with a lead that is flat for more than 2 s"] == 1
        assert len(strips.samples) == 4

    def test_a_record_shorter_than_a_strip_gives_none(self, record: Callable[..., Path]) -> None:
        for seconds in (4.0, 10.1):
            strips = cut(record(seconds=seconds))
            assert strips.samples.shape == (0, 2, STRIP_LENGTH)

    def test_a_rate_too_slow_for_an_ecg_or_no_fraction_of_125_hz_is_refused(self, record: Callable[..., Path]) -> None:
        with pytest.raises(DataError, match="its sampling rate is 50 Hz, not 100 to 10000"):
            cut(record(fs=50.0))
        with pytest.raises(DataError, match=r"250\.0007 Hz is no simple fraction of 125 Hz"):
            cut(record(fs=250.0007, seconds=3600.0, beat_s=[1.0]))

    def test_annotations_beyond_the_record_are_refused(self, record: Callable[..., Path]) -> None:
        folder = record()
        annotate(folder, "atr", [(0, "+", "(N"), (15_000, "N", "")])
        with pytest.raises(DataError, match=r"annotation at sample 15000, and the record ends at 14999"):
            cut(folder)


class TestLeads:
    @pytest.mark.parametrize(
        ("leads", "units", "chosen"),
        [
            (["V5", "MLII"], ["mV", "mV"], ("MLII", "V5")),
            (["I", "II", "III", "V1"], ["mV"] * 4, ("II", "V1")),
            (["ECG1", "ECG2"], ["mV"] * 2, ("ECG1", "ECG2")),
            (["RESP", "ABP", "MLIII", "V4"], ["mV/mV", "mmHg", "mV", "mV"], ("MLIII", "V4")),
        ],
    )
    def test_they_are_chosen_by_name_and_unit(
        self, record: Callable[..., Path], leads: list[str], units: list[str], chosen: tuple[str, str]
    ) -> None:
        assert cut(record(leads=leads, units=units)).leads == chosen

    def test_a_record_with_one_lead_gives_nothing(self, record: Callable[..., Path]) -> None:
        assert cut_strips(record(leads=["II"], units=["mV"]), "r", ORIGIN) is None
        assert cut_strips(record(leads=["II", "ABP"], units=["mV", "mmHg"]), "r", ORIGIN) is None
