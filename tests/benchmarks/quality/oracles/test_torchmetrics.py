"""Fréchet and kernel distance are torchmetrics', given our features instead of Inception's."""

import numpy as np
import pytest
import torch
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.frechet import frechet_distance
from edgeward.benchmarks.quality.fidelity.kernel import kernel_distance

REASON = "an oracle, not a dependency: make test-oracles"
fid = pytest.importorskip("torchmetrics.image.fid", reason=REASON)
kid = pytest.importorskip("torchmetrics.image.kid", reason=REASON)
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:Metric")]


class AsTheyAre(torch.nn.Module):
    """Features of features: themselves."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.num_features = d

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def records(n: int, d: int, seed: int, shift: float = 0.0) -> Embedded:
    """Correlated features, each record of a patient of its own."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n, d)) @ np.random.default_rng(0).normal(size=(d, d)) / np.sqrt(d)
    return Embedded(mixed + shift, np.arange(n).astype(np.str_))


def measured(metric: torch.nn.Module, real: Embedded, synthetic: Embedded) -> torch.nn.Module:
    metric = metric.set_dtype(torch.float64)
    metric.update(torch.from_numpy(real.vectors), real=True)
    metric.update(torch.from_numpy(synthetic.vectors), real=False)
    return metric


@pytest.mark.parametrize(("n", "m", "d"), [(300, 300, 8), (500, 200, 32), (900, 700, 128)])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_frechet_distance_is_torchmetrics(n: int, m: int, d: int, shift: float) -> None:
    real, synthetic = records(n, d, 1), records(m, d, 2, shift)
    metric = measured(fid.FrechetInceptionDistance(feature=AsTheyAre(d)), real, synthetic)
    assert frechet_distance(real, synthetic).value == pytest.approx(metric.compute().item(), rel=1e-6)


@pytest.mark.parametrize(("n", "d"), [(100, 8), (400, 32), (600, 128)])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_kernel_distance_is_torchmetrics(n: int, d: int, shift: float) -> None:
    real, synthetic = records(n, d, 1), records(n, d, 2, shift)
    metric = kid.KernelInceptionDistance(feature=AsTheyAre(d), subsets=1, subset_size=n)
    value, _ = measured(metric, real, synthetic).compute()
    assert kernel_distance(real, synthetic).value == pytest.approx(value.item(), rel=1e-9, abs=1e-12)
