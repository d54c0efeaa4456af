"""Synthetic records of a rare class help where they carry information, and not where they are noise."""

from collections.abc import Callable

import numpy as np
import pytest
from edgeward.benchmarks.quality.records import Records, generated
from edgeward.benchmarks.quality.utility import tstr
from edgeward.benchmarks.quality.utility.augmentation import REAL_ALONE, REPEATED, SMOTE, augmentation
from edgeward.benchmarks.quality.utility.learners import Predict
from edgeward.runtime.schema import Channel, NumberColumn, SignalSchema, TableSchema
from sklearn.neighbors import KNeighborsClassifier

SCHEMA = SignalSchema("waves", "", (Channel("I", "mV", -9.0, 9.0),), 100.0, 4, ())
RARE = 2


def records(counts: tuple[int, int, int], seed: int) -> Records:
    """Two common classes, and a rare one that lies on a ring about one of them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), counts)
    n = len(labels)
    angle = rng.uniform(0.0, 2 * np.pi, n)
    ring = 2.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    centre = np.where((labels == RARE)[:, None], ring, np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 0.0]])[labels])
    values = np.concatenate([centre + rng.normal(0.0, 0.7, (n, 2)), np.zeros((n, 2))], axis=1)
    return Records(values[:, None].astype(np.float32), labels, np.arange(n).astype(np.str_))


def neighbours(train: Records, _: int) -> Predict:
    model = KNeighborsClassifier(7).fit(train.values[:, 0], train.labels)
    return lambda values: model.predict(values[:, 0]).astype(np.intp)


@pytest.fixture(scope="module")
def tested() -> dict[str, tstr.Tested]:
    made = records((0, 0, 900), seed=3)
    common = records((450, 450, 0), seed=4)  # what a generator gives that takes no heed of the class it is asked for
    sources = {"informative": generated(made.values, made.labels), "noise": generated(common.values, made.labels)}
    return augmentation(
        *(neighbours, records((400, 400, 10), 1), records((300, 300, 300), 2), sources, SCHEMA, 3), rare=RARE, seeds=3
    )


def test_every_way_is_tested(tested: dict[str, tstr.Tested]) -> None:
    assert list(tested) == [REAL_ALONE, REPEATED, SMOTE, "informative", "noise"]
    assert all(len(result.confusions) == 3 for result in tested.values())


def test_informative_records_help_more_than_all_that_costs_nothing(tested: dict[str, tstr.Tested]) -> None:
    recall = {way: result.recall(RARE) for way, result in tested.items()}
    assert recall[REAL_ALONE].value < 0.3
    for way in (REAL_ALONE, REPEATED, SMOTE):
        assert recall["informative"].low > recall[way].high + 0.1
        assert tested["informative"].macro_f1().low > tested[way].macro_f1().high


def test_records_without_information_help_nobody_and_cost_the_common_classes(tested: dict[str, tstr.Tested]) -> None:
    noise, alone = tested["noise"], tested[REAL_ALONE]
    # Any guess at the rare class beats never guessing it: the gain that counts is over what costs nothing.
    assert noise.macro_f1().high < max(tested[way].macro_f1().low for way in (REPEATED, SMOTE))
    assert noise.recall(RARE).value < tested["informative"].recall(RARE).value - 0.3
    for label in (0, 1):
        assert noise.recall(label).high < alone.recall(label).low


def given(
    train: Records, synthetic: dict[str, Records], schema: SignalSchema | TableSchema = SCHEMA
) -> dict[str, Records]:
    """What the first classifier of each way was given."""
    seen: list[Records] = []

    def spy(part: Records, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        seen.append(part)
        return lambda values: np.zeros(len(values), np.intp)

    found = augmentation(spy, train, train, synthetic, schema, 3, rare=RARE, seeds=2)
    assert len(seen) == 2 * len(found)
    return dict(zip(found, seen[::2], strict=True))


def test_each_way_brings_the_rare_class_up_to_the_commonest_and_touches_no_other() -> None:
    train, made = records((40, 25, 9), 5), records((30, 30, 14), 6)
    parts = given(train, {"made": generated(made.values, made.labels)})
    assert parts[REAL_ALONE] is train
    for way, part in parts.items():
        if way == REAL_ALONE:
            continue
        assert np.bincount(part.labels).tolist() == [40, 25, 40]
        np.testing.assert_array_equal(part.values[: len(train)], train.values)
    added = {way: part.values[len(train) :, 0] for way, part in parts.items() if way != REAL_ALONE}
    rare, pool = train.of_class(RARE).values[:, 0], made.of_class(RARE).values[:, 0]
    for of, source in ((added[REPEATED], rare), (added["made"], pool)):
        counts = (of[:, None] == source).all(axis=2).sum(axis=0)
        assert counts.sum() == 31  # nothing but records of the source,
        assert np.ptp(counts) <= 1  # each as often as any other


def test_smote_adds_points_between_rare_neighbours() -> None:
    train = records((40, 25, 9), 7)
    rare = train.of_class(RARE).values[:, 0].astype(np.float64)
    for point in given(train, {})[SMOTE].values[len(train) :, 0].astype(np.float64):
        detour = [
            np.linalg.norm(point - a) + np.linalg.norm(point - b) - np.linalg.norm(a - b) for a in rare for b in rare
        ]
        assert min(detour) < 1e-5


@pytest.mark.parametrize(("rare", "there"), [(5, False), (6, True)])
def test_too_few_rare_records_are_not_interpolated(rare: int, there: bool) -> None:
    assert (SMOTE in given(records((40, 25, rare), 8), {})) == there


def test_rows_of_a_table_are_not_interpolated() -> None:
    schema = TableSchema("rows", "", tuple(NumberColumn(f"x{i}", "1", -9, 9) for i in range(4)))
    train = records((40, 25, 9), 9)
    rows = Records(train.values[:, 0], train.labels, train.patients)
    assert list(given(rows, {}, schema)) == [REAL_ALONE, REPEATED]


def test_a_class_that_is_not_rare_is_left_alone() -> None:
    made = records((0, 0, 30), 10)
    assert list(given(records((20, 20, 20), 10), {"made": made})) == [REAL_ALONE]
