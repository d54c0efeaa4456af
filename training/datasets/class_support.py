"""Which classes of a label the data hold enough of, to learn from and to judge by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...runtime.errors import DataError
from ...runtime.schema import ClassCondition
from .dataset import Split

FEWEST_SAMPLES = 20
"""A class with fewer to train on is refused."""
FEWEST_PATIENTS = 3
"""Of fewer, what is learnt of a class is what one or two people look like."""
FEWEST_OF_PATIENT = 5
"""With fewer samples a patient does not count. All three are what `benchmarks.quality.judge` asks for."""


def supported_classes(label: ClassCondition, splits: Mapping[str, Split], *, judged: bool = True) -> tuple[str, ...]:
    """The classes kept where a user names none: those with enough samples of enough patients.

    Args:
        label: Of the data.
        splits: `train`, `validation` and `test`, with every class.
        judged: Whether enough patients are asked for, in train to learn from and in test to judge by; else samples to
            learn from are enough.
    """
    parts = [splits["train"], splits["test"]] if judged else [splits["train"]]
    return tuple(
        name
        for index, name in enumerate(label.values)
        if all(_enough(_samples_of_patients(label, part, index), judged) for part in parts)
    )


def check_support(label: ClassCondition, splits: Mapping[str, Split], chosen: Sequence[str], noun: str) -> None:
    """Refuse a class that train holds too few samples of.

    Args:
        label: Of the data, with every class.
        splits: With every class.
        chosen: The classes to keep.
        noun: What a sample is, in the plural.

    Raises:
        DataError: Of a class too few are there; the message says how many, and which classes would do.
    """
    train = splits["train"]
    counts = {name: sum(_samples_of_patients(label, train, index)) for index, name in enumerate(label.values)}
    enough = [name for name in counts if counts[name] >= FEWEST_SAMPLES]
    for name in chosen:
        if name not in enough:
            remedy = f"leave it out with --classes {','.join(enough)}" if enough else "add records"
            raise DataError(
                f"{label.name} {name} has {counts[name]} {noun} in the train split, and at least {FEWEST_SAMPLES} are "
                f"needed to learn it; {remedy}"
            )


def support_notes(label: ClassCondition, splits: Mapping[str, Split], chosen: Sequence[str], noun: str) -> list[str]:
    """What the classes left out hold, and what the chosen ones lack; `label` and `splits` with every class."""
    notes = []
    for index, name in enumerate(label.values):
        per_split = {split: _samples_of_patients(label, part, index) for split, part in splits.items()}
        if not any(per_split.values()):
            continue
        counts = ", ".join(
            f"{sum(counts)} {noun} of {len(counts)} {'patient' if len(counts) == 1 else 'patients'} in {split}"
            for split, counts in per_split.items()
            if counts
        )
        if name not in chosen:
            notes.append(f"Left out, {label.name} {name}: {counts}.")
            continue
        notes.append(f"Kept, {label.name} {name}: {counts}.")
        of_train = [count for count in per_split["train"] if count >= FEWEST_OF_PATIENT]
        if len(of_train) < FEWEST_PATIENTS:
            notes.append(f"What can be learnt of {label.name} {name} is that of {len(of_train)} patients, not more.")
        notes += [
            f"{split.capitalize()} holds no {noun} of {label.name} {name}: nothing is chosen or judged by them there."
            for split in ("validation", "test")
            if not per_split[split]
        ]
    return notes


def _samples_of_patients(label: ClassCondition, split: Split, index: int) -> list[int]:
    """How many samples of the class each patient has who has any."""
    patients = split.patients[split.columns[label.name] == index]
    counts: list[int] = np.unique(patients, return_counts=True)[1].tolist()
    return counts


def _enough(counts: Sequence[int], judged: bool) -> bool:
    patients = sum(count >= FEWEST_OF_PATIENT for count in counts)
    return sum(counts) >= FEWEST_SAMPLES and (not judged or patients >= FEWEST_PATIENTS)
