"""Run a compression recipe: from a teacher to graphs in one or more precisions, with a record of every step.

What a step leaves is kept in a work folder, so that an interrupted run goes on at the step it had reached.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from ..devices import this_host
from ..runtime.atomic import atomic_file
from ..runtime.errors import OutputError, TrainingError
from ..runtime.noise import MAX_SEED
from ..runtime.schema import Schema
from ..training.checkpoint import Checkpoint, save_tensors
from ..training.families import Generative
from .bank import Bank
from .cost import Cost, ir_cost, onnx_cost, torch_cost
from .default_variant import measure_variants
from .error import probe_inputs, relative_l2, run_torch
from .gate import check_can_be_judged, let_through
from .quality import Judge, Quality, quality_from_json
from .quantisation.judge import samples_of
from .recipe import CompressionRecipe
from .record import Compressed, StepRecord
from .steps import STEPS
from .student import Context, Details, Student, weights_digest


def compress(
    teacher: Checkpoint,
    recipe: CompressionRecipe,
    work: Path,
    *,
    seed: int,
    judge: Judge | None = None,
    enforce: bool = True,
    on_teacher: Callable[[Cost], None] | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
    on_judging: Callable[[str, int, int, str], None] | None = None,
) -> Compressed:
    """Run the recipe's steps, or take them from the work folder where they were done before.

    Args:
        teacher: A complete checkpoint.
        recipe: What to do.
        work: Folder for what each step leaves; made if absent.
        seed: Of noise and conditions in distillation and calibration.
        judge: Says what each step cost in quality, on validation records; None: samples are compared only, and the
            recipe's allowances of quality are not checked.
        enforce: Whether the result shall ship, as `released` says; a search only looks at it.
        on_teacher: Called with the teacher's cost, before the first step.
        on_step: Called with the record of each step as it is done.
        on_progress: Called with (step, done, of) within the long ones.
        on_judging: Called with (step, done, of, what comes next) while it is judged.

    Raises:
        TrainingError: A step does not suit the teacher.
        GateError: A step failed its check, or the result costs more than the recipe allows.
        OutputError: The work folder cannot be written.
        RequestError: An allowance of the recipe could not be checked.
    """
    check_can_be_judged(recipe, judge)
    _make_folder(work)
    for plan in recipe.steps:
        if teacher.privacy and not STEPS[plan.do].data_free:
            raise TrainingError(
                f"{plan.do} sees real records, which would break the promise that the teacher was trained with; leave "
                "the step out"
            )
    schema, full = teacher.schema, teacher.generator()
    inputs = probe_inputs(full.noise_shape, schema)
    student = Student(teacher.generator())
    samples = teacher_samples = run_torch(full, inputs)
    records = []
    teacher_digest = weights_digest(full)
    key = _key(teacher_digest, teacher.recipe.to_json(), schema.to_json(), seed)
    teacher_cost = _cost(work / f"0-teacher-{key[:16]}", lambda: torch_cost(full, schema))
    if on_teacher:
        on_teacher(teacher_cost)
    bank = Bank(full, schema, work, key, _away_from(seed))
    after = student.digests()
    for number, plan in enumerate(recipe.steps):
        key = _key(key, plan.do, plan.options)
        kept = work / f"{number + 1}-{plan.do}-{key[:16]}.pt"
        before, graphs_before = after, list(student.graphs)
        step_seed = (seed + number) % (MAX_SEED + 1)
        restored = _restored(kept, teacher)
        if restored:
            student, details, seconds, machine = restored
        else:

            def show(done: int, of: int, do: str = plan.do) -> None:
                if on_progress:
                    on_progress(do, done, of)

            started = time.monotonic()
            context = Context(full, schema, step_seed, show, bank)
            details = STEPS[plan.do].run(student, context, **plan.options) or {}
            seconds, machine = time.monotonic() - started, _machine()
            _keep(student, kept, details, seconds, machine)
        after = student.digests()
        variant = next((name for name in student.graphs if name not in graphs_before), None)
        if variant or graphs_before:
            name = variant or "fp32"  # a step that was skipped leaves what there was
            made = samples_of(student.graphs[name], inputs, student.weights.get(name))
            cost = _cost(kept, lambda name=name, student=student: _cost_of(student, name, schema))  # type: ignore[misc]
        else:
            made = run_torch(student.model, inputs)
            cost = _cost(kept, lambda model=student.model: torch_cost(model, schema))  # type: ignore[misc]
        quality = None
        if judge and variant not in student.weights and (variant or not graphs_before):

            def say(done: int, of: int, note: str, do: str = plan.do) -> None:
                if on_judging:
                    on_judging(do, done, of, note)

            model = student.graphs[variant] if variant else student.model
            quality = _judged(judge, model, kept, say, decide=variant is not None)
        records.append(
            StepRecord(
                do=plan.do,
                options=dict(plan.options),
                cost=cost,
                error=relative_l2(made, samples),
                from_teacher=relative_l2(made, teacher_samples),
                seconds=seconds,
                variant=variant,
                seed=step_seed,
                before=before,
                after=after,
                machine=machine,
                quality=quality,
                details=details,
            )
        )
        if not graphs_before:  # variants are all compared with the float graph
            samples = made
        if on_step:
            on_step(records[-1])
    compressed = Compressed(
        teacher_cost,
        student.graphs,
        tuple(records),
        relative_l2(samples, teacher_samples),
        teacher_digest,
        judge.about if judge else None,
        student.weights,
    )
    return released(compressed, recipe, teacher) if enforce else compressed


def released(compressed: Compressed, recipe: CompressionRecipe, teacher: Checkpoint) -> Compressed:
    """What may ship: found to be inside the recipe's allowance, its variants timed on every engine there is.

    Raises:
        GateError: It costs more than the recipe allows.
    """
    let_through(recipe, compressed)
    shape = teacher.generator().noise_shape
    return replace(compressed, speeds=measure_variants(compressed.graphs, compressed.weights, shape, teacher.schema))


def _away_from(seed: int) -> int:
    """The seed of the bank: far from those of the steps, which follow on the run's own."""
    return (seed + (MAX_SEED + 1) // 2) % (MAX_SEED + 1)


def _machine() -> dict[str, str]:
    host = this_host()
    return {"cpu": host.cpu, "cpu_class": host.cpu_class, "python": host.python, "torch": str(torch.__version__)}


def _cost_of(student: Student, variant: str, schema: Schema) -> Cost:
    graph, weights = student.graphs[variant], student.weights.get(variant)
    if weights:
        return ir_cost(graph, weights, student.graphs["fp32"], schema)
    return onnx_cost(graph, schema, student.model.noise_shape)


def _keep(student: Student, path: Path, details: Details, seconds: float, machine: dict[str, str]) -> None:
    content = {
        "weights": student.model.state_dict(),
        "changes": student.changes,
        "graphs": student.graphs,
        "weights_of_graphs": student.weights,
        "details": dict(details),
        "seconds": seconds,
        "machine": machine,
    }
    save_tensors(content, path)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error


def _restored(path: Path, teacher: Checkpoint) -> tuple[Student, Details, float, dict[str, str]] | None:
    """The student as a step left it, what it found out, how long it took, and where; None where it has to be done."""
    if not path.exists():
        return None
    try:
        content = torch.load(path, weights_only=True)
        model = teacher.generator()
        for change in content["changes"]:
            replay = STEPS[change["do"]].replay
            assert replay  # noqa: S101 - a step that tells of a change can do it again
            model = replay(model, change)
        model.load_state_dict(content["weights"])
        student = Student(model, content["changes"], content["graphs"], content["weights_of_graphs"])
        return student, content["details"], float(content["seconds"]), content["machine"]
    except Exception:  # the unpickler raises many kinds for junk, and what a disk has damaged is done again
        return None


def _judged(
    judge: Judge, model: Generative | bytes, kept: Path, say: Callable[[int, int, str], None], *, decide: bool
) -> Quality:
    """What a judge says of what a step left, or said before."""
    path = kept.with_suffix(f".{judge.key[:16]}.{'decided' if decide else 'glanced'}.json")
    try:
        return quality_from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        quality = judge(model, decide=decide, say=say)
    with atomic_file(path) as file:
        file.write(json.dumps(quality.to_json(), allow_nan=False).encode())
    return quality


def _cost(kept: Path, measure: Callable[[], Cost]) -> Cost:
    """What a model costs; measured once, so that a search that comes by again neither waits nor finds another time."""
    file = kept.with_suffix(".cost.json")
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Cost(**json.loads(file.read_bytes()))
    cost = measure()
    with atomic_file(file) as out:
        out.write(json.dumps(cost.to_json()).encode())
    return cost


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()
