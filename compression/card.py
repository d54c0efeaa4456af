"""CARD.md: what a bundle is, for people. Headings as in Mitchell et al. 2019, "Model cards for model reporting"."""

from __future__ import annotations

from ..runtime.manifest import Manifest
from ..runtime.provenance import STATEMENT
from ..runtime.schema import ClassCondition
from ..training.private.plan import Privacy
from ..training.recipe import IMPORTED
from .gate import held
from .privacy import told_of_training
from .recipe import CompressionRecipe
from .record import Compressed

EVIDENCE_HEADING = "## Evidence and limits"
"""The card's last section: what was found out about the bundle's data."""


def make_card(
    manifest: Manifest, compressed: Compressed, recipe: CompressionRecipe, training: Privacy | None = None
) -> str:
    """The card's Markdown.

    Args:
        manifest: Of the bundle.
        compressed: What was done.
        recipe: What it was held to.
        training: How the teacher was trained privately; None where it was not.
    """
    privacy = training.record if training else None
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
    if data.rules:
        lines += ["", "Every sample is checked, when it is made, against the ranges above and these rules:", ""]
        lines += [f"- {rule.describe()}" for rule in data.rules]
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
        *told_of_training(
            privacy, imported=lineage_of_teacher["recipe"]["family"] == IMPORTED, gated=compressed.judged_on is not None
        ),
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
        *_of_gate(compressed, recipe, told=privacy is None),
        "",
        EVIDENCE_HEADING,
        "",
        "Fidelity, utility, privacy and fairness of this bundle have not been judged on test records: see",
        "`edgeward evaluate`.",
        "The weights were trained on the data named above; whether a training record can be recognised from them",
        "has not been tested."
        + (" Treat the bundle as no more anonymous than those data." if not privacy or not privacy.kept else ""),
        "",
    ]
    return "\n".join(lines)


def _of_gate(compressed: Compressed, recipe: CompressionRecipe, *, told: bool) -> list[str]:
    """What the bundle was held to before it was written."""
    lines, judged_on = ["### What it was held to", ""], compressed.judged_on
    if judged_on is None:
        unchecked = ", ".join(recipe.allowance.of_quality)
        return [
            *lines,
            "**Its quality was not judged.** It was let through on the distance of its samples alone, of noise that",
            "was drawn; no real record was looked at."
            + (f" The recipe's allowances of quality ({unchecked}) were not checked." if unchecked else ""),
        ]
    of = f"{judged_on.records:,} {judged_on.split} records of {judged_on.patients:,} patients" if told else "records"
    lines += [
        f"Judged beside the teacher, from the same noise, on {of} of {judged_on.source},",
        f"over {judged_on.seeds} draws of noise; each figure is held to its allowance by a one-sided 95 % bound.",
        "Test records were not looked at.",
    ]
    if judged_on.simulated:
        lines.append("**The records were simulated: this says nothing about real patients.**")
    if not told:
        return [*lines, "The figures were read without noise, and are not told here."]
    rows = [
        f"| {one.variant or 'float student'} | {one.allowance} | {_number(one.value)} | {_number(one.bound)} "
        f"| {one.allowed:g} |"
        for one in held(recipe, compressed)
    ]
    return [*lines, "", "| variant | what | found | no worse than | allowed |", "|---|---|---|---|---|", *rows]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
