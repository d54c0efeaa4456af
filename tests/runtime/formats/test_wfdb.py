"""The wfdb library reads the records: samples, units, annotations, comments."""

from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Generator, RequestError
from edgeward.runtime.formats.events import Event
from edgeward.runtime.formats.text import ascii_text
from edgeward.runtime.formats.wfdb import WFDB, wfdb_scale
from edgeward.runtime.formats.wfdb_annotations import annotation_bytes
from edgeward.runtime.schema import Channel
from hypothesis import given, settings
from hypothesis import strategies as st

wfdb = pytest.importorskip("wfdb")


def ignore(done: int) -> None:
    pass


@pytest.mark.parametrize("name", ["beats", "strips", "stays"])
def test_wfdb_reads_what_was_generated_within_half_a_step(
    generators: dict[str, Generator], tmp_path: Path, name: str
) -> None:
    generator = generators[name]
    WFDB.write(generator.series(5, seed=3, first=7), tmp_path / "records", ignore)
    batch = generator.generate(5, seed=3, first=7)
    for position in range(5):
        record = wfdb.rdrecord(str(tmp_path / "records" / f"synthetic_{7 + position:09d}"))
        assert record.sig_name == [channel.name for channel in batch.channels]
        assert record.fs == pytest.approx(batch.sampling_rate_hz, rel=1e-12)
        assert record.base_date is None
        steps = 1 / np.array(record.adc_gain)
        samples = batch.samples[position].T.astype(np.float64)
        np.testing.assert_array_equal(np.isnan(record.p_signal), np.isnan(samples))
        assert np.nanmax(np.abs(record.p_signal - samples) / steps) <= 0.5 + 1e-6
        ranges = np.array([channel.maximum - channel.minimum for channel in batch.channels])
        assert (steps < ranges / 65_500).all()


def test_units_are_those_of_physionet(generators: dict[str, Generator], tmp_path: Path) -> None:
    WFDB.write(generators["strips"].series(1, seed=3), tmp_path / "one.hea", ignore)
    assert wfdb.rdrecord(str(tmp_path / "one")).units == ["mV", "mmHg"]


def test_the_checksums_are_those_of_the_samples(generators: dict[str, Generator], tmp_path: Path) -> None:
    WFDB.write(generators["strips"].series(1, seed=3), tmp_path / "one.hea", ignore)
    record = wfdb.rdrecord(str(tmp_path / "one"), physical=False)
    assert [(found - sum(row)) % 2**16 for found, row in zip(record.checksum, record.d_signal.T, strict=True)] == [0, 0]
    assert record.init_value == record.d_signal[0].tolist()


def test_a_beats_class_is_annotated_at_its_r_peak(generators: dict[str, Generator], tmp_path: Path) -> None:
    for symbol in ("N", "S", "V"):
        series = generators["beats"].series(1, condition={"beat_class": symbol}, seed=3)
        WFDB.write(series, tmp_path / f"{symbol}.hea", ignore)
        found = wfdb.rdann(str(tmp_path / symbol), "atr")
        assert found.sample.tolist() == [1, 96]
        assert found.symbol == ['"', symbol]
        assert found.aux_note[0].startswith("SYNTHETIC DATA")


def test_a_strips_rhythm_is_annotated_from_its_beginning(generators: dict[str, Generator], tmp_path: Path) -> None:
    series = generators["strips"].series(1, condition={"rhythm": "AFIB", "heart_rate": 80.25}, seed=3)
    WFDB.write(series, tmp_path / "one.hea", ignore)
    found = wfdb.rdann(str(tmp_path / "one"), "atr")
    assert found.symbol == ["+", '"', '"']
    assert found.sample.tolist() == [0, 1, 1]
    assert found.aux_note[0] == "(AFIB"
    assert found.aux_note[1].startswith("SYNTHETIC DATA")
    assert found.aux_note[2] == "heart_rate=80.25 /min"


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_a_scale_spreads_any_range_without_leaving_16_bits(minimum: float, width: float) -> None:
    channel = Channel("x", "1", minimum, minimum + width)
    gain, baseline, scale = wfdb_scale(channel)
    assert float(repr(gain)) == gain
    assert abs(baseline) < 2**31
    ends = scale.digital(np.array([channel.minimum, channel.maximum]))
    assert -32767 <= ends[0] < ends[1] <= 32767
    assert scale.step <= max(width / 65_500, abs(minimum + width / 2) / 2**30.9)


@pytest.mark.parametrize("name", ["a b.hea", "ä.hea", "x.y.hea", "x" * 51 + ".hea"])
def test_a_name_that_is_none_for_a_record_is_refused(
    generators: dict[str, Generator], tmp_path: Path, name: str
) -> None:
    with pytest.raises(RequestError, match="a WFDB record is called by letters"):
        WFDB.write(generators["beats"].series(1, seed=3), tmp_path / name, ignore)
    assert not list(tmp_path.iterdir())


def test_an_event_far_from_the_beginning_is_found_at_its_sample(tmp_path: Path) -> None:
    events = [Event(0, "rhythm", "N", ""), *(Event(sample, "event", "V", "") for sample in (1023, 2047, 100_000))]
    (tmp_path / "one.atr").write_bytes(annotation_bytes(events))
    assert wfdb.rdann(str(tmp_path / "one"), "atr").sample.tolist() == [0, 1023, 2047, 100_000]


@settings(max_examples=20)
@given(st.text(max_size=400))
def test_no_text_breaks_the_annotations_or_the_header(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("text")
    events = [Event(5, "note", text, text), Event(9, "rhythm", text, ""), Event(20, "event", "V", "")]
    (folder / "one.atr").write_bytes(annotation_bytes(events))
    found = wfdb.rdann(str(folder / "one"), "atr")
    assert found.sample.tolist() == [5, 9, 20]
    assert found.symbol == ['"', "+", "V"]
    assert found.aux_note[1] == "(" + ascii_text(text, 254)
