"""Which records a folder holds, which folder to name instead, and whose a record is."""

from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets.wfdb.folder import record_names
from edgeward.training.datasets.wfdb.person import Person, person_of


def names(folder: Path, wanted: str = "") -> list[str]:
    return record_names(folder, "records", "do this", lambda name: name.startswith(wanted))


def touch(folder: Path, *records: str) -> Path:
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / f"{record}.hea").write_text("")
    return folder


class TestRecordNames:
    def test_they_are_those_with_a_header_in_order(self, tmp_path: Path) -> None:
        assert names(touch(tmp_path, "b2", "a1")) == ["a1", "b2"]

    def test_a_list_of_records_decides(self, tmp_path: Path) -> None:
        touch(tmp_path, "b2", "a1", "extra")
        (tmp_path / "RECORDS").write_text("b2\na1\n")
        assert names(tmp_path) == ["a1", "b2"]
        assert names(tmp_path, "b") == ["b2"]

    def test_half_a_download_is_told_by_the_list(self, tmp_path: Path) -> None:
        touch(tmp_path, "a1")
        (tmp_path / "RECORDS").write_text("\n".join(f"a{k}" for k in range(1, 20)))
        with pytest.raises(DataError, match=r"lacks .* 18 of 19 records \(half a download\?\): a10, .* and 8 more; do"):
            names(tmp_path)

    @pytest.mark.parametrize("listed", ["../secret", "p1/p2/a1", "a1 \x00", "x" * 70])
    def test_a_list_that_names_no_record_of_the_folder_is_refused(self, tmp_path: Path, listed: str) -> None:
        touch(tmp_path, "a1")
        (tmp_path / "RECORDS").write_text(listed)
        with pytest.raises(DataError, match=r"RECORDS lists .*, which is no record of this folder"):
            names(tmp_path)

    def test_a_list_as_large_as_data_is_refused(self, tmp_path: Path) -> None:
        touch(tmp_path, "a1")
        (tmp_path / "RECORDS").write_text("a1\n" * 400_000)
        with pytest.raises(DataError, match="RECORDS is no list of records: it is larger than"):
            names(tmp_path)

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"there is no folder .*; do this, or use the data 'simulated'"):
            names(tmp_path / "none")

    def test_a_file_is_answered_with_its_folder_if_that_holds_records(self, tmp_path: Path) -> None:
        touch(tmp_path / "db", "a1")
        with pytest.raises(DataError, match=r"a1.hea is a file, .* the folder of records; name .*db instead"):
            names(tmp_path / "db" / "a1.hea")
        (tmp_path / "x.csv").write_text("")
        with pytest.raises(DataError, match=r"x.csv is a file, and what is wanted is the folder of records; do this"):
            names(tmp_path / "x.csv")

    def test_the_folder_within_is_named(self, tmp_path: Path) -> None:
        touch(tmp_path / "inner", "a1")
        with pytest.raises(DataError, match=r"holds no WFDB header .*; name .*inner instead"):
            names(tmp_path)

    def test_a_folder_of_other_records_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="holds other WFDB records, so no records; do this"):
            names(touch(tmp_path, "a1"), "b")


@pytest.mark.parametrize(
    ("comments", "person"),
    [
        (["69 M 1085 1629 x1", "Aldomet, Inderal"], Person(69, "M")),
        (["-1 M 742 654 x1"], Person(None, "M")),
        (["<age>: 88 <sex>: M <location>: micu <subject>: s01182"], Person(88, "M", "s01182")),
        (["<age>: 90+ <sex>: F <subject>: s1"], Person(90, "F", "s1")),
        (["Age: 62  Sex: M", "Mixed angina"], Person(62, "M")),
        (["Gender: f"], Person(None, "F")),
        (["dosage: 5", "Essex: M"], Person(None, "")),
        ([], Person(None, "")),
    ],
)
def test_a_person_is_what_publishers_write_of_them(comments: list[str], person: Person) -> None:
    assert person_of(comments) == person


def test_ages_fall_into_bands() -> None:
    ages = [None, 0, 44, 45, 64, 65, 90]
    bands = ["", "under 45", "under 45", "45 to 64", "45 to 64", "65 and over", "65 and over"]
    assert [Person(age, "F").age_band for age in ages] == bands
