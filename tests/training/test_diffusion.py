"""Flow matching learns what its papers say, and its generator is a fixed function that exports."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torch_pruning
from edgeward.compression.error import probe_inputs, run_onnx, run_torch
from edgeward.compression.steps.export import export
from edgeward.runtime.errors import TrainingError
from edgeward.runtime.schema import Channel, Schema, SignalSchema, TableSchema
from edgeward.training import draws as draws_module
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.draws import Draws
from edgeward.training.families import build_family
from edgeward.training.families.diffusion import Diffusion, DiffusionGenerator, build_diffusion
from edgeward.training.families.ode import SAMPLERS, Sampler
from edgeward.training.recipe import training_recipe_from_mapping
from torch import Tensor, nn

from .resumed_run import check_resumed_run
from .ring import MODES, Found, generated_ring, share_of_own_class, shares_near_modes
from .test_ode import COVARIANCE, MEAN, gaussian_velocity
from .toy_schemas import TABLE, conditions_of, image, samples_of, signal

OPTIONS: dict[str, Any] = {
    "widths": [16, 8],
    "blocks": 1,
    "embedding": 16,
    "shift": 2.0,
    "condition_dropout": 0.1,
    "guidance": 1.0,
    "sampler": "heun",
    "sampler_steps": 4,
}
SCHEMAS: dict[str, Schema] = {
    "beats": signal(2, 256),
    "strips": signal(3, 1024),
    "waves": signal(2, 1280),
    "stays": signal(20, 48, gappy=12),
    "grey": image(1, 28),
    "colour": image(3, 64),
    "table": TABLE,
}


def rng(seed: int = 1) -> Draws:
    return Draws(torch.Generator().manual_seed(seed))


def built(schema: Schema, **changed: Any) -> Diffusion:
    """A model with every weight away from its start, fitted to toy samples."""
    torch.manual_seed(2)
    options = {**OPTIONS, **({"widths": [16]} if isinstance(schema, TableSchema) else {}), **changed}
    model = build_diffusion(schema, options)
    model.codec.fit(samples_of(schema, 64))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return model.eval()


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> Schema:
    return SCHEMAS[request.param]


class Told(nn.Module):
    """In the network's place: a velocity that the test knows. Keeps what it was asked."""

    def __init__(self, velocity: Any) -> None:
        super().__init__()
        self._velocity = velocity
        self.asked: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        self.asked.append((x, t, condition))
        told: Tensor = self._velocity(x, t, condition)
        return told


# What is learnt


