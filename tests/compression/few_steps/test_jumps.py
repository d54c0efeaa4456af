"""Jumps start as the best linear guess, and end where they are told to."""

import pytest
import torch
from edgeward.compression.few_steps.jumps import Jumps, jump_times
from edgeward.training.families.ode import times_between

from ...training.toy_schemas import TABLE, conditions_of, image, signal
from ..gaussian import SCHEMA, carried, teacher, untrained

WHITE = {"table": (TABLE, [16]), "beats": (signal(2, 16), [8, 8]), "grey": (image(1, 8), [8, 8])}


@pytest.mark.parametrize("kind", WHITE)
@pytest.mark.parametrize("times", [[1.0, 0.0], [1.0, 0.4, 0.0], [1.0, 0.9, 0.5, 0.2, 0.0]])
def test_where_samples_are_white_no_training_is_needed(kind: str, times: list[float]) -> None:
    schema, widths = WHITE[kind]
    student = Jumps(untrained(schema, widths=widths).generator(), times).eval()
    noise = torch.randn(5, *student.noise_shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        states = student.path(noise, conditions_of(5))
    numbers = student.codec.numbers  # choices depend on how often each is made
    for t, state in zip(times[1:], states, strict=True):
        # Noise and white samples, mixed: their spread on the way, and 1 again at the end.
        torch.testing.assert_close(
            state[:, :numbers], noise[:, :numbers] * (t**2 + (1.0 - t) ** 2) ** 0.5, rtol=1e-4, atol=1e-5
        )


def test_with_the_mean_velocity_of_a_known_path_a_single_jump_is_exact() -> None:
    class Exact(Jumps):
        def velocity(self, x, t, span, asked):  # type: ignore[no-untyped-def]
            t, end = t.expand(len(x)), (t - span).expand(len(x))
            return (x - carried(x, t, end)) / span

    noise, ones = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)), torch.ones(6)
    model = untrained(SCHEMA).generator()
    for times in ([1.0, 0.0], [1.0, 0.3, 0.0]):
        samples = Exact(model, times).encoded(noise, torch.zeros(6, 0))
        torch.testing.assert_close(samples, carried(noise, ones, 0.0 * ones), rtol=1e-4, atol=1e-5)


def test_its_weights_are_its_own() -> None:
    model = untrained(TABLE).generator()
    student = Jumps(model, [1.0, 0.0])
    theirs = {id(parameter) for parameter in model.parameters()}
    assert not any(id(parameter) in theirs for parameter in student.parameters())
    assert model.network.body.embedding.of_span is None, "the teacher takes no spans"  # type: ignore[union-attr]


def test_spans_change_nothing_before_they_are_learnt_but_the_linear_part() -> None:
    model = untrained(TABLE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    network = Jumps(model.generator(), [1.0, 0.0]).network
    x, asked = torch.randn(4, *model.codec.shape), model.conditioning(conditions_of(4))
    t, none, all_of_it = torch.full((1,), 0.6), torch.zeros(1), torch.full((1,), 0.6)
    torch.testing.assert_close(network(x, t, asked, none), network(x, t, asked))
    body = network.body  # type: ignore[union-attr]
    torch.testing.assert_close(body(x, t, asked, all_of_it), body(x, t, asked))  # type: ignore[operator]


@pytest.mark.parametrize("steps", [2, 5, 8, 12, 16])
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_jumps_begin_and_end_at_times_of_the_teacher_s_solver(calls: int, steps: int) -> None:
    if calls >= steps:
        pytest.skip("no fewer steps than the teacher's")
    times = jump_times(teacher(sampler_steps=steps), calls)
    assert (times[0], times[-1], len(times)) == (1.0, 0.0, calls + 1)
    assert times == sorted(set(times), reverse=True)
    assert set(times) <= set(times_between(steps))
