"""What all simulators share: patients drawn one by one, joined to splits, and the mark that no patient is behind them.

A patient depends on the seed, the split and the place in it alone: more patients, or other classes, leave those there
were as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...runtime.errors import RequestError
from .dataset import Provenance, Split
from .digest import dataset_digest

SPLITS = ("train", "validation", "test")

Progress = Callable[[int, int, str], None]
"""Called as (patients done, patients in all, which patient) after each."""


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


@dataclass(frozen=True)
class PatientSamples:
    """The samples of one simulated patient."""

    samples: npt.NDArray[np.float32]
    """[n, *shape]."""
    columns: Mapping[str, npt.ArrayLike]
    """Per condition [n], or one value for all: the class's index for a class, the quantity for a number."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """By the names of `Split.attributes`; the same names for all patients."""


def join_patients(patients: Mapping[str, PatientSamples]) -> Split:
    """One split of these patients, by name, all with the same columns and attributes."""
    drawn = list(patients.values())
    counts = [len(patient.samples) for patient in drawn]
    return Split(
        samples=np.concatenate([patient.samples for patient in drawn]),
        columns={
            name: np.concatenate([np.broadcast_to(np.float64(p.columns[name]), len(p.samples)) for p in drawn])
            for name in drawn[0].columns
        },
        patients=np.repeat(list(patients), counts),
        attributes={name: np.repeat([p.attributes[name] for p in drawn], counts) for name in drawn[0].attributes},
    )


def simulate_splits(
    draw: Callable[[Place], PatientSamples], patients: Sequence[int], seed: int, on_progress: Progress | None
) -> dict[str, Split]:
    """Train, validation and test by name, each patient drawn by `draw` from its own place.

    Raises:
        RequestError: As `places`.
    """
    drawn: dict[str, dict[str, PatientSamples]] = {split: {} for split in SPLITS}
    for place in places(patients, seed, on_progress):
        drawn[place.split][place.patient] = draw(place)
    return {split: join_patients(found) for split, found in drawn.items()}


def chosen_values(what: str, wanted: Sequence[str] | None, offered: Sequence[str]) -> tuple[str, ...]:
    """The classes to keep, in the order offered; `None` keeps all.

    Raises:
        RequestError: A class is unknown, or none is asked for.
    """
    names = offered if wanted is None else wanted
    unknown = [name for name in names if name not in offered]
    if unknown or not names:
        asked = f"there is no {what} {unknown[0]!r}" if unknown else f"no {what} is asked for"
        raise RequestError(f"{asked}; give some of {','.join(offered)}")
    return tuple(name for name in offered if name in names)


def keep_classes(split: Split, label: str, offered: Sequence[str], chosen: Sequence[str]) -> Split:
    """The samples whose class is among the chosen, their column holding the index in `chosen`."""
    index = np.array([chosen.index(name) if name in chosen else -1 for name in offered])
    found = index[split.columns[label].astype(np.intp)]
    keep = found >= 0
    columns = {name: column[keep] for name, column in split.columns.items()}
    return Split(
        samples=split.samples[keep],
        columns=columns | {label: found[keep].astype(np.float64)},
        patients=split.patients[keep],
        attributes={name: attribute[keep] for name, attribute in split.attributes.items()},
    )


def simulated_provenance(
    kind: str, what: str, seed: int, splits: Mapping[str, Split], *, attribution: str, notes: Sequence[str]
) -> Provenance:
    """The provenance of simulated splits, marked as such.

    Args:
        kind: Which of `KINDS` it is read as.
        what: The simulator, with its version: it rises whenever a seed's data change.
        seed: It was made from.
        splits: By name.
        attribution: Whose model it follows.
        notes: What else is to be known.
    """
    return Provenance(
        kind=kind,
        source=f"Edgeward {what}, seed {seed}",
        licence="Apache-2.0",
        attribution=attribution,
        synthetic=True,
        digest=dataset_digest(splits),
        notes=("Simulated: no patient stands behind these data, and no clinical claim can rest on them.", *notes),
    )
