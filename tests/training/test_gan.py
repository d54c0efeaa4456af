"""A GAN's players minimise what the papers say, each with its own weights, and its generator exports."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from edgeward.compression.error import probe_inputs, run_onnx, run_torch
from edgeward.compression.steps.export import export
from edgeward.runtime.errors import TrainingError
from edgeward.runtime.schema import Schema
from edgeward.training import draws as draws_module
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.draws import Draws
from edgeward.training.families import build_family
from edgeward.training.families.gan import Gan, build_gan
from edgeward.training.families.relaxed_choices import chosen
from edgeward.training.recipe import TrainingRecipe, training_recipe_from_mapping
from edgeward.training.state import TrainingState
from torch import Tensor, nn

from .resumed_run import check_resumed_run
from .ring import MODES, Found, generated_ring, share_of_own_class, shares_near_modes
from .toy_schemas import TABLE, conditions_of, image, samples_of, signal

OPTIONS: dict[str, Any] = {"noise_size": 4, "widths": [16, 8, 8], "critic_widths": [16, 8], "penalty": 1.0}
SCHEMAS: dict[str, Schema] = {
    "beats": signal(2, 256),
    "stays": signal(20, 48, gappy=12),
    "grey": image(1, 28),
    "colour": image(3, 64),
    "table": TABLE,
}
PLAYERS = ("critic", "generator")


def rng(seed: int = 1) -> Draws:
    return Draws(torch.Generator().manual_seed(seed))


def built(schema: Schema, **changed: Any) -> Gan:
    """A model fitted to toy samples."""
    torch.manual_seed(2)
    model = build_gan(schema, {**OPTIONS, **changed})
    model.codec.fit(samples_of(schema, 64))
    return model


def batch_of(schema: Schema, n: int) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(samples_of(schema, n)), conditions_of(n)


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> Schema:
    return SCHEMAS[request.param]


def recipe(**changed: Any) -> TrainingRecipe:
    """Of steps that take milliseconds."""
    return training_recipe_from_mapping(
        {
            "name": "smallest",
            "data": "ecg-beats",
            "family": "gan",
            "steps": 8,
            "batch_size": 16,
            "learning_rate": 2e-3,
            "weight_decay": 0.0,
            "ema_decay": 0.8,
            "class_balance": 1.0,
            "evaluations": 0,
            "gan": OPTIONS,
            **changed,
        },
        "smallest",
    )


class Linear(nn.Module):
    """In the critic's place: a score whose slope the test knows, (1 + age's number) w. Keeps what it was shown."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(3)))
        self.shown: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        self.shown.append((x, condition))
        return (1.0 + condition[:, -1]) * (x * self.weight).flatten(1).sum(dim=1)


# What is learnt


def test_the_losses_are_those_of_the_paper_as_plain_arithmetic_gives_them(schema: Schema) -> None:
    model, batch = built(schema), batch_of(schema, 6)
    model.critic = critic = Linear(model.codec.shape)
    of_critic, of_generator = (model.losses(player, *batch, rng()) for player in PLAYERS)

    def f(t: float) -> float:  # Huang et al. 2024, equation 2
        return -float(np.log1p(np.exp(-t)))

    together, real, fake = (x.detach().double().flatten(1).numpy() for x, _ in critic.shown)
    weight, factor = critic.weight.detach().double().flatten().numpy(), 1.0 + critic.shown[1][1][:, -1].numpy()
    np.testing.assert_allclose(together, np.concatenate([real, fake]), rtol=1e-6)
    gaps = [float(r - g) for r, g in zip(factor * (real @ weight), factor * (fake @ weight), strict=True)]
    assert of_critic["critic"].item() == pytest.approx(-np.mean([f(gap) for gap in gaps]), rel=1e-4)
    assert of_generator["generator"].item() == pytest.approx(-np.mean([f(-gap) for gap in gaps]), rel=1e-4)


@pytest.mark.parametrize("penalty", [0.0, 0.3, 2.0])
def test_the_penalties_of_a_linear_critic_and_their_gradients_are_the_closed_form(
    penalty: float, schema: Schema
) -> None:
    model = built(schema, penalty=penalty)
    model.critic = critic = Linear(model.codec.shape)
    losses = model.losses("critic", *batch_of(schema, 6), rng())
    factor = (1.0 + critic.shown[0][1][:6, -1]).square().mean()
    for name in ("penalty_real", "penalty_generated"):
        torch.testing.assert_close(losses[name], 0.5 * penalty * factor * critic.weight.square().sum())
        (gradient,) = torch.autograd.grad(losses[name], critic.weight, retain_graph=True)
        torch.testing.assert_close(gradient, penalty * factor * critic.weight.detach())


