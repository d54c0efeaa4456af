"""Run a compression recipe: from a teacher to graphs in fp32 and int8, with a record of every step.

What a step leaves is kept in a work folder, so that an interrupted run goes on at the step it had reached.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..runtime.errors import GateError
from ..runtime.noise import MAX_SEED
from ..training.checkpoint import Checkpoint, save_tensors
from ..training.families import Generative
from .cost import Cost, onnx_cost, torch_cost
from .error import probe_inputs, relative_l2, run_onnx, run_torch
from .recipe import CompressionRecipe, StepPlan
from .steps.distil import distil
from .steps.export import export
from .steps.prune import PruningHistory, prune, replay_pruning
from .steps.quantise import quantise


@dataclass(frozen=True)
class StepRecord:
    """What one step did, and what it cost."""

    do: str
    options: dict[str, Any]
    cost: Cost
    """Of the model after the step."""
    error: float
    """Relative L2 of its samples against those of the model before the step, same noise and conditions."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class CostRow:
    """One line of the table that shows what each step bought."""

    step: str
    cost: Cost
    error: float | None
    """As in `StepRecord`; None for the teacher itself."""


@dataclass(frozen=True)
class Compressed:
    """The outcome of a recipe."""

    teacher_cost: Cost
    fp32: bytes
    """ONNX graph in float."""
    int8: bytes
    steps: tuple[StepRecord, ...]
    student_relative_l2: float
    """Of the float student's samples against the teacher's."""

    def rows(self) -> list[CostRow]:
        """The teacher and every step, for a table."""
        return [
            CostRow("teacher", self.teacher_cost, None),
            *(CostRow(step.do, step.cost, step.error) for step in self.steps),
        ]


@dataclass
class _Student:
    """The model on its way: PyTorch until export, ONNX from then on."""

    model: Generative
    histories: list[PruningHistory]
    graphs: dict[str, bytes]


def compress(
    teacher: Checkpoint,
    recipe: CompressionRecipe,
    work: Path,
    *,
    seed: int,
    on_step: Callable[[StepRecord], None] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Compressed:
    """Run the recipe's steps, or take them from the work folder where they were done before.

    Args:
        teacher: A complete checkpoint.
        recipe: What to do.
        work: Folder for what each step leaves; made if absent.
        seed: Of noise and conditions in distillation and calibration.
        on_step: Called with the record of each step as it is done.
        on_progress: Called with (step, done, of) within the long ones.

    Raises:
        GateError: A step failed its check, or the result costs more than the recipe allows.
        OutputError: The work folder cannot be written.
    """
    schema, full = teacher.schema, teacher.generator()
    inputs = probe_inputs(full.noise_shape, schema)
    student = _Student(teacher.generator(), [], {})
    samples = teacher_samples = run_torch(full, inputs)
    records = []
    key = _key(weights_digest(full), teacher.recipe.to_json(), schema.to_json(), seed)
    for number, plan in enumerate(recipe.steps):
        key = _key(key, plan.do, plan.options)
        kept = work / f"{number + 1}-{plan.do}-{key[:16]}.pt"
        started = time.monotonic()
        if kept.exists():
            seconds = _restore(student, kept, teacher)
        else:

            def show(done: int, of: int, do: str = plan.do) -> None:
                if on_progress:
                    on_progress(do, done, of)

            _take(plan, student, full, teacher, (seed + number) % (MAX_SEED + 1), show)
            seconds = time.monotonic() - started
            _keep(student, kept, seconds)
        before = samples
        if student.graphs:
            graph = student.graphs[list(student.graphs)[-1]]
            samples, cost = run_onnx(graph, inputs), onnx_cost(graph, schema, full.noise_shape)
        else:
            samples, cost = run_torch(student.model, inputs), torch_cost(student.model, schema)
        records.append(StepRecord(plan.do, dict(plan.options), cost, relative_l2(samples, before), seconds))
        if on_step:
            on_step(records[-1])
    fp32, int8 = student.graphs["fp32"], student.graphs["int8"]
    student_error = relative_l2(run_onnx(fp32, inputs), teacher_samples)
    _check_allowance(recipe, student_error, records[-1].error)
    return Compressed(torch_cost(full, schema), fp32, int8, tuple(records), student_error)


def _take(
    plan: StepPlan,
    student: _Student,
    teacher: Generative,
    checkpoint: Checkpoint,
    seed: int,
    show: Callable[[int, int], None],
) -> None:
    schema = checkpoint.schema
    if plan.do == "prune":
        student.model, history = prune(student.model, schema, seed=seed, **plan.options)
        student.histories.append(history)
    elif plan.do == "distil":
        student.model = distil(student.model, teacher, schema, seed=seed, on_progress=show, **plan.options)
    elif plan.do == "export":
        student.graphs["fp32"] = export(student.model, schema)
    else:
        student.graphs["int8"] = quantise(
            student.graphs["fp32"], teacher.noise_shape, schema, seed=seed, **plan.options
        )


def _keep(student: _Student, path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "weights": student.model.state_dict(),
        "histories": student.histories,
        "graphs": student.graphs,
        "seconds": seconds,
    }
    save_tensors(content, path)


def _restore(student: _Student, path: Path, teacher: Checkpoint) -> float:
    content = torch.load(path, weights_only=True)
    student.model = teacher.generator()
    for history in content["histories"]:
        replay_pruning(student.model, history)
    student.model.load_state_dict(content["weights"])
    student.histories, student.graphs = content["histories"], content["graphs"]
    return float(content["seconds"])


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


def weights_digest(model: Generative) -> str:
    """SHA-256 in hex of a model's weights by name."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_allowance(recipe: CompressionRecipe, student_error: float, int8_error: float) -> None:
    allowance = recipe.allowance
    for what, found, allowed, remedy in (
        (
            "pruning and distillation",
            student_error,
            allowance.student_relative_l2,
            "prune less or distil longer",
        ),
        ("quantisation", int8_error, allowance.int8_relative_l2, "calibrate on more samples"),
    ):
        if not found <= allowed:
            raise GateError(
                f"{what} changed the samples by {found:.3f} (relative L2), and recipe {recipe.name!r} allows "
                f"{allowed:g}; no bundle was written. {remedy.capitalize()}, or raise the allowance knowingly"
            )
