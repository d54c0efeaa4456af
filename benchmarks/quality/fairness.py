"""Does every group get its share: are its records generated, and do classifiers work on its patients?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .figure import Figure, PatientBootstrap, omitted
from .records import Records, Task
from .utility.tstr import Tested

FEWEST_RECORDS = 20
FEWEST_PATIENTS = 2
"""A group with fewer is left out, and said so: nothing can be known of it."""


def groups(task: Task, records: Records) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Groups of real records with their members: each class, and each value of each attribute."""
    for label, name in enumerate(task.classes):
        yield f"class={name}", records.labels == label
    for attribute, column in sorted(records.attributes.items()):
        for value in np.unique(column):
            if value:
                yield f"{attribute}={value}", column == value


def group_coverage(records: Records, covered: npt.NDArray[np.bool_], members: npt.NDArray[np.bool_]) -> Figure:
    """Share of a group's real records that generated ones come near to.

    Args:
        records: Real records.
        covered: [n], of each whether a generated record lies within its neighbourhood.
        members: [n], who is in the group.
    """
    few = too_few(records, members)
    if few:
        return omitted(few, int(members.sum()))
    return PatientBootstrap(records.patients[members]).mean(covered[members].astype(np.float64))


def group_accuracy(records: Records, tested: Tested, members: npt.NDArray[np.bool_]) -> Figure:
    """Balanced accuracy of classifiers on a group's patients; groups are of patients, not of classes."""
    few = too_few(records, members)
    if few:
        return omitted(few, int(members.sum()))
    return tested.of_patients(members).balanced_accuracy()


def too_few(records: Records, members: npt.NDArray[np.bool_]) -> str:
    """Why a group is left out, or ''."""
    n, patients = int(members.sum()), len(np.unique(records.patients[members]))
    if n < FEWEST_RECORDS or patients < FEWEST_PATIENTS:
        return f"{n} records of {patients} patient(s): too few to tell"
    return ""
