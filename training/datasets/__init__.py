"""Datasets: recorded or simulated beats in physical units, with conditions, split by patient.

`load_dataset` is the way in; what it gives is a `Dataset`. How each source is read or made is in the other
files; another source is another file and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .dataset import Dataset, Provenance, Split
from .ecg_simulator import simulate_beats

__all__ = ["Dataset", "Provenance", "Split", "load_dataset", "simulate_beats"]


def load_dataset(
    source: str | Path,
    *,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Load the dataset that a user names.

    Args:
        source: The word `simulated`, or a folder with the WFDB files of the MIT-BIH Arrhythmia Database.
        classes: AAMI beat classes to keep, some of N, S, V, F, Q. `None` keeps all of the simulated ones, and
            N, S, V, F of the recorded ones, which hold too few Q to learn from.
        seed: Of the simulator; recorded data do not depend on it.
        on_progress: Called as (steps done, steps in all, what was just done).

    Raises:
        RequestError: A class is unknown, or the seed is negative.
        DataError: The folder is missing, incomplete, damaged or foreign, or holds too few beats of a class.
    """
    if source == "simulated":
        return simulate_beats(seed=seed, classes=classes, on_progress=on_progress)
    # The simulator needs neither wfdb nor its second of import time.
    from .mitbih import load_mitbih

    return load_mitbih(Path(source), classes=classes, on_progress=on_progress)
