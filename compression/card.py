"""CARD.md: what a bundle is, for people. Headings as in Mitchell et al. 2019, "Model cards for model reporting"."""

from __future__ import annotations

from ..benchmarks.quality import PrivacyRecord
from ..runtime.manifest import Manifest
from ..runtime.provenance import STATEMENT
from ..runtime.schema import ClassCondition
from ..training.recipe import IMPORTED
from .pipeline import Compressed
from .privacy import told_of_training

EVIDENCE_HEADING = "## Evidence and limits"
"""The card's last section: what was found out about the bundle's data."""


def make_card(manifest: Manifest, compressed: Compressed, privacy: PrivacyRecord | None = None) -> str:
    """The card's Markdown."""
    data, lineage, lineage_of_teacher = manifest.data, manifest.lineage["data"], manifest.lineage["teacher"]
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"**{STATEMENT}.**",
        "",
        "## What it makes",
        "",
        f"{data.description} Each: {data.describe()}.",
        "",
        "| what | unit | range |",
        "|---|---|---|",
        *(f"| {name} | {unit} | {domain} |" for name, unit, domain in data.parts()),
        "",
        "Conditions:",
        "",
    ]
    for condition in data.conditions:
        lines.append(f"- `{condition.name}`: {condition.describe()}")
        if isinstance(condition, ClassCondition):
            pairs = zip(condition.values, condition.meanings, strict=True)
            lines += [f"  - `{value}`: {meaning}" for value, meaning in pairs]
    lines += [
        "",
        "## Intended use",
        "",
        *(f"- {use}" for use in manifest.intended_use),
        "",
        "## Forbidden use",
        "",
        *(f"- {use}" for use in manifest.forbidden_use),
        "",
        "## Training data",
        "",
        f"{lineage['source']}. Licence: {manifest.licence}. {manifest.attribution}",
        "",
        *(f"- {note}" for note in lineage["notes"]),
        "",
        *told_of_training(privacy, imported=lineage_of_teacher["recipe"]["family"] == IMPORTED),
        "",
        "## How it was compressed",
        "",
        "| step | parameters | multiply-adds | bytes | ms a sample | change of the samples |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.step} | {row.cost.parameters:,} | {row.cost.multiply_adds:,} | {row.cost.bytes:,} "
        f"| {row.cost.latency_ms:.3f} | {'' if row.error is None else f'{row.error:.3f}'} |"
        for row in compressed.rows()
    ]
    lines += [
        "",
        "Change: relative L2 distance to the samples of the model before, same noise and conditions (median).",
        f"From the teacher to the float student: {compressed.student_relative_l2:.3f}. Milliseconds: one thread of",
        f"{manifest.lineage['made_with']['cpu']}; measure your own machine with `edgeward bench`.",
        "",
        *(f"- {told}." for told in compressed.notes()),
        "",
        EVIDENCE_HEADING,
        "",
        "Fidelity, utility, privacy and fairness of this bundle have not been judged here: see `edgeward evaluate`.",
        "The weights were trained on the data named above; whether a training record can be recognised from them",
        "has not been tested."
        + (" Treat the bundle as no more anonymous than those data." if not privacy or not privacy.kept else ""),
        "",
    ]
    return "\n".join(lines)
