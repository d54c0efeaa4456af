"""Tables: associations agree with SciPy, and what is wrong with a table is found and named."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.associations import Associations
from edgeward.benchmarks.quality.fidelity.shapes import (
    COLUMN_SHAPE,
    column_shapes,
    constraint_violations,
    missing_categories,
    pair_correlations,
)
from edgeward.benchmarks.quality.records import Records, generated
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema
from scipy.stats import f_oneway, ks_2samp, spearmanr
from scipy.stats.contingency import association

pytestmark = pytest.mark.filterwarnings("error")
SCHEMA = TableSchema(
    "ward",
    "",
    (
        NumberColumn("age", "a", 0.0, 120.0, step=1.0),
        NumberColumn("weight", "kg", 20.0, 250.0),
        CategoryColumn("ward", ("north", "south", "east")),
        CategoryColumn("smoker", ("no", "yes")),
    ),
)
AGE, WEIGHT, WARD, SMOKER = range(4)


def rows(n: int, seed: int = 0) -> Records:
    """Older patients lie in the east and smoke less; the label follows the ward."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 12, n).clip(20, 100).round()
    weight = 40 + 0.5 * age + rng.normal(0, 4, n)
    ward = (age > 55).astype(int) + (age > 68)
    smoker = rng.random(n) < 0.6 - 0.005 * age
    label = (ward == 2) ^ (rng.random(n) < 0.1)
    values = np.column_stack([age, weight, ward, smoker]).astype(np.float32)
    return Records(values, label.astype(np.intp), np.arange(n).astype(np.str_))


def changed(records: Records, **columns: np.ndarray) -> Records:
    values = records.values.copy()
    for name, entries in columns.items():
        values[:, [c.name for c in SCHEMA.columns].index(name)] = entries
    return generated(values, records.labels)


def test_column_shapes_are_1_minus_ks_or_total_variation() -> None:
    real, synthetic = rows(400), rows(300, seed=1)
    synthetic = changed(synthetic, weight=synthetic.values[:, WEIGHT] + 3, ward=np.arange(300) % 3)
    figures = column_shapes(real, synthetic, SCHEMA)
    for k, name in ((AGE, "age"), (WEIGHT, "weight")):
        statistic = ks_2samp(real.values[:, k], synthetic.values[:, k]).statistic
        assert figures[name].value == pytest.approx(1 - statistic)
    shares = np.bincount(real.values[:, WARD].astype(int)) / 400
    assert figures["ward"].value == pytest.approx(1 - 0.5 * np.abs(shares - 1 / 3).sum())
    assert figures[COLUMN_SHAPE].value == pytest.approx(np.mean([figures[c.name].value for c in SCHEMA.columns]))
    for figure in figures.values():
        assert figure.low <= figure.value <= figure.high <= 1.0


@pytest.mark.parametrize("name", ["weight", "ward"])
def test_entries_that_go_missing_change_a_columns_shape(name: str) -> None:
    real = rows(400)
    column = [c.name for c in SCHEMA.columns].index(name)
    entries = np.where(np.arange(400) % 4 == 0, np.nan, real.values[:, column])
    figures = column_shapes(real, changed(real, **{name: entries}), SCHEMA)
    assert figures[name].value == pytest.approx(0.75)
    assert figures["age"].value == 1.0
    both = changed(real, **{name: entries})
    assert column_shapes(both, both, SCHEMA)[name].value == 1.0


def test_associations_are_scipys_and_the_textbooks() -> None:
    records = rows(500)
    matrix = Associations(records.values, SCHEMA.columns).matrix(np.ones(500))
    age, weight, ward, smoker = records.values.T.astype(np.float64)
    assert matrix[AGE, WEIGHT] == pytest.approx(spearmanr(age, weight).statistic)
    counts = np.histogram2d(ward, smoker, bins=[3, 2])[0].astype(int)
    assert matrix[WARD, SMOKER] == pytest.approx(association(counts, method="cramer"))
    # F = (eta^2 / (k - 1)) / ((1 - eta^2) / (n - k)).
    ratio = matrix[WARD, WEIGHT] ** 2
    statistic = f_oneway(*(weight[ward == index] for index in range(3))).statistic
    assert ratio / 2 / ((1 - ratio) / 497) == pytest.approx(statistic)
    np.testing.assert_allclose(matrix, matrix.T)
    assert matrix[WARD, WARD] == pytest.approx(1.0)


