"""Run a compression recipe: from a teacher to graphs in one or more precisions, with a record of every step.

What a step leaves is kept in a work folder, so that an interrupted run goes on at the step it had reached.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..runtime.errors import GateError
from ..runtime.noise import MAX_SEED
from ..runtime.schema import Schema
from ..training.checkpoint import Checkpoint, save_tensors
from ..training.families import Generative
from .cost import Cost, ir_cost, onnx_cost, torch_cost
from .default_variant import Speed, measure_variants
from .error import probe_inputs, relative_l2, run_torch
from .quantisation.judge import samples_of
from .recipe import CompressionRecipe
from .steps import STEPS
from .student import Context, Details, Student


@dataclass(frozen=True)
class StepRecord:
    """What one step did, and what it cost."""

    do: str
    options: dict[str, Any]
    cost: Cost
    """Of the model after the step."""
    error: float
    """Relative L2 of its samples against those of the model before the step, same noise and conditions; of a variant
    against those of the float graph; 0 where it was skipped."""
    seconds: float
    variant: str | None
    """Name of the graph it made; None before there is any, or where it made none."""
    details: Details = field(default_factory=dict)
    """What else it found out, such as what each layer costs; under `skipped` why it did nothing."""

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
    graphs: Mapping[str, bytes]
    """ONNX graphs by the name of the variant, `fp32` first."""
    steps: tuple[StepRecord, ...]
    student_relative_l2: float
    """Of the float student's samples against the teacher's."""
    weights: Mapping[str, bytes] = field(default_factory=dict)
    """Those of the variants that are OpenVINO IRs."""
    speeds: tuple[Speed, ...] = ()
    """Of the variants on each engine present, against fp32; where none were measured, fp32 is the default."""

    def rows(self) -> list[CostRow]:
        """The teacher and every step, for a table."""
        return [
            CostRow("teacher", self.teacher_cost, None),
            *(CostRow(step.do, step.cost, step.error) for step in self.steps),
        ]

    def notes(self) -> list[str]:
        """A sentence for people on each step that did nothing, and on each variant that is no faster than fp32."""
        skipped = [step for step in self.steps if "skipped" in step.details]
        no_gain = [told for speed in self.speeds if (told := speed.told())]
        return [*(f"{step.do} did nothing: {step.details['skipped']}" for step in skipped), *no_gain]

    def made(self, variant: str) -> StepRecord:
        """The step that made a variant."""
        return next(step for step in self.steps if step.variant == variant)


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
    shape = full.noise_shape
    inputs = probe_inputs(shape, schema)
    student = Student(teacher.generator())
    samples = teacher_samples = run_torch(full, inputs)
    records = []
    key = _key(weights_digest(full), teacher.recipe.to_json(), schema.to_json(), seed)
    for number, plan in enumerate(recipe.steps):
        key = _key(key, plan.do, plan.options)
        kept = work / f"{number + 1}-{plan.do}-{key[:16]}.pt"
        graphs_before = list(student.graphs)
        if kept.exists():
            student, details, seconds = _restored(kept, teacher)
        else:

            def show(done: int, of: int, do: str = plan.do) -> None:
                if on_progress:
                    on_progress(do, done, of)

            started = time.monotonic()
            context = Context(full, schema, (seed + number) % (MAX_SEED + 1), show)
            details = STEPS[plan.do].run(student, context, **plan.options) or {}
            seconds = time.monotonic() - started
            _keep(student, kept, details, seconds)
        variant = next((name for name in student.graphs if name not in graphs_before), None)
        if variant or graphs_before:
            name = variant or "fp32"  # a step that was skipped leaves what there was
            made = samples_of(student.graphs[name], inputs, student.weights.get(name))
            cost = _cost(student, name, schema, shape)
        else:
            made, cost = run_torch(student.model, inputs), torch_cost(student.model, schema)
        error = relative_l2(made, samples)
        records.append(StepRecord(plan.do, dict(plan.options), cost, error, seconds, variant, details))
        if not graphs_before:  # variants are all compared with the float graph
            samples = made
        if on_step:
            on_step(records[-1])
    student_error = relative_l2(samples, teacher_samples)
    compressed = Compressed(torch_cost(full, schema), student.graphs, tuple(records), student_error, student.weights)
    _check_allowance(recipe, compressed)
    return replace(compressed, speeds=measure_variants(student.graphs, student.weights, shape, schema))


def _cost(student: Student, variant: str, schema: Schema, noise_shape: tuple[int, ...]) -> Cost:
    graph, weights = student.graphs[variant], student.weights.get(variant)
    return ir_cost(graph, weights, student.graphs["fp32"], schema) if weights else onnx_cost(graph, schema, noise_shape)


def _keep(student: Student, path: Path, details: Details, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "weights": student.model.state_dict(),
        "changes": student.changes,
        "graphs": student.graphs,
        "weights_of_graphs": student.weights,
        "details": dict(details),
        "seconds": seconds,
    }
    save_tensors(content, path)


def _restored(path: Path, teacher: Checkpoint) -> tuple[Student, Details, float]:
    """The student as a step left it, what the step found out, and how long it took."""
    content = torch.load(path, weights_only=True)
    model = teacher.generator()
    for change in content["changes"]:
        replay = STEPS[change["do"]].replay
        assert replay  # noqa: S101 - a step that tells of a change can do it again
        model = replay(model, change)
    model.load_state_dict(content["weights"])
    student = Student(model, content["changes"], content["graphs"], content["weights_of_graphs"])
    return student, content["details"], float(content["seconds"])


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


def weights_digest(model: Generative) -> str:
    """SHA-256 in hex of a model's weights by name."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_allowance(recipe: CompressionRecipe, compressed: Compressed) -> None:
    allowance = recipe.allowance
    found = [
        (
            "pruning and distillation",
            compressed.student_relative_l2,
            allowance.student_relative_l2,
            "prune less or distil longer",
        )
    ]
    for variant in [name for name in compressed.graphs if name != "fp32"]:
        error, what = compressed.made(variant).error, "quantisation" if variant == "int8" else f"the variant {variant}"
        found.append((what, error, allowance.int8_relative_l2, "calibrate on more samples"))
    for what, error, allowed, remedy in found:
        if not error <= allowed:
            raise GateError(
                f"{what} changed the samples by {error:.3f} (relative L2), and recipe {recipe.name!r} allows "
                f"{allowed:g}; no bundle was written. {remedy.capitalize()}, or raise the allowance knowingly"
            )
