"""Nearest records: a memoriser is caught, an honest sampler is not, and the distances are scikit-learn's."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.privacy import nearest
from edgeward.benchmarks.quality.privacy.nearest import copied, nearest_record_figures
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import binom
from sklearn.neighbors import NearestNeighbors

pytestmark = pytest.mark.filterwarnings("error")


def honest(n: int, seed: int, patients: int | None = None) -> Embedded:
    """Normal records, in turn of each patient, whose records lie around their own centre."""
    rng = np.random.default_rng(seed)
    who = np.arange(n) % (patients or n)
    centres = rng.normal(size=(patients or n, 5))
    return Embedded(centres[who] + (rng.normal(0.0, 0.7, (n, 5)) if patients else 0.0), who.astype(np.str_))


def copies(train: Embedded, noise: float) -> Embedded:
    vectors = train.vectors + noise * np.random.default_rng(9).normal(size=train.vectors.shape)
    return Embedded(vectors, np.arange(len(train)).astype(np.str_))


def test_a_memoriser_is_caught_by_every_figure() -> None:
    train, holdout = honest(300, 1), honest(300, 2)
    figures = nearest_record_figures(train, holdout, copies(train, 1e-3))
    assert figures["dcr_share"].low > 0.95
    assert figures["nndr"].value < 0.05
    assert figures["distance_auc"].low > 0.95
    assert figures["distance_tpr"].low > 0.5


def test_exact_copies_are_found_wherever_they_stand() -> None:
    train, others = np.random.default_rng(1).normal(size=(2, 60, 2, 8)).astype(np.float32)
    mixed = np.concatenate([others, train[:20], np.nextafter(train[20:40], 9)])
    assert np.flatnonzero(copied(mixed, train)).tolist() == list(range(60, 80))


@pytest.mark.parametrize("generated", [200, 1000])
def test_an_honest_sampler_is_not_caught(generated: int) -> None:
    runs = 20
    found = {"dcr_share": [], "distance_auc": []}
    for seed in range(runs):
        sides = honest(150, 3 * seed), honest(150, 3 * seed + 1)
        figures = nearest_record_figures(*sides, honest(generated, 3 * seed + 2))
        for name, kept in found.items():
            kept.append(figures[name])
    # Of 300 runs, 0.93 of the attack's intervals held chance: fewer than this happens once in a thousand.
    fewest = binom.ppf(0.001, runs, 0.93)
    for kept in found.values():
        assert sum(f.low <= 0.5 <= f.high for f in kept) >= fewest
        assert np.mean([f.value for f in kept]) == pytest.approx(0.5, abs=0.02)


def test_many_generated_records_near_few_patients_do_not_make_the_share_sure() -> None:
    held = []
    for seed in range(12):
        sides = honest(200, 3 * seed, patients=10), honest(200, 3 * seed + 1, patients=10)
        figure = nearest_record_figures(*sides, honest(1500, 3 * seed + 2))["dcr_share"]
        held.append(figure.low <= 0.5 <= figure.high)
        assert figure.patients <= 20
    assert np.mean(held) >= 0.75  # 0.95 nominal, less for so few patients


def test_a_larger_training_set_does_not_draw_records_to_its_side() -> None:
    figure = nearest_record_figures(honest(1200, 1), honest(150, 2), honest(600, 3))["dcr_share"]
    assert figure.low <= 0.5 <= figure.high


def test_copies_are_found_where_fewer_records_are_held_out_than_were_trained_on() -> None:
    train = honest(180, 1)
    figures = nearest_record_figures(train, honest(60, 2), copies(train, 0.0))
    assert figures["dcr_share"].value == 1.0
    assert figures["nndr"].value == 0.0


def test_grades_that_tie_with_more_training_records_do_not_draw_records_to_their_side() -> None:
    runs, values = 20, []
    for seed in range(runs):
        sides = (honest(n, 3 * seed + place) for place, n in enumerate((600, 150, 400)))
        graded = [Embedded(np.round(side.vectors), side.patients) for side in sides]
        values.append(nearest_record_figures(*graded)["dcr_share"].value)
    assert np.mean(values) == pytest.approx(0.5, abs=4 * np.std(values) / np.sqrt(runs))


def test_records_as_near_to_both_sides_count_half() -> None:
    same = honest(50, 1)
    figures = nearest_record_figures(same, same, honest(80, 2))
    assert figures["dcr_share"].value == 0.5
    assert figures["distance_auc"].value == 0.5


@pytest.mark.parametrize("numbers", [2**23, 100])
def test_the_distances_are_scikit_learns(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_BLOCK_NUMBERS", numbers)
    of, among = honest(70, 1).vectors, honest(90, 2).vectors
    distances, indices = NearestNeighbors(n_neighbors=2).fit(among).kneighbors(of)
    first, second, which, tied = nearest._nearest_two(of, among)
    assert (tied == 1).all()
    assert first == pytest.approx(distances[:, 0])
    assert second == pytest.approx(distances[:, 1])
    assert (which == indices[:, 0]).all()


def test_the_ratio_is_the_median_of_both_distances() -> None:
    train, synthetic = honest(100, 1), honest(81, 2)
    distances, _ = NearestNeighbors(n_neighbors=2).fit(train.vectors).kneighbors(synthetic.vectors)
    figure = nearest_record_figures(train, honest(100, 3), synthetic)["nndr"]
    assert figure.value == pytest.approx(np.median(distances[:, 0] / distances[:, 1]))


@pytest.mark.parametrize(("train", "holdout", "generated"), [(1, 50, 50), (50, 0, 50), (50, 50, 0)])
def test_nothing_to_compare_is_omitted(train: int, holdout: int, generated: int) -> None:
    figures = nearest_record_figures(honest(train, 1), honest(holdout, 2), honest(generated, 3))
    assert set(figures) == {"dcr_share", "nndr", "distance_auc", "distance_tpr"}
    assert all(f.value is None and f.note for f in figures.values())


def test_few_records_have_shares_but_no_attack() -> None:
    figures = nearest_record_figures(honest(4, 1), honest(4, 2), honest(1, 3))
    assert figures["dcr_share"].value in (0.0, 1.0)
    assert figures["dcr_share"].low is None
    assert figures["distance_auc"].value is None


def test_one_patient_on_a_side_gives_the_attack_no_interval() -> None:
    figures = nearest_record_figures(honest(40, 1, patients=1), honest(40, 2), honest(40, 3))
    assert figures["distance_auc"].value is not None
    assert figures["distance_auc"].low is None


@settings(max_examples=40, deadline=None)
@given(
    width=st.sampled_from([3, 128, 784]),
    among=st.integers(1, 40),
    offset=st.sampled_from([0.0, 1.0, 100.0]),
    copied_rows=st.integers(0, 12),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_quick_search_for_wide_vectors_finds_what_differences_find(
    width: int, among: int, offset: float, copied_rows: int, seed: int
) -> None:
    """Also where vectors are copies, which a product alone would not put at distance 0."""
    rng = np.random.default_rng(seed)
    those, of = (offset + rng.random((n, width)) for n in (among, 15))
    of[:copied_rows] = those[rng.integers(0, among, copied_rows)]
    first, second, which, tied = nearest._nearest_two(of, those)
    distances = cdist(of, those)
    assert (tied == 1).all()  # no two of those are equal
    two = np.sort(distances, axis=1)[:, [0, min(1, among - 1)]]
    assert first == pytest.approx(two[:, 0], rel=1e-9, abs=1e-12)
    assert second == pytest.approx(two[:, 1], rel=1e-9, abs=1e-12)
    assert (first[:copied_rows] == 0.0).all()
    assert distances[np.arange(15), which] == pytest.approx(first, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("width", [5, 784])
def test_every_record_that_is_as_near_is_counted_however_many_there_are(width: int) -> None:
    """As blank images are, many to one."""
    rng = np.random.default_rng(4)
    blank = np.zeros((30, width))
    among = np.concatenate([rng.random((40, width)), blank])
    tied = nearest._nearest_two(np.concatenate([blank[:2], among[:3], 0.001 * np.ones((1, width))]), among)[3]
    assert tied.tolist() == [30, 30, 1, 1, 1, 30]
