"""A student of few network calls learns its teacher's way, is really that small in the graph, and is made again."""

import copy
import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from edgeward.compression import CompressionRecipe, compress
from edgeward.compression import cost as cost_module
from edgeward.compression.bank import Bank
from edgeward.compression.few_steps.jumps import Jumps
from edgeward.compression.recipe import Allowance, StepPlan
from edgeward.compression.steps import STEPS
from edgeward.compression.steps.export import export
from edgeward.compression.steps.few_steps import few_steps, rebuilt
from edgeward.runtime.errors import TrainingError
from edgeward.runtime.schema import Schema
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.datasets.dataset import Provenance
from edgeward.training.families.diffusion import Diffusion
from edgeward.training.recipe import TrainingRecipe
from torch import Tensor, nn

from ...training.toy_schemas import TABLE, image, samples_of
from ..gaussian import OPTIONS, SCHEMA, carried, teacher, untrained

QUICK: dict[str, Any] = {
    "network_calls": 1,
    "method": "pairs",
    "pairs": 128,
    "steps": 3,
    "batch_size": 8,
    "learning_rate": 5e-3,
    "seed": 1,
}
NEW = {"widths": [16], "blocks": 1, "embedding": 16}


def bank_of(model: Any, schema: Schema, tmp_path: Path) -> Bank:
    return Bank(model, schema, tmp_path, "toy", seed=5)


def shaken(schema: Schema, **changed: Any) -> Diffusion:
    """A model that no weight of is at its start."""
    model = untrained(schema, **changed)
    model.codec.fit(samples_of(schema, 64))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return model


@pytest.fixture(scope="module")
def table() -> Diffusion:
    """Shared: no test may change it."""
    return shaken(TABLE, sampler_steps=6)


