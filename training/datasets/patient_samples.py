"""The samples of patients, recorded or simulated, before they are joined to a split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .dataset import Split

SPLITS = ("train", "validation", "test")

Progress = Callable[[int, int, str], None]
"""Called as (steps done, steps in all, what was just done)."""


@dataclass(frozen=True)
class PatientSamples:
    """The samples of one patient, or of one record of a patient."""

    samples: npt.NDArray[np.float32]
    """[n, *shape]."""
    columns: Mapping[str, float | npt.NDArray[np.float64]]
    """Per condition [n], or one value for all: the class's index for a class, the quantity for a number."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """By the names of `Split.attributes`; the same names for all patients."""


def join_patients(patients: Iterable[tuple[str, PatientSamples]]) -> Split:
    """One split of these patients by name, at least one, all with the same columns and attributes."""
    names, drawn = zip(*patients, strict=True)
    counts = [len(patient.samples) for patient in drawn]
    return Split(
        samples=np.concatenate([patient.samples for patient in drawn]),
        columns={
            name: np.concatenate(
                [np.broadcast_to(np.asarray(p.columns[name], dtype=np.float64), len(p.samples)) for p in drawn]
            )
            for name in drawn[0].columns
        },
        patients=np.repeat(names, counts),
        attributes={name: np.repeat([p.attributes[name] for p in drawn], counts) for name in drawn[0].attributes},
    )
