"""Reading MIT-BIH: windows, units, classes and split are right, and every bad file is named with a remedy."""

import math
import os
import re
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import wfdb
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets import Dataset, load_dataset
from edgeward.training.datasets.beats.definition import R_SAMPLE, WINDOW_LENGTH
from edgeward.training.datasets.beats.mitbih import DS1, DS2, RECORDS, load_mitbih
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.ecg.beat_classes import AAMI_CLASS_OF_SYMBOL

RATE = 360
SECONDS = 60
LENGTH = RATE * SECONDS
TINY = {"train": ["301"], "validation": ["302"], "test": ["303"]}
# About once a second, on every fraction of a sample of the new rate but one half, which has two nearest.
BEAT_SAMPLES = np.array([sample for sample in range(461, 20_700, 361) if sample * 25 % 36 != 18])


def pulses(at: npt.NDArray[np.int64], height_mv: float, width: float = 6.0) -> npt.NDArray[np.float64]:
    time = np.arange(LENGTH)
    bells = [height_mv * np.exp(-0.5 * ((time - sample) / width) ** 2) for sample in at]
    return np.asarray(np.sum(bells, axis=0))


def write_record(
    folder: Path,
    name: str,
    *,
    samples: npt.NDArray[np.int64] = BEAT_SAMPLES,
    symbols: Sequence[str] | None = None,
    signal: npt.NDArray[np.float64] | None = None,
    leads: Sequence[str] = ("MLII", "V1"),
    fs: int = RATE,
    fmt: str = "212",
) -> None:
    """One record of a minute: 1 mV pulses in the first lead named MLII, -0.5 mV ones in the other."""
    folder.mkdir(exist_ok=True)
    if signal is None:
        heights = [1.0 if lead == "MLII" else -0.5 for lead in leads]
        signal = np.stack([pulses(samples, height) for height in heights], axis=1)
    channels = signal.shape[1]
    wfdb.wrsamp(
        name,
        fs=fs,
        units=["mV"] * channels,
        sig_name=list(leads),
        p_signal=signal,
        fmt=[fmt] * channels,
        adc_gain=[200.0] * channels,
        baseline=[0] * channels,
        write_dir=str(folder),
    )
    marks = list(symbols) if symbols is not None else ["N"] * len(samples)
    wfdb.wrann(name, "atr", np.asarray(samples), symbol=marks, write_dir=str(folder))


@pytest.fixture(scope="module")
def good_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for names in TINY.values():
        write_record(folder, names[0])
    return folder


@pytest.fixture
def folder(good_records: Path, tmp_path: Path) -> Path:
    """Three small good records, one a split, to damage at will."""
    return Path(shutil.copytree(good_records, tmp_path / "db"))


def load(folder: Path, classes: Sequence[str] = ("N",)) -> Dataset:
    return load_mitbih(folder, classes=classes, records=TINY)


