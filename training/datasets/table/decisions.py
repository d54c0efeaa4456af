"""What a column most likely is, judged by its entries alone, with the reason in a sentence that a person can check.

What could tell who a patient is (numbers of patients, dates, free text, a lone extreme, a rare category of a long
list) does not enter a description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .description import OTHER, CategorySource, NumberSource, Source
from .entries import MAX_DECIMALS, as_number, interval_start, natural_key
from .profile import MOST_DISTINCT, ColumnProfile

ALL_KEPT = 10
"""Categories up to which a column keeps every one of them."""
MOST_LEVELS = 50
"""Categories that a column keeps at most."""
FEWEST_OF_LEVEL = 5
"""Rows that a category of a long list needs to be kept."""
FEW_NUMBERS = 10
"""A column of whole numbers that span fewer than so many is taken for categories."""
_FEWEST_TO_TELL = 20
"""Rows below which it says little that all entries differ."""
_MOST_OTHER = 0.9
"""Share of the entries above which what is not kept would be all there is."""
_FREE_TEXT_WORDS = 4.0
_ID_DIGITS = 7
_ROWS_OF_ID = 100
"""Rows that a patient has at most on average, in a column that by its name says whose row it is."""
_STEPS_OF_GRID = 5  # with fewer, some ranges would belong to one smallest and one largest entry alone
_LARGEST_IN_STEPS = 2**22  # above, a 32-bit float no longer holds whole steps
_NOT_KNOWN_NUMBERS = (-1.0, -9.0, -99.0, -999.0, -9999.0)

_IDENTIFIER = re.compile(
    r"(?i:(?:^|[^A-Za-z])(?:id|ids|mrn|nr|nbr|no|number|key|uuid|guid))$|[a-z](?:ID|Id|MRN|Nr|No|Number|Key)$"
)
_CODE = re.compile(r"(?i:(?:^|[^A-Za-z])(?:id|code|type))$|[a-z](?:ID|Id|Code|Type)$")


@dataclass(frozen=True)
class Decision:
    """What becomes of a column."""

    source: Source | None
    """None: it is left out."""
    why: str
    """A sentence; the reason where it is left out."""


def decide(profile: ColumnProfile, name: str) -> Decision:
    """What a column is, if it shall be called `name`."""
    reason = _left_out(profile)
    if reason:
        return Decision(None, reason)
    return _numbers(profile, name) if profile.all_numbers else _texts(profile, name)


def _left_out(profile: ColumnProfile) -> str:
    """Why a column is of no use, or ''."""
    if not profile.known:
        return "it holds no entry"
    constant = profile.distinct == 1 or (profile.all_numbers and profile.minimum == profile.maximum)
    if constant and not profile.missing:
        return f"it is {quoted(next(iter(profile.counts)))} in every row"
    if profile.dates == profile.known:
        return "it holds dates or times, which tell who a patient is; an age or a stay in days would not"
    if _identifies(profile):
        return (
            "its entries differ from row to row as the numbers or names of patients do; if it says whose row it is, "
            "name it as `patient`"
        )
    if not profile.all_numbers:
        if _odd_numbers(profile):
            odd = sorted(entry for entry in profile.counts if as_number(entry, profile.decimal) is None)
            return (
                f"it holds numbers but for {listed_entries(odd)}; if these mean that nothing is known, add them to "
                "`missing` (edgeward data infer --missing)"
            )
        if profile.words >= _FREE_TEXT_WORDS * profile.known and profile.distinct > ALL_KEPT:
            return "it holds free text"
        _, rest = _kept(profile)
        if rest > _MOST_OTHER * profile.known:
            return (
                f"{_about(profile.distinct)} different texts in {profile.known} rows, of which too few occur "
                f"{FEWEST_OF_LEVEL} times to learn anything from them"
            )
    return ""


def _identifies(profile: ColumnProfile) -> bool:
    if profile.known < _FEWEST_TO_TELL:
        return False
    if profile.all_numbers and not profile.whole:
        return False
    if _IDENTIFIER.search(profile.name) and profile.distinct > max(MOST_LEVELS, profile.known / _ROWS_OF_ID):
        return True
    if not profile.all_numbers:
        return profile.unique and profile.numbers < profile.known / 2
    counts_rows = profile.maximum - profile.minimum + 1 == profile.known
    same_length = len(f"{profile.minimum:.0f}") == len(f"{profile.maximum:.0f}") >= _ID_DIGITS
    return profile.unique and (counts_rows or same_length)


def _odd_numbers(profile: ColumnProfile) -> bool:
    """Numbers but for a few words such as "unknown", or limits such as "<5": neither quantities nor categories."""
    if profile.numbers < 0.9 * profile.known or len(profile.counts) <= ALL_KEPT:
        return False
    odd = [entry for entry in profile.counts if as_number(entry, profile.decimal) is None]
    return len(odd) <= 3 and all(not any(c.isdigit() for c in entry) or entry[0] in "<>≤≥" for entry in odd)


def _numbers(profile: ColumnProfile, name: str) -> Decision:
    missing, span = bool(profile.missing), profile.maximum - profile.minimum
    levels = sorted(profile.counts, key=lambda entry: natural_key(entry, profile.decimal))
    if profile.distinct == 2 or not span:
        why = "two numbers: a choice" if span else f"{quoted(levels[0])}, or missing"
        return Decision(_category(profile, name, levels), why)
    is_code = bool(_CODE.search(profile.name))
    if profile.whole and is_code and profile.distinct <= MOST_LEVELS:
        return _texts(profile, name, f"{profile.distinct} whole numbers, by the name a code without order")
    if profile.whole and (profile.distinct <= 5 or span < FEW_NUMBERS) and not _tails_off(profile, levels):
        return Decision(
            _category(profile, name, levels, ordered=True), f"{profile.distinct} whole numbers: taken for grades"
        )
    step = 10.0**-profile.decimals if profile.decimals <= MAX_DECIMALS else 0.0
    if step and max(abs(profile.minimum), abs(profile.maximum)) / step > _LARGEST_IN_STEPS:
        step = 0.0
    low, high = outward(profile.minimum, profile.maximum, step)
    kind = "whole numbers" if profile.whole else f"in steps of {step:g}" if step else "computed numbers"
    why = f"{_about(profile.distinct)} different entries, {kind}"
    if profile.minimum in _NOT_KNOWN_NUMBERS and low < 0.0 and _negatives(profile) == 1:
        why += (
            f"; its only negative entry is {profile.minimum:g}: if that means that nothing is known, infer again with "
            f"--missing={profile.minimum:g}"
        )
    return Decision(NumberSource(profile.name, name, "1", low, high, step, missing), why)


def _tails_off(profile: ColumnProfile, levels: Sequence[str]) -> bool:
    """Whether hardly anyone has the highest number, as is the case of a count, and would be known by it."""
    return profile.known >= FEWEST_OF_LEVEL * len(levels) and profile.counts[levels[-1]] < FEWEST_OF_LEVEL


def _negatives(profile: ColumnProfile) -> int:
    return sum((as_number(entry, profile.decimal) or 0.0) < 0.0 for entry in profile.counts)


def _category(profile: ColumnProfile, name: str, levels: list[str], *, ordered: bool = False) -> CategorySource:
    return CategorySource(
        profile.name,
        name,
        tuple(levels),
        same_numbers(levels, profile.decimal),
        ordered=ordered,
        missing=bool(profile.missing),
    )


def same_numbers(levels: Sequence[str], decimal: str) -> dict[str, str]:
    """Names for numbers that are written in two ways, such as 1 and 1.0: the first way."""
    first: dict[float, str] = {}
    names = {}
    for entry in levels:
        number = as_number(entry, decimal)
        if number is not None and first.setdefault(number, entry) != entry:
            names[entry] = first[number]
    return names


def _texts(profile: ColumnProfile, name: str, what: str = "") -> Decision:
    kept, rest = _kept(profile)
    starts = {entry: interval_start(entry) for entry in kept}
    ordered = not what and len(kept) > 2 and all(start is not None for start in starts.values())
    if ordered:
        kept = sorted(kept, key=lambda entry: starts[entry] or (0.0, 0))
        why = f"{profile.distinct} intervals: in order"
    else:
        kept = sorted(kept, key=lambda entry: natural_key(entry, profile.decimal))
        why = what or f"{_about(profile.distinct)} different texts"
    if rest:
        kept = [entry for entry in kept if entry != OTHER]
        share = f"{rest / profile.known:.0%}" if rest >= 0.01 * profile.known else "less than 1%"
        why += f"; the {len(kept)} most frequent are kept, the others ({share} of the entries) are {OTHER}"
    elif min(profile.counts.values()) < FEWEST_OF_LEVEL:
        rare = [entry for entry in kept if profile.counts[entry] < FEWEST_OF_LEVEL]
        why += f"; fewer than {FEWEST_OF_LEVEL} rows hold {listed_entries(rare)}"
    source = CategorySource(profile.name, name, tuple(kept), {}, ordered, bool(rest), bool(profile.missing))
    return Decision(source, why)


def _kept(profile: ColumnProfile) -> tuple[list[str], int]:
    """The categories to keep, most frequent first, and how many entries are of none of them."""
    levels = sorted(profile.counts, key=lambda entry: (-profile.counts[entry], entry))
    if len(levels) > ALL_KEPT:
        levels = [entry for entry in levels[:MOST_LEVELS] if profile.counts[entry] >= FEWEST_OF_LEVEL]
    return levels, profile.known - sum(profile.counts[entry] for entry in levels)


def outward(minimum: float, maximum: float, step: float = 0.0) -> tuple[float, float]:
    """A range that holds both and tells neither: its ends are of a grid of round numbers, a tenth of the spread apart.

    Args:
        minimum: Smallest entry.
        maximum: Largest entry, greater than it.
        step: Of the entries; the ends are multiples of it.
    """
    grid = max(round_step((maximum - minimum) / 10), _STEPS_OF_GRID * step)
    low, high = math.floor(minimum / grid) * grid, math.ceil(maximum / grid) * grid
    digits = max(0, 2 - math.floor(math.log10(grid)))
    low, high = round(low, digits), round(high, digits)
    # Where the spread is tiny beside the numbers themselves, rounding can pull an end inwards.
    return min(low, minimum) + 0.0, max(high, maximum) + 0.0  # + 0.0: no minus zero


def round_step(number: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if number <= factor * power * (1 + 1e-9))


def quoted(entry: str) -> str:
    """An entry as a comment or message can hold it: one line, not long."""
    plain = "".join(c if c.isprintable() else " " for c in entry)
    return f"'{plain if len(plain) <= 30 else plain[:29] + '…'}'"


def listed_entries(entries: Sequence[str]) -> str:
    """The first few of some entries."""
    more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    return ", ".join(quoted(entry) for entry in entries[:5]) + more


def _about(distinct: int) -> str:
    return f"more than {MOST_DISTINCT}" if distinct >= MOST_DISTINCT else str(distinct)
