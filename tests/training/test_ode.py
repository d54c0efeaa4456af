"""The solvers have the order they are named for, and their path ends where the equation's exact solution does."""

import itertools
import math

import pytest
import torch
from edgeward.training.families.ode import SAMPLERS, Sampler, Velocity, euler, heun, times_between
from torch import Tensor

MEAN = torch.tensor([0.7, -0.4, 0.1], dtype=torch.float64)
COVARIANCE = torch.tensor([[1.0, 0.6, 0.0], [0.6, 0.8, -0.2], [0.0, -0.2, 0.3]], dtype=torch.float64)


def growth(x: Tensor, t: Tensor) -> Tensor:
    """x' = 2 t x, so x(0) = x(1) / e."""
    return 2.0 * t * x


def gaussian_velocity(x: Tensor, t: Tensor) -> Tensor:
    """E[noise - sample | x], known in closed form where samples are normal; x [n, 3], t [1]."""
    identity = torch.eye(3, dtype=x.dtype)
    spread = (1.0 - t) ** 2 * COVARIANCE + t**2 * identity
    gain = (t * identity - (1.0 - t) * COVARIANCE) @ torch.linalg.inv(spread)
    return (x - (1.0 - t) * MEAN) @ gain.T - MEAN


def counted(velocity: Velocity) -> tuple[Velocity, list[float]]:
    """The same velocity, and the times it has been asked at."""
    asked: list[float] = []

    def ask(x: Tensor, t: Tensor) -> Tensor:
        asked.append(t.item())
        return velocity(x, t)

    return ask, asked


@pytest.mark.parametrize(("sampler", "order"), [("euler", 1), ("heun", 2)])
def test_twice_the_steps_divide_the_error_by_two_to_the_order(sampler: Sampler, order: int) -> None:
    start = torch.ones(1, 1, dtype=torch.float64)
    errors = [
        abs(SAMPLERS[sampler](growth, start, times_between(steps)).item() - math.exp(-1.0)) for steps in (50, 100, 200)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(2**order, rel=0.03)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_straight_path_takes_one_step(sampler: Sampler) -> None:
    start, slope = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    end = SAMPLERS[sampler](lambda x, t: slope, start, times_between(1))
    torch.testing.assert_close(end, start - slope)


def test_uneven_times_lead_to_the_same_end() -> None:
    start = torch.ones(1, 1, dtype=torch.float64)
    times = [math.cos(math.pi / 2 * step / 100) for step in range(100)] + [0.0]
    assert heun(growth, start, times).item() == pytest.approx(math.exp(-1.0), rel=1e-3)


def test_euler_asks_once_a_step_from_the_beginning_on() -> None:
    velocity, asked = counted(growth)
    euler(velocity, torch.ones(1, 1), [1.0, 0.75, 0.5, 0.25, 0.0])
    assert asked == [1.0, 0.75, 0.5, 0.25]


def test_heun_asks_twice_a_step_but_never_at_the_end() -> None:
    velocity, asked = counted(growth)
    heun(velocity, torch.ones(1, 1), [1.0, 0.75, 0.5, 0.25, 0.0])
    assert asked == [1.0, 0.75, 0.75, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(("sampler", "steps"), [("euler", 2000), ("heun", 60)])
def test_the_best_velocity_of_normal_data_turns_noise_into_exactly_their_mean_and_covariance(
    sampler: Sampler, steps: int
) -> None:
    # The velocity is affine in x, and so is the way from noise to samples: where 0 and the unit vectors go tells all.
    corners = torch.cat([torch.zeros(1, 3), torch.eye(3)]).double()
    offset, *columns = SAMPLERS[sampler](gaussian_velocity, corners, times_between(steps))
    linear = torch.stack([column - offset for column in columns], dim=1)
    torch.testing.assert_close(offset, MEAN, rtol=0.0, atol=2e-3)
    torch.testing.assert_close(linear @ linear.T, COVARIANCE, rtol=0.0, atol=2e-3)


@pytest.mark.parametrize("steps", [1, 3, 7, 10, 64])
@pytest.mark.parametrize("shift", [0.1, 1.0, 3.0])
def test_times_fall_from_exactly_one_to_exactly_zero(steps: int, shift: float) -> None:
    times = times_between(steps, shift)
    assert (times[0], times[-1], len(times)) == (1.0, 0.0, steps + 1)
    assert all(a > b for a, b in itertools.pairwise(times))


def test_times_are_closest_at_both_ends_and_a_shift_moves_them_towards_noise() -> None:
    even, shifted = times_between(10), times_between(10, 3.0)
    strides = [a - b for a, b in itertools.pairwise(even)]
    assert strides == pytest.approx(strides[::-1])
    assert strides[:5] == sorted(strides[:5])
    assert even[5] == pytest.approx(0.5)
    assert shifted[5] == pytest.approx(0.75)