class TestWindows:
    def test_the_annotated_sample_is_at_the_r_sample_after_resampling(self, folder: Path) -> None:
        split = load(folder).train
        assert len(split) == len(BEAT_SAMPLES)
        assert split.samples.shape[1:] == (2, WINDOW_LENGTH)
        assert set(split.samples[:, 0].argmax(axis=1).tolist()) == {R_SAMPLE}
        assert set(split.samples[:, 1].argmin(axis=1).tolist()) == {R_SAMPLE}

    def test_filter_and_resampling_shift_nothing(self, folder: Path) -> None:
        """The peak between the samples, from the parabola through the logarithm of a bell."""
        exact = BEAT_SAMPLES * 250 / 360
        lead = load(folder).train.samples[:, 0].astype(np.float64) + 0.06  # what the high-pass took from the foot
        before, at, after = np.log(lead[:, R_SAMPLE - 1 : R_SAMPLE + 2]).T
        offset = (before - after) / (2 * (before - 2 * at + after))
        np.testing.assert_allclose(offset, exact - np.round(exact), atol=0.03)
        assert np.ptp(offset) > 0.9

    def test_values_outside_the_channel_are_clipped_and_counted(self, folder: Path) -> None:
        write_record(folder, "303", signal=np.stack([pulses(BEAT_SAMPLES, 8.0), pulses(BEAT_SAMPLES, -0.5)], axis=1))
        dataset = load(folder)
        assert dataset.test.samples.max() == np.float32(dataset.schema.channels[0].maximum)
        assert re.search(r"[1-9]\d* samples lay outside -5.12 to 5.12 mV", " ".join(dataset.provenance.notes))

    def test_values_are_millivolts(self, folder: Path) -> None:
        dataset = load(folder)
        assert [channel.unit for channel in dataset.schema.channels] == ["mV", "mV"]
        assert dataset.schema.sampling_rate_hz == 250
        # The high-pass takes the pulses' own mean (0.042 mV) and a little of their foot.
        np.testing.assert_allclose(dataset.train.samples[:, 0, R_SAMPLE], 1.0, atol=0.06)
        np.testing.assert_allclose(dataset.train.samples[:, 1, R_SAMPLE], -0.5, atol=0.03)

    def test_baseline_wander_is_taken_out_without_moving_or_shrinking_the_beat(self, tmp_path: Path) -> None:
        time_s = np.arange(LENGTH) / RATE
        clean = np.stack([pulses(BEAT_SAMPLES, 1.0), pulses(BEAT_SAMPLES, -0.5)], axis=1)
        wander = 0.8 + 0.6 * np.sin(2 * np.pi * 0.1 * time_s)
        for names in TINY.values():
            write_record(tmp_path / "clean", names[0], signal=clean)
            write_record(tmp_path / "wander", names[0], signal=clean + wander[:, None])
        with_wander, without = load(tmp_path / "wander").train.samples, load(tmp_path / "clean").train.samples
        np.testing.assert_allclose(with_wander[2:-2], without[2:-2], atol=0.02)

    def test_windows_past_the_ends_are_left_out_and_counted(self, folder: Path) -> None:
        # 96 samples at 250 Hz are 138.24 at 360 Hz, 160 are 230.4.
        samples = np.array([137, 139, *BEAT_SAMPLES[1:-1], LENGTH - 231, LENGTH - 229])
        symbols = ["V", *["N"] * (len(samples) - 2), "F"]
        write_record(folder, "301", samples=samples, symbols=symbols)
        dataset = load(folder)
        assert len(dataset.train) == len(samples) - 2
        note = next(note for note in dataset.provenance.notes if "past an end" in note)
        assert note.startswith("In train, 2 beats are left out")
        assert note.endswith("V 1, F 1.")

    def test_swapped_channels_are_put_right_by_name(self, folder: Path) -> None:
        write_record(folder, "301", leads=("V5", "MLII"))
        dataset = load(folder)
        assert [channel.name for channel in dataset.schema.channels] == ["MLII", "V"]
        assert dataset.train.samples[:, 0, R_SAMPLE].min() > 0.9
        assert dataset.train.samples[:, 1, R_SAMPLE].max() < -0.4
        assert "The chest lead is V1 except in 301 V5." in dataset.provenance.notes


