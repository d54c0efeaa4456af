"""Pruning makes any of our networks smaller by what was asked for, and can be repeated on a fresh copy."""

import copy
import io
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from edgeward.compression import compress
from edgeward.compression import cost as cost_module
from edgeward.compression.cost import count_onnx, count_torch_multiply_adds
from edgeward.compression.error import probe_inputs, relative_l2, run_torch
from edgeward.compression.few_steps.jumps import Jumps
from edgeward.compression.pruning import importance
from edgeward.compression.pruning.allocation import allocate, cost_model
from edgeward.compression.pruning.choice import clusters
from edgeward.compression.pruning.cut import cut, kept_of
from edgeward.compression.pruning.groups import find_parts, first_calls
from edgeward.compression.pruning.importance import taylor_scores
from edgeward.compression.recipe import Allowance, CompressionRecipe, StepPlan, step_plan
from edgeward.compression.steps import STEPS
from edgeward.compression.steps.export import export
from edgeward.compression.steps.prune import ALL_ALIKE, prune
from edgeward.runtime.errors import GateError
from edgeward.runtime.schema import Schema, TableSchema
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families import Generative, build_family
from edgeward.training.families.diffusion import DiffusionGenerator
from torch import nn

from ...training.toy_schemas import TABLE, image, samples_of, signal

WIDTHS = [32, 32, 24, 16]
"""Of the tiny teacher's convolutions, but the last."""


