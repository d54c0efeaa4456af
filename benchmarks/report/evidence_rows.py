"""The rows of an evidence as a page names and draws them, the same from its first chart to its last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..quality.evidence import COPIES, NOISE, REAL, REFERENCES, Evidence
from .marks import CIRCLE, DIAMOND, DOWN, LEFT, RIGHT, SAW, SQUARE, UP, Mark

TEACHER = "teacher"
OTHER = Mark("other", SQUARE, hollow=True)
"""For what is neither a reference nor a generator, as classifiers helped by SMOTE."""

_NAMED = {
    REAL: Mark("real", CIRCLE),
    COPIES: Mark("copies", SQUARE, "2 2"),
    NOISE: Mark("noise", SAW, "1 3"),
    TEACHER: Mark("teacher", DIAMOND, "7 2"),
}
_VARIANTS = (
    Mark("a", UP),
    Mark("b", DOWN, "9 3 2 3"),
    Mark("c", RIGHT, "4 2"),
    Mark("d", LEFT, "12 3"),
)


@dataclass(frozen=True)
class Row:
    """A reference or a generator."""

    name: str
    """As in the evidence."""
    label: str
    """As on the page."""
    mark: Mark
    meaning: str
    """What it is; of a generator, what names its graph."""


def rows_of(evidence: Evidence) -> dict[str, Row]:
    """Rows by name, references first; variants take their marks in order, and begin again after the fourth."""
    rows = {}
    variants = 0
    for name in evidence.sources():
        mark = _NAMED.get(name) or _VARIANTS[variants % len(_VARIANTS)]
        variants += name not in _NAMED
        meaning = REFERENCES.get(name) or f"generator, SHA-256 {evidence.judged[name]}"
        label = f"{origin_of(evidence)} data" if name == REAL else name
        rows[name] = Row(name, label, mark, meaning)
    return rows


def row_for(rows: Mapping[str, Row], name: str) -> Row:
    """The row of this name; one that is neither reference nor generator is drawn as such."""
    return rows.get(name) or Row(name, name, OTHER, "")


def origin_of(evidence: Evidence) -> str:
    """What the test records may be called: `real`, or `simulated`."""
    return "simulated" if evidence.data.get("simulated") else "real"


def group_text(group: str) -> str:
    """A part of the data as one reads it: `class=S` is `class S`, `measurement=heart_rate` is `heart rate`."""
    kind, _, value = group.partition("=")
    return value.replace("_", " ") if kind in ("measurement", "check") else f"{kind} {value}".strip()


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