class TestClassesAndSplit:
    def test_symbols_become_their_aami_class_and_others_are_no_beats(self, tmp_path: Path) -> None:
        symbols = [
            "N",
            "L",
            "R",
            "e",
            "j",
            "A",
            "a",
            "J",
            "S",
            "V",
            "E",
            "F",
            "/",
            "f",
            "Q",
            "+",
            "~",
            "!",
            '"',
            "x",
        ]
        expected = "N" * 5 + "S" * 4 + "V" * 2 + "F" + "Q" * 3
        samples = np.arange(1, 1 + len(symbols)) * 361
        for names in TINY.values():
            write_record(tmp_path, names[0], samples=samples, symbols=symbols)
        # Five records of these hold enough of N alone; the other classes are told by what is said of them.
        records = {**TINY, "train": [f"30{n}" for n in range(4, 9)]}
        for name in records["train"]:
            write_record(tmp_path, name, samples=samples, symbols=symbols)
        dataset = load_mitbih(tmp_path, classes=["N", "S"], records=records)
        assert dataset.test.columns["beat_class"].tolist() == [0.0] * 5 + [1.0] * 4
        notes = "\n".join(dataset.provenance.notes)
        for name in "VFQ":
            assert f"Class {name} is left out: {5 * expected.count(name)} beats in train" in notes
        assert f"{5 * 7} annotations mark no beat" in notes

    def test_recorded_and_simulated_beats_have_the_same_schema(self, folder: Path) -> None:
        simulated = simulate_beats(patients=(1, 1, 1), beats_per_patient=50, classes=["N"])
        assert load(folder).schema == simulated.schema

    def test_patients_are_record_names_and_splits_as_given(self, folder: Path) -> None:
        dataset = load(folder)
        for split, name in ((dataset.train, "301"), (dataset.validation, "302"), (dataset.test, "303")):
            assert set(split.patients.tolist()) == {name}
            assert len(split.patients) == len(split) == len(split.columns["beat_class"])

    def test_the_default_split_is_the_published_one_with_validation_out_of_ds1(self) -> None:
        assert sorted([*RECORDS["train"], *RECORDS["validation"]]) == list(DS1)
        assert RECORDS["test"] == DS2
        assert RECORDS["validation"] == ("114", "124", "205", "223")
        assert len(set(DS1) | set(DS2)) == 44
        assert not {"102", "104", "107", "217"} & (set(DS1) | set(DS2))

    def test_201_and_202_in_different_splits_are_noted_as_one_person(self, folder: Path) -> None:
        write_record(folder, "201")
        write_record(folder, "202")
        records = {"train": ["201"], "validation": ["302"], "test": ["202"]}
        notes = load_mitbih(folder, classes=["N"], records=records).provenance.notes
        assert any("201 (train) and 202 (test) are the same person" in note for note in notes)
        others = load(folder).provenance.notes
        assert not any("same person" in note or "de Chazal" in note for note in others)

    def test_a_class_held_by_one_record_is_noted(self, folder: Path) -> None:
        write_record(folder, "304", symbols=["V"] * 25 + ["N"] * (len(BEAT_SAMPLES) - 25))
        records = {**TINY, "train": ["301", "304"]}
        notes = load_mitbih(folder, classes=["N", "V"], records=records).provenance.notes
        assert any("25 of the 25 V beats in train are of record 304" in note for note in notes)

    def test_a_class_with_too_few_beats_to_learn_is_refused(self, folder: Path) -> None:
        write_record(folder, "301", symbols=["V"] * 19 + ["N"] * (len(BEAT_SAMPLES) - 19))
        with pytest.raises(DataError, match=r"beat class V has 19 beats .* at least 20 .* --classes N$"):
            load(folder, classes=("N", "V"))
        with pytest.raises(DataError, match="beat class Q has 0 beats in the train split"):
            load(folder, classes=("N", "Q"))

    def test_an_unknown_class_is_refused(self, folder: Path) -> None:
        with pytest.raises(RequestError, match="no beat class 'X'; give some of N,S,V,F,Q"):
            load(folder, classes=("N", "X"))

    @pytest.mark.parametrize(
        "records",
        [{"train": ["301"]}, {**TINY, "test": []}, {**TINY, "test": ["301"]}, {**TINY, "more": ["304"]}],
    )
    def test_records_that_are_not_three_separate_splits_are_refused(
        self, folder: Path, records: dict[str, list[str]]
    ) -> None:
        with pytest.raises(RequestError, match="records must name train, validation and test"):
            load_mitbih(folder, classes=["N"], records=records)


class TestProvenance:
    def test_the_digest_is_of_the_content(self, folder: Path, tmp_path: Path) -> None:
        for names in TINY.values():
            write_record(tmp_path / "copy", names[0])
        first = load(folder).provenance.digest
        assert re.fullmatch("[0-9a-f]{64}", first)
        assert load(tmp_path / "copy").provenance.digest == first
        other = pulses(BEAT_SAMPLES, 1.0)
        other[BEAT_SAMPLES[3] + 40] += 0.01
        write_record(tmp_path / "copy", "303", signal=np.stack([other, pulses(BEAT_SAMPLES, -0.5)], axis=1))
        assert load(tmp_path / "copy").provenance.digest != first

    def test_source_licence_and_attribution_are_told(self, folder: Path) -> None:
        provenance = load(folder).provenance
        assert not provenance.synthetic
        assert "MIT-BIH" in provenance.source
        assert provenance.licence == "ODC-BY-1.0"
        assert "Moody" in provenance.attribution
        assert "Goldberger" in provenance.attribution

    def test_progress_counts_records(self, folder: Path) -> None:
        seen: list[tuple[int, int, str]] = []
        load_mitbih(folder, classes=["N"], records=TINY, on_progress=lambda *step: seen.append(step))
        assert seen == [(1, 3, "record 301"), (2, 3, "record 302"), (3, 3, "record 303")]


def edit_header(folder: Path, old: str, new: str) -> None:
    header = folder / "301.hea"
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def hide_samples(folder: Path) -> None:
    signal = np.stack([pulses(BEAT_SAMPLES, 1.0), pulses(BEAT_SAMPLES, -0.5)], axis=1)
    signal[720:730, 1] = np.nan
    write_record(folder, "301", signal=signal)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3000] ^= 1
    path.write_bytes(bytes(content))


# annot(5): a word is (type << 10) + interval; after SKIP, type 59, comes a 32-bit interval, high half first.
BACKWARDS = struct.pack("<HHHHHH", 1 << 10 | 900, 59 << 10, 0xFFFF, 0xFF00, 1 << 10, 0)

