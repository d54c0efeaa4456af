"""Attacks on tables: copies are found with and without noise, honest rows are not, and the interval is Wilson's."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.privacy import tables
from edgeward.benchmarks.quality.privacy.tables import (
    _alone,
    _apart,
    _extremes,
    _inference,
    _linkability,
    _outward,
    _risk,
    _singling_out,
    _wilson,
    table_attacks,
)
from edgeward.benchmarks.quality.records import Records
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema
from scipy.stats import binom, binomtest

pytestmark = pytest.mark.filterwarnings("error")

NUMBERS = 5
SCHEMA = TableSchema(
    "rows",
    "Patients.",
    (
        *(NumberColumn(f"x{i}", "1", -9.0, 9.0) for i in range(NUMBERS)),
        CategoryColumn("ward", ("a", "b", "c", "d")),
        CategoryColumn("sex", ("f", "m")),
    ),
)
MIXING = np.random.default_rng(0).normal(size=(2, NUMBERS))
ATTACKS = {"singling_out", "linkability", "inference"}


def honest(n: int, seed: int, missing: float = 0.03) -> Records:
    """Correlated numbers and categories, some of them missing."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 2))
    numbers = latent @ MIXING + 0.7 * rng.normal(size=(n, NUMBERS))
    ward, sex = np.clip(np.floor(latent[:, 0] + 2), 0, 3), rng.random(n) < 0.3
    values = np.column_stack([numbers, ward, sex]).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    return Records(values, (latent[:, 1] > 0).astype(np.intp), np.arange(n).astype(np.str_))


def copies(train: Records, noise: float) -> Records:
    values = train.values.copy()
    values[:, :NUMBERS] += np.random.default_rng(9).normal(0.0, noise, (len(train), NUMBERS))
    return Records(values, train.labels, train.patients)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_memoriser_is_caught_by_every_attack(noise: float) -> None:
    train = honest(300, 1)
    figures = table_attacks(train, honest(300, 2), copies(train, noise), SCHEMA)
    assert set(figures) == ATTACKS
    assert figures["singling_out"].low > 0.6
    assert figures["linkability"].low > 0.9
    assert figures["inference"].low > 0.9


def test_noise_that_hides_copies_hides_them_gradually() -> None:
    train, holdout = honest(300, 1), honest(300, 2)
    found = [table_attacks(train, holdout, copies(train, sd), SCHEMA)["linkability"].value for sd in (0.01, 0.3, 3.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < 0.2


def test_an_honest_sampler_is_not_caught() -> None:
    runs = 20
    found = [
        table_attacks(honest(200, 3 * s), honest(200, 3 * s + 1), honest(200, 3 * s + 2), SCHEMA) for s in range(runs)
    ]
    for name in ATTACKS:
        kept = [figures[name] for figures in found]
        assert sum(f.low <= 0 <= f.high for f in kept) >= binom.ppf(0.001, runs, 0.95)
        assert np.mean([f.value for f in kept]) == pytest.approx(0.0, abs=0.05)


def test_training_rows_that_are_held_out_too_are_no_leak() -> None:
    train = honest(200, 1)
    for figure in table_attacks(train, train, train, SCHEMA).values():
        assert figure.low <= 0 <= figure.high


def test_the_same_tables_give_the_same_figures_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = honest(150, 1), honest(140, 2), honest(160, 3)
    before = table_attacks(*sides, SCHEMA)
    monkeypatch.setattr(tables, "_BLOCK_NUMBERS", 1000)
    assert table_attacks(*sides, SCHEMA) == before


def test_figures_say_how_many_patients_were_attacked() -> None:
    figures = table_attacks(honest(150, 1), honest(120, 2), honest(160, 3), SCHEMA)
    assert {(f.n, f.patients) for f in figures.values()} == {(240, 240)}
    assert all("held-out" in f.note for f in figures.values())


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (7, 20), (20, 20), (311, 500)])
def test_the_interval_of_a_rate_is_scipys_wilson(hits: int, n: int) -> None:
    centre, half = _wilson(hits / n, n)
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert (centre - half, centre + half) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_risk_is_what_the_attack_finds_beyond_its_control() -> None:
    attack, control = np.arange(1000) < 600, np.arange(1000) < 200
    figure = _risk(attack.astype(float), control.astype(float), 1000, [1000, 1000])
    assert figure.value == pytest.approx((0.6 - 0.2) / 0.8, abs=0.003)  # Wilson's centres lie a little inwards
    # Drawn rates scatter as the interval says.
    rng = np.random.default_rng(1)
    a, c = rng.binomial(1000, 0.6, 20000) / 1000, rng.binomial(1000, 0.2, 20000) / 1000
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * ((a - c) / (1 - c)).std(), rel=0.03)
    assert _risk(np.ones(500), np.zeros(500), 500, [500, 500]).high == 1.0