@pytest.fixture(autouse=True)
def fewer_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The importance need not be exact where it is not what is tested."""
    monkeypatch.setattr(importance, "_BATCHES", 4)


def convolutions(model: nn.Module) -> list[nn.Conv1d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv1d)]


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


# The same share everywhere


@pytest.mark.parametrize(("ratio", "round_to"), [(0.4, 8), (0.5, 8), (0.25, 8), (0.3, 1), (0.5, 5), (0.5, 1)])
def test_what_is_left_is_the_largest_multiple_that_the_ratio_allows(
    ratio: float, round_to: int, teacher: Checkpoint
) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=ratio, round_to=round_to, by=ALL_ALIKE, seed=3)
    expected = [int((1 - ratio) * width / round_to + 1e-9) * round_to for width in WIDTHS]
    assert [conv.out_channels for conv in convolutions(pruned)] == [*expected, 2]


def test_the_weights_themselves_are_smaller_in_both_directions(teacher: Checkpoint) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=0.4, round_to=8, by=ALL_ALIKE, seed=3)
    shapes = [tuple(conv.weight.shape) for conv in convolutions(pruned)]
    assert shapes == [(16, 16, 5), (16, 16, 5), (8, 16, 5), (8, 8, 5), (2, 8, 5)]
    norms = [module.num_features for module in pruned.modules() if isinstance(module, nn.BatchNorm1d)]
    assert norms == [16, 16, 8, 8]
    hidden = [module.out_features for name, module in pruned.named_modules() if name.endswith("net.0")]
    assert hidden == [8, 8]


@pytest.mark.parametrize(
    ("by", "ratio", "round_to"),
    [
        *((by, *case) for by in ("global", "all alike") for case in ((0.9, 8), (0.4, 32), (0.99, 1))),
        ("all alike", 0.5, 16),  # by `global`, wide layers give what the narrow one cannot
    ],
)
def test_a_ratio_that_rounding_makes_impossible_is_refused(
    by: str, ratio: float, round_to: int, teacher: Checkpoint
) -> None:
    with pytest.raises(GateError, match=rf"multiples of {round_to} .*{ratio:.0%}.*use a smaller round_to"):
        prune(teacher.generator(), teacher.schema, ratio=ratio, round_to=round_to, by=by, seed=3)


# Where the samples notice it least


def test_it_saves_what_an_even_cut_would_and_rounds(teacher: Checkpoint) -> None:
    model = teacher.generator()
    even, _ = prune(model, teacher.schema, ratio=0.4, round_to=1, by=ALL_ALIKE, seed=3)
    pruned, _ = prune(model, teacher.schema, ratio=0.4, round_to=8, seed=3)
    inputs = torch.zeros(1, 6), torch.zeros(1, 5)

    def cost(of: Generative) -> float:
        work = count_torch_multiply_adds(of, *inputs) / count_torch_multiply_adds(model, *inputs)
        return 0.5 * work + 0.5 * parameters(of) / parameters(model)

    assert cost(pruned) < cost(even) + 0.02
    assert all(conv.out_channels % 8 == 0 for conv in convolutions(pruned)[:-1])


def test_the_cost_that_is_foretold_is_the_cost_of_the_cut_network(teacher: Checkpoint) -> None:
    model = teacher.generator()
    inputs = torch.randn(2, 6), torch.zeros(2, 5)
    found = [
        cluster
        for part in find_parts(model, first_calls(model, *inputs))[0]
        for cluster in clusters(model, part.groups)
        if part.name == "decoder" and cluster.groups[0].size in WIDTHS
    ]
    cost = cost_model(model, found, *inputs)
    shares = {cluster: cluster.share(0.3 + 0.05 * number, 4) for number, cluster in enumerate(found)}
    scores = {group: torch.rand(group.size) for cluster in found for group in cluster.groups}
    smaller = copy.deepcopy(model)
    cut(
        smaller,
        kept_of(model, {g: s for c, share in shares.items() if share for g, s in c.best(share, scores).items()}),
    )
    work = [count_torch_multiply_adds(one, inputs[0][:1], inputs[1][:1]) for one in (model, smaller)]
    weights = [
        sum(m.weight.numel() for m in one.modules() if isinstance(m, nn.Conv1d | nn.Linear)) for one in (model, smaller)
    ]
    expected = 0.5 * work[1] / work[0] + 0.5 * weights[1] / weights[0]
    assert cost.of({c: share for c, share in shares.items() if share}) == pytest.approx(expected, abs=1e-6)
    assert cost.of(dict.fromkeys(found, 1)) == pytest.approx(1.0)  # type: ignore[arg-type]


def test_a_layer_whose_channels_do_nothing_goes_before_one_that_matters(teacher: Checkpoint) -> None:
    model = teacher.generator()
    inputs = torch.randn(2, 6), torch.zeros(2, 5)
    found = [c for part in find_parts(model, first_calls(model, *inputs))[0] for c in clusters(model, part.groups)]
    wide = [cluster for cluster in found if cluster.groups[0].size == 32]
    scores = {group: torch.full((group.size,), 1.0) for cluster in found for group in cluster.groups}
    scores[wide[0].groups[0]] = torch.zeros(32)
    shares = allocate(cost_model(model, found, *inputs), found, scores, ratio=0.3, round_to=4)
    assert shares is not None
    assert shares[wide[0]] == min(shares.values()) < 0.5


# Which channels


def test_channels_that_do_nothing_are_the_first_to_go(teacher: Checkpoint) -> None:
    model = teacher.generator()
    first = next(module for module in model.modules() if isinstance(module, nn.BatchNorm1d))
    idle = list(range(0, 32, 2))
    with torch.no_grad():
        first.weight[idle] = 0.0
        first.bias[idle] = -1.0  # below zero, so that ReLU gives nothing
    _, kept = prune(model, teacher.schema, ratio=0.5, round_to=1, by=ALL_ALIKE, seed=3)
    assert set(range(32)) - set(kept["decoder.first.conv"]["out"]) == set(idle)


def test_importance_is_the_mean_squared_change_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a network linear in a layer's weights the first order is all: what is foretold is what happens."""
    monkeypatch.setattr(importance, "_BATCHES", 250)
    monkeypatch.setattr(importance, "_BATCH_SIZE", 64)
    schema = signal(1, 8)
    torch.manual_seed(1)
    model = build_family("gan", schema, GAN | {"widths": [8], "norm": "none"}).generator().eval()
    model.codec.fit(samples_of(schema, 64))
    part = find_parts(model, first_calls(model, torch.randn(2, 4), torch.zeros(2, 4)))[0][0]
    (group,) = [
        one for one in part.groups if {member.layer for member in one.members} == {"decoder.first.conv", "decoder.last"}
    ]
    found = taylor_scores(model, [group], schema, seed=3)[group]
    inputs = probe_inputs(model.noise_shape, schema)
    noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
    with torch.no_grad():
        whole = model.encoded(noise, condition)
        wanted = []
        for channel in range(8):
            without = copy.deepcopy(model)
            without.get_submodule("decoder.last").weight[:, channel] = 0.0
            wanted.append(((without.encoded(noise, condition) - whole) / whole.std()).square().sum(dim=(1, 2)).mean())
    torch.testing.assert_close(found / 64, torch.stack(wanted), rtol=0.4, atol=0.0)  # of 250 random directions


