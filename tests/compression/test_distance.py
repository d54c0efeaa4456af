"""The distance a student is taught by, by hand."""

import pytest
import torch
import torch.nn.functional as F
from edgeward.compression.distance import distance, of_numbers
from edgeward.training.codecs import Codec, codec_for

from ..training.toy_schemas import TABLE, image, signal


@pytest.fixture
def table() -> Codec:
    return codec_for(TABLE)


def test_a_wave_counts_by_itself_and_by_its_slope() -> None:
    samples, wanted = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]]), torch.zeros(1, 1, 4)
    assert of_numbers(samples, wanted).item() == pytest.approx(1 / 4 + 2 / 3)
    assert distance(codec_for(signal(1, 4)), samples, wanted) == of_numbers(samples, wanted)


def test_an_image_counts_by_its_slopes_along_both_axes() -> None:
    samples, wanted = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    samples[..., 1, 1] = 1.0
    assert distance(codec_for(image(1, 3)), samples, wanted).item() == pytest.approx(1 / 9 + 2 / 6 + 2 / 6)


def test_choices_count_by_the_cross_entropy_of_what_the_teacher_chose(table: Codec) -> None:
    torch.manual_seed(1)
    samples, wanted = torch.randn(2, 50, *table.shape).unbind()
    numbers = (samples - wanted)[:, : table.numbers].square().mean() * table.numbers
    parts = [F.cross_entropy(2.0 * samples[:, group], wanted[:, group].argmax(dim=1)) for group in table.groups()]
    expected = (numbers + sum(parts)) / table.shape[0]
    torch.testing.assert_close(distance(table, samples, wanted), expected)


def test_gaps_of_a_series_count_at_each_hour() -> None:
    codec = codec_for(signal(3, 8, gappy=2))
    torch.manual_seed(1)
    samples, wanted = torch.randn(2, 5, *codec.shape).unbind()
    parts = [F.cross_entropy(2.0 * samples[:, group], wanted[:, group].argmax(dim=1)) for group in codec.groups()]
    numbers = 3 * of_numbers(samples[:, :3], wanted[:, :3])
    torch.testing.assert_close(distance(codec, samples, wanted), (numbers + sum(parts)) / codec.shape[0])


def test_how_clearly_the_teacher_chose_is_of_no_matter_but_what(table: Codec) -> None:
    torch.manual_seed(1)
    samples, wanted = torch.randn(2, 50, *table.shape).unbind()
    clearer = wanted.clone()
    clearer[:, table.numbers :] *= 3.0
    assert distance(table, samples, clearer) == distance(table, samples, wanted)
