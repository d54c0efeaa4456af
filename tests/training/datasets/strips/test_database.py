"""Strips of a whole database: splits by patient, classes by what there is, and what is wrong with a folder is said."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from edgeward.benchmarks.quality.fidelity.strips import mean_rr_ms
from edgeward.benchmarks.quality.judge import scored_classes
from edgeward.runtime.errors import DataError, RequestError
from edgeward.training.datasets import Dataset, Split, load_dataset
from edgeward.training.datasets.ecg.mitbih_database import DS1, DS2, PACED
from edgeward.training.datasets.hashed_split import split_of
from edgeward.training.datasets.records import task_of
from edgeward.training.datasets.strips.database import MITBIH_RECORDS, load_strips
from edgeward.training.datasets.strips.definition import strip_schema

SPLITS = ("train", "validation", "test")
# By the hash of their names four of these are for training, one for validation, three for test.
NAMES = ["p2", "p3", "p5", "p6", "p4", "p1", "p13", "p18"]


def splits(dataset: Dataset) -> dict[str, Split]:
    return {name: getattr(dataset, name) for name in SPLITS}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, write_record: Callable[..., None]) -> Path:
    """Records of 230 s at 250 Hz, format 212: eleven strips of sinus rhythm, then eleven of fibrillation."""
    folder = tmp_path_factory.mktemp("whole") / "toydb"
    for name in NAMES:
        times = np.arange(230 * 250) / 250
        beats = np.arange(0.3, 229.9, 0.8)
        trace = np.exp(-0.5 * ((times[:, None] - beats) / 0.02) ** 2).sum(axis=1)
        trace += 0.01 * np.sin(2 * np.pi * 17.0 * times)
        comments = [f"Age: 50  Sex: {'F' if name == 'p1' else 'M'}"]
        write_record(
            folder, name, {"ECG1": trace, "ECG2": -trace}, fs=250, units=["mV"] * 2, fmt="212", comments=comments
        )
        marks = sorted([(round(at * 250), "N", "") for at in beats] + [(0, "+", "(N"), (115 * 250, "+", "(AFIB")])
        samples, symbols, notes = zip(*marks, strict=True)
        wfdb.wrann(name, "atr", np.array(samples), list(symbols), aux_note=list(notes), write_dir=str(folder))
    return folder


@pytest.fixture(scope="module")
def dataset(whole: Path) -> Dataset:
    return load_strips(whole)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "db"))


class TestDatabase:
    def test_patients_fall_into_splits_by_the_hash_of_their_names(self, dataset: Dataset) -> None:
        found = splits(dataset)
        for name, split in found.items():
            expected = {patient for patient in NAMES if split_of(patient) == name}
            assert set(split.patients.tolist()) == expected
            assert len(split) == 22 * len(expected)

    def test_shares_are_60_20_20_and_a_name_never_moves(self) -> None:
        counts = Counter(split_of(f"patient {k}") for k in range(20_000))
        assert [counts[name] / 20_000 for name in SPLITS] == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
        # `printf NAME | sha256sum` begins with 6283, c078 and f645.
        assert [split_of(name) for name in ("08378", "04015", "p1")] == ["train", "validation", "test"]

    def test_records_of_one_subject_are_one_patient(self, folder: Path) -> None:
        for name in ("p2", "p18"):
            header = folder / f"{name}.hea"
            header.write_text(header.read_text() + "# <subject>: s7\n")
        found = splits(load_strips(folder, classes=["N", "AFIB"]))
        assert [name for name, split in found.items() if "s7" in split.patients] == [split_of("s7")]
        assert (found[split_of("s7")].patients == "s7").sum() == 44
        assert not {"p2", "p18"} & {patient for split in found.values() for patient in split.patients.tolist()}

    def test_schema_and_columns_are_those_of_strips(self, dataset: Dataset) -> None:
        assert [channel.name for channel in dataset.schema.channels] == ["ECG1", "ECG2"]
        assert dataset.schema.shape == strip_schema().shape == (2, 1280)
        assert dataset.label.values == ("N", "AFIB")
        assert dataset.label.shares == (0.5, 0.5)
        assert dataset.train.columns["heart_rate"] == pytest.approx(75.0, abs=0.2)
        assert dataset.train.columns["rhythm"][:22].tolist() == [0.0] * 11 + [1.0] * 11
        assert set(dataset.train.attributes["age"].tolist()) == {"45 to 64"}
        sexes: dict[str, str] = {}
        for split in splits(dataset).values():
            sexes.update(zip(split.patients.tolist(), split.attributes["sex"].tolist(), strict=True))
        assert sexes == {name: "F" if name == "p1" else "M" for name in NAMES}

    def test_provenance_says_the_kind_the_folder_and_the_split(self, whole: Path, dataset: Dataset) -> None:
        provenance = dataset.provenance
        assert (provenance.kind, provenance.synthetic) == ("ecg-strips", False)
        assert "toydb" in provenance.source
        assert any("60/20/20 by a hash of the patient's name" in note for note in provenance.notes)
        assert re.fullmatch("[0-9a-f]{64}", provenance.digest)
        assert load_strips(whole).provenance.digest == provenance.digest

    def test_asked_for_classes_are_kept_alone(self, whole: Path) -> None:
        dataset = load_strips(whole, classes=["AFIB"])
        assert dataset.label.values == ("AFIB",)
        assert set(dataset.train.columns["rhythm"].tolist()) == {0.0}
        assert any(note.startswith("Left out, rhythm N: ") for note in dataset.provenance.notes)

    def test_records_without_two_leads_are_left_out_by_name(
        self, folder: Path, write_record: Callable[..., None]
    ) -> None:
        write_record(folder, "q1", {"II": np.zeros(3000)}, fs=250, units=["mV"])
        (folder / "q2.hea").write_text("q2 0 250 9000\n")
        notes = load_strips(folder).provenance.notes
        assert "2 records without two signals in mV are left out: q1, q2." in notes

    def test_progress_counts_records(self, whole: Path) -> None:
        seen: list[tuple[int, int, str]] = []
        load_strips(whole, on_progress=lambda *step: seen.append(step))
        assert [step[:2] for step in seen] == [(k, 8) for k in range(1, 9)]


class TestTooLittle:
    def test_a_class_of_too_few_patients_is_left_out_unless_it_is_asked_for(self, folder: Path) -> None:
        train = [name for name in NAMES if split_of(name) == "train"]
        for name in train[2:]:
            silence(folder, name)
        dataset = load_strips(folder, classes=["N", "AFIB"])
        assert "What can be learnt of rhythm AFIB is that of 2 patients, not more." in dataset.provenance.notes
        assert load_strips(folder).label.values == ("N",)

    def test_a_class_of_too_few_strips_is_refused(self, folder: Path) -> None:
        for name in NAMES:
            if split_of(name) == "train":
                silence(folder, name)
        with pytest.raises(DataError, match=r"rhythm AFIB has 0 strips in the train .* 20 .* with --classes N$"):
            load_strips(folder, classes=["N", "AFIB"])

    def test_a_split_that_nobody_falls_into_is_refused(self, folder: Path) -> None:
        for name in NAMES:
            if split_of(name) == "test":
                (folder / f"{name}.hea").unlink()
        with pytest.raises(DataError, match="too few records: none .* gives strips to test; add records"):
            load_strips(folder)

    def test_too_few_patients_of_every_class_are_refused_with_what_there_is(self, folder: Path) -> None:
        for name in [name for name in NAMES if split_of(name) == "test"][2:]:
            (folder / f"{name}.hea").unlink()
        with pytest.raises(DataError, match=r"no rhythm has 20 strips of 3 patients in train and .* rhythm N: "):
            load_strips(folder)

    def test_a_folder_without_ecgs_is_refused(self, tmp_path: Path, write_record: Callable[..., None]) -> None:
        write_record(tmp_path, "a", {"PLETH": np.zeros(3000)}, fs=125, units=["NU"])
        (tmp_path / "a.atr").touch()
        with pytest.raises(DataError, match="no record has two signals in mV"):
            load_strips(tmp_path)


def silence(folder: Path, name: str) -> None:
    """Take the fibrillation out of a record's annotations."""
    found = wfdb.rdann(str(folder / name), "atr")
    notes = ["" if "AFIB" in note else note.strip("\0") for note in found.aux_note]
    wfdb.wrann(name, "atr", found.sample, found.symbol, aux_note=notes, write_dir=str(folder))