def test_taylor_keeps_the_samples_closer_than_chance(teacher: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "_BATCHES", 32)
    model = teacher.generator()
    inputs = probe_inputs((6,), teacher.schema)
    wanted = run_torch(model, inputs)
    pruned, kept = prune(model, teacher.schema, ratio=0.3, round_to=2, by=ALL_ALIKE, seed=3)
    generator = torch.Generator().manual_seed(4)
    found = [
        c
        for part in find_parts(model, first_calls(model, torch.randn(2, 6), torch.zeros(2, 5)))[0]
        for c in clusters(model, part.groups)
        if c.groups[0].members[0].layer in kept
    ]
    errors = []
    for _ in range(5):
        scores = {group: torch.rand(group.size, generator=generator) for c in found for group in c.groups}
        by_chance = copy.deepcopy(model)
        stay = {g: s for c in found if (share := c.share(0.3, 2)) for g, s in c.best(share, scores).items()}
        cut(by_chance, kept_of(model, stay))
        errors.append(relative_l2(run_torch(by_chance, inputs), wanted))
    assert relative_l2(run_torch(pruned, inputs), wanted) < min(errors)


# Nothing else changes


def test_samples_keep_their_shape_and_parameters_can_be_trained(teacher: Checkpoint) -> None:
    pruned, _ = prune(teacher.generator(), teacher.schema, ratio=0.5, round_to=1, seed=3)
    for n in (1, 3):
        assert pruned(torch.zeros(n, 6), torch.zeros(n, 5)).shape == (n, 2, 256)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in pruned.parameters())


def test_the_model_given_is_left_as_it_was(teacher: Checkpoint) -> None:
    model = teacher.generator()
    before = copy.deepcopy(model.state_dict())
    prune(model, teacher.schema, ratio=0.5, round_to=8, seed=3)
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_the_same_seed_takes_out_the_same_channels(teacher: Checkpoint) -> None:
    one, other = (prune(teacher.generator(), teacher.schema, ratio=0.4, round_to=8, seed=3)[0] for _ in range(2))
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


# Every family and kind of data

VAE = {"noise_size": 4, "widths": [32, 16], "prior_couplings": 1, "prior_hidden": 16}
GAN = {"noise_size": 4, "widths": [32, 16], "critic_widths": [8, 8], "penalty": 1.0}
DIFFUSION = {
    **{"widths": [32, 16], "blocks": 1, "embedding": 32, "shift": 1.0, "condition_dropout": 0.1, "guidance": 1.0},
    **{"sampler": "euler", "sampler_steps": 2},
}
SCHEMAS: dict[str, Schema] = {
    "signal": signal(2, 32),
    "stays": signal(5, 16, gappy=3),
    "image": image(1, 12),
    "table": TABLE,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "vae": ("vae", VAE),
    "vae without couplings": ("vae", VAE | {"prior_couplings": 0}),
    "vae, group norm": ("vae", VAE | {"norm": "group", "spread": "learnt"}),
    "gan": ("gan", GAN),
    "gan without norm": ("gan", GAN | {"norm": "none"}),
    "diffusion": ("diffusion", DIFFUSION),
    "guided diffusion": ("diffusion", DIFFUSION | {"guidance": 2.0}),
    "student of two calls": ("diffusion", DIFFUSION),
}