def test_rows_of_few_patients_are_less_sure() -> None:
    hits = np.arange(400) < 200
    sure = _risk(hits.astype(float), hits.astype(float), 400, [400, 400])
    unsure = _risk(hits.astype(float), hits.astype(float), 400, [20, 20])
    assert unsure.high - unsure.low > 3 * (sure.high - sure.low)


CATEGORY = np.array([False, False, False, True])


def mixed(n: int, seed: int) -> np.ndarray:
    """Three numbers and a category, nothing missing."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.random((n, 3)), rng.integers(0, 3, n)])


def test_predicates_single_out_each_one_of_the_rows_they_are_made_of() -> None:
    made = mixed(200, 1)
    attack = _singling_out(made, CATEGORY, np.random.default_rng(1))
    assert (attack(made) == 1).all()
    assert (attack(np.concatenate([made, made])) == 0).all()  # two rows fit each: neither is singled out
    assert (attack(np.full((5, 4), np.nan)) == 0).all()


def test_extreme_numbers_and_rare_categories_single_out_alone() -> None:
    made = np.array([[0.1 * i, i == 3] for i in range(11)], dtype=np.float64)
    lows, highs = _alone(_extremes(made, _outward(made, np.array([False, True]))), made)
    found = [(made >= low).all(axis=1) & (made <= high).all(axis=1) for low, high in zip(lows, highs, strict=True)]
    assert sorted(int(np.flatnonzero(fits).item()) for fits in found) == [0, 3, 10]


def test_inference_is_a_brute_force_search_for_the_nearest_row() -> None:
    made, rows = mixed(60, 1), mixed(40, 2)
    guessed = np.zeros((40, 4))
    for i, row in enumerate(rows):
        apart = np.where(CATEGORY, made != row, np.abs(made - row))
        for column in range(4):
            guess = made[np.delete(apart, column, axis=1).sum(axis=1).argmin(), column]
            guessed[i, column] = guess == row[column] if column == 3 else abs(guess - row[column]) <= 0.05
    attack = _inference(made, CATEGORY, np.random.default_rng(1))
    assert attack(rows) == pytest.approx(guessed.mean(axis=1))
    assert 0 < guessed.mean() < 1


def test_linkability_is_a_brute_force_search_for_a_common_neighbour() -> None:
    made, rows = mixed(30, 1)[:, :2], mixed(50, 2)[:, :2]  # of two columns, each half is one
    links = [
        np.mean([bool(set(one[:k]) & set(other[:k])) for k in range(1, 6)])
        for one, other in (np.abs(made - row).argsort(axis=0).T for row in rows)
    ]
    attack = _linkability(made, CATEGORY[:2], np.random.default_rng(1))
    assert attack(rows) == pytest.approx(links)
    assert 0 < np.mean(links) < 1


def test_missing_is_near_to_missing_and_far_from_all_else() -> None:
    one, other = np.array([np.nan, np.nan, 0.2, 0.2]), np.array([np.nan, 0.2, np.nan, 0.5])
    assert _apart(one, other, False) == pytest.approx([0.0, 1.0, 1.0, 0.3])
    assert _apart(one, other, True) == pytest.approx([0.0, 1.0, 1.0, 1.0])


def without_figures(figures: dict[str, object]) -> bool:
    return set(figures) == ATTACKS and all(f.value is None and f.note for f in figures.values())


@pytest.mark.parametrize("sizes", [(0, 50, 50), (9, 50, 50), (50, 9, 50), (50, 50, 0), (50, 50, 5)])
def test_tiny_tables_are_omitted(sizes: tuple[int, int, int]) -> None:
    assert without_figures(table_attacks(*(honest(n, seed) for seed, n in enumerate(sizes)), SCHEMA))


def test_a_generator_of_one_row_is_omitted() -> None:
    one = honest(1, 1).take(np.zeros(80, dtype=np.intp))
    assert without_figures(table_attacks(honest(80, 2), honest(80, 3), one, SCHEMA))


def test_a_table_that_does_not_vary_is_omitted() -> None:
    flat = honest(1, 1, missing=0.0).take(np.zeros(80, dtype=np.intp))
    assert without_figures(table_attacks(flat, honest(80, 2), honest(80, 3), SCHEMA))


def test_one_patient_has_no_interval() -> None:
    train = honest(60, 1)
    alone = Records(train.values, train.labels, np.full(60, "a"))
    for figure in table_attacks(alone, honest(60, 2), honest(60, 3), SCHEMA).values():
        assert (figure.low, figure.high) == (None, None)


@pytest.mark.parametrize("column", range(NUMBERS + 2))
def test_a_column_without_an_entry_is_survived(column: int) -> None:
    sides = [honest(60, seed) for seed in range(3)]
    sides[2].values[:, column] = np.nan
    assert set(table_attacks(*sides, SCHEMA)) == ATTACKS
    sides[0].values[:, column] = np.nan
    assert set(table_attacks(*sides, SCHEMA)) == ATTACKS