def normal_samples(n: int) -> Tensor:
    """Of the normal distribution of `test_ode`, as signals [n, 1, 3] that the codec leaves as they are."""
    noise = torch.randn(n, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return (MEAN + noise @ torch.linalg.cholesky(COVARIANCE).T).float()[:, None]


@pytest.fixture
def on_normal_data() -> Diffusion:
    """A model whose codec changes nothing, for signals [1, 3]."""
    schema = SignalSchema("normal", "Normal numbers.", (Channel("x", "1", -4.0, 4.0),), 1.0, 3, ())
    model = build_diffusion(schema, {**OPTIONS, "widths": [8]})
    model.codec.fit_public()
    return model


def best_velocity(x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
    each = [gaussian_velocity(one.double(), time.double()) for one, time in zip(x, t.expand(len(x)), strict=True)]
    return torch.stack(each).float()


def test_the_loss_of_the_best_velocity_is_its_closed_form(on_normal_data: Diffusion) -> None:
    n = 4096
    on_normal_data.network = Told(best_velocity)
    loss = on_normal_data.losses("model", normal_samples(n), torch.zeros(n, 0), rng())["velocity"]
    # What x leaves unknown of noise - sample, averaged over a logit-normal time on a fine grid of its quantiles.
    identity, unknown = torch.eye(3).double(), []
    quantiles = (torch.arange(2000) + 0.5).double() / 2000
    for t in torch.sigmoid(math.log(OPTIONS["shift"]) + 1.5 * torch.special.ndtri(quantiles)):
        cross = t * identity - (1.0 - t) * COVARIANCE
        spread = (1.0 - t) ** 2 * COVARIANCE + t**2 * identity
        unknown.append((identity + COVARIANCE - cross @ torch.linalg.inv(spread) @ cross).trace() / 3)
    # The mean of 12,288 squared errors has a relative standard error of about 1.5 %.
    assert loss.item() == pytest.approx(torch.stack(unknown).mean().item(), rel=0.04)


@pytest.mark.parametrize("wrong", [lambda v: 1.1 * v, lambda v: v + 0.2, lambda v: torch.zeros_like(v)])
def test_any_other_velocity_has_a_larger_loss(wrong: Any, on_normal_data: Diffusion) -> None:
    losses = []
    for velocity in (best_velocity, lambda x, t, condition: wrong(best_velocity(x, t, condition))):
        on_normal_data.network = Told(velocity)
        losses.append(on_normal_data.losses("model", normal_samples(2048), torch.zeros(2048, 0), rng())["velocity"])
    assert losses[1] > losses[0]


def test_the_network_sees_a_straight_path_from_samples_to_noise(on_normal_data: Diffusion) -> None:
    network = on_normal_data.network = Told(lambda x, t, condition: torch.zeros_like(x))
    samples = normal_samples(64)
    losses = on_normal_data.record_losses(samples, torch.zeros(64, 0), rng())
    (x, t, _), noise = network.asked[0], torch.randn(64, 1, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(x, samples + t[:, None, None] * (noise - samples))
    torch.testing.assert_close(losses, (noise - samples).square().mean(dim=(1, 2)))


def test_times_are_logit_normal_and_spread_evenly_over_a_batch(on_normal_data: Diffusion) -> None:
    network = on_normal_data.network = Told(lambda x, t, condition: torch.zeros_like(x))
    n = 500
    on_normal_data.record_losses(normal_samples(n), torch.zeros(n, 0), rng())
    times = network.asked[0][1]
    quantiles = torch.special.ndtr((torch.logit(times.double()) - math.log(OPTIONS["shift"])) / 1.5)
    assert (
        (quantiles.sort().values * n - torch.arange(n))
        .clamp(0.0, 1.0)
        .allclose(quantiles.sort().values * n - torch.arange(n), atol=1e-3)
    ), "one time in each of 500 equally likely parts"
    assert not torch.equal(times, times.sort().values), "which record gets which time must not depend on its place"


def test_as_many_records_as_told_are_learnt_from_without_their_condition() -> None:
    model = built(TABLE, condition_dropout=0.25)
    network = model.network = Told(lambda x, t, condition: torch.zeros_like(x))
    model.record_losses(torch.from_numpy(samples_of(TABLE, 4000)), conditions_of(4000), rng())
    condition = network.asked[0][2]
    dropped = condition[:, -1] == 0.0
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert (condition[dropped] == 0.0).all()
    torch.testing.assert_close(condition[~dropped], model.conditioning(conditions_of(4000))[~dropped])


def test_a_condition_in_the_middle_of_its_range_is_told_from_none() -> None:
    conditioning = built(TABLE).conditioning
    middle = conditioning(torch.tensor([[0.0, 0.0, 0.0, 50.0]]))
    torch.testing.assert_close(middle, torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0]]), atol=1e-6, rtol=0.0)


def test_the_mean_of_the_records_losses_is_the_loss(schema: Schema) -> None:
    model = built(schema)
    batch = torch.from_numpy(samples_of(schema, 6)), conditions_of(6)
    each = model.record_losses(*batch, rng())
    assert each.shape == (6,)
    assert torch.isfinite(each).all()
    together = torch.stack(list(model.losses("model", *batch, rng()).values())).sum()
    torch.testing.assert_close(together, each.mean())


def test_a_record_s_loss_does_not_depend_on_the_other_records(schema: Schema) -> None:
    model = built(schema)
    samples, others = (torch.from_numpy(samples_of(schema, 6, seed)) for seed in (3, 4))
    others[2] = samples[2]
    one, other = (model.record_losses(batch, conditions_of(6), rng()) for batch in (samples, others))
    torch.testing.assert_close(one[2], other[2])
    assert not torch.allclose(one[3], other[3])


def test_every_weight_receives_a_gradient(schema: Schema) -> None:
    model = built(schema)
    batch = torch.from_numpy(samples_of(schema, 6)), conditions_of(6)
    torch.stack(list(model.losses("model", *batch, rng()).values())).sum().backward()  # type: ignore[no-untyped-call]
    idle = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


def test_several_processes_together_see_the_losses_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(TABLE)
    samples, condition = torch.from_numpy(samples_of(TABLE, 8)), conditions_of(8)
    whole = model.record_losses(samples, condition, rng())
    monkeypatch.setattr(draws_module, "world_size", lambda: 2)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(draws_module, "rank", lambda rank=rank: rank)
        mine = slice(4 * rank, 4 * rank + 4)
        parts.append(model.record_losses(samples[mine], condition[mine], rng()))
    torch.testing.assert_close(torch.cat(parts), whole)


