"""The distance a student is taught by, by hand."""

import pytest
import torch
from edgeward.compression.distance import distance, distance_of_likely
from edgeward.training.codecs import Codec, codec_for
from edgeward.training.families.relaxed_choices import relaxed
from torch import Tensor

from ..training.toy_schemas import TABLE, signal


def test_a_row_counts_by_its_squared_error() -> None:
    assert distance(torch.tensor([[1.0, 0.0, 3.0]]), torch.zeros(1, 3)).item() == pytest.approx(10 / 3)


def test_a_wave_counts_by_itself_and_by_its_slope() -> None:
    samples = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]])
    assert distance(samples, torch.zeros(1, 1, 4)).item() == pytest.approx(1 / 4 + 2 / 3)


def test_an_image_counts_by_its_slopes_along_both_axes() -> None:
    samples = torch.zeros(1, 1, 3, 3)
    samples[..., 1, 1] = 1.0
    assert distance(samples, torch.zeros(1, 1, 3, 3)).item() == pytest.approx(1 / 9 + 2 / 6 + 2 / 6)


def by_hand(codec: Codec, logits: Tensor, wanted: Tensor) -> Tensor:
    """With the cross-entropy of PyTorch, which is of logits."""
    numbers = slice(0, codec.numbers)
    total = codec.numbers * distance(logits[:, numbers], wanted[:, numbers])
    for group in codec.groups():
        total = total + torch.nn.functional.cross_entropy(logits[:, group], wanted[:, group].argmax(dim=1))
    return total / codec.shape[0]


@pytest.mark.parametrize("codec", [codec_for(TABLE), codec_for(signal(3, 8, gappy=2))], ids=["table", "stays"])
def test_choices_count_by_the_cross_entropy_of_what_the_teacher_chose(codec: Codec) -> None:
    torch.manual_seed(1)
    logits, wanted = torch.randn(2, 50, *codec.shape).unbind()
    found = distance_of_likely(codec, relaxed(codec, logits), wanted)
    torch.testing.assert_close(found, by_hand(codec, logits, wanted))


def test_a_choice_held_to_be_impossible_is_no_infinite_loss() -> None:
    codec = codec_for(TABLE)
    sure = torch.full((1, *codec.shape), -1.0)
    assert distance_of_likely(codec, sure, torch.randn(1, *codec.shape)).isfinite()


def test_without_choices_it_is_the_distance_of_numbers() -> None:
    samples, wanted = torch.randn(2, 5, 2, 8).unbind()
    assert distance_of_likely(codec_for(signal(2, 8)), samples, wanted) == distance(samples, wanted)
