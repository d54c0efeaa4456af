"""What was decided and left out while reading BIDMC, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from .bidmc_windows import RecordWindows

_SPLIT = (
    "Split between subjects, dealt three to train, one to validation, one to test: those with an arterial pressure "
    "first, women and men each for themselves, in the order of a hash of their names."
)
_LABEL = (
    "The label is the band of the heart rate, as lead II and the pleth show it; age, sex and oxygen saturation are "
    "conditions, but no classifier can be asked to find them in 8 s of waves."
)
_NUMBERS = (
    "Heart rate, respiratory rate and saturation are the monitor's, averaged over the window and read 6, 14 and 6 s "
    "later, as the monitor averages over the past; the respiratory rate is often a breath or more a minute off."
)
_FEW = (
    "{subjects} subjects have an arterial pressure, one of them in validation and one in test: nothing measured on "
    "them holds for others, and a generator may know those of train by heart."
)


def notes(read: Mapping[str, RecordWindows], subjects: Collection[str], *, pressure: bool) -> list[str]:
    """The visible decisions, one sentence each.

    Args:
        read: The windows of each record by its name.
        subjects: Of whom the records are.
        pressure: Whether windows have the arterial pressure.
    """
    found = [
        f"{len(read)} records of {len(subjects)} subjects, all adults in intensive care at one hospital.",
        _SPLIT,
        _LABEL,
        _NUMBERS,
        "Lead II is high-passed at 0.5 Hz without delay. An age of 90+ is 90.",
        "Channels are as the monitor wrote them: a pulse rises in the pleth about 0.55 s after its R peak, longer than "
        "it takes from heart to finger, as monitors delay the pleth.",
    ]
    if pressure:
        found.append(_FEW.format(subjects=len(subjects)))
        found.append("The pressure is ABP or ART, whichever the record has.")
    reasons: Counter[str] = Counter()
    for windows in read.values():
        reasons.update(windows.left_out)
    found += [f"{count} windows {why} are left out." for why, count in sorted(reasons.items()) if count]
    for wave, how in (("PLETH", "divided by 4, the monitor's span"), ("RESP", "squeezed about 0.5 into that range")):
        wide = sum(wave in windows.rescaled for windows in read.values())
        if wide:
            found.append(f"{wave} of {wide} records goes beyond 0 to 1 and is {how}.")
    return found