class TestBadInput:
    def test_an_unknown_rhythm_is_refused_before_anything_is_read(self, tmp_path: Path) -> None:
        with pytest.raises(RequestError, match=r"there is no rhythm 'AF'; give some of N,SBR,AFIB,"):
            load_strips(tmp_path / "none", classes=["AF"])

    def test_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no folder .*none; name a folder of WFDB records"):
            load_dataset("ecg-strips", tmp_path / "none")

    def test_the_folder_above_is_answered_with_the_right_one(self, folder: Path) -> None:
        with pytest.raises(DataError, match="name .*db instead"):
            load_dataset("ecg-strips", folder.parent)

    def test_records_without_any_annotations_are_another_database(self, folder: Path) -> None:
        for path in folder.glob("*.atr"):
            path.unlink()
        with pytest.raises(DataError, match=r"without annotations \(\*\.atr\), .*; name a folder of WFDB records"):
            load_strips(folder)

    def test_half_a_download_of_mit_bih_is_told(self, tmp_path: Path) -> None:
        for name in (*DS1, *DS2[:-2], *PACED):
            (tmp_path / f"{name}.hea").write_text("")
        with pytest.raises(DataError, match=r"lacks the headers of 2 of 45 .*half a download\?\): 233, 234;"):
            load_dataset("ecg-strips", tmp_path)

    @pytest.mark.parametrize(
        ("file", "change", "message"),
        [
            ("p3.dat", lambda content: content[:-5], r"p3\.dat is truncated"),
            ("p3.dat", lambda content: content[:99] + b"\7" + content[100:], r"p3\.dat is damaged: .* checksum"),
            ("p3.atr", lambda content: content[:-2], r"p3\.atr is truncated or no annotation file"),
            ("p3.hea", lambda content: b"", r"p3\.hea is not a WFDB header"),
            ("p3.hea", lambda content: content.replace(b" 57500", b" 57400"), r"p3\.dat is too long"),
        ],
    )
    def test_a_damaged_file_is_named(
        self, folder: Path, file: str, change: Callable[[bytes], bytes], message: str
    ) -> None:
        (folder / file).write_bytes(change((folder / file).read_bytes()))
        with pytest.raises(DataError, match=message) as refused:
            load_strips(folder)
        assert "; copy the record again" in str(refused.value)

    @pytest.mark.parametrize("missing", ["p3.dat", "p3.atr"])
    def test_a_missing_file_is_named(self, folder: Path, missing: str) -> None:
        (folder / missing).unlink()
        with pytest.raises(DataError, match=re.escape(missing) + " is missing"):
            load_strips(folder)