Damage = Callable[[Path], object]
BAD_RECORDS: dict[str, tuple[Damage, str]] = {
    "no dat": (lambda db: (db / "301.dat").unlink(), r"301\.dat is missing"),
    "no atr": (lambda db: (db / "301.atr").unlink(), r"301\.atr is missing"),
    "truncated dat": (
        lambda db: cut(db / "301.dat", 50_000),
        r"301\.dat is truncated: 50000 bytes, its header says 64800",
    ),
    "dat of another record": (
        lambda db: (db / "301.dat").write_bytes(b"\1" * 90_000),
        r"301\.dat is too long",
    ),
    "flipped bit": (lambda db: flip_a_bit(db / "301.dat"), r"301\.dat is damaged: .* checksum"),
    "empty header": (lambda db: (db / "301.hea").write_bytes(b""), r"301\.hea is not a WFDB header"),
    "binary header": (
        lambda db: (db / "301.hea").write_bytes(bytes(range(256))),
        r"301\.hea is not a WFDB header",
    ),
    "text header": (lambda db: (db / "301.hea").write_text("Dear Sir,\nno data.\n"), r"301\.hea is not"),
    "endless header": (
        lambda db: (db / "301.hea").write_bytes(b"# " * 40_000),
        r"301\.hea is .* larger than",
    ),
    "half a header": (lambda db: cut(db / "301.hea", 40), r"301\.hea is not"),
    "one signal": (
        lambda db: write_record(db, "301", leads=("MLII",), signal=pulses(BEAT_SAMPLES, 1.0)[:, None]),
        r"301\.hea is not the header of an MIT-BIH .* two signals",
    ),
    "three signals": (
        lambda db: write_record(db, "301", leads=("MLII", "V1", "V2")),
        r"301\.hea is not the header of an MIT-BIH .* two signals",
    ),
    "several segments": (
        lambda db: (db / "301.hea").write_text("301/2 2 360 21600\n302 10800\n303 10800\n"),
        r"301\.hea is not the header of an MIT-BIH .* one segment",
    ),
    "no MLII": (
        lambda db: write_record(db, "301", leads=("V5", "V2")),
        r"its leads are V5 and V2, .* must be MLII",
    ),
    "no chest lead": (lambda db: write_record(db, "301", leads=("MLII", "PLETH")), r"second lead is 'PLETH'"),
    "other rate": (lambda db: write_record(db, "301", fs=250), r"its sampling rate is 250 Hz, not 360"),
    "other format": (lambda db: write_record(db, "301", fmt="16"), r"signals are of format 16/16, not 212"),
    "other unit": (lambda db: edit_header(db, "/mV", "/uV"), r"not in mV with a positive gain"),
    "other file": (
        lambda db: edit_header(db, "301.dat", "302.dat"),
        r"signals are not the whole of 301\.dat",
    ),
    "too short": (lambda db: edit_header(db, " 21600", " 300"), r"describes less than 10 s"),
    "empty atr": (
        lambda db: (db / "301.atr").write_bytes(b""),
        r"301\.atr is truncated or no annotation file",
    ),
    "truncated atr": (lambda db: cut(db / "301.atr", 60), r"301\.atr is truncated or no annotation file"),
    "atr of odd size": (lambda db: cut(db / "301.atr", 61), r"301\.atr is truncated or no annotation file"),
    "atr without beats": (lambda db: (db / "301.atr").write_bytes(b"\0\0"), r"301\.atr holds no annotations"),
    "junk atr": (
        lambda db: (db / "301.atr").write_bytes(b"\xff" * 600 + b"\0\0"),
        r"301\.atr is no WFDB annotation file, or is damaged",
    ),
    "atr backwards": (lambda db: (db / "301.atr").write_bytes(BACKWARDS), r"301\.atr .* run backwards"),
    "atr beyond the end": (
        lambda db: wfdb.wrann("301", "atr", np.array([500, LENGTH]), symbol=["N", "N"], write_dir=str(db)),
        r"301\.atr .* annotation at sample 21600, and the record ends at 21599",
    ),
    "invalid samples": (
        hide_samples,
        r"301\.dat: V1 has 10 invalid samples, the first at sample 720 \(2\.00 s\)",
    ),
}


