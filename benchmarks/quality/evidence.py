"""The evidence file: every figure with its method, tied to what was judged by hash. Plain JSON, versioned."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ...runtime.errors import DataError
from .figure import Figure
from .measures import MEASURES, Axis

SCHEMA_VERSION = 1
"""Goes up when a key changes its meaning or goes; new keys leave it as it is."""
EVIDENCE_NAME = "evidence.json"

REAL, COPIES, NOISE = "real", "copies", "noise"
REFERENCES = {
    REAL: "real training patients against real test patients: the ceiling",
    COPIES: "copies of training records: a memoriser, whose privacy must fail",
    NOISE: "every column shuffled on its own, labels too: the floor",
}
"""Rows that stand beside every generator."""

Light = Literal["green", "amber", "red", "grey"]
"""`grey`: not judged."""


@dataclass(frozen=True)
class Finding:
    """One figure: which measure, of which group of real data or records, for which row."""

    measure: str
    group: str
    """`all`, or a part such as `class=S`, `sex=F`, `channel=MLII`, `column=age`."""
    source: str
    figure: Figure


@dataclass(frozen=True)
class Comparison:
    """What compression cost: a variant minus its teacher, paired."""

    source: str
    measure: str
    value: float
    low: float
    high: float
    bound: float
    """One-sided 95 % bound on the unfavourable side."""
    allowed: float | None
    """Largest loss that the recipe allows; None: it says nothing."""

    @property
    def inside(self) -> bool | None:
        """Whether the loss is inside the allowance with 95 % confidence."""
        return None if self.allowed is None else self.bound >= -self.allowed


@dataclass(frozen=True)
class Verdict:
    """One light of the summary, with the threshold it rests on."""

    axis: Axis | Literal["compression"]
    source: str
    light: Light
    text: str
    threshold: str


@dataclass(frozen=True)
class PrivacyRecord:
    """The promise of private training, which holds against any attack (DP-SGD, Abadi et al., CCS 2016).

    Raises:
        DataError: A number is not one that such a training can have.
    """

    epsilon: float
    delta: float
    accountant: str
    """How epsilon was added up over the steps, e.g. `prv` or `rdp`."""
    noise_multiplier: float
    """Standard deviation of the noise on a step's gradient, in units of `clip`."""
    clip: float
    """Largest norm of one record's gradient."""
    sampling_rate: float
    """Chance of each record to be in a step."""
    unit: Literal["record", "patient"] = "record"
    """Whose presence is hidden: a patient of many records is hidden far less than one record."""
    entered: tuple[str, ...] = ()
    """What of the real data reached the shipped graph without that noise: `records`, `label frequencies`,
    `quantiles`. Any of them, in training, distillation or calibration, and the promise does not hold for it."""
    steps: int | None = None
    """How many steps epsilon was added up over; None where it is not told."""
    counts_noise_multiplier: float | None = None
    """Of the noise on the counts that classes' shares come from, which epsilon covers too; None where none were."""

    def __post_init__(self) -> None:
        for name in ("epsilon", "delta", "noise_multiplier", "clip", "sampling_rate"):
            value = getattr(self, name)
            most = 1.0 if name in ("delta", "sampling_rate") else math.inf
            if not (math.isfinite(value) and 0 < value <= most):
                raise DataError(f"a privacy record has a {name} of {value}; it was not made by private training")

    @property
    def kept(self) -> bool:
        """Whether the promise holds for what ships: nothing real came to it but through the private gradients."""
        return not self.entered

    def promise(self) -> str:
        """What was promised, and whether what ships keeps it, in one sentence without its full stop."""
        made = f"trained with (ε = {self.epsilon:g}, δ = {self.delta:g})-differential privacy of each {self.unit}"
        if self.kept:
            return f"{made}, which compression kept"
        return f"{made}, which what ships has lost: real {' and '.join(self.entered)} entered it"

    def method(self) -> str:
        """How it was reached."""
        told = (
            f"noise multiplier {self.noise_multiplier:g}, gradients clipped at {self.clip:g}, sampling rate "
            f"{self.sampling_rate:g}, accountant {self.accountant.upper()}"
        )
        if self.steps is not None:
            told += f", {self.steps} steps"
        if self.counts_noise_multiplier is not None:
            told += f", class counts with noise multiplier {self.counts_noise_multiplier:g}"
        return told


@dataclass(frozen=True)
class Evidence:
    """Everything that was found out about a generator's data."""

    judged: Mapping[str, str]
    """Per generator row: SHA-256 of the graph, or what else names it."""
    data: Mapping[str, Any]
    """What it was judged against: source, digest, numbers of records and patients, whether simulated."""
    method: Mapping[str, Any]
    """Seeds, sizes, hash of the feature network, what was left out and why."""
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]
    dp: PrivacyRecord | None = None
    """None where no private training is known of."""

    def figure(self, measure: str, source: str, group: str = "all") -> Figure | None:
        """The figure of one row, if there is one."""
        for finding in self.findings:
            if (finding.measure, finding.group, finding.source) == (measure, group, source):
                return finding.figure
        return None

    def sources(self) -> list[str]:
        """Rows in the order of the report: references, then generators."""
        return [*REFERENCES, *self.judged]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        used = {finding.measure for finding in self.findings}
        return {
            "schema_version": SCHEMA_VERSION,
            "judged": dict(self.judged),
            "data": dict(self.data),
            "method": dict(self.method),
            "differential_privacy": {**asdict(self.dp), "kept": self.dp.kept} if self.dp else None,
            "references": REFERENCES,
            "measures": {name: asdict(measure) for name, measure in MEASURES.items() if name in used},
            "findings": [
                {"measure": f.measure, "group": f.group, "source": f.source, **f.figure.to_json()}
                for f in self.findings
            ],
            "comparisons": [{**asdict(comparison), "inside": comparison.inside} for comparison in self.comparisons],
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }

    def to_bytes(self) -> bytes:
        """The file's content; the same evidence gives the same bytes."""
        return (json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
