"""Private gradients: those of single records, none longer than the clip, and noise of the size that was told."""

import numpy as np
import pytest
import torch
from edgeward.runtime.schema import Schema
from edgeward.training.families import Family, build_family
from edgeward.training.private.gradients import (
    Gradients,
    RecordDraws,
    clipped_sum,
    private_gradients,
    record_gradients,
)
from torch import Tensor

from ..toy_schemas import conditions_of, image, samples_of, signal
from .private_runs import private_recipe, small_table

N = 7


def model_and_records(family: str) -> tuple[Family, Tensor, Tensor]:
    torch.manual_seed(3)
    dataset, recipe = small_table(), private_recipe(family)
    model = build_family(recipe.family, dataset.schema, recipe.options)
    model.codec.fit_public()
    with torch.no_grad():
        for parameter in model.parameters():  # layers that begin at zero would hide what is behind them
            parameter.add_(0.05 * torch.randn(parameter.shape))
    samples, condition = dataset.train.samples[:N], dataset.condition_vectors(dataset.train)[:N]
    return model, torch.from_numpy(samples), torch.from_numpy(condition)


def norms(gradients: Gradients) -> Tensor:
    return torch.stack([g.flatten(1).double().square().sum(1) for g in gradients.values()]).sum(0).sqrt()


def flat(gradients: Gradients) -> Tensor:
    return torch.cat([g.flatten() for g in gradients.values()])


def step(model: Family, samples: Tensor, condition: Tensor, *, clip: float, noise_multiplier: float) -> Gradients:
    _, gradients = private_gradients(
        model,
        samples,
        condition,
        clip=clip,
        noise_multiplier=noise_multiplier,
        expected=4.0,
        draws=np.random.default_rng(5),
        noise=np.random.default_rng(6),
    )
    return gradients


@pytest.mark.parametrize("family", ["vae", "diffusion"])
def test_gradients_are_those_of_ordinary_backward_passes_one_record_at_a_time(family: str) -> None:
    model, samples, condition = model_and_records(family)
    losses, gradients = record_gradients(model, samples, condition, np.random.default_rng(5))
    assert set(gradients) == {name for name, _ in model.named_parameters()}
    for i in range(N):
        draws = RecordDraws(np.random.default_rng(5), N, torch.tensor([i]))
        model.zero_grad()
        loss = model.record_losses(samples[i : i + 1], condition[i : i + 1], draws).sum()
        loss.backward()
        torch.testing.assert_close(losses[i], loss.detach(), rtol=1e-4, atol=1e-5)
        for name, parameter in model.named_parameters():
            alone = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(gradients[name][i], alone, rtol=1e-3, atol=1e-5)


def test_a_record_s_gradient_is_the_same_whoever_else_is_there() -> None:
    model, samples, condition = model_and_records("vae")
    others = samples.clone()
    others[1:] = others[1:].flip(0)
    _, before = record_gradients(model, samples, condition, np.random.default_rng(5))
    _, after = record_gradients(model, others, condition, np.random.default_rng(5))
    for name in before:
        torch.testing.assert_close(before[name][0], after[name][0])


def test_short_gradients_are_summed_as_they_are_and_long_ones_made_as_short_as_the_clip() -> None:
    generator = torch.Generator().manual_seed(1)
    gradients = {"a": torch.randn(5, 3, 2, generator=generator), "b": torch.randn(5, 4, generator=generator)}
    length = norms(gradients)
    clip = float(length.median())
    expected = {
        name: sum(
            (g[i].double() * min(1.0, clip / float(length[i])) for i in range(5)), torch.zeros(g[0].shape).double()
        )
        for name, g in gradients.items()
    }
    for name, summed in clipped_sum(gradients, clip).items():
        torch.testing.assert_close(summed.double(), expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_no_gradient_moves_the_sum_by_more_than_the_clip_not_even_one_that_is_not_finite(bad: float) -> None:
    gradients = {"a": torch.full((1, 6), bad), "b": torch.ones(1, 2)}
    summed = flat(clipped_sum(gradients, 0.5)).double()
    assert summed.isfinite().all()
    assert summed.norm() <= 0.5 * (1 + 1e-5)


@pytest.mark.parametrize("clip", [0.01, 1.0])
def test_one_record_more_moves_the_step_by_no_more_than_the_clip(clip: float) -> None:
    model, samples, condition = model_and_records("vae")
    without = flat(step(model, samples[:-1], condition[:-1], clip=clip, noise_multiplier=0.0))
    with_it = flat(step(model, samples, condition, clip=clip, noise_multiplier=0.0))
    moved = float((with_it - without).double().norm()) * 4.0
    assert moved <= clip * (1 + 1e-4)
    assert moved > 0


def test_a_step_without_records_is_noise_of_multiplier_times_clip_over_the_number_expected() -> None:
    model, samples, condition = model_and_records("vae")
    noise = flat(step(model, samples[:0], condition[:0], clip=0.7, noise_multiplier=3.0))
    assert len(noise) == sum(p.numel() for p in model.parameters())
    deviation = 3.0 * 0.7 / 4.0
    assert float(noise.std()) == pytest.approx(deviation, rel=4 / np.sqrt(2 * len(noise)))
    assert abs(float(noise.mean())) < 4 * deviation / np.sqrt(len(noise))


def test_what_noise_adds_does_not_depend_on_the_records() -> None:
    model, samples, condition = model_and_records("vae")
    noise = flat(step(model, samples[:0], condition[:0], clip=1.0, noise_multiplier=2.0))
    quiet = flat(step(model, samples, condition, clip=1.0, noise_multiplier=0.0))
    torch.testing.assert_close(
        flat(step(model, samples, condition, clip=1.0, noise_multiplier=2.0)), noise + quiet, rtol=1e-4, atol=1e-5
    )


def test_records_taken_in_parts_for_lack_of_memory_are_clipped_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples, condition = model_and_records("vae")
    monkeypatch.setattr("edgeward.training.private.gradients._NUMBERS_AT_ONCE", 1)
    in_parts = flat(step(model, samples, condition, clip=1e-3, noise_multiplier=0.0))
    assert float(in_parts.double().norm()) * 4.0 <= N * 1e-3 * (1 + 1e-4)


@pytest.mark.parametrize("family", ["vae", "diffusion"])
@pytest.mark.parametrize(
    "schema", [signal(2, 8), signal(2, 8, gappy=1), image(1, 8)], ids=["signal", "series", "image"]
)
def test_convolutions_along_axes_give_gradients_of_single_records_too(family: str, schema: Schema) -> None:
    torch.manual_seed(3)
    options = {"widths": [8, 8]} | ({} if family == "vae" else {"condition_dropout": 0.0})
    recipe = private_recipe(family, options)
    model = build_family(family, schema, recipe.options)
    model.codec.fit_public()
    samples, condition = torch.from_numpy(samples_of(schema, 2)), conditions_of(2)
    _, gradients = record_gradients(model, samples, condition, np.random.default_rng(5))
    for i in range(2):
        draws = RecordDraws(np.random.default_rng(5), 2, torch.tensor([i]))
        model.zero_grad()
        model.record_losses(samples[i : i + 1], condition[i : i + 1], draws).sum().backward()
        for name, parameter in model.named_parameters():
            alone = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(gradients[name][i], alone, rtol=1e-3, atol=1e-5)
