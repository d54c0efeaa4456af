"""What every dataset becomes: samples in physical units with their conditions, split by patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...runtime.condition import encode_columns
from ...runtime.schema import ClassCondition, Schema


@dataclass(frozen=True)
class Split:
    """One part of a dataset; no patient is in two parts."""

    samples: npt.NDArray[np.float32]
    """Signals [n, channels, length] and tables [n, columns] in the schema's units, images [n, channels, height, width]
    from 0 to 1. All finite, but NaN where the schema says that an entry may be missing."""
    columns: dict[str, npt.NDArray[np.float64]]
    """Per condition [n]: the class's index for a class, the quantity for a number."""
    patients: npt.NDArray[np.str_]
    """[n], whose sample it is: what a patient-wise bootstrap resamples."""
    attributes: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    """What groups patients when fairness is judged, e.g. `sex` [n]; '' where unknown. No generator sees it."""

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class Provenance:
    """Where a dataset comes from, as its licence wants it said."""

    kind: str
    """Which of `KINDS` it is read as."""
    source: str
    """Name and version of the dataset, or of the simulator with its seed."""
    licence: str
    attribution: str
    synthetic: bool
    """Whether the data themselves are simulated rather than recorded."""
    digest: str
    """SHA-256 over the samples, columns and patients of all splits: the same data, the same digest."""
    notes: tuple[str, ...]
    """Every visible decision taken while reading: what was left out and why, with counts."""


@dataclass(frozen=True)
class Dataset:
    """A schema and three splits by patient: fit on train, choose on validation, report on test."""

    schema: Schema
    train: Split
    validation: Split
    test: Split
    provenance: Provenance

    def condition_vectors(self, split: Split) -> npt.NDArray[np.float32]:
        """The split's condition vectors [n, c], as a generator's graph takes them."""
        return encode_columns(self.schema.conditions, split.columns, len(split))

    @property
    def label(self) -> ClassCondition:
        """The class condition that classifiers are trained to tell: the schema's first."""
        return self.schema.label
