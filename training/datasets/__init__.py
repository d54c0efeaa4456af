"""Datasets: recorded or simulated samples in physical units, with conditions, split by patient.

`load_dataset` is the way in; what it gives is a `Dataset`. Each kind of data is one line in `KINDS`, and has a folder:
what a sample is, a reader of the public layout on disk, and a simulator, so that everything can be tried without any
data. `wfdb` and `ecg` are what several kinds share; what all share lies beside this file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.errors import RequestError
from .dataset import Dataset, Provenance, Split

__all__ = ["KINDS", "SIMULATED", "Dataset", "Kind", "Provenance", "Split", "load_dataset"]

SIMULATED = "simulated"
"""What a user names instead of a path to have the data simulated."""


@dataclass(frozen=True)
class Kind:
    """One kind of data: how it is read, and how it is simulated."""

    what: str
    """What a user names on disk, for help and error messages."""
    load: str
    """`module:function` of this package, called as (path, classes=…, on_progress=…)."""
    simulate: str
    """`module:function` of this package, called as (seed=…, classes=…, on_progress=…)."""


KINDS: dict[str, Kind] = {
    "ecg-beats": Kind(
        "the folder of the MIT-BIH Arrhythmia Database (WFDB files)",
        "beats.mitbih:load_mitbih",
        "beats.simulator:simulate_beats",
    ),
    "icu-stays": Kind(
        "the folder of the PhysioNet/CinC Challenge 2012 (set-c.tar.gz or set-c/, and Outcomes-c.txt)",
        "stays.challenge2012:load_stays",
        "stays.simulator:simulate_stays",
    ),
    "images": Kind(
        "an npz in the layout of MedMNIST, such as pneumoniamnist.npz",
        "images.medmnist:load_images",
        "images.simulator:simulate_images",
    ),
    "table": Kind(
        "a table of patients (CSV, Parquet) with its description beside it, or the description (TOML)",
        "table.load:load_table",
        "table.simulator:simulate_table",
    ),
    "ecg-strips": Kind(
        "the folder of the MIT-BIH Arrhythmia Database, or of other WFDB records with beats and rhythms annotated",
        "strips.database:load_strips",
        "strips.simulator:simulate_strips",
    ),
    "bedside-windows": Kind(
        "the folder of the BIDMC PPG and Respiration Dataset (WFDB files)",
        "bedside.bidmc:load_bidmc",
        "bedside.simulator:simulate_windows",
    ),
    "bedside-windows-abp": Kind(
        "the folder of the BIDMC PPG and Respiration Dataset (WFDB files), of which the records with arterial pressure "
        "are read",
        "bedside.bidmc:load_bidmc_with_pressure",
        "bedside.simulator:simulate_pressure_windows",
    ),
}


def load_dataset(
    kind: str,
    source: str | Path,
    *,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Load the data that a user names.

    Args:
        kind: One of `KINDS`.
        source: The word `simulated`, or a path to the data as their publisher lays them out.
        classes: Classes of the label to keep. `None` keeps those that the kind has enough of.
        seed: Of the simulator; recorded data do not depend on it.
        on_progress: Called as (steps done, steps in all, what was just done).

    Raises:
        RequestError: The kind or a class is unknown, or the seed is negative.
        DataError: The data are missing, incomplete, damaged or foreign, or hold too few samples of a class.
    """
    if kind not in KINDS:
        raise RequestError(f"there is no kind of data {kind!r}; there are {', '.join(KINDS)}")
    if source == SIMULATED:
        simulate = _function(KINDS[kind].simulate)
        simulated: Dataset = simulate(seed=seed, classes=classes, on_progress=on_progress)
        return simulated
    load = _function(KINDS[kind].load)
    loaded: Dataset = load(Path(source), classes=classes, on_progress=on_progress)
    return loaded


def _function(name: str) -> Callable[..., Any]:
    """Imported when it is called: a reader's libraries take a second, and are not wanted for a simulation."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f".{module}", __package__), function)
    return found
