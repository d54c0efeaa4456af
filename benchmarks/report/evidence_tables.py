"""Tables of an evidence: what it was judged on, and the numbers behind charts and by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..quality.evidence import Evidence
from ..quality.figure import Figure
from ..quality.measures import MEASURES, Axis
from .evidence_rows import Row, group_text, row_for
from .quantities import ABSENT, count_text, interval_text

_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Table:
    """Cells as text; a row's first is its name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Fact:
    """A line of a list of facts; several texts stand below each other."""

    label: str
    texts: tuple[str, ...]
    code: bool = False
    """Whether it is for machines, such as a hash."""


def splits_table(evidence: Evidence) -> Table | None:
    """Records, patients and records of each class of every split."""
    splits = {name: evidence.data[name] for name in _SPLITS if isinstance(evidence.data.get(name), Mapping)}
    if not splits:
        return None
    classes = list(dict.fromkeys(name for split in splits.values() for name in split.get("classes", {})))
    rows = tuple(
        (
            name,
            *(_count(split.get(key)) for key in ("patients", "records")),
            *(_count(split.get("classes", {}).get(class_name)) for class_name in classes),
        )
        for name, split in splits.items()
    )
    return Table("Data", ("Split", "Patients", "Records", *(f"Class {name}" for name in classes)), rows)


def class_tables(evidence: Evidence, rows: Mapping[str, Row], axis: Axis) -> list[Table]:
    """Every measure of an axis that was read by class."""
    names = [name for name, measure in MEASURES.items() if measure.axis == axis]
    tables = (group_table(evidence, rows, name, "class=") for name in names)
    return [table for table in tables if table]


def group_table(evidence: Evidence, rows: Mapping[str, Row], measure: str, kind: str = "") -> Table | None:
    """A measure by parts of the data, all rows; `kind` takes parts of one kind only."""
    found = {
        (f.source, f.group): f.figure
        for f in evidence.findings
        if f.measure == measure and f.group != "all" and f.group.startswith(kind)
    }
    if not found:
        return None
    groups = list(dict.fromkeys(group for _, group in found))
    sources = [name for name in dict.fromkeys((*rows, *(s for s, _ in found))) if any(s == name for s, _ in found)]
    values = [abs(figure.value) for figure in found.values() if figure.value is not None]
    decimals = max(0, 1 - math.floor(math.log10(max([*values, 1e-6]))))
    body = tuple(
        (row_for(rows, name).label, *(_cell(found.get((name, group)), decimals) for group in groups))
        for name in sources
    )
    return Table(MEASURES[measure].title, ("", *(group_text(group) for group in groups)), body)


def facts(evidence: Evidence) -> list[Fact]:
    """What the evidence rests on, as far as it says so."""
    data, method = evidence.data, evidence.method
    effort, space = method.get("effort", {}), method.get("feature_space", {})
    sized = [f"{name.replace('_', ' ')} {value}" for name, value in effort.items() if name != "name"]
    lines = [
        Fact("Data", _texts(data.get("source"))),
        Fact("SHA-256 of the data", _texts(data.get("sha256")), code=True),
        Fact("Licence", _texts(data.get("licence"))),
        Fact("Attribution", _texts(data.get("attribution"))),
        Fact("Left out", tuple(str(note) for note in (*data.get("notes", ()), *method.get("notes", ())))),
        Fact("Kind of records", _texts(data.get("schema"))),
        Fact("Scored classes", _texts(", ".join(method.get("scored_classes", ())))),
        Fact("Rare class", _texts(method.get("rare_class"))),
        Fact("Seed of the generated records", _texts(data.get("seed"))),
        Fact("Effort", _texts(": ".join(part for part in (str(effort.get("name", "")), ", ".join(sized)) if part))),
        Fact("Differential privacy", (evidence.dp.promise(), evidence.dp.method()) if evidence.dp else ()),
        Fact("Recipe of shadow generators", _texts(data.get("shadow_recipe"))),
        Fact("Feature space", _texts(space.get("name"))),
        Fact("SHA-256 of its network", _texts(space.get("sha256")), code=True),
    ]
    return [line for line in lines if line.texts]


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None or value == "" else (str(value),)


def _count(value: Any) -> str:
    return ABSENT if value is None else count_text(int(value))


def _cell(figure: Figure | None, decimals: int) -> str:
    if figure is None or figure.value is None:
        return figure.note if figure and figure.note else ABSENT
    return interval_text(figure.value, figure.low, figure.high, decimals)