def state(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


# What is learnt


@pytest.mark.parametrize("method", ["pairs", "mean_flow"])
def test_a_student_of_a_known_path_comes_to_its_end_in_one_call(method: str, tmp_path: Path) -> None:
    full = teacher()
    options = {**QUICK, **NEW, "method": method, "pairs": 1024, "steps": 250, "batch_size": 64, "learning_rate": 1e-2}
    student, _ = few_steps(full, full, bank_of(full, SCHEMA, tmp_path), **options)
    noise, ones = torch.randn(500, 3, generator=torch.Generator().manual_seed(9)), torch.ones(500)
    exact = carried(noise, ones, 0.0 * ones)
    with torch.no_grad():
        made = student.encoded(noise, torch.zeros(500, 0))
        # The teacher's own solver in one step gives everybody the mean.
        alone = full.velocity(noise, ones, torch.zeros(500, 1))
    assert (made - exact).square().mean().sqrt() < 0.1
    assert (noise - alone - exact).square().mean().sqrt() > 0.5


@pytest.mark.parametrize("method", ["pairs", "mean_flow"])
@pytest.mark.parametrize("calls", [1, 2])
def test_every_weight_is_taught(method: str, calls: int, table: Diffusion, tmp_path: Path) -> None:
    full = table.generator()
    bank = bank_of(full, TABLE, tmp_path)
    student, change = few_steps(full, full, bank, **{**QUICK, "method": method, "network_calls": calls})
    for (name, before), after in zip(rebuilt(full, change).named_parameters(), student.parameters(), strict=True):
        assert not torch.equal(before, after), name


def test_teacher_and_student_given_are_left_as_they_were(table: Diffusion, tmp_path: Path) -> None:
    full, given = table.generator(), copy.deepcopy(table.generator())
    before = state(full), state(given)
    student, _ = few_steps(given, full, bank_of(full, TABLE, tmp_path), **QUICK)
    for model, weights in zip((full, given), before, strict=True):
        assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
    assert not student.training


def test_guidance_is_learnt_so_that_the_student_asks_its_network_once_a_jump(tmp_path: Path) -> None:
    full = shaken(TABLE, sampler_steps=6, guidance=2.0).generator()
    student, _ = few_steps(full, full, bank_of(full, TABLE, tmp_path), **{**QUICK, "network_calls": 2})
    calls: list[int] = []
    student.network.register_forward_hook(lambda *_: calls.append(1))
    student.encoded(torch.zeros(3, *student.noise_shape), torch.zeros(3, 4))
    assert len(calls) == 2


def test_a_student_of_more_calls_is_taught_to_take_fewer(table: Diffusion, tmp_path: Path) -> None:
    full = table.generator()
    bank = bank_of(full, TABLE, tmp_path)
    four, first = few_steps(full, full, bank, **{**QUICK, "network_calls": 4})
    two, second = few_steps(four, full, bank, **{**QUICK, "network_calls": 2})
    assert [len(student.times) for student in (four, two)] == [5, 3]
    again = rebuilt(rebuilt(full, first), second)
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == {
        name: tensor.shape for name, tensor in two.state_dict().items()
    }


def test_a_new_network_is_as_small_as_asked_for(table: Diffusion, tmp_path: Path) -> None:
    full = table.generator()
    student, change = few_steps(full, full, bank_of(full, TABLE, tmp_path), **QUICK, widths=[8], blocks=2, embedding=8)
    same = Diffusion(TABLE, **{**OPTIONS, "widths": [8], "blocks": 2, "embedding": 8})
    spans = sum(p.numel() for p in student.network.body.embedding.of_span.parameters())  # type: ignore[union-attr]
    assert sum(p.numel() for p in student.parameters()) == sum(p.numel() for p in same.parameters()) + spans
    json.dumps(change)


@pytest.mark.parametrize("change", [{}, {"method": "mean_flow"}, NEW])
def test_the_same_seed_gives_the_same_student_whatever_was_drawn_in_between(
    change: dict[str, Any], table: Diffusion, tmp_path: Path
) -> None:
    full = table.generator()

    def taught(seed: int) -> dict[str, Tensor]:
        return few_steps(full, full, bank_of(full, TABLE, tmp_path), **{**QUICK, **change, "seed": seed})[
            0
        ].state_dict()

    one = taught(1)
    torch.rand(3)
    again, other = taught(1), taught(2)
    assert all(torch.equal(again[name], tensor) for name, tensor in one.items())
    assert any(not torch.equal(other[name], tensor) for name, tensor in one.items())


def test_what_others_draw_is_not_changed_by_a_new_network(table: Diffusion, tmp_path: Path) -> None:
    full = table.generator()
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    few_steps(full, full, bank_of(full, TABLE, tmp_path), **QUICK, **NEW)
    assert torch.rand(1) == wanted


# The graph


def operators(student: Jumps, schema: Schema) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_model_from_string(export(student, schema)).graph.node)


@pytest.mark.parametrize("calls", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_the_graph_has_as_many_networks_as_calls_and_nothing_of_times(calls: int, tmp_path: Path) -> None:
    schema = image(1, 8)
    full = shaken(schema, sampler_steps=6, widths=[8, 8], guidance=1.5).generator()
    options = {**QUICK, "network_calls": calls, "pairs": 16, "steps": 1}
    student, _ = few_steps(full, full, bank_of(full, schema, tmp_path), **options)
    found = operators(student, schema)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in student.network.modules())
    assert found["Conv"] == calls * convolutions
    assert not {"Sin", "Cos", "Sqrt", "Div"} & set(found)
    # Of a time and a span only a bias is left: the condition's own layer is asked once, or once a call.
    embedding = student.network.body.embedding  # type: ignore[union-attr]
    linear = sum(isinstance(module, nn.Linear) for module in student.network.modules())
    of_constants = sum(layer in embedding.modules() for layer in (embedding.of_time, embedding.of_span))
    assert found["Gemm"] + found["MatMul"] <= calls * (linear - of_constants)


# In a recipe