def test_the_critic_is_shown_real_and_generated_samples_of_the_same_conditions(schema: Schema) -> None:
    model, (samples, condition) = built(schema).eval(), batch_of(schema, 6)
    model.critic = critic = Linear(model.codec.shape)
    model.losses("critic", samples, condition, rng())
    (x, asked), noise = critic.shown[0], rng().normal(6, 4)
    torch.testing.assert_close(x[:6], model.codec.encode(samples))
    torch.testing.assert_close(x[6:], chosen(model.codec, model.generator().encoded(noise, condition)))
    torch.testing.assert_close(asked, model.scaling(condition).repeat(2, 1))


@pytest.mark.parametrize("player", PLAYERS)
def test_a_turn_gives_gradients_to_all_weights_of_its_player_and_to_no_others(player: str, schema: Schema) -> None:
    model = built(schema)
    sum(model.losses(player, *batch_of(schema, 16), rng()).values()).backward()  # type: ignore[union-attr]
    for name, part in model.players().items():
        moved = [weight.grad is not None and bool(weight.grad.any()) for weight in part.parameters()]
        assert all(moved) if name == player else not any(moved)
    assert all(weight.requires_grad for weight in model.parameters())


def test_the_critic_moves_first_and_stands_still_while_the_generator_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(TABLE)
    state = TrainingState(model, recipe())
    seen: list[tuple[str, dict[str, Tensor]]] = []
    losses = Gan.losses

    def weights() -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in model.named_parameters()}

    def watched(self: Gan, player: str, *batch: Any) -> dict[str, Tensor]:
        seen.append((player, weights()))
        return losses(self, player, *batch)

    monkeypatch.setattr(Gan, "losses", watched)
    state.step(*batch_of(TABLE, 16), rng())
    (first, before), (second, between), after = *seen, weights()
    assert (first, second) == PLAYERS
    for name in before:
        of_critic = name.startswith("critic")
        assert torch.equal(before[name], between[name]) != of_critic, name
        assert torch.equal(between[name], after[name]) == of_critic, name


def test_neither_player_s_optimiser_ever_has_momentum() -> None:
    state = TrainingState(built(TABLE), recipe())
    for _ in range(8):
        state.step(*batch_of(TABLE, 16), rng())
        for optimiser in state._optimisers.values():
            assert [group["betas"] for group in optimiser.param_groups] == [(0.0, 0.99)]


def test_the_critic_works_in_full_precision_whatever_the_generator_does(schema: Schema) -> None:
    model = built(schema)
    seen = []

    def watched(network: nn.Module, inputs: Any) -> None:
        seen.append((inputs[0].dtype, torch.is_autocast_enabled("cpu")))

    model.critic.register_forward_pre_hook(watched)
    with torch.autocast("cpu", torch.bfloat16):
        for player in PLAYERS:
            losses = model.losses(player, *batch_of(schema, 4), rng())
            assert {loss.dtype for loss in losses.values()} == {torch.float32}
    assert seen == [(torch.float32, False)] * 3


def test_several_processes_together_see_the_losses_of_one(monkeypatch: pytest.MonkeyPatch, schema: Schema) -> None:
    model, (samples, condition) = built(schema, norm="group"), batch_of(schema, 8)
    whole = [model.losses(player, samples, condition, rng()) for player in PLAYERS]
    monkeypatch.setattr(draws_module, "world_size", lambda: 2)
    for player, losses in zip(PLAYERS, whole, strict=True):
        parts = []
        for rank in range(2):
            monkeypatch.setattr(draws_module, "rank", lambda rank=rank: rank)
            mine = slice(4 * rank, 4 * rank + 4)
            parts.append(model.losses(player, samples[mine], condition[mine], rng()))
        for name, loss in losses.items():
            torch.testing.assert_close((parts[0][name] + parts[1][name]) / 2, loss)


def test_the_same_source_of_randomness_gives_the_same_losses(schema: Schema) -> None:
    model, batch = built(schema).eval(), batch_of(schema, 4)
    for player in PLAYERS:
        once, again, other = (model.losses(player, *batch, rng(seed)) for seed in (1, 1, 2))
        assert once == again
        assert once[player] != other[player]


# What is generated


