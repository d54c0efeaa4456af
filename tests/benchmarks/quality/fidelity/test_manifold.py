"""Precision, recall, density and coverage against scikit-learn's neighbours, and in the cases that must show."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity import manifold
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.manifold import covered, manifold_figures
from edgeward.runtime.errors import DataError
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from .samples import gaussian


def by_scikit_learn(real: Embedded, synthetic: Embedded, k: int) -> dict[str, float]:
    x, y = real.vectors, synthetic.vectors
    x_reach, y_reach = (
        NearestNeighbors(n_neighbors=k, algorithm="brute").fit(v).kneighbors()[0][:, -1] for v in (x, y)
    )
    distances = pairwise_distances(x, y)
    in_real = distances <= x_reach[:, None]
    return {
        "precision": in_real.any(axis=0).mean(),
        "recall": (distances <= y_reach).any(axis=1).mean(),
        "density": in_real.sum(axis=0).mean() / k,
        "coverage": in_real.any(axis=1).mean(),
    }


def values_of(real: Embedded, synthetic: Embedded, k: int = 5) -> dict[str, float]:
    return {name: figure.value or 0.0 for name, figure in manifold_figures(real, synthetic, k).items()}


@pytest.mark.parametrize("block", [manifold._BLOCK_NUMBERS, 1000])
@pytest.mark.parametrize("k", [1, 5])
def test_they_are_what_scikit_learns_neighbours_give(monkeypatch: pytest.MonkeyPatch, block: int, k: int) -> None:
    monkeypatch.setattr(manifold, "_BLOCK_NUMBERS", block)
    real, synthetic = gaussian(150, 4), gaussian(110, 4, seed=1, shift=0.4)
    expected = by_scikit_learn(real, synthetic, k)
    assert values_of(real, synthetic, k) == pytest.approx(expected)
    assert covered(real, synthetic, k).mean() == pytest.approx(expected["coverage"])


def test_equal_laws_have_density_and_coverage_near_one() -> None:
    # Expected coverage of equal laws and numbers is 1 - 2^-k (Naeem 2020, lemma 2), and density 1.
    values = values_of(gaussian(1500, 3), gaussian(1500, 3, seed=1))
    assert values["coverage"] == pytest.approx(1 - 2**-5, abs=0.015)
    assert values["density"] == pytest.approx(1.0, abs=0.1)
    assert min(values["precision"], values["recall"]) > 0.9


def test_mode_collapse_fails_coverage_and_recall_but_not_precision() -> None:
    real = gaussian(500, 3)
    centre = gaussian(500, 3, seed=1, spread=0.1)
    values = values_of(real, centre)
    assert values["precision"] > 0.95
    assert values["recall"] < 0.1
    assert values["coverage"] < 0.3


def test_records_far_from_real_ones_fail_precision_and_density() -> None:
    values = values_of(gaussian(300, 3), gaussian(300, 3, seed=1, shift=20.0))
    assert values == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_copies_look_perfect_also_where_rows_repeat() -> None:
    vectors = np.repeat(np.random.default_rng(4).integers(0, 2, (20, 6)) / np.sqrt(2), 10, axis=0)
    for real in (gaussian(200, 6), Embedded(vectors, np.arange(200).astype(np.str_))):
        copies = Embedded(real.vectors[::-1].copy(), real.patients)
        values = values_of(real, copies)
        assert [values[name] for name in ("precision", "recall", "coverage")] == [1.0, 1.0, 1.0]
        assert values["density"] >= 1.0
        assert covered(real, copies).all()


def ward(rng: np.random.Generator, patients: int = 200, records: int = 10) -> Embedded:
    """Patients who differ, each with records that hardly do."""
    vectors = np.repeat(rng.normal(size=(patients, 3)), records, axis=0)
    vectors += 1e-6 * rng.normal(size=vectors.shape)
    return Embedded(vectors, np.repeat(np.arange(patients), records).astype(np.str_))


def test_alike_records_of_one_patient_count_as_one() -> None:
    rng = np.random.default_rng(5)
    real, other = ward(rng), ward(rng)
    found = values_of(real, other)
    once = values_of(real.take(np.arange(0, 2000, 10)), other.take(np.arange(0, 2000, 10)))
    assert found == pytest.approx(once, abs=0.02)
    assert found["coverage"] == pytest.approx(1 - 2**-5, abs=0.06)
    assert found["density"] == pytest.approx(1.0, abs=0.2)
    usual = Embedded(real.vectors, np.arange(2000).astype(np.str_))
    assert values_of(usual, other)["coverage"] < 0.1


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_of_records_is_of_no_matter(order: list[int]) -> None:
    real, synthetic = gaussian(24, 3, patients=6), gaussian(24, 3, seed=1)
    shuffled = real.take(np.array(order)), synthetic.take(np.array(order))
    assert values_of(*shuffled) == pytest.approx(values_of(real, synthetic))
    np.testing.assert_array_equal(covered(*shuffled), covered(real, synthetic)[order])


def test_each_figure_rests_on_the_side_it_counts() -> None:
    figures = manifold_figures(gaussian(60, 3, patients=6), gaussian(40, 3, seed=1))
    assert {name: (figure.n, figure.patients) for name, figure in figures.items()} == {
        "precision": (40, 40),
        "recall": (60, 6),
        "density": (40, 40),
        "coverage": (60, 6),
    }


def test_few_records_use_fewer_neighbours_say_so_and_are_unsure() -> None:
    few = manifold_figures(gaussian(4, 2), gaussian(4, 2, seed=1))
    many = manifold_figures(gaussian(400, 2), gaussian(400, 2, seed=1))
    assert "with 1 neighbours" in few["coverage"].note
    assert many["coverage"].note == ""
    widths = [figures["density"].high - figures["density"].low for figures in (few, many)]  # type: ignore[operator]
    assert widths[0] > 2 * widths[1]


def test_one_record_is_omitted_and_one_patient_has_no_interval() -> None:
    assert all(figure.value is None for figure in manifold_figures(gaussian(1, 2), gaussian(9, 2)).values())
    with pytest.raises(DataError, match="two real records"):
        covered(gaussian(1, 2), gaussian(9, 2))
    assert not covered(gaussian(9, 2), gaussian(0, 2)).any()
    figures = manifold_figures(gaussian(40, 2, patients=1), gaussian(40, 2, seed=1))
    assert figures["coverage"].value is not None
    assert figures["coverage"].low is None
    assert figures["precision"].low is not None
