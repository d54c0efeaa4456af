"""A table loads as its description says, and what that does not allow is refused by line, column and value."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime.errors import DataError, RequestError
from edgeward.runtime.plausibility import Checker
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema, schema_from_json
from edgeward.training.datasets import Dataset, load_dataset
from edgeward.training.datasets.table.description import (
    OTHER,
    CategorySource,
    LabelSource,
    NumberSource,
    TableDescription,
)
from edgeward.training.datasets.table.load import load_table, rounded_shares
from hypothesis import given
from hypothesis import strategies as st

from .tables import put

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"
WARD = TableDescription(
    file="ward.csv",
    name="ward",
    description="One patient of a ward.",
    licence="CC0-1.0",
    attribution="Nobody.",
    label=LabelSource(
        "stage",
        "disease",
        ("0", "1", "2", "3"),
        {"0": "absent", "1": "present", "2": "present", "3": "grave"},
        {"absent": "none found"},
    ),
    columns=(
        NumberSource("age", "age", "a", 20, 90, 1, missing=True),
        NumberSource("k", "potassium", "mmol/L", 2, 8, 0.1),
        CategorySource("sex", "sex", ("0", "1"), {"0": "female", "1": "male"}),
        CategorySource("code", "diagnosis", ("I21", "I20", "J18"), {"I20": "I21"}, other=True, missing=True),
    ),
    groups=("sex", "age"),
    left_out={"mrn": "it names patients", "day": "it holds dates"},
)
HEADER = "mrn,age,k,sex,code,stage,day,extra"


def row(number: int) -> list[str]:
    return [
        f"M{number // 2}",
        "" if number % 11 == 0 else str(20 + 7 * number % 70),
        f"{3 + number % 40 / 10:.1f}",
        str(number % 2),
        ("I21", "I20", "J18", "?", "Z99")[number % 5],
        "3" if number % 100 == 0 else str(number // 2 % 3),
        "2020-01-01",
        "x",
    ]


@pytest.fixture
def ward(tmp_path: Path) -> Callable[..., Path]:
    """A table of 400 rows with a description, each as told."""

    def make(description: TableDescription = WARD, change: dict[tuple[int, int], str] | None = None) -> Path:
        lines = [row(number) for number in range(400)]
        for (line, column), entry in (change or {}).items():
            lines[line - 2][column] = entry
        (tmp_path / "ward.csv").write_text("\n".join([HEADER, *map(",".join, lines)]))
        return put(tmp_path, description, "ward.toml")

    return make


@pytest.fixture
def dataset(ward: Callable[..., Path]) -> Dataset:
    return load_table(ward())


def test_the_schema_is_the_descriptions_with_the_outcome_as_condition(dataset: Dataset) -> None:
    schema = dataset.schema
    assert isinstance(schema, TableSchema)
    assert schema.columns == (
        NumberColumn("age", "a", 20, 90, 1, may_be_missing=True),
        NumberColumn("potassium", "mmol/L", 2, 8, 0.1),
        CategoryColumn("sex", ("female", "male")),
        CategoryColumn("diagnosis", ("I21", "J18", OTHER), may_be_missing=True),
    )
    assert (dataset.label.name, dataset.label.values) == ("disease", ("absent", "present"))
    assert dataset.label.meanings == ("none found", "present")
    assert schema_from_json(schema.to_json(), "manifest") == schema


def test_every_entry_is_where_the_file_has_it(dataset: Dataset) -> None:
    kept = [number for number in range(400) if number % 100]
    found = {}
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.samples.dtype == np.float32
        for values, patient, label in zip(split.samples, split.patients, split.columns["disease"], strict=True):
            found[int(patient.removeprefix("patient-"))] = (values, label)
    assert sorted(found) == kept
    diagnosis = {"I21": 0.0, "I20": 0.0, "J18": 1.0, "Z99": 2.0, "?": np.nan}
    for number in kept:
        _, age, potassium, sex, code, stage, *_ = row(number)
        wanted = [float(age or "nan"), float(potassium), float(sex), diagnosis[code]]
        assert np.array_equal(found[number][0], np.array(wanted, np.float32), equal_nan=True)
        assert found[number][1] == (stage != "0")


def test_shares_are_those_of_train_in_thousandths(dataset: Dataset) -> None:
    shares = np.bincount(dataset.train.columns["disease"].astype(int)) / len(dataset.train)
    assert dataset.label.shares == pytest.approx(shares.tolist(), abs=1e-3)
    assert sum(dataset.label.shares) == pytest.approx(1.0, abs=1e-12)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=20))
def test_rounded_shares_sum_to_one_and_none_is_nothing(counts: list[int]) -> None:
    shares = rounded_shares(np.array(counts))
    assert sum(shares) == pytest.approx(1.0, abs=1e-9)
    assert min(shares) >= 0.001
    assert all(round(share * 1000) == pytest.approx(share * 1000, abs=1e-9) for share in shares)


def test_groups_are_categories_and_bands_of_numbers(dataset: Dataset) -> None:
    age, sex = dataset.train.samples[:, 0], dataset.train.attributes["sex"]
    assert set(sex) == {"female", "male"}
    assert ((dataset.train.samples[:, 2] == 1) == (sex == "male")).all()
    bands = dataset.train.attributes["age"]
    assert (bands[np.isnan(age)] == "").all()
    names = [name for name in np.unique(bands) if name]
    assert len(names) == 3
    for name in names:
        inside = age[bands == name]
        assert 0.2 < len(inside) / np.isfinite(age).sum() < 0.5
        assert all(inside.max() < age[bands == other].min() or inside.min() > age[bands == other].max()
                   for other in names if other != name)  # fmt: skip


def test_every_decision_is_told_with_its_count(dataset: Dataset) -> None:
    told = "\n".join(dataset.provenance.notes)
    codes = sum(row(number)[4] == "Z99" for number in range(400))
    for sentence in (
        "Class grave is left out: 4 rows.",
        "Class present is made of the entries 1, 2 of stage.",
        "Column left out: mrn: it names patients.",
        "Columns that the description does not mention are left out: extra.",
        f"Column code: {codes} of 400 entries are of unlisted values, collected as one.",
        "Column code: 3 values are collected in 2 categories.",
        "Entries missing of 400 rows: age 37, code 80.",
        "each row is taken for a patient of its own",
    ):
        assert sentence in told


def test_the_same_file_gives_the_same_digest_and_another_seed_another(ward: Callable[..., Path]) -> None:
    first, again = (load_table(ward()).provenance for _ in range(2))
    assert first == again
    other = dataclasses.replace(WARD, split=dataclasses.replace(WARD.split, seed=2))
    assert load_table(ward(other)).provenance.digest != first.digest
    assert (first.kind, first.licence, first.attribution, first.synthetic) == ("table", "CC0-1.0", "Nobody.", False)


def test_the_rows_of_a_patient_stay_in_one_split(ward: Callable[..., Path]) -> None:
    dataset = load_table(ward(dataclasses.replace(WARD, patient="mrn", left_out={})))
    patients = [set(split.patients) for split in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 200
    assert not any("M" in patient for patient in set.union(*patients))
    with pytest.raises(DataError, match="line 4, column 'mrn': no patient is named"):
        load_table(ward(dataclasses.replace(WARD, patient="mrn", left_out={}), {(4, 0): "?"}))


def test_leaving_out_a_class_leaves_the_others_where_they_are(ward: Callable[..., Path]) -> None:
    plain = dataclasses.replace(WARD, label=dataclasses.replace(WARD.label, names={"3": "2"}, meanings={}))
    whole, part = load_table(ward(plain)), load_table(ward(plain), classes=["2", "0"])
    assert part.label.values == ("0", "2")
    for split, other in ((whole.train, part.train), (whole.test, part.test)):
        kept = split.columns["disease"] != 1
        assert np.array_equal(split.samples[kept], other.samples, equal_nan=True)
        assert (split.patients[kept] == other.patients).all()


def test_rows_without_a_label_are_left_out_and_counted(ward: Callable[..., Path]) -> None:
    dataset = load_table(ward(change={(line, 5): "NA" for line in (2, 3, 5)}))
    assert "3 rows are left out as their label (stage) is missing." in dataset.provenance.notes


@pytest.mark.parametrize(
    ("column", "entry", "told"),
    [
        (1, "91", r"column 'age': '91' is outside 20 to 90 a; widen range in ward.toml"),
        (1, "abc", r"column 'age': 'abc' is no number; .* add it to missing in ward.toml"),
        (1, "20.5", r"column 'age': '20.5' is no multiple of the step 1; make step smaller in ward.toml"),
        (2, "3.05", r"column 'k': '3.05' is no multiple of the step 0.1"),
        (2, "", r"column 'k' is missing \(''\), and ward.toml says that it never is; add missing = true"),
        (3, "2", r"column 'sex': '2' is none of its values \(0, 1\); .* other = true"),
        (3, "x" * 500, r"column 'sex': 'x{39}…' is none"),
        (5, "4", r"column 'stage': '4' is no value of the label \(0, 1, 2, 3\); add it to label.values in ward.toml"),
    ],
)
def test_an_entry_that_is_not_as_described_is_refused(
    ward: Callable[..., Path], column: int, entry: str, told: str
) -> None:
    with pytest.raises(DataError, match=rf"ward\.csv, line 7, {told}"):
        load_table(ward(change={(7, column): entry}))


def test_a_column_that_the_file_lacks_is_named(ward: Callable[..., Path]) -> None:
    lacking = dataclasses.replace(WARD, columns=(*WARD.columns, NumberSource("bmi", "bmi", "kg/m2", 10, 60)))
    with pytest.raises(DataError, match="ward.csv has no column 'bmi'; it has mrn, age, k, sex"):
        load_table(ward(lacking))
    with pytest.raises(DataError, match="has no column 'outcome'"):
        load_table(ward(dataclasses.replace(WARD, label=dataclasses.replace(WARD.label, column="outcome"))))


def test_too_little_data_is_refused_with_the_counts(ward: Callable[..., Path]) -> None:
    toml = ward()
    with pytest.raises(DataError, match=r"too few \(train \+ validation \+ test\) are grave 2 \+ 1 \+ 1; .*--classes"):
        load_table(toml, classes=["absent", "grave"])
    table = toml.with_suffix(".csv")
    table.write_text("\n".join(table.read_text().splitlines()[:40]))
    with pytest.raises(DataError, match=r"fewer than two classes can be learnt: .*absent \d \+ \d"):
        load_table(toml)
    table.write_text(HEADER)
    with pytest.raises(DataError, match="column names but no row"):
        load_table(toml)


def test_rows_of_one_patient_cannot_be_split_and_the_message_says_whose_they_are(ward: Callable[..., Path]) -> None:
    toml = ward(dataclasses.replace(WARD, patient="mrn", left_out={}), {(line, 0): "M1" for line in range(2, 402)})
    with pytest.raises(DataError, match=r"fewer than two classes .*; the 400 rows are of 1 patient\(s\); make"):
        load_table(toml)


@pytest.mark.parametrize(("column", "place"), [("age", 1), ("code", 4)])
def test_a_column_without_an_entry_to_train_on_is_refused(ward: Callable[..., Path], column: str, place: int) -> None:
    absent = {(line, place): "" for line in range(2, 402)}
    with pytest.raises(DataError, match=rf"no entry of {column} in the \d+ rows .* left_out in .*ward.toml"):
        load_table(ward(dataclasses.replace(WARD, groups=()), absent))


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is a folder; name a table \(CSV, Parquet\) or its description"):
        load_table(tmp_path)


def test_classes_that_make_no_sense_are_refused(ward: Callable[..., Path]) -> None:
    for classes, told in (
        (["none"], "no class 'none'; give some of absent, present, grave"),
        (["absent"], "two classes"),
    ):
        with pytest.raises(RequestError, match=told):
            load_table(ward(), classes=classes)


def test_progress_ends_where_it_was_announced(ward: Callable[..., Path]) -> None:
    seen: list[tuple[int, int, str]] = []
    load_dataset("table", ward(), on_progress=lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1]
    assert seen[-1][2] == "400 rows"


@pytest.fixture(scope="module")
def uci() -> Path:
    folder = Path(os.environ.get("EDGEWARD_DATA", ""), "uci")
    if not os.environ.get("EDGEWARD_DATA") or not folder.is_dir():
        pytest.skip("EDGEWARD_DATA does not name a folder that holds uci/")
    return folder


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("example", "table", "rows", "classes", "columns"),
    [
        ("heart-cleveland", "heart_cleveland_297", 297, ("absent", "present"), 13),
        ("breast-cancer-wisconsin", "breast_cancer_wisconsin_original_683", 683, ("benign", "malignant"), 9),
        ("diabetes-130", "diabetes_130us_subset_2501", 2501, ("no", "later", "soon"), 32),
    ],
)
def test_the_examples_load_the_real_tables(
    uci: Path, tmp_path: Path, example: str, table: str, rows: int, classes: tuple[str, ...], columns: int
) -> None:
    shutil.copy(uci / f"{table}.csv", tmp_path)
    shutil.copy(EXAMPLES / f"{example}.toml", tmp_path)
    dataset = load_dataset("table", tmp_path / f"{example}.toml")
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == rows
    assert dataset.label.values == classes
    assert dataset.schema.shape == (columns,)
    assert len(dataset.train) / rows == pytest.approx(0.6, abs=0.01)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert not Checker(dataset.schema).broken(split.samples, split.columns).any()


@pytest.mark.real_data
def test_heart_disease_is_zero_against_one_to_four(uci: Path, tmp_path: Path) -> None:
    shutil.copy(uci / "heart_cleveland_297.csv", tmp_path)
    dataset = load_table(Path(shutil.copy(EXAMPLES / "heart-cleveland.toml", tmp_path)))
    labels = np.concatenate([s.columns["heart_disease"] for s in (dataset.train, dataset.validation, dataset.test)])
    assert np.bincount(labels.astype(int)).tolist() == [160, 137]  # Detrano R et al., Am J Cardiol 64:304-310, 1989
