"""The distance a student is taught by, by hand."""

import pytest
import torch
from edgeward.compression.distance import distance


def test_a_row_counts_by_its_squared_error() -> None:
    assert distance(torch.tensor([[1.0, 0.0, 3.0]]), torch.zeros(1, 3)).item() == pytest.approx(10 / 3)


def test_a_wave_counts_by_itself_and_by_its_slope() -> None:
    samples = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]])
    assert distance(samples, torch.zeros(1, 1, 4)).item() == pytest.approx(1 / 4 + 2 / 3)


def test_an_image_counts_by_its_slopes_along_both_axes() -> None:
    samples = torch.zeros(1, 1, 3, 3)
    samples[..., 1, 1] = 1.0
    assert distance(samples, torch.zeros(1, 1, 3, 3)).item() == pytest.approx(1 / 9 + 2 / 6 + 2 / 6)