def test_cramers_v_by_hand() -> None:
    # Table [[3, 1], [1, 3]]: every expected count is 2, so chi-squared is 4 * 1 / 2 = 2 and V = sqrt(2 / 8).
    values = np.array([[0, 0]] * 3 + [[0, 1]] + [[1, 0]] + [[1, 1]] * 3, dtype=np.float32)
    columns = (CategoryColumn("a", ("x", "y", "unused")), CategoryColumn("b", ("x", "y")))
    assert Associations(values, columns).matrix(np.ones(8))[0, 1] == pytest.approx(0.5)


def test_a_weight_of_2_is_a_row_twice_and_missing_entries_drop_the_pair() -> None:
    records = rows(60)
    values = records.values.astype(np.float64)
    weights = np.arange(60) % 3 * 1.0
    matrix = Associations(values, SCHEMA.columns).matrix(weights)
    repeated = np.repeat(values, weights.astype(int), axis=0)
    twice = Associations(repeated, SCHEMA.columns).matrix(np.ones(len(repeated)))
    assert matrix[WARD, SMOKER] == pytest.approx(twice[WARD, SMOKER])
    assert matrix[WARD, WEIGHT] == pytest.approx(twice[WARD, WEIGHT])
    holes = values.copy()
    holes[::5, SMOKER], holes[1::7, WARD], holes[2::7, WEIGHT] = np.nan, np.nan, np.nan
    matrix = Associations(holes, SCHEMA.columns).matrix(np.ones(60))
    for one, other in ((WARD, SMOKER), (WARD, WEIGHT)):
        known = ~np.isnan(holes[:, [one, other]]).any(axis=1)
        alone = Associations(holes[known], SCHEMA.columns).matrix(np.ones(known.sum()))
        assert matrix[one, other] == pytest.approx(alone[one, other])


def test_shuffled_columns_keep_their_shapes_and_lose_their_correlations() -> None:
    real, synthetic = rows(600), rows(600, seed=1)
    shuffled = generated(np.random.default_rng(2).permuted(synthetic.values, axis=0), synthetic.labels)
    kept, lost = pair_correlations(real, synthetic, SCHEMA, 2), pair_correlations(real, shuffled, SCHEMA, 2)
    assert column_shapes(real, synthetic, SCHEMA)[COLUMN_SHAPE].value == pytest.approx(
        column_shapes(real, shuffled, SCHEMA)[COLUMN_SHAPE].value
    )
    assert kept.value < 0.06 < 0.3 < lost.low
    for figure in (kept, lost):
        assert figure.low <= figure.value <= figure.high


def test_a_shuffled_label_alone_is_noticed() -> None:
    real, synthetic = rows(600), rows(600, seed=1)
    shuffled = generated(synthetic.values, np.random.default_rng(2).permutation(synthetic.labels))
    assert pair_correlations(real, shuffled, SCHEMA, 2).value > 3 * pair_correlations(real, synthetic, SCHEMA, 2).value


def test_more_synthetic_records_are_no_error_in_themselves() -> None:
    # Many categories and few records: V is far from 0 by chance, the more the fewer.
    columns = tuple(CategoryColumn(name, tuple(map(str, range(30)))) for name in "abc")
    schema, rng = TableSchema("codes", "", columns), np.random.default_rng(0)
    few, many = (rng.integers(0, 30, (n, 3)).astype(np.float32) for n in (150, 3000))
    real = Records(few, np.zeros(150, dtype=np.intp), np.arange(150).astype(np.str_))
    figure = pair_correlations(real, generated(many, np.zeros(3000, dtype=np.intp)), schema, 1)
    assert figure.value < 0.05
    assert "150 each" in figure.note


