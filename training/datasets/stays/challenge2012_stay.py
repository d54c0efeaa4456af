"""Read one stay of the PhysioNet/CinC Challenge 2012: who the patient is, and each variable on a grid of hours.

An hour's value is the last that was written down in it. Most hours hold one value at most (of the vital signs four in
five, of the rest nearly all); where there are more, the last is one that was measured, as a mean is not: a coma score
stays whole, and the pressures or the blood gases of one moment stay together. Volumes add up instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError
from .challenge2012_files import REMEDY, StayText
from .challenge2012_variables import DESCRIPTORS, LEFT_OUT, VARIABLES
from .definition import AGE, HOURS, ICU_TYPE, SEX

_HEADER = "Time,Parameter,Value"
_LINE = re.compile(r"([0-9]{2}):([0-5][0-9]),([A-Za-z0-9]*),(-?[0-9]{1,9}(?:\.[0-9]{1,9})?(?:e[+-]?[0-9]{1,2})?)")
_MISSING = -1.0
_PLACES = {variable.name: place for place, variable in enumerate(VARIABLES)}
_NAMES = {*_PLACES, *LEFT_OUT, *DESCRIPTORS}


@dataclass(frozen=True)
class Stay:
    """The first 48 hours of one stay."""

    record_id: int
    age_a: float | None
    """In years; None where it is not told, or is no adult's."""
    sex: str
    """Of `SEX.values`, or '' where it is not told."""
    icu_type: str
    """Of `ICU_TYPE.values`, or '' where it is not told."""
    series: npt.NDArray[np.float32]
    """[variables, HOURS], NaN where nothing was measured."""
    measured: bool
    """Whether anything was, but for the weight on admission."""
    implausible: Mapping[str, int]
    """By variable: how many of its values, or of its hours where they add up, lay outside its range."""
    marked_missing: int
    """How many values are -1."""
    left_out: Mapping[str, int]
    """How many values there are of each of `LEFT_OUT`."""


def parse_stay(text: StayText) -> Stay:
    """Read one stay.

    Raises:
        DataError: It is not such a file or of another stay, or a line of it makes no sense; the message names the line.
    """
    patient: dict[str, float] = {}
    series = np.full((len(VARIABLES), HOURS), np.nan)
    implausible: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    marked_missing = before = 0
    for number, line in enumerate(_lines(text), start=2):
        found = _LINE.fullmatch(line)
        if found is None:
            raise _damaged(text, number, f"{line[:60]!r} is not time, variable and number")
        minute, name, value = 60 * int(found[1]) + int(found[2]), found[3], float(found[4])
        if name not in _NAMES:
            raise _damaged(text, number, f"there is no variable {name[:30]!r} in the challenge")
        if not before <= minute <= 60 * HOURS:
            when = "after" if minute >= before else "before the line above, and time must not run backwards within"
            raise _damaged(text, number, f"{found[1]}:{found[2]} is {when} the first {HOURS} hours")
        before = minute
        if name in DESCRIPTORS:
            if patient.setdefault(name, value) != value:
                raise _damaged(text, number, f"{name} is told twice, as {patient[name]:g} and {value:g}")
        elif value == _MISSING:
            marked_missing += 1
        elif name in LEFT_OUT:
            left_out[name] += 1
        else:
            hour = min(minute // 60, HOURS - 1)  # the end of the last hour, 48:00, belongs to it
            if not _note_down(series, name, hour, value):
                implausible[name] += 1
    for place in np.flatnonzero([variable.summed for variable in VARIABLES]).tolist():
        too_much = series[place] > VARIABLES[place].maximum
        implausible[VARIABLES[place].name] += int(too_much.sum())
        series[place, too_much] = np.nan
    if patient.get("RecordID") != text.record_id:
        raise DataError(f"{text.where} is not the file of stay {text.record_id}: its RecordID is another; {REMEDY}")
    known = ~np.isnan(series)
    known[_PLACES["Weight"]] = False
    return Stay(
        record_id=text.record_id,
        age_a=_adult(patient.get("Age", _MISSING)),
        sex=_named(patient.get("Gender", _MISSING), SEX.values, first=0),
        icu_type=_named(patient.get("ICUType", _MISSING), ICU_TYPE.values, first=1),
        series=series.astype(np.float32),
        measured=bool(known.any()),
        implausible=+implausible,
        marked_missing=marked_missing,
        left_out=left_out,
    )


def _lines(text: StayText) -> list[str]:
    """The lines after the header."""
    try:
        header, *lines = text.content.decode("ascii").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{text.where} is not plain text; {REMEDY}") from None
    if header != _HEADER:
        raise DataError(f"{text.where} is no stay: its first line is not {_HEADER!r}; {REMEDY}")
    if not lines or lines.pop():
        raise DataError(f"{text.where} is truncated: its last line has no end; {REMEDY}")
    return lines


def _note_down(series: npt.NDArray[np.float64], name: str, hour: int, value: float) -> bool:
    """Put a value in its place, where it is plausible; whether it was."""
    place = _PLACES[name]
    variable = VARIABLES[place]
    if not variable.minimum <= value <= variable.maximum:
        return False
    earlier = series[place, hour]
    series[place, hour] = earlier + value if variable.summed and not np.isnan(earlier) else value
    return True


def _adult(age_a: float) -> float | None:
    return age_a if AGE.minimum <= age_a <= AGE.maximum else None


def _named(code: float, names: tuple[str, ...], first: int) -> str:
    """The name of a code that counts from `first`; '' for any other number."""
    return names[int(code) - first] if code in range(first, first + len(names)) else ""


def _damaged(text: StayText, line: int, why: str) -> DataError:
    return DataError(f"{text.where}, line {line}: {why}; {REMEDY}")
