"""A critic sees choices as real samples show them, and gradients pass as if it had seen the probabilities."""

import numpy as np
import pytest
import torch
from edgeward.runtime.schema import Schema
from edgeward.training.codecs import Codec, codec_for
from edgeward.training.families.relaxed_choices import chosen, relaxed
from torch import Tensor

from .toy_schemas import TABLE, image, samples_of, signal

SCHEMAS: dict[str, Schema] = {
    "stays": signal(6, 8, gappy=4),
    "table": TABLE,
    "beats": signal(2, 16),
    "grey": image(1, 8),
}
WITH_CHOICES = ("stays", "table")


def fitted(kind: str) -> Codec:
    codec = codec_for(SCHEMAS[kind])
    codec.fit(samples_of(SCHEMAS[kind], 64))
    return codec


def encoded(kind: str) -> Tensor:
    return fitted(kind).encode(torch.from_numpy(samples_of(SCHEMAS[kind], 32)))


def raw(codec: Codec, n: int = 32) -> Tensor:
    return torch.randn(n, *codec.shape, generator=torch.Generator().manual_seed(5), requires_grad=True)


def groups(codec: Codec, x: Tensor) -> list[Tensor]:
    """Each choice's features [n, size, *axes], plainly counted off."""
    return list(x[:, codec.numbers :].split(list(codec.choices), dim=1))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_real_samples_are_seen_as_they_are(kind: str) -> None:
    assert torch.equal(chosen(fitted(kind), encoded(kind)), encoded(kind))


@pytest.mark.parametrize("kind", ["beats", "grey"])
def test_where_nothing_is_chosen_nothing_is_touched(kind: str) -> None:
    codec = fitted(kind)
    x = raw(codec)
    assert relaxed(codec, x) is x
    assert chosen(codec, x) is x


@pytest.mark.parametrize("kind", WITH_CHOICES)
def test_probabilities_of_each_choice_are_the_softmax_of_its_features_and_numbers_pass(kind: str) -> None:
    codec = fitted(kind)
    x = raw(codec)
    found = relaxed(codec, x)
    assert torch.equal(found[:, : codec.numbers], x[:, : codec.numbers])
    for mine, logits in zip(groups(codec, found), groups(codec, x), strict=True):
        weights = logits.exp()
        torch.testing.assert_close((mine + 1) / 2, weights / weights.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("kind", WITH_CHOICES)
def test_what_the_critic_sees_is_one_feature_chosen_of_each_group_and_what_is_decoded(kind: str) -> None:
    codec = fitted(kind)
    soft = relaxed(codec, raw(codec))
    seen = chosen(codec, soft)
    for mine in groups(codec, seen):
        assert torch.equal(mine.detach().sort(dim=1).values[:, -1], torch.ones_like(mine[:, 0]))
        assert (mine == -1).sum() == mine.numel() - mine[:, 0].numel()
    torch.testing.assert_close(codec.decode(seen), codec.decode(soft), equal_nan=True)


def test_each_value_of_a_column_and_its_absence_can_be_chosen() -> None:
    codec = fitted("table")
    start, reached = codec.numbers, []
    for size in codec.choices:
        for choice in range(size):
            x = torch.zeros(1, *codec.shape)
            x[0, start + choice] = 3.0
            reached.append(codec.decode(chosen(codec, relaxed(codec, x)))[0].tolist())
        start += size
    stage, troponin, smoker = (np.array([row[place] for row in reached]) for place in (1, 2, 3))
    assert set(stage) == {0.0, 1.0, 2.0}
    assert np.isnan(troponin).sum() == 1
    assert set(smoker[~np.isnan(smoker)]) == {0.0, 1.0}
    assert np.isnan(smoker).sum() == 1


@pytest.mark.parametrize("kind", WITH_CHOICES)
def test_the_gradient_of_choices_is_that_of_the_probabilities(kind: str) -> None:
    codec = fitted(kind)
    x = raw(codec)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(6))
    of_choices = direction.clone()
    of_choices[:, : codec.numbers] = 0.0
    (through,) = torch.autograd.grad((chosen(codec, relaxed(codec, x)) * of_choices).sum(), x)
    (soft,) = torch.autograd.grad((relaxed(codec, x) * of_choices).sum(), x)
    torch.testing.assert_close(through, soft)
    assert through[:, codec.numbers :].abs().min() > 0


@pytest.mark.parametrize("kind", WITH_CHOICES)
def test_a_missing_number_is_seen_as_0_and_not_learnt_from(kind: str) -> None:
    codec = fitted(kind)
    x = raw(codec)
    seen = chosen(codec, relaxed(codec, x))
    known = codec.known(seen.detach()).bool()
    assert known.any()
    assert not known.all()
    numbers = seen[:, : codec.numbers]
    assert torch.equal(numbers, torch.where(known, x[:, : codec.numbers], 0.0))
    (gradient,) = torch.autograd.grad(numbers.sum(), x)
    assert torch.equal(gradient[:, : codec.numbers], known.float())