def checkpoint(model: Diffusion, schema: Schema, options: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        recipe=TrainingRecipe("toy", "table", "diffusion", 1, 2, 1e-3, 0.0, 0.0, 0.0, 0, options),
        schema=schema,
        provenance=Provenance("table", "nothing", "CC0-1.0", "nobody", synthetic=True, digest="0" * 64, notes=()),
        seed=1,
        step=0,
        weights=model.state_dict(),
        progress=None,
        history=[],
    )


RECIPE = CompressionRecipe(
    "toy",
    (
        StepPlan("few_steps", {key: value for key, value in {**QUICK, **NEW}.items() if key != "seed"}),
        StepPlan("distil", {"steps": 2, "batch_size": 8, "learning_rate": 1e-3, "pairs": 128}),
        StepPlan("export", {}),
    ),
    Allowance(9.0, 9.0),
)


@pytest.fixture
def fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time need not be exact here."""
    monkeypatch.setattr(cost_module, "_LATENCY_CALLS", 40)


def students_after(teacher: Checkpoint, work: Path, *stops: int) -> list[dict[str, Any]]:
    """What each step left, once a run was stopped after so many steps, each time, and not exported."""
    for steps in stops:
        records: list[object] = []

        def stop(record: object, steps: int = steps, records: list[object] = records) -> None:
            records.append(record)
            if len(records) == steps:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            compress(teacher, RECIPE, work, seed=1, on_step=stop)
    return [torch.load(path, weights_only=True) for path in sorted(work.glob("*.pt"))]


def test_an_interrupted_recipe_goes_on_to_the_student_of_an_uninterrupted_one(table: Diffusion, tmp_path: Path) -> None:
    full = checkpoint(table, TABLE, {**OPTIONS, "sampler_steps": 6})
    whole = students_after(full, tmp_path / "whole", 2)
    resumed = students_after(full, tmp_path / "resumed", 1, 2)
    assert len(whole) == 2
    for one, other in zip(whole, resumed, strict=True):
        assert one["changes"] == other["changes"]
        assert all(torch.equal(tensor, other["weights"][name]) for name, tensor in one["weights"].items())
    assert len(list((tmp_path / "whole").glob("*.f32"))) == 1, "both steps learn from the same answers"


def test_a_promise_of_privacy_is_kept_as_no_step_sees_a_record_and_one_that_did_would_be_refused(
    table: Diffusion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert STEPS["few_steps"].data_free
    assert STEPS["distil"].data_free
    private = dataclasses.replace(checkpoint(table, TABLE, OPTIONS), privacy=object())  # type: ignore[arg-type]
    monkeypatch.setitem(STEPS, "few_steps", dataclasses.replace(STEPS["few_steps"], data_free=False))
    with pytest.raises(TrainingError, match="few_steps sees real records, which would break the promise"):
        compress(private, RECIPE, tmp_path, seed=1)


def test_a_teacher_of_one_call_is_refused_with_what_to_do(teacher: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="few_steps is for teachers of the family diffusion.*leave the step out"):
        compress(teacher, RECIPE, tmp_path, seed=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network_calls": 6}, "network_calls must be below the 6 steps of the teacher's sampler"),
        ({"widths": [16]}, "a new network takes widths, blocks and embedding, all three or none"),
        ({"blocks": 2}, "all three or none"),
        ({"widths": [16, 8], "blocks": 1, "embedding": 8}, "does not suit the data: a table's network has one width"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    change: dict[str, Any], message: str, table: Diffusion, tmp_path: Path
) -> None:
    full = table.generator()
    with pytest.raises(TrainingError, match=message):
        few_steps(full, full, bank_of(full, TABLE, tmp_path), **{**QUICK, **change})


def test_divergence_stops_with_the_remedy(table: Diffusion, tmp_path: Path) -> None:
    full = table.generator()
    with pytest.raises(TrainingError, match=r"few_steps diverged at step \d+; lower its learning_rate"):
        few_steps(full, full, bank_of(full, TABLE, tmp_path), **{**QUICK, "steps": 30, "learning_rate": 1e30})
