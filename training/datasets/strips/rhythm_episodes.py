"""From rhythm annotations to the stretches of a record in one rhythm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..wfdb.annotations import Annotations

_RHYTHM_CHANGE = "+"
_RHYTHM_NOTE = re.compile(r"\(([A-Z]+)")
# What single databases write for what others call otherwise: AFDB's J, VFDB's NSR, PM and VFIB.
_USUAL_NAME = {"J": "NOD", "NSR": "N", "PM": "P", "VFIB": "VF"}


@dataclass(frozen=True)
class Episode:
    """A stretch of a record in one rhythm."""

    rhythm: str
    """As annotated, without the bracket; not only those of `RHYTHMS`."""
    start: int
    """Its first sample."""
    end: int
    """The sample after its last."""


def rhythm_episodes(annotations: Annotations, length: int) -> list[Episode]:
    """The episodes of a record of `length` samples, in order; what lies before the first annotation is in none.

    An annotation that repeats the rhythm changes nothing, nor does one that tells of no rhythm (`MISSB`).
    """
    changes: list[tuple[int, str]] = []
    marks = zip(annotations.samples.tolist(), annotations.symbols.tolist(), annotations.notes, strict=True)
    for sample, symbol, note in marks:
        found = _RHYTHM_NOTE.fullmatch(note) if symbol == _RHYTHM_CHANGE else None
        if not found:
            continue
        if changes and changes[-1][0] == sample:  # of two changes at one sample, the first rhythm lasts no time
            changes.pop()
        rhythm = _USUAL_NAME.get(found[1], found[1])
        if not changes or changes[-1][1] != rhythm:
            changes.append((sample, rhythm))
    ends = [start for start, _ in changes[1:]] + [length]
    return [Episode(rhythm, start, end) for (start, rhythm), end in zip(changes, ends, strict=False)]
