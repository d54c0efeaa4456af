"""Compare two reports of `edgeward bench`: row by row, and only what may be compared."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.errors import DataError, RequestError
from .report import HARDWARE, KIND, SCHEMA
from .uncertainty import BETWEEN_RUNS, Difference, difference

_MACHINE = {"cpu": "processor", "cpu_class": "processor class", "logical_cores": "cores", "power_mode": "power mode"}
_READ_BACK = {"precision": "precision it computes in", "device": "device", "threads": "threads"}
_KEYS = ("rows", "machine", "made", "edgeward")


@dataclass(frozen=True)
class ComparedRow:
    """The same thing in both reports."""

    id: str
    before_us: float | None
    """Median of the processes' medians; None where it was not timed, as its outputs were wrong."""
    after_us: float | None
    difference: Difference | None
    """None where the row is not compared; `reason` says why."""
    reason: str | None
    changed: tuple[str, ...]
    """What else is not the same: the bundle, the engine's version."""
    became_wrong: bool = False
    """Whether its outputs were right before, and are wrong after."""

    @property
    def worse(self) -> bool:
        """Whether it got slower for sure, or wrong."""
        return self.became_wrong or (self.difference is not None and self.difference.finding == "slower")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.id,
            "before_us": self.before_us,
            "after_us": self.after_us,
            "difference": self.difference.to_json() if self.difference else None,
            "reason": self.reason,
            "changed": list(self.changed),
            "became_wrong": self.became_wrong,
        }


@dataclass(frozen=True)
class Compared:
    """All rows, and those that only one report has."""

    rows: tuple[ComparedRow, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def regressions(self) -> tuple[ComparedRow, ...]:
        """Rows that got slower for sure, or wrong."""
        return tuple(row for row in self.rows if row.worse)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": "edgeward-bench-compare",
            "schema": 1,
            "rows": [row.to_json() for row in self.rows],
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
            "regressions": [row.id for row in self.regressions],
        }


def read_report(path: Path) -> dict[str, Any]:
    """A report that `edgeward bench -o` wrote.

    Raises:
        DataError: It is none, or of another version.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("kind") != KIND or any(key not in report for key in _KEYS):
        raise DataError(f"{path} is no report of edgeward bench; make one with: edgeward bench BUNDLE -o {path.name}")
    if report.get("schema") != SCHEMA:
        raise DataError(
            f"{path} has the schema {report.get('schema')}, and this version reads {SCHEMA}; measure again, or "
            "compare with the version that wrote it"
        )
    return report


def compare_reports(
    before: Mapping[str, Any], after: Mapping[str, Any], *, least_effect: float = BETWEEN_RUNS
) -> Compared:
    """Compare the rows that both reports have.

    Args:
        before: As `read_report` gives it.
        after: Likewise.
        least_effect: Smallest change that counts, as a share; below the A/A floor of a row none does.

    Raises:
        RequestError: They are of different machines or power modes, or of one that only plays another.
        DataError: A row lacks what a report has.
    """
    try:
        _check_machines(before["machine"], after["machine"])
        old = {row["id"]: row for row in before["rows"]}
        new = {row["id"]: row for row in after["rows"]}
        rows = tuple(_compared(old[name], new[name], least_effect) for name in old if name in new)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"a row of the reports is damaged ({error}); measure again") from error
    if not rows:
        raise RequestError(
            "the reports have no row in common; they hold "
            f"{', '.join(old) or 'nothing'} and {', '.join(new) or 'nothing'}"
        )
    return Compared(rows, tuple(n for n in old if n not in new), tuple(n for n in new if n not in old))


def _check_machines(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for machine in (before, after):
        if machine.get("fidelity") != HARDWARE:
            raise RequestError(
                f"one report is of a machine that is not itself ({machine.get('fidelity')}): such times are never "
                "compared; measure on the device, without a CPU quota"
            )
    for key, name in _MACHINE.items():
        if before.get(key) != after.get(key):
            raise RequestError(
                f"the reports differ in the {name}: {before.get(key)!r} and {after.get(key)!r}; "
                "only times of one machine in one mode can be compared"
            )


def _compared(old: Mapping[str, Any], new: Mapping[str, Any], least_effect: float) -> ComparedRow:
    for key, name in _READ_BACK.items():
        if old["read_back"][key] != new["read_back"][key]:
            raise RequestError(
                f"{old['id']}: the reports differ in the {name}: {old['read_back'][key]!r} and "
                f"{new['read_back'][key]!r}; such times cannot be compared"
            )
    medians = [[float(value) for value in row["process_p50_us"]] for row in (old, new)]
    if min((us for process in medians for us in process), default=1.0) <= 0:
        raise ValueError("a call takes no time")
    reasons = [f"{when}: {reason}" for when, row in (("before", old), ("after", new)) for reason in row["reasons"]]
    changed = []
    if old["bundle_sha256"] != new["bundle_sha256"]:
        changed.append("the bundle")
    versions = old["read_back"].get("version"), new["read_back"].get("version")
    if versions[0] != versions[1]:
        changed.append(f"{old['backend']} {versions[0]} to {versions[1]}")
    before_us, after_us = (statistics.median(found) if found else None for found in medians)
    if None in (before_us, after_us) and not reasons:
        reasons = ["not timed"]
    return ComparedRow(
        old["id"],
        before_us,
        after_us,
        None if reasons else difference(*medians, least_effect=least_effect),
        "; ".join(reasons) or None,
        tuple(changed),
        became_wrong=bool(old["right"] and not new["right"]),
    )
