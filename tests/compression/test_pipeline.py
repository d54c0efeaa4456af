"""A recipe's run: measured at each step, resumed as if never interrupted, and held to its allowance."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from edgeward.compression import Compressed, CompressionRecipe, StepRecord, compress, load_compression_recipe, pipeline
from edgeward.compression import cost as cost_module
from edgeward.compression.cost import count_onnx
from edgeward.compression.error import probe_inputs, relative_l2, run_onnx, run_torch
from edgeward.compression.recipe import StepPlan
from edgeward.runtime.errors import GateError
from edgeward.runtime.noise import MAX_SEED
from edgeward.runtime.schema import Channel, NumberCondition, SignalSchema
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.datasets.dataset import Provenance
from edgeward.training.families import build_family
from edgeward.training.recipe import TrainingRecipe


@pytest.fixture(scope="module")
def recipe(compression_recipe_path: Path) -> CompressionRecipe:
    return load_compression_recipe(compression_recipe_path)


@pytest.fixture(scope="module")
def finished(
    teacher: Checkpoint, recipe: CompressionRecipe, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Compressed]:
    """The work folder of a whole run, and its outcome. Shared: copy the folder before changing it."""
    work = tmp_path_factory.mktemp("finished") / "work"
    return work, compress(teacher, recipe, work, seed=1)


@pytest.fixture
def work(finished: tuple[Path, Compressed], tmp_path: Path) -> Path:
    """A work folder in which all steps are done."""
    return Path(shutil.copytree(finished[0], tmp_path / "work"))


@pytest.fixture(autouse=True)
def fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time need not be exact here."""
    monkeypatch.setattr(cost_module, "_LATENCY_CALLS", 40)


def interrupt_after(step: int) -> Callable[[StepRecord], None]:
    """Press Ctrl-C when so many steps are done."""
    left = step

    def on_step(record: StepRecord) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    return on_step


def first_steps(teacher: Checkpoint, recipe: CompressionRecipe, work: Path, *, seed: int, steps: int) -> list[str]:
    """Take so many steps; returns the names of the files in the work folder."""
    with pytest.raises(KeyboardInterrupt):
        compress(teacher, recipe, work, seed=seed, on_step=interrupt_after(steps))
    return sorted(file.name for file in work.glob("*.pt"))


def without_clock(record: StepRecord) -> object:
    layers = [{**layer, "saves_us": 0.0} for layer in record.details.get("layers", ())]
    timeless = {"seconds": 0.0, "cost": dataclasses.replace(record.cost, latency_ms=0.0), "details": layers}
    return {**record.to_json(), **timeless}


def assert_same(one: Compressed, other: Compressed) -> None:
    assert one.graphs["fp32"] == other.graphs["fp32"]
    assert one.graphs["int8"] == other.graphs["int8"]
    assert one.student_relative_l2 == other.student_relative_l2
    assert [without_clock(step) for step in one.steps] == [without_clock(step) for step in other.steps]


def test_the_same_seed_gives_the_same_bytes(compressed: Compressed, finished: tuple[Path, Compressed]) -> None:
    assert_same(finished[1], compressed)


