"""The traffic lights of a summary as words and signs, and the sentence that sums them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..quality.evidence import Evidence, Light, Verdict
from .evidence_rows import TEACHER, listed, origin_of

AXES = ("fidelity", "utility", "privacy", "fairness", "compression")
QUESTIONS: Mapping[str, str] = {
    "fidelity": "Does it look and behave like {origin} data?",
    "utility": "Can one learn from it what one learns from {origin} data?",
    "privacy": "Can those be found in it who trained it?",
    "fairness": "Does every group get its share?",
    "compression": "What did making it small cost?",
}
WORDS: Mapping[Light, str] = {"green": "Holds", "amber": "Partly", "red": "Fails", "grey": "Not judged"}

_SHAPES: Mapping[Light, str] = {
    "green": '<circle class="light-shape" cx="12" cy="12" r="11"/><path class="light-sign" d="M6.5 12.5l4 4 7-8"/>',
    "amber": '<path class="light-shape" d="M12 1.5L23.5 22H.5z"/><path class="light-sign" d="M12 9v6.5M12 18.2v1.4"/>',
    "red": '<path class="light-shape" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/>'
    '<path class="light-sign" d="M8 8l8 8M16 8l-8 8"/>',
    "grey": '<circle class="light-shape" cx="12" cy="12" r="10"/><path class="light-sign" d="M8 12h8"/>',
}
_WORST_FIRST: tuple[Light, ...] = ("red", "amber", "grey", "green")
_SAID: Mapping[Light, tuple[str, str]] = {
    "red": ("fails", "fail"),
    "amber": ("holds only in part", "hold only in part"),
    "grey": ("was not judged", "were not judged"),
    "green": ("holds", "hold"),
}
"""Of one axis, and of more."""


def light_drawing(light: Light) -> str:
    """The light as a sign whose shape tells as much as its colour."""
    return (
        f'<svg class="light light-{light}" width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">'
        f"{_SHAPES[light]}</svg>"
    )


@dataclass(frozen=True)
class LightRow:
    """One axis of the summary."""

    axis: str
    question: str
    thresholds: tuple[str, ...]
    """What the lights rest on; more than one where they differ."""
    verdicts: tuple[Verdict | None, ...]
    """Per column; None where there is none, as for what compression cost the teacher."""


def light_rows(evidence: Evidence) -> list[LightRow]:
    """The summary's rows; columns are the judged generators."""
    found: dict[tuple[str, str], Verdict] = {(verdict.axis, verdict.source): verdict for verdict in evidence.verdicts}
    rows = []
    for axis in AXES:
        verdicts = tuple(found.get((axis, source)) for source in evidence.judged)
        thresholds = tuple(dict.fromkeys(verdict.threshold for verdict in verdicts if verdict))
        if thresholds:
            rows.append(LightRow(axis, QUESTIONS[axis].format(origin=origin_of(evidence)), thresholds, verdicts))
    return rows


def evidence_headline(evidence: Evidence) -> str:
    """One sentence: the worst light of each axis over what ships; over the teacher where that is all."""
    shipped = [source for source in evidence.judged if source != TEACHER] or list(evidence.judged)
    said: dict[Light, list[str]] = {}
    for axis in AXES:
        lights = {v.source: v.light for v in evidence.verdicts if v.axis == axis and v.source in shipped}
        if not lights:
            continue
        worst = min(lights.values(), key=_WORST_FIRST.index)
        those = [source for source, light in lights.items() if light == worst]
        said.setdefault(worst, []).append(axis if len(those) == len(lights) else f"{axis} ({listed(those)})")
    if not said:
        return "Nothing was judged."
    sentence = "; ".join(
        f"{listed(said[light])} {_SAID[light][len(said[light]) > 1]}" for light in _WORST_FIRST if light in said
    )
    return f"Against {origin_of(evidence)} data: {sentence}."
