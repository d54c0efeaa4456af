"""Latent inversion: what a generator can make it reproduces; what it learned by heart it reproduces better."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.figure import Figure
from edgeward.benchmarks.quality.privacy.attack import membership_figures
from edgeward.benchmarks.quality.privacy.inversion import inversion_loss
from edgeward.benchmarks.quality.privacy.lira import complementary_splits, lira_scores
from edgeward.benchmarks.quality.privacy.nearest import nearest_record_figures
from edgeward.benchmarks.quality.privacy.onnx_torch import TorchGraph
from edgeward.runtime.bundle import Bundle
from edgeward.runtime.noise import NoiseStream
from scipy.stats import binom
from torch import Tensor, nn

NOISE, SIZE = 4, 24


def network(seed: int) -> Callable[[Tensor, Tensor], Tensor]:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Linear(NOISE + 1, 32), nn.Tanh(), nn.Linear(32, SIZE)).requires_grad_(False)
    return lambda noise, condition: made(torch.cat([noise, condition], dim=1)).unsqueeze(1)


def loss_of(graph: Callable[[Tensor, Tensor], Tensor], values: np.ndarray, **options: int) -> np.ndarray:
    settings = {"restarts": 3, "steps": 120, "seed": 5, **options}
    condition = (np.arange(len(values)) % 2).astype(np.float32)[:, None]
    return inversion_loss(graph, (NOISE,), condition, values, scale=np.float32(1.0), **settings)


def own_records(seed: int, n: int) -> np.ndarray:
    """Records of that network from noise that the attack does not start from."""
    noise = torch.from_numpy(NoiseStream(99, (NOISE,)).take(0, n))
    return network(seed)(noise, (torch.arange(n) % 2).float()[:, None]).numpy()


def test_a_record_of_its_own_making_is_reproduced_and_a_foreign_one_is_not() -> None:
    own, foreign = own_records(1, 20), own_records(2, 20)
    assert loss_of(network(1), own).max() < 0.1 * loss_of(network(1), foreign).min()


def test_the_loss_is_deterministic_and_each_record_s_own() -> None:
    values = own_records(2, 12)
    whole = loss_of(network(1), values)
    assert (whole == loss_of(network(1), values)).all()
    assert loss_of(network(1), values[4:]) == pytest.approx(whole[4:], rel=1e-4)


def test_more_steps_and_more_starts_never_lose_what_was_found() -> None:
    values = own_records(2, 12)
    some = loss_of(network(1), values, restarts=2, steps=20)
    tolerance = 1 + 1e-4
    assert (loss_of(network(1), values, restarts=2, steps=60) <= some * tolerance).all()
    assert (loss_of(network(1), values, restarts=5, steps=20) <= some * tolerance).all()


def test_errors_are_measured_in_the_scale() -> None:
    values, condition = own_records(2, 6), np.zeros((6, 1), np.float32)
    plain, scaled = (
        inversion_loss(network(1), (NOISE,), condition, values, scale=np.float32(s), restarts=1, steps=0, seed=1)
        for s in (1.0, 2.0)
    )
    assert scaled == pytest.approx(plain / 4, rel=0.01, abs=2e-3)  # but for the penalty on the noise


def test_a_record_that_only_unlikely_noise_makes_costs_that_noise() -> None:
    def graph(noise: Tensor, condition: Tensor) -> Tensor:
        return noise

    near, far = np.full((1, NOISE), 0.5, np.float32), np.full((1, NOISE), 5.0, np.float32)
    far_loss = loss_of(graph, far, steps=600)
    assert loss_of(graph, near, steps=600) < 1e-6
    assert far_loss > 0.5 * 1e-3 * (5.0**2 - 1)


def test_a_descent_that_diverges_keeps_what_it_had() -> None:
    def graph(noise: Tensor, condition: Tensor) -> Tensor:
        return torch.where(noise > 3.0, torch.nan, noise)

    assert np.isfinite(loss_of(graph, np.full((3, NOISE), 9.0, np.float32), steps=300)).all()


def test_progress_counts_records() -> None:
    said: list[tuple[int, int]] = []
    inversion_loss(
        network(1),
        (NOISE,),
        np.zeros((150, 1), np.float32),
        own_records(1, 150),
        scale=np.float32(1.0),
        restarts=1,
        steps=1,
        seed=1,
        on_progress=lambda done, all_of: said.append((done, all_of)),
    )
    assert said == [(128, 150), (150, 150)]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_bundle_s_graph_reproduces_its_own_records_and_no_noise(bundle: Bundle, precision: str) -> None:
    graph = TorchGraph(bundle.read(bundle.manifest.variant(precision).file))
    shape, size = bundle.manifest.noise_shape, bundle.manifest.data.condition_size
    condition = torch.eye(size)[torch.arange(8) % size]
    with torch.no_grad():
        own = graph(torch.from_numpy(NoiseStream(99, shape).take(0, 8)), condition).numpy()
    foreign = np.random.default_rng(1).permuted(own, axis=2)
    losses = [
        inversion_loss(graph, shape, condition.numpy(), v, scale=own.std(), restarts=2, steps=60, seed=1)
        for v in (own, foreign)
    ]
    assert np.median(losses[0]) < 0.2 * np.median(losses[1])


# What records have in common is large, what is each one's own is small; a generator of few records learns both by
# heart. Noise as large as a record's own part hides it in what is generated, not in the weights.

PATIENTS, DIMENSION, OWN = 60, 40, 0.3
SHARED = np.random.default_rng(0).normal(size=(4, DIMENSION))
NAMES = np.arange(2 * PATIENTS).astype(np.str_)


def population(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 4)) @ SHARED + OWN * rng.normal(size=(n, DIMENSION))).astype(np.float32)


def overfitted(records: np.ndarray) -> Callable[[Tensor, Tensor], Tensor]:
    """As many principal components as half its records, which span these closer than any others."""
    centre = records.mean(axis=0)
    _, sizes, axes = np.linalg.svd(records - centre, full_matrices=False)
    spread = sizes[:, None] / np.sqrt(len(records)) * axes
    mean, span = (torch.from_numpy(a.astype(np.float32)) for a in (centre, spread[: len(records) // 2]))
    return lambda noise, condition: mean + noise @ span


def generated_by(records: np.ndarray, n: int, seed: int) -> Embedded:
    noise = torch.from_numpy(NoiseStream(seed, (len(records) // 2,)).take(0, n))
    hidden = overfitted(records)(noise, noise).numpy() + OWN * np.random.default_rng(seed).normal(size=(n, DIMENSION))
    return Embedded(hidden, np.arange(n).astype(np.str_))


def attack_loss(records: np.ndarray, attacked: np.ndarray) -> np.ndarray:
    shape, none = (len(records) // 2,), np.zeros((len(attacked), 1), np.float32)
    graph = overfitted(records)
    return inversion_loss(graph, shape, none, attacked, scale=np.float32(1.0), restarts=1, steps=150, seed=3)


def auc(scores: np.ndarray) -> Figure:
    own, foreign = NAMES[:PATIENTS], NAMES[PATIENTS:]
    return membership_figures(scores[:PATIENTS], scores[PATIENTS:], own, foreign)["auc"]


def test_a_leak_that_records_hide_is_found_in_the_weights() -> None:
    black = []
    for seed in range(6):
        everyone = population(2 * PATIENTS, 100 + seed)
        train, others = everyone[:PATIENTS], everyone[PATIENTS:]
        sides = (Embedded(side.astype(np.float64), NAMES[:PATIENTS]) for side in (train, others))
        figures = nearest_record_figures(*sides, generated_by(train, 600, seed))
        assert figures["distance_auc"].low <= 0.5 <= figures["distance_auc"].high
        black.append([figures["distance_auc"].value, figures["dcr_share"].value])

        losses = attack_loss(train, everyone)
        assert auc(-losses).low > 0.9
        splits = complementary_splits(NAMES, 4, seed=4)
        shadows = np.stack([attack_loss(everyone[inside], everyone) for inside in splits])
        assert auc(lira_scores(losses, shadows, np.stack(splits))).low > 0.9
    assert np.mean(black, axis=0) == pytest.approx([0.5, 0.5], abs=0.06)


def test_a_generator_that_saw_neither_side_gives_neither_away() -> None:
    runs = 12
    found = [auc(-attack_loss(population(PATIENTS, 500 + s), population(2 * PATIENTS, 600 + s))) for s in range(runs)]
    assert sum(figure.low <= 0.5 <= figure.high for figure in found) >= binom.ppf(0.001, runs, 0.93)
    assert np.mean([figure.value for figure in found]) == pytest.approx(0.5, abs=0.06)
