"""Training on records and testing on real patients: figures are scikit-learn's, differences paired, labels matter."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.records import Records, generated
from edgeward.benchmarks.quality.utility import tstr
from edgeward.benchmarks.quality.utility.learners import learner_for
from edgeward.benchmarks.quality.utility.tstr import difference, fit, parts_by_class, read_on
from edgeward.runtime.schema import NumberColumn, TableSchema
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

CLASSES = ("N", "S", "V")
SCHEMA = TableSchema("rows", "", tuple(NumberColumn(f"x{i}", "1", -9, 9) for i in range(2)))


def patients(n: int, seed: int, people: int | None = None, spread: float = 0.0) -> Records:
    """Three classes about three corners; each patient's records are shifted by his own `spread`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[0.6, 0.1, 0.3])
    owner = np.arange(n) % (people or n)
    own = rng.normal(0.0, spread, (people or n, 2))[owner]
    values = np.array([[0, 0], [2, 0], [0, 2]])[labels] + own + rng.normal(0.0, 1.0, (n, 2))
    return Records(values.astype(np.float32), labels, owner.astype(np.str_))


def guess(error: float, seed: int, records: Records) -> np.ndarray:
    """A classifier that is wrong in this share of records, anywhere."""
    rng = np.random.default_rng(seed)
    wrong = (records.labels + rng.integers(1, 3, len(records))) % 3
    return np.where(rng.random(len(records)) < error, wrong, records.labels)


def outcome(records: Records, *predictions: np.ndarray) -> tstr.Tested:
    return read_on([lambda _, one=one: one for one in predictions], records, 3)


def test_figures_are_means_of_scikit_learns_scores_over_the_classifiers() -> None:
    records = patients(300, 1, people=20)
    predictions = [guess(error, seed, records) for seed, error in enumerate((0.1, 0.3, 0.5))]
    found = outcome(records, *predictions)
    truth = records.labels
    macro = np.mean([f1_score(truth, one, average="macro") for one in predictions])
    assert found.macro_f1().value == pytest.approx(macro)
    for label in range(3):
        of_class = [f1_score(truth, one, labels=[label], average="macro") for one in predictions]
        assert found.class_f1(label).value == pytest.approx(np.mean(of_class))
        of_class = [recall_score(truth, one, labels=[label], average="macro") for one in predictions]
        assert found.recall(label).value == pytest.approx(np.mean(of_class))
    balanced = np.mean([balanced_accuracy_score(truth, one) for one in predictions])
    assert found.balanced_accuracy().value == pytest.approx(balanced)
    assert (found.macro_f1().n, found.macro_f1().patients, found.macro_f1().seeds) == (300, 20, 3)


def test_the_intervals_hold_the_value_and_widen_with_fewer_patients_and_unlike_classifiers() -> None:
    records = patients(600, 2, people=60)
    few = Records(records.values, records.labels, (np.arange(600) % 6).astype(np.str_))
    unlucky = np.arange(600) % 6 == 0  # all errors are one patient's, or one in ten patients'
    prediction = np.where(unlucky, (records.labels + 1) % 3, records.labels)
    many_figure, few_figure = outcome(records, prediction).macro_f1(), outcome(few, prediction).macro_f1()
    assert many_figure.value == few_figure.value
    assert many_figure.low < many_figure.value < many_figure.high
    assert few_figure.high - few_figure.low > 2 * (many_figure.high - many_figure.low)
    alike = outcome(records, *[guess(0.3, seed, records) for seed in range(4)]).macro_f1()
    unlike = outcome(records, *[guess(error, 5, records) for error in (0.0, 0.2, 0.4, 0.6)]).macro_f1()
    assert unlike.high - unlike.low > 2 * (alike.high - alike.low)


def test_a_class_that_no_tested_record_is_of_has_no_recall() -> None:
    records = patients(200, 3).only([0, 2])
    figure = outcome(Records(records.values, 2 * records.labels, records.patients), 2 * records.labels).recall(1)
    assert figure.value is None
    assert figure.note == "the class does not occur"