def test_the_generator_says_what_it_wants_and_gives_the_schema_s_shape(schema: Schema) -> None:
    model = built(schema).eval()
    generator = model.generator()
    assert (generator.noise_shape, generator.condition_size) == ((4,), 4)
    assert generator(torch.randn(5, 4), conditions_of(5)).shape == (5, *schema.shape)
    assert {id(weight) for weight in generator.parameters()} == {id(weight) for weight in model.decoder.parameters()}


@pytest.mark.parametrize(
    "kind", ["stays", "table", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("beats", "grey"))]
)
def test_the_exported_generator_computes_the_same_with_standard_operators_only(kind: str) -> None:
    schema = SCHEMAS[kind]
    model = built(schema)
    for step in range(3):  # a norm that does something
        model.losses("generator", *batch_of(schema, 16), rng(step))
    with torch.no_grad():
        model.decoder.last.weight.mul_(5.0)  # choices that are made this way and that
    generator = model.generator().eval()
    content = export(generator, schema)
    inputs = probe_inputs(generator.noise_shape, schema)
    expected, found = run_torch(generator, inputs), run_onnx(content, inputs)
    missing = np.isnan(expected)
    assert missing.any() == (kind in ("stays", "table"))
    np.testing.assert_array_equal(missing, np.isnan(found))
    spread = np.nanstd(expected, axis=(0, *range(2, expected.ndim)), keepdims=True)
    differs = np.abs(np.where(missing, 0.0, found - expected)) > 1e-4 * spread
    # A choice or a rounded number may fall to the other side; nothing else may differ.
    assert differs.mean() < (1e-3 if kind in ("stays", "table") else 1e-12)
    graph = onnx.load_model_from_string(content).graph
    assert {node.domain for node in graph.node} == {""}
    assert not any("critic" in tensor.name for tensor in graph.initializer)


# What a short training comes to


@pytest.fixture(scope="module")
def found() -> Found:
    """What a model trained for a few seconds makes of the ring."""
    options = {"noise_size": 2, "widths": [64, 64, 64], "critic_widths": [64, 64], "penalty": 0.05}
    return generated_ring("gan", options, steps=700, batch_size=128, learning_rate=1e-2)


def test_a_short_training_covers_eight_modes(found: Found) -> None:
    shares = shares_near_modes(found)
    assert shares.min() > 0.6 / MODES
    assert shares.sum() > 0.9, "few samples lie between the modes"


def test_a_class_asked_for_is_the_class_generated(found: Found) -> None:
    assert min(share_of_own_class(found).values()) > 0.95


@pytest.mark.parametrize("at", [1, 5])
def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one_bit_for_bit(
    at: int, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_resumed_run(dataset, recipe(), at, tmp_path, monkeypatch)


# What cannot be built


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"noise_size": 0}, "noise_size"),
        ({"noise_size": 4.0}, "noise_size"),
        ({"noise_size": True}, "noise_size"),
        ({"widths": []}, "the number of widths"),
        ({"widths": [8, 0]}, "widths"),
        ({"widths": [8, "8"]}, "widths"),
        ({"widths": [8] * 10}, "length 256 cannot be halved 9 times"),
        ({"critic_widths": []}, "the number of critic_widths"),
        ({"critic_widths": [8, -8]}, "critic_widths"),
        ({"critic_widths": [8] * 10}, "length 256 cannot be halved 9 times"),
        ({"penalty": -1.0}, "penalty"),
        ({"penalty": float("nan")}, "penalty"),
        ({"penalty": float("inf")}, "penalty"),
        ({"penalty": "some"}, "penalty"),
        ({"norm": "layer"}, "norm must be batch, group or none, not 'layer'"),
        ({"beta": 4}, "beta"),
    ],
)
def test_an_option_that_does_not_suit_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=rf"\[gan\] does not suit 'toy-signal': .*{said}"):
        build_family("gan", SCHEMAS["beats"], {**OPTIONS, **change})


@pytest.mark.parametrize("option", OPTIONS)
def test_a_missing_option_is_named(option: str) -> None:
    with pytest.raises(TrainingError, match=option):
        build_family("gan", TABLE, {name: value for name, value in OPTIONS.items() if name != option})


def test_a_length_that_cannot_be_halved_is_named() -> None:
    with pytest.raises(TrainingError, match="length 27 cannot be halved 1 times"):
        build_family("gan", dataclasses.replace(image(1, 28), width=27), {**OPTIONS, "widths": [8, 8]})
