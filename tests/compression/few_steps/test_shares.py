"""Rare choices keep their share, whatever the student makes of them."""

import torch
from edgeward.compression.bank import Answers
from edgeward.compression.few_steps.jumps import Jumps
from edgeward.compression.few_steps.shares import keep_shares, shares
from edgeward.runtime.schema import Schema
from torch import Tensor

from ...training.toy_schemas import TABLE, conditions_of, signal
from ..gaussian import untrained

N = 4000


class Told(Jumps):
    """Makes what it is told, before it is tilted."""

    samples: Tensor

    def path(self, noise: Tensor, condition: Tensor) -> list[Tensor]:
        places = noise.flatten(1)[:, 0].long()
        return [self.samples[places]]


def told(schema: Schema, samples: Tensor, widths: list[int]) -> tuple[Told, Tensor, Tensor]:
    """The student, and noise that asks for its samples one after the other."""
    student = Told(untrained(schema, widths=widths).generator(), [1.0, 0.0]).eval()
    student.samples = samples
    noise = torch.zeros(len(samples), *student.noise_shape)
    noise.flatten(1)[:, 0] = torch.arange(len(samples))
    return student, noise, conditions_of(len(samples))


def timid(wanted: Tensor) -> Tensor:
    """What squared error makes of samples it cannot tell apart well: nearer their mean, and blurred."""
    mean = wanted.mean(dim=0, keepdim=True)
    return mean + 0.4 * (wanted - mean) + 0.2 * torch.randn(wanted.shape, generator=torch.Generator().manual_seed(2))


def test_a_rare_category_that_was_never_chosen_is_chosen_as_often_as_by_the_teacher() -> None:
    model = untrained(TABLE)
    wanted = torch.randn(N, *model.codec.shape, generator=torch.Generator().manual_seed(1))
    stage, *others = model.codec.groups()
    wanted[:, stage] = -1.0
    wanted[torch.arange(N), stage.start + (torch.arange(N) % 100 == 7) + 0 * torch.arange(N)] = 1.0
    student, noise, condition = told(TABLE, timid(wanted), [16])
    with torch.no_grad():
        before = student.encoded(noise, condition)
        keep_shares(student, Answers(noise, condition, (wanted,)))
        after = student.encoded(noise, condition)
    assert shares(before[:, stage])[1] < 0.002
    torch.testing.assert_close(shares(after[:, stage]), torch.tensor([0.99, 0.01, 0.0]), atol=1e-3, rtol=0.0)
    for group in others:
        torch.testing.assert_close(shares(after[:, group]), shares(wanted[:, group]), atol=0.01, rtol=0.0)
    assert torch.equal(after[:, : model.codec.numbers], before[:, : model.codec.numbers]), "numbers are not tilted"


def test_gaps_of_a_series_keep_their_share_of_the_hours() -> None:
    schema = signal(2, 8, gappy=1)
    model = untrained(schema, widths=[8])
    wanted = torch.randn(N, *model.codec.shape, generator=torch.Generator().manual_seed(1))
    (gap,) = model.codec.groups()
    wanted[:, gap.start] = 1.5 + 0.5 * wanted[:, gap.start]
    wanted[:, gap.start + 1] = -wanted[:, gap.start]
    student, noise, condition = told(schema, timid(wanted), [8])
    with torch.no_grad():
        keep_shares(student, Answers(noise, condition, (wanted,)))
        after = student.encoded(noise, condition)
    rare = shares(wanted[:, gap])[1]
    assert 0.0005 < rare < 0.01
    assert abs(shares(after[:, gap])[1] / rare - 1.0) < 0.1


def test_without_choices_nothing_is_done() -> None:
    schema = signal(2, 8)
    student, noise, condition = told(schema, torch.randn(4, 2, 8), [8])
    keep_shares(student, Answers(noise, condition, (torch.randn(4, 2, 8),)))
    assert not student.tilt.any()
    assert torch.equal(student.encoded(noise, condition), student.samples)
