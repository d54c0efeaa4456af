"""What was decided and left out while reading the Challenge 2012, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..dataset import Split
from .challenge2012_stay import Stay
from .challenge2012_variables import LEFT_OUT, VARIABLES
from .definition import OUTCOME


def notes(stays: Sequence[Stay], splits: Mapping[str, Split], everyone: Mapping[str, Split]) -> tuple[str, ...]:
    """The visible decisions, one sentence each.

    Args:
        stays: All that were read.
        splits: What the dataset holds, by name.
        everyone: The same with the outcomes that were not asked for.
    """
    found = [
        "Split by the SHA-256 of the RecordID, modulo 5, three to one to one: "
        + ", ".join(f"{len(split)} stays in {name}" for name, split in splits.items())
        + "; each is taken for another patient, as the source does not tell.",
        *_unwanted_outcomes(splits, everyone),
        *unusable(stays),
        "A point is an hour: its last value, of Urine the sum; 48:00 belongs to the last hour.",
        *_values_not_used(stays),
        *_left_out_variables(stays),
        "MechVent is 1 where it is written down, at some hours only; the source never says that it is off.",
        "Mg is in mg/dL: the challenge says mmol/L, but the values are no such concentrations.",
        "Height is not used: most stays have none.",
        _known(splits),
        *_never_measured(splits["train"]),
    ]
    return tuple(found)


def _unwanted_outcomes(splits: Mapping[str, Split], everyone: Mapping[str, Split]) -> list[str]:
    unwanted = sum(map(len, everyone.values())) - sum(map(len, splits.values()))
    return [f"{unwanted} stays of another {OUTCOME.name} are left out, as asked."] if unwanted else []


def unusable(stays: Sequence[Stay]) -> list[str]:
    """How many stays are left out, and for what they lack."""
    reasons = {
        "whose sex is not told": sum(not stay.sex for stay in stays),
        "whose age is not told or no adult's": sum(stay.age_a is None for stay in stays),
        "whose type of unit is not told": sum(not stay.icu_type for stay in stays),
        "in which nothing was measured": sum(not stay.measured for stay in stays),
    }
    return [f"{count} stays {reason} are left out." for reason, count in reasons.items() if count]


def _values_not_used(stays: Sequence[Stay]) -> list[str]:
    found = []
    implausible = sum((Counter(stay.implausible) for stay in stays), Counter[str]())
    if implausible:
        listed = ", ".join(f"{name} {count}" for name, count in implausible.most_common())
        count = implausible.total()
        found.append(f"{count} values outside their variable's plausible range are taken as missing: {listed}.")
    marked = sum(stay.marked_missing for stay in stays)
    if marked:
        found.append(f"{marked} values are -1, the source's mark for missing.")
    return found


def _left_out_variables(stays: Sequence[Stay]) -> list[str]:
    found = []
    for name, reason in LEFT_OUT.items():
        holding = [stay.left_out[name] for stay in stays if name in stay.left_out]
        if holding:
            found.append(
                f"{name or 'What has no name'} is no channel: {reason}; here {sum(holding)} values in "
                f"{len(holding) / len(stays):.1%} of the stays."
            )
    return found


def _known(splits: Mapping[str, Split]) -> str:
    known = np.concatenate([~np.isnan(split.samples) for split in splits.values()])
    by_variable = known.mean(axis=(0, 2))
    least, most = int(by_variable.argmin()), int(by_variable.argmax())
    return (
        f"{known.mean():.1%} of the entries are known, from {by_variable[least]:.1%} of {VARIABLES[least].name} to "
        f"{by_variable[most]:.1%} of {VARIABLES[most].name}."
    )


def _never_measured(train: Split) -> list[str]:
    measured = np.count_nonzero(~np.isnan(train.samples), axis=(0, 2)).tolist()
    names = [variable.name for variable, count in zip(VARIABLES, measured, strict=True) if not count]
    if not names:
        return []
    return [
        "Never measured in train, so that nothing is learnt of them and a value generated means nothing: "
        f"{', '.join(names)}."
    ]