def test_a_run_interrupted_after_each_step_gives_the_bytes_of_an_uninterrupted_one(
    teacher: Checkpoint, recipe: CompressionRecipe, compressed: Compressed, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    written: dict[str, int] = {}
    for steps in (1, 2, 3):
        left = first_steps(teacher, recipe, work, seed=1, steps=steps)
        assert [name.split("-")[1] for name in left] == ["prune", "distil", "export"][:steps]
        torch.manual_seed(99 + steps)  # what happened in between must not matter
        written = {name: (work / name).stat().st_mtime_ns for name in left} | written

    progress: list[str] = []
    resumed = compress(teacher, recipe, work, seed=1, on_progress=lambda step, done, of: progress.append(step))
    assert_same(resumed, compressed)
    assert "distil" not in progress, "done steps are not done again"
    for name, first_written in written.items():
        assert (work / name).stat().st_mtime_ns == first_written, name


def test_a_step_that_was_interrupted_leaves_nothing(
    teacher: Checkpoint, recipe: CompressionRecipe, tmp_path: Path
) -> None:
    def on_progress(step: str, done: int, of: int) -> None:
        if step == "distil":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compress(teacher, recipe, tmp_path, seed=1, on_progress=on_progress)
    assert [file.name.split("-")[:2] for file in tmp_path.glob("*.pt")] == [["1", "prune"]]


def test_a_finished_run_is_taken_from_its_work_folder_with_the_time_it_took(
    teacher: Checkpoint, recipe: CompressionRecipe, finished: tuple[Path, Compressed], work: Path
) -> None:
    again = compress(teacher, recipe, work, seed=1)
    assert_same(again, finished[1])
    assert [step.seconds for step in again.steps] == [step.seconds for step in finished[1].steps]


def test_work_of_another_seed_is_not_reused(teacher: Checkpoint, recipe: CompressionRecipe, work: Path) -> None:
    before = {file.name for file in work.glob("*.pt")}
    assert len(set(first_steps(teacher, recipe, work, seed=2, steps=1)) - before) == 1


def test_work_of_another_teacher_is_not_reused(teacher: Checkpoint, recipe: CompressionRecipe, work: Path) -> None:
    weights = dict(teacher.weights)
    weights["decoder.last.bias"] = weights["decoder.last.bias"] + 1e-3
    before = {file.name for file in work.glob("*.pt")}
    other = dataclasses.replace(teacher, weights=weights)
    assert len(set(first_steps(other, recipe, work, seed=1, steps=1)) - before) == 1


def test_work_is_reused_up_to_the_first_step_that_differs(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    longer = StepPlan("distil", {**recipe.steps[1].options, "steps": 3})
    other = dataclasses.replace(recipe, steps=(recipe.steps[0], longer, *recipe.steps[2:]))
    before = {file.name for file in work.glob("*.pt")}
    new = set(first_steps(teacher, other, work, seed=1, steps=2)) - before
    assert [name.split("-")[:2] for name in new] == [["2", "distil"]]


def test_work_is_not_reused_where_an_earlier_step_differs(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    less = StepPlan("prune", {**recipe.steps[0].options, "ratio": 0.3})
    other = dataclasses.replace(recipe, steps=(less, *recipe.steps[1:]))
    before = {file.name for file in work.glob("*.pt")}
    new = set(first_steps(teacher, other, work, seed=1, steps=2)) - before
    assert sorted(name.split("-")[1] for name in new) == ["distil", "prune"]


def number_teacher(highest_rate: float) -> Checkpoint:
    """An untrained network steered by a number; the weights do not tell its range."""
    schema = SignalSchema(
        name="toy",
        description="One channel.",
        channels=(Channel("flow", "L/min", -10.0, 10.0),),
        sampling_rate_hz=10.0,
        length=16,
        conditions=(NumberCondition("rate", "/min", 0.0, highest_rate),),
    )
    options = {"noise_size": 4, "widths": [16, 16], "prior_couplings": 0, "prior_hidden": 8}
    torch.manual_seed(1)
    weights = build_family("vae", schema, options).state_dict()
    return Checkpoint(
        recipe=TrainingRecipe("toy", "ecg-beats", "vae", 1, 2, 1e-3, 0.0, 0.0, 0.0, 0, options),
        schema=schema,
        provenance=Provenance("ecg-beats", "nothing", "CC0-1.0", "nobody", synthetic=True, digest="0" * 64, notes=()),
        seed=1,
        step=0,
        weights=weights,
        progress=None,
        history=[],
    )


def test_work_for_another_range_of_a_condition_is_not_reused(recipe: CompressionRecipe, tmp_path: Path) -> None:
    one = first_steps(number_teacher(1.0), recipe, tmp_path, seed=1, steps=1)
    assert len(first_steps(number_teacher(100.0), recipe, tmp_path, seed=1, steps=1)) == len(one) + 1


def test_the_largest_seed_will_do(teacher: Checkpoint, recipe: CompressionRecipe, tmp_path: Path) -> None:
    assert len(first_steps(teacher, recipe, tmp_path, seed=MAX_SEED, steps=2)) == 2


@pytest.mark.parametrize(
    ("field", "what", "remedy"),
    [
        ("student_relative_l2", "pruning and distillation changed the samples by", "step 1, prune .*: prune less, or"),
        ("int8_relative_l2", "quantisation changed the samples by", "step 4, quantise: calibrate on more samples"),
    ],
)
def test_a_result_that_costs_more_than_is_allowed_is_refused_with_what_to_do(
    field: str, what: str, remedy: str, teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    tight = dataclasses.replace(recipe, allowance=dataclasses.replace(recipe.allowance, **{field: 1e-4}))
    with pytest.raises(GateError, match=rf"{what} 0\.\d+.*allows 0\.0001.*{remedy}"):
        compress(teacher, tight, work, seed=1)


def test_a_result_that_costs_just_what_is_allowed_is_given(
    teacher: Checkpoint, recipe: CompressionRecipe, finished: tuple[Path, Compressed], work: Path
) -> None:
    _, whole = finished
    exact = dataclasses.replace(recipe.allowance, student_relative_l2=whole.student_relative_l2)
    exact = dataclasses.replace(exact, int8_relative_l2=whole.steps[-1].error)
    assert_same(compress(teacher, dataclasses.replace(recipe, allowance=exact), work, seed=1), whole)


def test_every_step_reports_what_it_did_and_what_it_cost(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    records: list[StepRecord] = []
    result = compress(teacher, recipe, work, seed=1, on_step=records.append)
    assert tuple(records) == result.steps
    assert [record.do for record in records] == ["prune", "distil", "export", "quantise"]
    for record, plan in zip(records, recipe.steps, strict=True):
        assert record.options == plan.options
        cost = record.cost
        assert min(cost.parameters, cost.multiply_adds, cost.bytes, cost.latency_ms, record.error, record.seconds) > 0
        json.dumps(record.to_json(), allow_nan=False)
    prune, distil, export, quantise = (record.cost for record in records)
    assert result.teacher_cost.parameters > prune.parameters == distil.parameters > export.parameters
    assert result.teacher_cost.multiply_adds > prune.multiply_adds == distil.multiply_adds == quantise.multiply_adds
    assert result.teacher_cost.bytes > prune.bytes == distil.bytes
    assert (export.bytes, quantise.bytes) == (len(result.graphs["fp32"]), len(result.graphs["int8"]))
    assert (export.parameters, export.multiply_adds) == count_onnx(onnx.load_model_from_string(result.graphs["fp32"]))


def test_errors_are_those_of_the_graphs_on_the_probe(teacher: Checkpoint, compressed: Compressed) -> None:
    inputs = probe_inputs((6,), teacher.schema)
    fp32, int8 = (run_onnx(graph, inputs) for graph in (compressed.graphs["fp32"], compressed.graphs["int8"]))
    assert compressed.student_relative_l2 == relative_l2(fp32, run_torch(teacher.generator(), inputs))
    assert compressed.steps[-1].error == relative_l2(int8, fp32)
    assert compressed.steps[-2].error < 1e-4, "export alone changes nothing"


def test_the_table_begins_with_the_teacher(compressed: Compressed) -> None:
    rows = compressed.rows()
    assert [row.step for row in rows] == ["teacher", "prune", "distil", "export", "quantise"]
    assert (rows[0].cost, rows[0].error) == (compressed.teacher_cost, None)
    assert [row.error for row in rows[1:]] == [step.error for step in compressed.steps]


def test_what_a_step_costs_is_measured_once(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compress(teacher, recipe, work, seed=1)
    for name in ("torch_cost", "onnx_cost"):
        monkeypatch.setattr(pipeline, name, lambda *_: pytest.fail("measured again"))
    again = compress(teacher, recipe, work, seed=1)
    assert [step.cost for step in again.steps] == [step.cost for step in first.steps]
    assert again.teacher_cost == first.teacher_cost
