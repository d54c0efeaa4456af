"""What becomes of latency when the work goes on: medians over time, and the moment the clock gave way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .run import Window

DROP = 0.10
"""A window is slow when its median is above the first ones' by more than this share."""
_FIRST, _IN_A_ROW = 3, 2


def drop_at(windows: Sequence[Window]) -> int | None:
    """Number of the first window of two in a row that are slow; None if calls kept their speed.

    Of two, as one window alone may have had a neighbour.
    """
    if len(windows) <= _FIRST:
        return None
    reference = float(np.median([window.p50_us for window in windows[:_FIRST]]))
    slow = [window.p50_us > (1 + DROP) * reference for window in windows]
    for number in range(_FIRST, len(windows) - _IN_A_ROW + 1):
        if all(slow[number : number + _IN_A_ROW]):
            return number
    return None


def sustained_report(windows: Sequence[Window]) -> dict[str, Any] | None:
    """Medians by window and by minute, and where they rose; None where nothing ran on end."""
    if not windows:
        return None
    dropped = drop_at(windows)
    reference = float(np.median([window.p50_us for window in windows[:_FIRST]]))
    minutes: dict[int, list[float]] = {}
    for window in windows:
        minutes.setdefault(int(window.at_s // 60), []).append(window.p50_us)
    return {
        "seconds": windows[-1].at_s,
        "windows": [vars(window) for window in windows],
        "p50_us_by_minute": [float(np.median(found)) for _, found in sorted(minutes.items())],
        "drop": None
        if dropped is None
        else {
            "window": dropped,
            "at_s": windows[dropped].at_s,
            "times_slower": windows[dropped].p50_us / reference,
        },
    }


def rank_changes(by_row: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, str]]:
    """Pairs of rows of which one was faster in the first third of a sustained run, and the other in the last.

    Args:
        by_row: Windows as `sustained_report` gives them.
    """
    found = []
    names = [name for name, windows in by_row.items() if len(windows) >= _FIRST]
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            first, last = (_ahead(by_row[one], by_row[other], late=late) for late in (False, True))
            if first != last:
                faster, slower = (one, other) if first else (other, one)
                found.append({"faster_at_first": faster, "faster_at_last": slower})
    return found


def _ahead(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], *, late: bool) -> bool:
    return _middle(one, late=late) < _middle(other, late=late)


def _middle(windows: Sequence[Mapping[str, Any]], *, late: bool) -> float:
    third = max(1, len(windows) // 3)
    return float(np.median([window["p50_us"] for window in (windows[-third:] if late else windows[:third])]))
