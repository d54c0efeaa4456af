"""Precision, recall, density and coverage are those of the authors' own code, where each record is a patient."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.manifold import covered, manifold_figures

prdc = pytest.importorskip("prdc", reason="an oracle, not a dependency: make test-oracles")
pytestmark = pytest.mark.oracle


def records(n: int, d: int, seed: int, shift: float = 0.0, spread: float = 1.0) -> Embedded:
    return Embedded(np.random.default_rng(seed).normal(shift, spread, (n, d)), np.arange(n).astype(np.str_))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        (records(400, 8, 1), records(400, 8, 2)),
        (records(400, 8, 1), records(250, 8, 3, shift=0.5)),
        (records(150, 32, 4), records(600, 32, 5, spread=0.3)),  # collapsed about the middle
        (records(300, 2, 6), records(300, 2, 7, spread=3.0)),
        (records(100, 128, 8), records(100, 128, 9, shift=9.0)),
    ],
)
def test_the_four_figures_are_those_of_prdc(real: Embedded, synthetic: Embedded, k: int) -> None:
    expected = prdc.compute_prdc(real.vectors, synthetic.vectors, nearest_k=k)
    found = {name: figure.value for name, figure in manifold_figures(real, synthetic, k).items()}
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, abs=1e-12)
    assert covered(real, synthetic, k).mean() == pytest.approx(expected["coverage"], abs=1e-12)
