"""Everything the page of `edgeward demo` shows, as plain facts: no torch, no training, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

Role = Literal["real", "teacher", "student", "bundle", "other"]
"""What a row stands for: `real` data, the full model (`teacher`), the small one in 32-bit (`student`),
the one that is shipped (`bundle`). Charts and headline use these; `other` rows stand in the tables only."""


@dataclass(frozen=True)
class DataSource:
    """Where the beats come from that the generator learnt from."""

    name: str
    """E.g. `MIT-BIH Arrhythmia Database 1.0.0`."""
    simulated: bool
    """Whether these beats are a simulator's: the page then never calls them real."""
    licence: str
    attribution: str
    notes: tuple[str, ...] = ()
    """What was decided and left out while reading them."""


@dataclass(frozen=True)
class BeatClass:
    """One class of beats, with samples [k, channels, length] in mV; k may be 0."""

    code: str
    """E.g. `V`."""
    meaning: str
    training_beats: int
    """How many beats of it the generator learnt from."""
    real: FloatArray
    """Held-out beats of the data source (a simulator's, where `DataSource.simulated`)."""
    synthetic: FloatArray
    """Made by the bundle."""
    teacher: FloatArray | None = None
    """Made by the teacher from the same noise; `None` shows none."""


@dataclass(frozen=True)
class CompressionStep:
    """The model after one step. The first is the teacher, the last what is shipped. `None`: not measured."""

    name: str
    what: str
    """What the step did, in a sentence."""
    parameters: int | None = None
    multiply_adds: int | None = None
    """For one sample."""
    size_bytes: int | None = None
    """Of its file, or of its parameters where it has no file of its own."""
    latency_us: float | None = None
    """Median for one sample."""
    change: float | None = None
    """Relative L2 of its samples against those of the model that the step was given, on the same noise."""


@dataclass(frozen=True)
class LatencyRow:
    """How long one call took. At most one row for each pair of batch and role other than `other`."""

    role: Role
    contender: str
    """E.g. `PyTorch teacher`."""
    variant: str
    """E.g. `fp32`."""
    backend: str
    """Engine and version, threads where they matter."""
    batch: int
    n: int
    """Timed calls."""
    p50_us: float
    p90_us: float
    p99_us: float
    note: str = ""


@dataclass(frozen=True)
class QualityRow:
    """A classifier trained on one kind of beats and tested on held-out ones of the data source."""

    role: Role
    label: str
    """E.g. `trained on real beats`."""
    macro_f1: float
    low: float
    high: float
    n: int
    """Test beats."""
    f1_by_class: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class BundleFacts:
    """What was written."""

    path: str
    digest: str
    """SHA-256 of its manifest."""
    size_bytes: int
    """Of the whole bundle."""
    variants: tuple[tuple[str, int], ...]
    """(name, bytes) of each graph."""
    shown_variant: str
    """Which of them made the synthetic beats on the page."""


@dataclass(frozen=True)
class Fact:
    """A line of a list of facts, e.g. `CPU`: `Intel …, 4 cores`."""

    label: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command to type next."""

    line: str
    what: str
    """What it does, in a sentence."""


@dataclass(frozen=True)
class DemoPage:
    """The whole page."""

    title: str
    data: DataSource
    channel_names: tuple[str, ...]
    sampling_rate_hz: float
    classes: tuple[BeatClass, ...]
    steps: tuple[CompressionStep, ...]
    latency: tuple[LatencyRow, ...]
    quality: tuple[QualityRow, ...]
    quality_method: str
    """Classifier, test data, what the interval is and how it was found."""
    bundle: BundleFacts
    machine: tuple[Fact, ...]
    wall_time_s: float
    """Of the whole demo."""
    made_on: str
    """Date for people."""
    provenance: Mapping[str, Any]
    """Of the synthetic beats shown, as `Batch.provenance` gives it: the page's machine-readable mark."""
    commands: tuple[Command, ...] = ()
    limits: tuple[str, ...] = ()
    """What the numbers do not show, in sentences."""

    @property
    def origin(self) -> str:
        """What the data source's beats may be called: `real`, or `simulated`."""
        return "simulated" if self.data.simulated else "real"

    @property
    def charted_latency(self) -> tuple[LatencyRow, ...]:
        """Teacher, student and bundle at the smallest batch at which both teacher and bundle were timed."""
        by_batch: dict[int, dict[Role, LatencyRow]] = {}
        for row in self.latency:
            if row.role != "other":
                by_batch.setdefault(row.batch, {})[row.role] = row
        for _, rows in sorted(by_batch.items()):
            if "teacher" in rows and "bundle" in rows:
                order: tuple[Role, ...] = ("teacher", "student", "bundle")
                return tuple(rows[role] for role in order if role in rows)
        return ()

    def quality_of(self, role: Role) -> QualityRow | None:
        """The first row that stands for this role."""
        return next((row for row in self.quality if row.role == role), None)
