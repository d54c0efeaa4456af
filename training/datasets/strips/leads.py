"""Which two signals of a record are the leads of its strips, and what the leads of a whole database are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..wfdb.record import WfdbHeader

_UNIT = "mV"
_FIRST_BY_NAME = ("MLII", "II")
_CHEST_LEAD = re.compile(r"V[1-6]?")


def two_leads(header: WfdbHeader) -> tuple[int, int] | None:
    """Places of the two leads in the record; None where fewer than two signals are in mV.

    First MLII or II, or else the first there is; second the first chest lead, or else the first that is left.
    """
    names = {number: signal.name for number, signal in enumerate(header.signals) if signal.unit == _UNIT}
    if len(names) < 2:
        return None
    wanted = [number for lead in _FIRST_BY_NAME for number, name in names.items() if name == lead]
    first = (wanted or list(names))[0]
    left = [number for number in names if number != first]
    chest = [number for number in left if _CHEST_LEAD.fullmatch(names[number])]
    return first, (chest or left)[0]


def common_names(pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """What to call the first and the second lead of records with these pairs of leads, at least one."""
    firsts, seconds = {first for first, _ in pairs}, {second for _, second in pairs}
    if len(seconds) == 1:
        second = next(iter(seconds))
    else:
        second = "V" if all(_CHEST_LEAD.fullmatch(name) for name in seconds) else "ECG2"
    first = next(iter(firsts)) if len(firsts) == 1 else "ECG1"
    # A header may leave both unnamed, or name both alike.
    return (first, second) if first and second and first != second else ("ECG1", "ECG2")
