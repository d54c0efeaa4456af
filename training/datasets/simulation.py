"""What all simulators share: patients drawn one by one, joined to splits, and the mark that no patient is behind them.

A patient depends on the seed, the split and the place in it alone: more patients, or other classes, leave those there
were as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...runtime.errors import RequestError
from ...runtime.schema import Schema
from .dataset import Dataset, Provenance, Split
from .digest import dataset_digest
from .label_classes import chosen_values, keep_classes, narrowed
from .occurrence import as_they_occur
from .patient_samples import SPLITS, PatientSamples, Progress, join_patients


@dataclass(frozen=True)
class Simulator:
    """What is said of the data it makes."""

    kind: str
    """Which of `KINDS` it makes."""
    name: str
    """With its version, which rises whenever a seed's data change."""
    attribution: str
    """Whose model it follows."""
    notes: tuple[str, ...]

    def provenance(self, seed: int, splits: Mapping[str, Split]) -> Provenance:
        """The provenance of these splits, marked as simulated."""
        no_patient = "Simulated: no patient stands behind these data, and no clinical claim can rest on them."
        return Provenance(
            kind=self.kind,
            source=f"Edgeward {self.name}, seed {seed}",
            licence="Apache-2.0",
            attribution=self.attribution,
            synthetic=True,
            digest=dataset_digest(splits),
            notes=(no_patient, *self.notes),
        )


@dataclass(frozen=True)
class Place:
    """Where a simulated patient goes, and where its draws come from."""

    split: str
    position: int
    """In the split, from 0."""
    patient: str
    generator: np.random.Generator


def places(patients: Sequence[int], seed: int, on_progress: Progress | None = None) -> Iterator[Place]:
    """The places of train, validation and test, in order; progress is told once a place is dealt with.

    Args:
        patients: How many in train, validation and test.
        seed: Not negative.
        on_progress: Told after every patient.

    Raises:
        RequestError: A split would be empty, or the seed is negative.
    """
    if len(patients) != len(SPLITS) or min(patients) < 1 or seed < 0:
        raise RequestError(
            "a simulation needs three splits of at least 1 patient and a seed of 0 or more, "
            f"not {tuple(patients)} and {seed}"
        )
    done = 0
    for split_number, (split, count) in enumerate(zip(SPLITS, patients, strict=True)):
        for position in range(count):
            name = f"{split}-{position:04d}"
            seeds = np.random.SeedSequence([seed, split_number, position])
            yield Place(split, position, name, np.random.Generator(np.random.PCG64(seeds)))
            done += 1
            if on_progress is not None:
                on_progress(done, sum(patients), f"patient {name}")


def simulated_dataset(
    simulator: Simulator,
    schema: Schema,
    draw: Callable[[Place], PatientSamples],
    *,
    patients: Sequence[int],
    seed: int,
    classes: Sequence[str] | None,
    on_progress: Progress | None,
) -> Dataset:
    """Simulate the splits of a dataset.

    Args:
        simulator: What is said of the data.
        schema: Of everything that can be drawn; how often conditions occur is filled in from the train split.
        draw: Gives the samples of one patient, of any class.
        patients: How many in train, validation and test.
        seed: Not negative.
        classes: Values of the schema's label to keep; `None` keeps all.
        on_progress: Told after every patient.

    Raises:
        RequestError: A class is unknown, a split would be empty, or the seed is negative.
    """
    chosen = chosen_values(schema.label, classes)
    drawn: dict[str, dict[str, PatientSamples]] = {split: {} for split in SPLITS}
    for place in places(patients, seed, on_progress):
        drawn[place.split][place.patient] = draw(place)
    splits = {name: keep_classes(join_patients(found.items()), schema.label, chosen) for name, found in drawn.items()}
    for name, split in splits.items():
        if not len(split):
            wanted = " or ".join(chosen)
            raise RequestError(f"none of {name}'s patients has {schema.label.name} {wanted}; ask for more patients")
    conditions = tuple(
        narrowed(condition, chosen) if condition == schema.label else condition for condition in schema.conditions
    )
    occurring = replace(schema, conditions=as_they_occur(conditions, splits["train"].columns))
    provenance = simulator.provenance(seed, splits)
    return Dataset(occurring, splits["train"], splits["validation"], splits["test"], provenance)
