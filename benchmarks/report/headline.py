"""The page's summary, computed from its numbers: it says no more than they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .demo_content import DemoPage, QualityRow
from .quantities import bytes_text, comparison, estimate_text, time_text


@dataclass(frozen=True)
class Headline:
    """A line in large letters, and the paragraphs that explain it."""

    lead: str
    paragraphs: tuple[str, ...]


def headline(content: DemoPage) -> Headline:
    """Size, speed and quality of what is shipped against the teacher, each only where it was measured."""
    pieces, sentences = [], []
    for piece, sentence in (_size(content), _speed(content)):
        pieces += [piece] if piece else []
        sentences += [sentence] if sentence else []
    lead = f"Against the full model: {', '.join(pieces)}." if pieces else "What was made, and what it is worth."
    paragraphs = (" ".join(sentences), " ".join(_quality(content)))
    return Headline(lead, tuple(paragraph for paragraph in paragraphs if paragraph))


def _size(content: DemoPage) -> tuple[str, str]:
    sizes = [step.size_bytes for step in content.steps]
    if len(sizes) < 2 or not sizes[0] or not sizes[-1]:
        return "", ""
    words = comparison(sizes[0] / sizes[-1], above="smaller", below="larger", same="about the same size")
    before, after = bytes_text(sizes[0]), bytes_text(sizes[-1])
    return words, f"The generator went from {before} as trained to {after} as shipped."


def _speed(content: DemoPage) -> tuple[str, str]:
    rows = content.charted_latency
    if not rows:
        return "", ""
    teacher, bundle = rows[0], rows[-1]
    words = comparison(teacher.p50_us / bundle.p50_us, above="faster", below="slower", same="about the same speed")
    made = "one beat" if bundle.batch == 1 else f"{bundle.batch} beats at once"
    return f"{words} on this machine", (
        f"Making {made} takes {time_text(bundle.p50_us)} (median; 99 of 100 calls within "
        f"{time_text(bundle.p99_us)}), where the {teacher.contender} takes {time_text(teacher.p50_us)} "
        f"({time_text(teacher.p99_us)})."
    )


def _quality(content: DemoPage) -> list[str]:
    bundle, real, teacher = (content.quality_of(role) for role in ("bundle", "real", "teacher"))
    origin = content.origin
    if bundle is None:
        return ["Whether the synthetic beats are of any use was not measured."]
    sentences = [
        f"A classifier that learnt from its synthetic beats alone reaches a macro-F1 of {_interval(bundle)} "
        f"on held-out {origin} beats."
    ]
    if real is not None:
        reached = f"Learning from {origin} beats reaches {_interval(real)}"
        match _verdict(bundle, real):
            case "lower":
                meaning = f": synthetic beats are worth less than {origin} ones here, beyond the uncertainty."
            case "higher":
                meaning = f": synthetic beats score above {origin} ones here, which deserves a second look."
            case "overlap":
                meaning = "; the intervals overlap, so this can neither tell the two apart nor prove them equal."
        sentences.append(reached + meaning)
    if teacher is not None:
        reached = f"Learning from beats of the full model reaches {_interval(teacher)}"
        match _verdict(bundle, teacher):
            case "lower":
                meaning = ": compression cost quality, beyond the uncertainty."
            case "higher":
                meaning = ": the compressed model scores above the one it was made from."
            case "overlap":
                meaning = "; what compression cost, if anything, is within the uncertainty."
        sentences.append(reached + meaning)
    return sentences


def _verdict(row: QualityRow, reference: QualityRow) -> Literal["lower", "higher", "overlap"]:
    if row.high < reference.low:
        return "lower"
    return "higher" if row.low > reference.high else "overlap"


def _interval(row: QualityRow) -> str:
    return estimate_text(row.macro_f1, row.low, row.high)
