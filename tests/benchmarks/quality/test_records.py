"""Records keep together what belongs together, and what is malformed is refused by name."""

import re
from dataclasses import replace

import numpy as np
import pytest
from edgeward.benchmarks.quality.records import Records, Task, check_records, check_task, generated, joined
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import CategoryColumn, Channel, ImageSchema, NumberColumn, SignalSchema, TableSchema

SIGNALS = SignalSchema("waves", "", (Channel("I", "mV", -5.0, 5.0),), 100.0, 4, ())
TABLE = TableSchema("rows", "", (NumberColumn("age", "a", 0.0, 120.0), CategoryColumn("ward", ("a", "b", "c"))))


def waves(n: int = 6, first: int = 0) -> Records:
    """Record i holds the number i, is of patient i, class i modulo 3, sex and rate by i."""
    number = np.arange(first, first + n)
    return Records(
        np.tile(number[:, None, None], (1, 1, 4)).astype(np.float32),
        number % 3,
        number.astype(np.str_),
        {"sex": np.where(number % 2, "F", "M")},
        {"rate": 60.0 + number},
    )


def agree(records: Records) -> bool:
    """Whether each record's parts are still of the same record."""
    number = records.values[:, 0, 0].astype(int)
    return (
        records.patients.tolist() == number.astype(np.str_).tolist()
        and records.attributes["sex"].tolist() == np.where(number % 2, "F", "M").tolist()
        and records.columns["rate"].tolist() == (60.0 + number).tolist()
    )


@pytest.mark.parametrize("which", [np.array([4, 0, 4]), np.array([False, True, True, False, False, True])])
def test_whatever_is_taken_keeps_its_label_patient_attributes_and_conditions(which: np.ndarray) -> None:
    taken = waves().take(which)
    assert len(taken) == 3
    assert agree(taken)
    np.testing.assert_array_equal(taken.labels, taken.values[:, 0, 0].astype(int) % 3)


def test_labels_are_counted_among_the_classes_that_are_kept() -> None:
    kept = waves(9).only([2, 0])
    assert agree(kept)
    truth = kept.values[:, 0, 0].astype(int) % 3
    assert set(truth) == {0, 2}
    np.testing.assert_array_equal(kept.labels, np.where(truth == 2, 0, 1))
    assert len(waves(9).only([])) == 0


def test_one_class_keeps_its_label() -> None:
    assert waves(9).of_class(1).labels.tolist() == [1, 1, 1]


def test_generated_records_are_nobodys() -> None:
    made = generated(np.zeros((5, 1, 4), np.float32), np.zeros(5, np.intp))
    assert len(np.unique(made.patients)) == 5
    assert not made.attributes
    assert not made.columns


def test_joined_records_stand_in_order_with_what_every_part_tells() -> None:
    together = joined(waves(3), waves(3, first=3))
    assert agree(together)
    assert together.values[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    aged = replace(waves(2), attributes={**waves(2).attributes, "age": np.array(["old", "young"])})
    assert set(joined(aged, waves(2)).attributes) == {"sex"}
    assert not joined(waves(2), generated(np.zeros((2, 1, 4), np.float32), np.zeros(2, np.intp))).attributes


def task(**changes: Records) -> Task:
    splits = {"train": waves(6), "validation": waves(6, 6), "test": waves(6, 12)}
    return Task(SIGNALS, ("a", "b", "c"), **{**splits, **changes})


def test_well_formed_data_pass() -> None:
    check_task(task())


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_without_a_record_is_refused(split: str) -> None:
    with pytest.raises(DataError, match=f"the {split} data hold no record"):
        check_task(task(**{split: waves(0)}))


@pytest.mark.parametrize(("one", "other"), [("train", "validation"), ("train", "test"), ("validation", "test")])
def test_a_patient_in_two_splits_is_refused(one: str, other: str) -> None:
    leaky = waves(6, 20)
    leaky.patients[3] = getattr(task(), one).patients[2]
    with pytest.raises(DataError, match=f"in both the {one} and the {other} data; split by patient"):
        check_task(task(**{other: leaky}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"values": np.zeros((6, 2, 4), np.float32)}, "records of shape (2, 4); waves has (1, 4)"),
        ({"labels": np.zeros(5, np.intp)}, "hold 6 records but labels of shape (5,)"),
        ({"patients": np.zeros((6, 1), np.str_)}, "hold 6 records but patients of shape (6, 1)"),
        ({"attributes": {"sex": np.full(7, "F")}}, "hold 6 records but sex of shape (7,)"),
        ({"columns": {"rate": np.zeros(1)}}, "hold 6 records but rate of shape (1,)"),
        ({"labels": np.full(6, 3)}, "a label that is none of the 3 classes"),
        ({"labels": np.full(6, -1)}, "a label that is none of the 3 classes"),
    ],
)
def test_malformed_records_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        check_records(replace(waves(), **change), task(), "the records of x")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_refused_and_its_record_named(bad: float) -> None:
    records = waves()
    records.values[4, 0, 2] = bad
    with pytest.raises(DataError, match="record 4 holds NaN or an infinity"):
        check_records(records, task(), "the test data")


def test_an_image_may_miss_nothing_either() -> None:
    values = np.zeros((3, 1, 2, 2), np.float32)
    values[1, 0, 1, 1] = np.nan
    images = replace(task(), schema=ImageSchema("spots", "", ("grey",), 2, 2))
    with pytest.raises(DataError, match="record 1 holds NaN"):
        check_records(generated(values, np.zeros(3, np.intp)), images, "x")


def rows(*entries: tuple[float, float]) -> Records:
    return generated(np.array(entries, np.float32), np.zeros(len(entries), np.intp))


def test_a_table_may_miss_entries_and_hold_no_infinity_and_no_unknown_category() -> None:
    table = replace(task(), schema=TABLE)
    check_records(rows((50.0, 2.0), (np.nan, np.nan), (500.0, 0.0)), table, "x")  # out of range is judged, not refused
    with pytest.raises(DataError, match="column age holds an infinity"):
        check_records(rows((np.inf, 0.0)), table, "x")
    for index in (3.0, -1.0, 0.5):
        with pytest.raises(DataError, match=f"column ward holds {index:g}, the index of no category"):
            check_records(rows((50.0, index)), table, "x")


def test_a_signal_with_gaps_may_miss_entries_and_hold_no_infinity() -> None:
    gaps = replace(task(), schema=replace(SIGNALS, channels=(replace(SIGNALS.channels[0], may_be_missing=True),)))
    records = waves()
    records.values[0] = np.nan
    check_records(records, gaps, "x")
    records.values[0] = np.inf
    with pytest.raises(DataError, match="hold an infinity"):
        check_records(records, gaps, "x")
