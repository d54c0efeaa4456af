"""All choices at once are the choices one by one, whatever their sizes."""

import pytest
import torch
from edgeward.training.codecs.choices import NEVER, Choices
from hypothesis import given
from hypothesis import strategies as st

SIZES = st.lists(st.sampled_from([1, 2, 3, 4, 5, 9, 17, 51]), min_size=1, max_size=7)


def logits(start: int, sizes: list[int], axes: tuple[int, ...] = (), scale: float = 30.0) -> torch.Tensor:
    return scale * torch.randn(6, start + sum(sizes), *axes, generator=torch.Generator().manual_seed(3))


@given(sizes=SIZES, start=st.integers(0, 3), axes=st.sampled_from([(), (4,)]))
def test_probabilities_are_the_softmax_of_each_choice(sizes: list[int], start: int, axes: tuple[int, ...]) -> None:
    x = logits(start, sizes, axes)
    wanted = [group.softmax(dim=1) for group in x[:, start:].split(sizes, dim=1)]
    found = Choices(start, sizes).probabilities(x)
    torch.testing.assert_close(found, torch.cat(wanted, dim=1), rtol=1e-4, atol=1e-6)


@given(sizes=SIZES, start=st.integers(0, 3))
def test_rows_hold_the_features_of_one_choice_each_and_lead_back(sizes: list[int], start: int) -> None:
    x, choices = logits(start, sizes), Choices(start, sizes)
    rows = choices.rows(x, pad=NEVER)
    assert sorted(choices.order) == list(range(len(sizes)))
    each = x[:, start:].split(sizes, dim=1)
    for row, choice in zip((row for part in rows for row in part.unbind(dim=1)), choices.order, strict=True):
        assert torch.equal(row[:, : sizes[choice]], each[choice])
        assert (row[:, sizes[choice] :] == NEVER).all()
        assert row.shape[1] <= 4 * sizes[choice]
    assert torch.equal(choices.features(rows), x[:, start:])


def test_gradients_of_pads_go_to_no_feature_twice() -> None:
    sizes = [2, 5, 3]
    x = logits(1, sizes, scale=1.0).requires_grad_()
    direction = torch.randn(6, 10, generator=torch.Generator().manual_seed(4))
    (found,) = torch.autograd.grad((Choices(1, sizes).probabilities(x) * direction).sum(), x)
    plain = torch.cat([group.softmax(dim=1) for group in x[:, 1:].split(sizes, dim=1)], dim=1)
    (wanted,) = torch.autograd.grad((plain * direction).sum(), x)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(("sizes", "parts"), [((2, 2, 2), 1), ((2, 4, 8), 1), ((2, 9, 2, 51), 3), ((1, 5), 2)])
def test_choices_of_like_sizes_come_together(sizes: tuple[int, ...], parts: int) -> None:
    assert len(Choices(0, sizes).rows(logits(0, list(sizes)), pad=0.0)) == parts