def test_a_collapsed_column_has_no_association() -> None:
    real = rows(400)
    collapsed = changed(real, ward=np.ones(400), weight=np.full(400, 70.0))
    assert pair_correlations(real, collapsed, SCHEMA, 2).value > 0.3
    # The other way round there is nothing to compare these columns with.
    assert pair_correlations(collapsed, real, SCHEMA, 2).note.startswith("3 of 10 pairs")


def test_numbers_of_many_small_steps_break_no_rule_only_as_they_are_held_in_32_bits() -> None:
    schema = TableSchema("codes", "", (NumberColumn("code", "1", 0.0, 20_000.0, step=0.01),))
    hundredths = np.random.default_rng(1).integers(0, 2_000_000, 500)
    exact, between = (generated((h / 100).astype(np.float32)[:, None], np.zeros(500, int)) for h in (
        hundredths, hundredths + 0.5
    ))  # fmt: skip
    assert constraint_violations(exact, exact, schema, ()).value == 0.0
    assert constraint_violations(between, exact, schema, ()).value > 0.95  # type: ignore[operator]


def test_broken_rules_are_counted_and_named() -> None:
    train = rows(100)
    train.values[:10, SMOKER] = np.nan
    good = rows(40, seed=1)
    assert constraint_violations(good, train, SCHEMA, ()).value == 0.0
    bad = good.values.copy()
    bad[0, AGE] = 130.0  # out of range
    bad[1, AGE] = 50.5  # not whole
    bad[1, WEIGHT] = 10.0
    bad[2, WARD] = 3.0  # no such category
    bad[3, WEIGHT] = np.nan  # never missing in real rows
    bad[4, SMOKER] = np.nan  # sometimes missing in real rows
    figure = constraint_violations(generated(bad, good.labels), train, SCHEMA, ())
    assert figure.value == pytest.approx(4 / 40)
    assert figure.note == "age 2, weight 2, ward 1"
    assert 0 < figure.low < figure.value < figure.high


def test_the_ends_of_a_range_are_inside_it() -> None:
    schema = TableSchema("t", "", (NumberColumn("dose", "mg", 0.1, 0.7),))
    ends = np.array([[0.1], [0.7]], dtype=np.float32)
    assert constraint_violations(generated(ends, np.zeros(2, dtype=np.intp)), rows(0), schema, ()).value == 0.0


def test_a_dropped_category_is_named_and_a_rare_one_forgiven() -> None:
    train = rows(500)
    synthetic = rows(300, seed=1)
    assert missing_categories(train, synthetic, SCHEMA).value == 0.0
    dropped = changed(synthetic, ward=np.minimum(synthetic.values[:, WARD], 1))
    figure = missing_categories(train, dropped, SCHEMA)
    assert figure.value == pytest.approx(1 / 5)
    assert figure.note == "ward=east"
    rare = changed(train, ward=np.where(np.arange(500) < 4, 2, np.arange(500) % 2))
    assert missing_categories(rare, dropped, SCHEMA).value == 0.0


def test_a_column_without_real_entries_is_left_out_of_the_mean() -> None:
    real, synthetic = rows(50), rows(50, seed=1)
    empty = changed(real, weight=np.full(50, np.nan))
    figures = column_shapes(empty, synthetic, SCHEMA)
    assert figures["weight"].value is None
    assert figures[COLUMN_SHAPE].value == pytest.approx(
        np.mean([figures[name].value for name in ("age", "ward", "smoker")])
    )
    assert column_shapes(real, changed(synthetic, weight=np.full(50, np.nan)), SCHEMA)["weight"].value == 0.0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_little_is_no_crash(n: int) -> None:
    real, few = rows(20), rows(n)
    nothing = changed(rows(20), **{c.name: np.full(20, np.nan) for c in SCHEMA.columns})
    for one, other in ((real, few), (few, real), (few, few), (nothing, few), (few, nothing), (nothing, nothing)):
        column_shapes(one, other, SCHEMA)
        pair_correlations(one, other, SCHEMA, 2)
        constraint_violations(other, one, SCHEMA, ())
        missing_categories(one, other, SCHEMA)
    assert pair_correlations(nothing, nothing, SCHEMA, 2).value in (None, 0.0)
    assert column_shapes(nothing, real, SCHEMA)[COLUMN_SHAPE].value is None