def test_some_patients_are_scored_as_if_they_alone_were_there() -> None:
    records = patients(300, 4, people=30)
    prediction = guess(0.3, 1, records)
    chosen = np.isin(records.patients, np.arange(7).astype(np.str_))
    part, alone = outcome(records, prediction).of_patients(chosen), outcome(records.take(chosen), prediction[chosen])
    for one, other in ((part.macro_f1(), alone.macro_f1()), (part.balanced_accuracy(), alone.balanced_accuracy())):
        assert one == other


def test_a_source_does_not_differ_from_itself_at_all() -> None:
    records = patients(300, 5, people=30)
    found = outcome(records, guess(0.3, 1, records), guess(0.4, 2, records))
    same = difference(found, found)
    assert (same.value, same.low, same.high, same.bound) == (0.0, 0.0, 0.0, 0.0)


def test_a_small_loss_on_the_same_patients_is_surer_than_the_two_scores_are() -> None:
    records = patients(600, 6, people=30)
    hard = np.repeat(np.random.default_rng(7).uniform(0.0, 0.6, 30)[None], 20, axis=0).ravel()  # by patient
    rng = np.random.default_rng(8)
    wrong = (records.labels + 1) % 3
    missed = rng.random(600) < hard
    reference = np.where(missed, wrong, records.labels)
    worse = np.where(missed | (rng.random(600) < 0.05), wrong, records.labels)
    one, other = outcome(records, worse), outcome(records, reference)
    paired = difference(one, other)
    assert one.macro_f1().high > other.macro_f1().low  # apart, the scores do not tell
    assert paired.high < 0
    assert paired.value == pytest.approx(one.macro_f1().value - other.macro_f1().value)
    assert paired.low < paired.bound < paired.value < paired.high
    back = difference(other, one)
    assert (back.low, back.high) == pytest.approx((-paired.high, -paired.low))


def test_the_parts_of_a_pool_share_no_record_and_have_each_class_alike() -> None:
    pool = patients(503, 9)
    parts = parts_by_class(pool, 5)
    together = np.concatenate([part.patients for part in parts])
    assert sorted(together) == sorted(pool.patients)
    counts = np.stack([np.bincount(part.labels, minlength=3) for part in parts])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_each_part_is_learnt_with_a_seed_of_its_own_and_progress_is_told() -> None:
    learnt, told = [], []
    parts = parts_by_class(patients(30, 10), 3)
    fit(lambda part, seed: learnt.append((part, seed)), parts, lambda: told.append(len(learnt)))  # type: ignore[arg-type, func-returns-value, return-value]
    assert [seed for _, seed in learnt] == [0, 1, 2]
    assert all(part is other for (part, _), other in zip(learnt, parts, strict=True))
    assert told == [1, 2, 3]


def score(train: Records, test: Records) -> tstr.Tested:
    return read_on(fit(learner_for(SCHEMA, CLASSES, steps=0), parts_by_class(train, 3)), test, 3)


def test_records_of_the_same_law_are_as_useful_as_real_ones_and_relabelled_ones_are_not() -> None:
    test = patients(400, 11)
    real, made = score(patients(600, 12), test), score(generated(*parts_of(patients(600, 13))), test)
    assert difference(made, real).low < 0.0 < difference(made, real).high
    moved = patients(600, 14)
    relabelled = score(generated(moved.values, (moved.labels + 1) % 3), test)
    assert relabelled.macro_f1().value < 0.25
    assert difference(relabelled, real).high < -0.2


def parts_of(records: Records) -> tuple[np.ndarray, np.ndarray]:
    return records.values, records.labels


def test_a_class_left_out_of_training_costs_its_own_score_alone() -> None:
    test, pool = patients(400, 15), patients(900, 16)
    whole, without = score(pool, test), score(pool.take(pool.labels != 1), test)
    assert without.class_f1(1).value == 0.0
    assert without.class_f1(2).value == pytest.approx(whole.class_f1(2).value, abs=0.1)
    assert without.macro_f1().value < whole.macro_f1().value - 0.1