def test_mit_bih_is_split_as_published_but_for_the_same_man_and_a_third_fibrillating_heart() -> None:
    assert set(MITBIH_RECORDS["train"]) | set(MITBIH_RECORDS["validation"]) == set(DS1) | {"202", "217"}
    assert set(MITBIH_RECORDS["test"]) == set(DS2) - {"202"}
    assert MITBIH_RECORDS["validation"] == ("114", "124", "205", "223")


@pytest.mark.real_data
def test_the_real_database_gives_sinus_rhythm_and_fibrillation_that_can_be_judged(real_data: Path) -> None:
    dataset = load_dataset("ecg-strips", real_data / "mitdb")
    found = splits(dataset)
    assert [len(split) for split in found.values()] == [2917, 641, 3115]
    assert dataset.label.values == ("N", "AFIB")
    afib = {name: split.patients[split.columns["rhythm"] == 1.0].tolist() for name, split in found.items()}
    # Counted from the annotations without our reader: whole strips that fit into each stretch.
    assert Counter(afib["train"]) == {"201": 113, "203": 131, "217": 14}
    assert Counter(afib["test"]) == {"210": 170, "219": 134, "221": 166, "222": 4}
    assert not afib["validation"]
    assert "Validation holds no strips of rhythm AFIB: nothing is chosen or judged by them there." in (
        dataset.provenance.notes
    )
    patients = [set(split.patients.tolist()) for split in found.values()]
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]
    assert not patients[1] & patients[2]
    assert scored_classes(task_of(dataset)) == ([0, 1], [])
    for split in found.values():
        assert np.isfinite(split.samples).all()
    # The detector is not told where the beats are annotated.
    detected = 60_000.0 / mean_rr_ms(dataset.test.samples[::10], 0, 125.0)
    assert np.nanmedian(np.abs(detected - dataset.test.columns["heart_rate"][::10])) < 0.5
