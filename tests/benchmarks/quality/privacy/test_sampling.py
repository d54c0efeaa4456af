"""The loss by samples is small where a generator makes a record, and each kind of condition is sampled once."""

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.privacy.sampling import sampling_loss

Floats = npt.NDArray[np.float32]


def as_they_are(values: Floats) -> npt.NDArray[np.float64]:
    return values.astype(np.float64)


def about_its_condition(condition: Floats, first: int) -> Floats:
    """Rows spread evenly about what is asked for: sample i of a seed is i tenths to its right."""
    return condition + (0.1 * (first + np.arange(len(condition), dtype=np.float32)))[:, None]


def test_it_is_the_squared_distance_to_the_nearest_sample_under_the_records_own_condition() -> None:
    condition = np.array([[0.0], [5.0], [0.0]], np.float32)
    records = np.array([[0.3], [0.3], [2.0]])
    losses = sampling_loss(about_its_condition, condition, records, as_they_are, samples=6)
    np.testing.assert_allclose(losses, [0.0, (5.0 - 0.3) ** 2, (2.0 - 0.5) ** 2], atol=1e-6)


def test_records_of_one_condition_share_their_samples() -> None:
    calls: list[tuple[int, int]] = []

    def counted(condition: Floats, first: int) -> Floats:
        calls.append((len(condition), first))
        return about_its_condition(condition, first)

    condition = np.repeat(np.array([[1.0], [2.0]], np.float32), 50, axis=0)
    sampling_loss(counted, condition, np.zeros((100, 1)), as_they_are, samples=7)
    assert calls == [(7, 0), (7, 0)]


def test_a_memorisers_training_records_are_told_from_others() -> None:
    rng = np.random.default_rng(1)
    train, others = rng.normal(size=(2, 60, 4)).astype(np.float32)

    def memoriser(condition: Floats, first: int) -> Floats:
        return train[(first + np.arange(len(condition))) % len(train)]

    condition = np.zeros((120, 1), np.float32)
    losses = sampling_loss(memoriser, condition, np.concatenate([train, others]), as_they_are, samples=100)
    assert losses[:60].max() < 1e-6 < losses[60:].min()
    assert losses.min() > 0.0, "a logarithm is taken of it"


def test_more_samples_come_no_further_away() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(400, 3)).astype(np.float32)
    records, condition = rng.normal(size=(20, 3)), np.zeros((20, 1), np.float32)

    def sample(asked: Floats, first: int) -> Floats:
        return noise[first : first + len(asked)]

    few, many = (sampling_loss(sample, condition, records, as_they_are, samples=n) for n in (50, 400))
    assert (many <= few).all()
    assert many.mean() < few.mean()
    assert many == pytest.approx(((records[:, None] - noise) ** 2).sum(axis=2).min(axis=1), abs=1e-6)
