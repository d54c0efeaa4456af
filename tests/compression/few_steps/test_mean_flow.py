"""What mean velocities are taught is what they are, where that is known."""

import pytest
import torch
from edgeward.compression.bank import Answers
from edgeward.compression.few_steps.jumps import Jumps
from edgeward.compression.few_steps.mean_flow import consistent, mean_flow_loss, times_in_jumps
from edgeward.training.draws import Draws
from torch import Tensor

from ...training.toy_schemas import TABLE, conditions_of
from ..gaussian import SCHEMA, carried, teacher, untrained


class Exact(Jumps):
    """The mean velocity of normal rows, in closed form."""

    def velocity(self, x: Tensor, t: Tensor, span: Tensor, asked: Tensor) -> Tensor:
        mean = (x - carried(x, t, t - span)) / span[:, None].clamp(min=1e-9)
        return torch.where(span[:, None] > 0, mean, torch.zeros_like(mean))


def error_of(steps: int, t: Tensor, span: Tensor) -> float:
    """Of what a student that knows the closed form is taught, with a teacher of so many steps."""
    full, n = teacher(sampler_steps=steps), len(t)
    student = Exact(untrained(SCHEMA).generator(), [1.0, 0.0])
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(1)) + (1.0 - t[:, None])
    wanted = consistent(student, full, x, t, span, torch.zeros(n, 0))
    exact = (x - carried(x, t, t - span)) / span[:, None]
    return float((wanted - exact).square().mean().sqrt())


@pytest.mark.parametrize(("t", "span"), [(1.0, 1.0), (0.7, 0.7), (0.8, 0.3), (1.0, 0.05), (0.05, 0.05)])
def test_the_true_mean_velocity_is_taught_to_stay_what_it_is(t: float, span: float) -> None:
    ones = torch.ones(500)
    assert error_of(64, t * ones, span * ones) < 2e-3


def test_a_teacher_of_twice_the_steps_teaches_four_times_as_exactly() -> None:
    """Each step is of Heun's method: of second order in its length, whatever is left to the end."""
    ones = torch.ones(500)
    coarse, fine = (error_of(steps, ones, ones) for steps in (8, 16))
    # The error of one step is of the third order; taken together with the rest of the way, which is exact here.
    assert 6.0 < coarse / fine < 10.0


def test_a_wrong_mean_velocity_is_taught_to_change() -> None:
    full = teacher(sampler_steps=16)
    student = Jumps(untrained(SCHEMA).generator(), [1.0, 0.0]).eval()
    ones, x = torch.ones(500), torch.randn(500, 3, generator=torch.Generator().manual_seed(1))
    exact = x - carried(x, ones, 0.0 * ones)
    with torch.no_grad():
        said = student.velocity(x, ones, ones, student.conditioning(torch.zeros(500, 0)))
        wanted = consistent(student, full, x, ones, ones, torch.zeros(500, 0))
    assert (wanted - exact).norm() < (said - exact).norm()


@pytest.mark.parametrize("calls", [1, 2])
def test_of_choices_the_loss_stays_finite_down_to_the_very_end(calls: int) -> None:
    full = untrained(TABLE, sampler_steps=6).generator()
    student = Jumps(full, {1: [1.0, 0.0], 2: [1.0, 0.5, 0.0]}[calls])
    noise = torch.randn(64, *full.noise_shape, generator=torch.Generator().manual_seed(1))
    answers = Answers(noise, conditions_of(64), (torch.sign(noise),))
    for seed in range(8):
        loss = mean_flow_loss(student, full, answers, 512, Draws(torch.Generator().manual_seed(seed)))
        assert loss < 10.0


def test_guidance_is_taught_as_the_teacher_has_it() -> None:
    class Told(torch.nn.Module):
        def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
            return torch.ones_like(x) * condition[:, -1:]  # 1 with a condition, 0 without

    full = teacher(guidance=3.0)
    full.network = Told()
    student = Exact(untrained(SCHEMA).generator(), [1.0, 0.0])
    short = torch.full((4,), 0.01)
    wanted = consistent(student, full, torch.zeros(4, 3), 0.5 + short, short, torch.zeros(4, 0))
    torch.testing.assert_close(wanted, torch.full((4, 3), 3.0))


def test_times_lie_within_their_jumps_and_many_at_their_start() -> None:
    times = (1.0, 0.6, 0.0)
    t, span = times_in_jumps(times, 4000, Draws(torch.Generator().manual_seed(1)))
    first = torch.arange(4000) % 2 == 0
    assert (t[first] > 0.6).all()
    assert (t[~first] > 0.0).all()
    assert (t[~first] <= 0.6 + 1e-6).all()
    torch.testing.assert_close(t - span, torch.where(first, 0.6, 0.0))
    at_start = torch.where(first, t == 1.0, (t - 0.6).abs() < 1e-6).float().mean().item()
    assert at_start == pytest.approx(0.25, abs=0.02)