class TestBadInput:
    @pytest.mark.parametrize(("damage", "message"), BAD_RECORDS.values(), ids=BAD_RECORDS)
    def test_a_bad_record_is_refused_by_name_with_cause_and_remedy(
        self, folder: Path, damage: Damage, message: str
    ) -> None:
        damage(folder)
        with pytest.raises(DataError, match=message) as refused:
            load(folder)
        said = str(refused.value)
        assert "; " in said, "there is no remedy"
        assert "\n" not in said
        assert "Traceback" not in said

    def test_random_annotation_bytes_are_a_data_error(self, folder: Path) -> None:
        generator = np.random.default_rng(0)
        for _ in range(60):
            junk = generator.integers(0, 256, 2 * int(generator.integers(1, 200)), dtype=np.uint8).tobytes()
            (folder / "301.atr").write_bytes(junk + b"\0\0")
            with pytest.raises(DataError):  # a few bytes may spell annotations by chance: too few beats, then
                load(folder)

    def test_a_header_with_wrong_characters_is_read_or_refused_but_never_breaks(self, folder: Path) -> None:
        generator = np.random.default_rng(0)
        header = folder / "301.hea"
        good = header.read_bytes()
        refused = 0
        for _ in range(60):
            content = bytearray(good)
            for place in generator.integers(0, len(good), 3).tolist():
                content[place] = int(generator.integers(9, 127))
            header.write_bytes(bytes(content))
            try:
                load(folder)
            except DataError:
                refused += 1
        assert refused > 30

    def test_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no folder .*nowhere; download .* or use the data 'simulated'"):
            load_dataset("ecg-beats", tmp_path / "nowhere")

    def test_a_folder_without_records_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("nothing here")
        with pytest.raises(DataError, match=r"holds no WFDB header .* download"):
            load_dataset("ecg-beats", str(tmp_path))

    def test_the_folder_above_the_records_is_answered_with_the_right_one(self, folder: Path) -> None:
        with pytest.raises(DataError, match=r"holds no WFDB header .* name .*db instead"):
            load_dataset("ecg-beats", folder.parent)

    def test_missing_records_are_listed(self, tmp_path: Path) -> None:
        for name in (*DS1, *DS2[:-2]):
            (tmp_path / f"{name}.hea").write_text("")
        with pytest.raises(DataError, match=r"lacks the headers of 2 of 44 .*half a download\?\): 233, 234;"):
            load_dataset("ecg-beats", tmp_path)

    def test_a_folder_name_with_odd_characters_is_read(self, folder: Path) -> None:
        odd = folder.rename(folder.parent / "d b [1] # é")
        assert len(load(odd).train) == len(BEAT_SAMPLES)


@pytest.mark.real_data
def test_the_real_database_gives_the_published_counts() -> None:
    """Those of de Chazal et al. 2004, less the beats that the notes say reach past a record's end."""
    folder = Path(os.environ.get("EDGEWARD_DATA", "unset")) / "mitdb"
    if not folder.is_dir():
        pytest.skip("EDGEWARD_DATA names no folder that holds mitdb/")
    dataset = load_dataset("ecg-beats", folder)
    notes = " ".join(dataset.provenance.notes)
    assert "as published by de Chazal" in notes
    left_out: Counter[tuple[str, str]] = Counter()
    for split, listed in re.findall(r"In (\w+), \d+ beats are left out as [^:]*: ([^.]*)\.", notes):
        for name, count in re.findall(r"(\w) (\d+)", listed):
            left_out[split, name] += int(count)
    assert sum(left_out.values()) == count_past_the_ends(folder)

    def found(name: str, *splits: str) -> int:
        kept = [np.sum(getattr(dataset, split).columns["beat_class"] == "NSVF".index(name)) for split in splits]
        return int(np.sum(kept)) + sum(left_out[split, name] for split in splits)

    ds1 = {name: found(name, "train", "validation") for name in "NSVF"}
    assert ds1 == {"N": 45866, "S": 944, "V": 3788, "F": 415}
    assert {name: found(name, "test") for name in "NSVF"} == {"N": 44259, "S": 1837, "V": 3221, "F": 388}
    assert "Class Q is left out: 8 beats in train, 0 beats in validation, 7 beats in test." in notes
    assert "The chest lead is V1 except in 100 V5, 103 V2, 114 V5, 117 V2, 123 V5, 124 V4." in notes
    assert "lay outside" not in notes
    for split in (dataset.train, dataset.validation, dataset.test):
        assert np.isfinite(split.samples).all()
        assert set(split.columns["beat_class"].tolist()) == {0.0, 1.0, 2.0, 3.0}


def count_past_the_ends(folder: Path) -> int:
    """Beats nearer to an end of their record than their window reaches, counted without our reader."""
    total = 0
    for name in (*DS1, *DS2):
        annotation = wfdb.rdann(str(folder / name), "atr")
        at = np.round(annotation.sample[np.isin(annotation.symbol, list(AAMI_CLASS_OF_SYMBOL))] / 360 * 250)
        total += int(np.sum((at < 96) | (at + 160 > math.ceil(650_000 * 250 / 360))))
    return total