def untrained(name: str, schema: Schema) -> Generative:
    """With every weight away from its start."""
    family, options = MODELS[name]
    torch.manual_seed(2)
    if family == "diffusion" and isinstance(schema, TableSchema):
        options = options | {"widths": [32]}
    model = build_family(family, schema, options)
    model.codec.fit(samples_of(schema, 64))
    generator = model.generator()
    if name == "student of two calls":
        assert isinstance(generator, DiffusionGenerator)
        generator = Jumps(generator, (1.0, 0.5, 0.0))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return generator.eval()


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("name", MODELS)
def test_every_family_is_pruned_on_every_kind_of_data_and_pruned_again(name: str, kind: str) -> None:
    schema, model = SCHEMAS[kind], untrained(name, SCHEMAS[kind])
    fresh, sizes = copy.deepcopy(model), [parameters(model)]
    for number in range(2):
        model, kept = prune(model, schema, ratio=0.3, round_to=4, seed=number)
        STEPS["prune"].replay(fresh, {"do": "prune", "kept": kept})  # type: ignore[misc]
        sizes.append(parameters(model))
    assert sizes[2] < 0.87 * sizes[1] < 0.76 * sizes[0]
    fresh.load_state_dict(model.state_dict())
    inputs = probe_inputs(model.noise_shape, schema)
    assert run_torch(fresh, inputs).tobytes() == run_torch(model, inputs).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("name", MODELS)
def test_the_exported_graph_holds_fewer_weights(name: str, kind: str) -> None:
    schema, model = SCHEMAS[kind], untrained(name, SCHEMAS[kind])
    pruned, _ = prune(model, schema, ratio=0.5, round_to=4, seed=3)
    whole, less = (count_onnx(onnx.load_model_from_string(export(one, schema))) for one in (model, pruned))
    assert less[0] < 0.75 * whole[0]
    assert less[1] < 0.75 * whole[1]


# In a recipe


def test_it_is_stored_in_plain_values_and_done_again_bit_for_bit(teacher: Checkpoint) -> None:
    pruned, kept = prune(teacher.generator(), teacher.schema, ratio=0.3, round_to=2, seed=1)
    file = io.BytesIO()
    torch.save({"weights": pruned.state_dict(), "kept": kept}, file)
    file.seek(0)
    content = torch.load(file, weights_only=True)  # nothing but plain values is needed
    fresh = teacher.generator()
    cut(fresh, content["kept"])
    fresh.load_state_dict(content["weights"])
    inputs = probe_inputs((6,), teacher.schema)
    assert run_torch(fresh, inputs).tobytes() == run_torch(pruned, inputs).tobytes()
    assert all(parameter.requires_grad for parameter in fresh.parameters())


def test_two_rounds_with_distillation_between_go_on_where_they_were_interrupted(
    teacher: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_module, "_LATENCY_CALLS", 40)
    healed = step_plan({"do": "distil", "steps": 10, "batch_size": 16, "learning_rate": 5e-3}, "here")
    less = step_plan({"do": "prune", "ratio": 0.3, "round_to": 4}, "here")
    recipe = CompressionRecipe("rounds", (less, healed, less, healed, StepPlan("export", {})), Allowance(5.0, 1.0))
    done = compress(teacher, recipe, tmp_path, seed=1)
    sizes = [done.teacher_cost.parameters, *(step.cost.parameters for step in done.steps)]
    assert sizes[0] > sizes[1] == sizes[2] > sizes[3] == sizes[4] > sizes[5] > 0
    last = next(tmp_path.glob("4-distil-*.pt"))
    before = torch.load(last, weights_only=True)["weights"]
    last.unlink()
    compress(teacher, recipe, tmp_path, seed=1)
    after = torch.load(last, weights_only=True)["weights"]
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
