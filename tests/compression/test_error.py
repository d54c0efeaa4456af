"""The distance between two models' samples, by hand, and on inputs that never change."""

import numpy as np
import pytest
from edgeward.compression import Compressed
from edgeward.compression.error import PROBE_SAMPLES, PROBE_SEED, probe_inputs, relative_l2, run_onnx, run_torch
from edgeward.runtime.feed import Feed
from edgeward.training.checkpoint import Checkpoint

REFERENCE = np.array([[[3.0, -3.0], [1.0, -1.0]], [[1.0, -1.0], [7.0, -7.0]], [[5.0, -5.0], [5.0, -5.0]]], np.float32)
"""Three samples of two channels: standard deviations sqrt(35 / 3) and 5."""


def test_equal_samples_are_at_no_distance() -> None:
    assert relative_l2(REFERENCE, REFERENCE) == 0.0


def test_samples_that_are_a_tenth_too_large_are_at_a_distance_of_a_tenth() -> None:
    assert relative_l2(np.float32(1.1) * REFERENCE, REFERENCE) == pytest.approx(0.1, rel=1e-5)


def test_it_is_the_median_over_the_samples() -> None:
    factors = np.array([1.0, 1.2, 9.0], np.float32)[:, None, None]
    assert relative_l2(factors * REFERENCE, REFERENCE) == pytest.approx(0.2, rel=1e-5)


def test_a_change_of_one_channel_counts_in_that_channels_spread() -> None:
    changed = REFERENCE.copy()
    changed[:, 1] = 0.0
    # Squared norms of a sample: 2 x^2 / (35 / 3) in the first channel, 2 y^2 / 25 in the second.
    shares = [(y * y / 25) / (x * x / (35 / 3) + y * y / 25) for x, y in ((3, 1), (1, 7), (5, 5))]
    assert relative_l2(changed, REFERENCE) == pytest.approx(np.sqrt(np.median(shares)), rel=1e-5)


def test_the_unit_of_a_channel_makes_no_difference() -> None:
    changed = REFERENCE + np.array([[[0.3], [0.1]]], np.float32)
    microvolts = np.array([[[1000.0], [1.0]]], np.float32)
    assert relative_l2(changed * microvolts, REFERENCE * microvolts) == pytest.approx(
        relative_l2(changed, REFERENCE), rel=1e-4
    )


def test_a_sample_that_is_not_a_number_is_no_small_distance() -> None:
    spoilt = np.full_like(REFERENCE, np.nan)
    assert not relative_l2(spoilt, REFERENCE) <= 1e9


def test_probe_inputs_are_the_same_each_time(teacher: Checkpoint) -> None:
    one, other = (probe_inputs((6,), teacher.schema) for _ in range(2))
    assert one.noise.shape == (PROBE_SAMPLES, 6)
    assert one.noise.tobytes() == other.noise.tobytes()
    assert one.condition.tobytes() == other.condition.tobytes()


def test_probe_inputs_are_the_first_samples_of_their_own_seed_and_show_every_class(teacher: Checkpoint) -> None:
    inputs = probe_inputs((6,), teacher.schema)
    expected = Feed(PROBE_SEED, (6,), teacher.schema.conditions, {}).take(0, 3)
    np.testing.assert_array_equal(inputs.noise[:3], expected.noise)
    # A fifth of the samples each, give or take five standard deviations.
    counts, share = inputs.condition.sum(axis=0), PROBE_SAMPLES / 5
    assert np.all(np.abs(counts - share) < 5 * np.sqrt(share * 0.8))


def test_running_pytorch_and_the_graph_gives_samples_in_the_schemas_shape(
    teacher: Checkpoint, compressed: Compressed
) -> None:
    inputs = probe_inputs((6,), teacher.schema)
    for samples in (run_torch(teacher.generator(), inputs), run_onnx(compressed.graphs["fp32"], inputs)):
        assert samples.shape == (PROBE_SAMPLES, *teacher.schema.shape)
        assert samples.dtype == np.float32
