"""What was decided and left out while reading strips of ECG, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..ecg.mitbih_database import RANGE_MV
from .wfdb_strips import RecordStrips

_MITBIH_SPLIT = (
    "Split between patients as published by de Chazal et al. 2004 (DS1 to learn from, DS2 to test; validation is 114, "
    "124, 205, 223, taken out of DS1), but for two records added to what is learnt from: 202 of DS2, as it is the same "
    "man's as 201, and 217, paced and in neither half, as without it only two patients have fibrillation there."
)
_HASHED_SPLIT = (
    "Split 60/20/20 by a hash of the patient's name, which is the subject in the header's comments or else the record; "
    "records of one person that do not say so may be on both sides."
)


def notes(read: Sequence[RecordStrips], unread: Sequence[str], *, is_mitbih: bool) -> list[str]:
    """The visible decisions, one sentence each.

    Args:
        read: The records read.
        unread: Names of the records without two leads.
        is_mitbih: Whether they are those of the MIT-BIH Arrhythmia Database.
    """
    found = [
        _MITBIH_SPLIT if is_mitbih else _HASHED_SPLIT,
        "Strips lie wholly in one annotated rhythm, one after another in its middle; they are high-passed at 0.5 Hz "
        "without delay and brought to 125 Hz. Stretches marked as noisy are not left out.",
    ]
    if unread:
        found.append(f"{len(unread)} records without two signals in mV are left out: {', '.join(unread)}.")
    reasons: Counter[str] = Counter()
    for strips in read:
        reasons.update(strips.left_out)
    found += [f"{count} strips {why} are left out." for why, count in sorted(reasons.items()) if count]
    clipped = sum(strips.clipped for strips in read)
    if clipped:
        found.append(f"{clipped} samples lay outside {RANGE_MV[0]} to {RANGE_MV[1]} mV and are set to its end.")
    pairs = Counter(f"{first} and {second}" for first, second in (strips.leads for strips in read))
    if len(pairs) > 1:
        found.append("Leads: " + ", ".join(f"{pair} in {count} records" for pair, count in pairs.most_common()) + ".")
    return found