def test_the_same_source_of_randomness_gives_the_same_loss(schema: Schema) -> None:
    model, batch = built(schema), (torch.from_numpy(samples_of(schema, 4)), conditions_of(4))
    once, again, other = (model.record_losses(*batch, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_a_network_asked_at_one_time_for_all_answers_as_when_asked_at_it_for_each(schema: Schema) -> None:
    model = built(schema)
    x, condition = torch.randn(5, *model.codec.shape), model.conditioning(conditions_of(5))
    for t in (0.0, 0.3, 1.0):
        together = model.network(x, torch.full((1,), t), condition)
        torch.testing.assert_close(together, model.network(x, torch.full((5,), t), condition))


@pytest.mark.parametrize(("t", "slope"), [(0.0, -1.0), (0.5, 0.0), (1.0, 1.0)])
def test_an_untrained_network_gives_the_best_linear_guess_of_numbers(t: float, slope: float, schema: Schema) -> None:
    model = build_diffusion(schema, {**OPTIONS, "widths": [16]})
    x, numbers = torch.randn(2, *model.codec.shape), model.codec.numbers
    found = model.network(x, torch.full((2,), t), torch.ones(2, 5))
    torch.testing.assert_close(found[:, :numbers], slope * x[:, :numbers])


# What is generated


def told_by_condition(x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
    """The first class flows at velocity 3, the others at 1, none at 0."""
    return torch.ones_like(x) * (condition[:, -1:] + 2.0 * condition[:, :1])


@pytest.mark.parametrize(("guidance", "velocity"), [(0.0, 0.0), (0.5, 1.5), (1.0, 3.0), (2.0, 6.0)])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_guidance_goes_on_from_the_unconditional_velocity_past_the_conditional_one(
    guidance: float, velocity: float, sampler: Sampler
) -> None:
    model = built(dataclasses.replace(TABLE, columns=TABLE.columns[:1]))
    model.network = Told(told_by_condition)
    generator = DiffusionGenerator(model, steps=3, sampler=sampler, guidance=guidance)
    noise = torch.randn(3, *generator.noise_shape)
    first_class = generator.encoded(noise, conditions_of(3))[0]
    torch.testing.assert_close(first_class, noise[0] - velocity)


def test_without_guidance_the_network_is_never_asked_without_the_condition() -> None:
    model = built(TABLE)
    network = model.network = Told(told_by_condition)
    model.generator().encoded(torch.randn(3, *model.codec.shape), conditions_of(3))
    assert len(network.asked) == 2 * 4 - 1
    assert all((condition[:, -1] == 1.0).all() for _, _, condition in network.asked)


def test_the_same_noise_gives_the_same_samples_alone_or_among_others(schema: Schema) -> None:
    generator = built(schema).generator().eval()
    noise, condition = torch.randn(4, *generator.noise_shape), conditions_of(4)
    with torch.no_grad():
        once, again = (generator.encoded(noise, condition) for _ in range(2))
        alone = generator.encoded(noise[2:3], condition[2:3])
    assert torch.equal(once, again)
    torch.testing.assert_close(alone, once[2:3], rtol=1e-4, atol=1e-4)


def test_the_generator_says_what_it_wants_and_gives_the_schema_s_shape(schema: Schema) -> None:
    model = built(schema)
    generator = model.generator()
    assert (generator.noise_shape, generator.condition_size) == (model.codec.shape, 4)
    assert generator(torch.randn(5, *generator.noise_shape), conditions_of(5)).shape == (5, *schema.shape)
    assert all(any(mine is theirs for theirs in model.parameters()) for mine in generator.parameters())


@pytest.mark.parametrize(
    ("kind", "sampler", "steps", "guidance"),
    [
        pytest.param("beats", "heun", 2, 1.0, marks=pytest.mark.slow),
        pytest.param("stays", "euler", 4, 1.0, marks=pytest.mark.slow),
        ("grey", "euler", 2, 1.0),
        ("table", "heun", 2, 2.0),
    ],
)
def test_the_exported_generator_computes_the_same_with_standard_operators_only(
    kind: str, sampler: Sampler, steps: int, guidance: float
) -> None:
    schema = SCHEMAS[kind]
    generator = built(schema, sampler=sampler, sampler_steps=steps, guidance=guidance).generator().eval()
    content = export(generator, schema)
    inputs = probe_inputs(generator.noise_shape, schema)
    expected, found = run_torch(generator, inputs), run_onnx(content, inputs)
    missing = np.isnan(expected)
    np.testing.assert_array_equal(missing, np.isnan(found))
    spread = np.nanstd(expected, axis=(0, *range(2, expected.ndim)), keepdims=True)
    differs = np.abs(np.where(missing, 0.0, found - expected)) > 1e-4 * spread
    # A choice or a rounded number may fall to the other side; nothing else may differ.
    assert differs.mean() < (1e-3 if kind in ("stays", "table") else 1e-12)
    graph = onnx.load_model_from_string(content).graph
    assert {node.domain for node in graph.node} == {""}
    # Times are constants: of each call of the network nothing of them is left but a bias.
    assert not {"Sin", "Cos"} & {node.op_type for node in graph.node}


@pytest.mark.parametrize("kind", ["beats", "grey", "table"])
def test_a_pruner_takes_the_same_share_of_every_layer_s_channels(kind: str) -> None:
    model = built(SCHEMAS[kind], widths=[32] if kind == "table" else [32, 16], blocks=2)
    example = torch.randn(1, *model.codec.shape), torch.rand(1), torch.randn(1, model.conditioning.size)
    widths = {name: weight.shape[0] for name, weight in model.network.named_parameters()}
    model.network(*example).square().mean().backward()
    torch_pruning.pruner.BasePruner(
        model.network,
        example,
        importance=torch_pruning.importance.GroupTaylorImportance(),
        pruning_ratio=0.5,
        round_to=8,
        ignored_layers=[model.network.body.last],
    ).step()
    left = {name: weight.shape[0] for name, weight in model.network.named_parameters()}
    assert left == {name: width if name.startswith("body.last") else width // 2 for name, width in widths.items()}
    assert model.network(*example).shape == (1, *model.codec.shape)


# What a short training comes to


@pytest.fixture(scope="module")
def found() -> Found:
    """What a model trained for a few seconds makes of the ring."""
    options = {**OPTIONS, "widths": [96], "blocks": 3, "embedding": 32, "sampler_steps": 16}
    return generated_ring("diffusion", options, steps=1000, batch_size=256, learning_rate=4e-3)


def test_a_short_training_covers_eight_modes(found: Found) -> None:
    shares = shares_near_modes(found)
    assert shares.min() > 0.6 / MODES
    assert shares.sum() > 0.9, "few samples lie between the modes"


def test_a_class_asked_for_is_the_class_generated(found: Found) -> None:
    assert min(share_of_own_class(found).values()) > 0.97


@pytest.mark.parametrize("at", [1, 5])
def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one_bit_for_bit(
    at: int, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = training_recipe_from_mapping(
        {
            "name": "smallest",
            "data": "ecg-beats",
            "family": "diffusion",
            "steps": 8,
            "batch_size": 16,
            "learning_rate": 5e-3,
            "weight_decay": 1e-3,
            "ema_decay": 0.8,
            "class_balance": 1.0,
            "evaluations": 0,
            "diffusion": OPTIONS,
        },
        "smallest",
    )
    check_resumed_run(dataset, recipe, at, tmp_path, monkeypatch)


# What cannot be built


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widths": []}, "the number of widths"),
        ({"widths": [8, 0]}, "widths"),
        ({"widths": [8, "8"]}, "widths"),
        ({"widths": [8] * 10}, "length 256 cannot be halved 9 times"),
        ({"blocks": 0}, "blocks"),
        ({"blocks": 1.0}, "blocks"),
        ({"embedding": -1}, "embedding"),
        ({"shift": 0.0}, "shift must be above 0, not 0.0"),
        ({"shift": "2"}, "shift"),
        ({"condition_dropout": 1.0}, "condition_dropout"),
        ({"condition_dropout": -0.1}, "condition_dropout"),
        ({"condition_dropout": "some"}, "condition_dropout"),
        ({"guidance": -1.0}, "guidance"),
        ({"guidance": float("inf")}, "guidance"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance": 2.0, "condition_dropout": 0.0}, "guidance other than 1 needs a condition_dropout above 0"),
        ({"sampler": "rk45"}, "sampler must be one of heun, euler, not 'rk45'"),
        ({"sampler": ["heun"]}, "sampler"),
        ({"sampler_steps": 0}, "sampler_steps"),
        ({"sampler_steps": True}, "sampler_steps"),
        ({"beta": 4}, "beta"),
    ],
)
def test_an_option_that_does_not_suit_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=rf"\[diffusion\] does not suit 'toy-signal': .*{said}"):
        build_family("diffusion", SCHEMAS["beats"], {**OPTIONS, **change})


@pytest.mark.parametrize("option", OPTIONS)
def test_a_missing_option_is_named(option: str) -> None:
    with pytest.raises(TrainingError, match=option):
        build_family("diffusion", TABLE, {name: value for name, value in OPTIONS.items() if name != option})


def test_a_table_s_network_has_one_width() -> None:
    with pytest.raises(TrainingError, match="a table's network has one width, not 2"):
        build_family("diffusion", TABLE, OPTIONS)


def test_a_length_that_cannot_be_halved_is_named() -> None:
    with pytest.raises(TrainingError, match="length 27 cannot be halved 1 times"):
        build_family("diffusion", dataclasses.replace(image(1, 28), width=27), OPTIONS)
