"""The record of a run: what each step did and cost, and what came of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .cost import Cost
from .default_variant import Speed
from .quality import JudgedOn, Quality
from .student import Details


@dataclass(frozen=True)
class StepRecord:
    """What one step did, and what it cost."""

    do: str
    options: dict[str, Any]
    cost: Cost
    """Of the model after the step."""
    error: float
    """Relative L2 of its samples against those of the model before the step, same noise and conditions; of a variant
    against those of the float graph."""
    from_teacher: float
    """The same against the teacher's samples: where a step that heals brings it down again."""
    seconds: float
    variant: str | None
    """Name of the graph it made; None before there is any, or where it made none."""
    seed: int
    """Of the step's own noise and conditions."""
    before: Mapping[str, str]
    """SHA-256 of what went in: `weights`, and each graph by its name."""
    after: Mapping[str, str]
    """SHA-256 of what came out, likewise: the next step's `before`."""
    machine: Mapping[str, str]
    """Where it ran."""
    quality: Quality | None = None
    """What it left beside the teacher, on validation records: of a variant on all seeds, with the attack on its
    weights; else at a glance. None where nothing was judged."""
    details: Details = field(default_factory=dict)
    """What else it found out, such as what each layer costs; under `skipped` why it did nothing."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {**asdict(self), "before": dict(self.before), "after": dict(self.after), "machine": dict(self.machine)}
        return plain | {"quality": self.quality.to_json() if self.quality else None}


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
    teacher_digest: str
    """SHA-256 of the teacher's weights: what the first step took in."""
    judged_on: JudgedOn | None = None
    """On which real records; None where quality was not judged."""
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
