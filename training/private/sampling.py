"""Poisson sampling: everyone is in a step by a coin of their own, all coins alike, as the accountant assumes.

A batch of fixed size, or classes drawn to a balance, would not do: the others' chances must not depend on who is there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ..datasets.dataset import Split
from .plan import Unit


class Units:
    """Those whose presence is hidden: the patients of a split, or its records.

    A patient brings one record a step, drawn among all of theirs: clipped, it is all that a patient can change.

    Args:
        split: What is learnt from.
        unit: What is asked for.
    """

    def __init__(self, split: Split, unit: Unit) -> None:
        owners = split.patients if unit == "patient" else np.arange(len(split))
        names, owner = np.unique(owners, return_inverse=True)
        self._by_owner = np.argsort(owner, kind="stable")
        self._counts = np.bincount(owner, minlength=len(names))
        self._first = np.cumsum(self._counts) - self._counts
        self.unit: Literal["patient", "record"] = "patient" if len(names) < len(split) else "record"
        """What is hidden. Where nobody has two records it is a record: nothing says that no two are of one patient."""

    def __len__(self) -> int:
        return len(self._counts)

    def draw(self, rate: float, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Places [n] in the split of the records of one step; there may be none."""
        return self._one_each(np.flatnonzero(rng.random(len(self)) < rate), rng)

    def one_each(self, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Places of one record of everyone."""
        return self._one_each(np.arange(len(self)), rng)

    def _one_each(self, chosen: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
        # A coin for everyone, whoever was chosen: all other numbers of the stream stay in their places.
        which = np.floor(rng.random(len(self)) * self._counts).astype(np.intp)
        places: npt.NDArray[np.intp] = self._by_owner[self._first[chosen] + which[chosen]]
        return places
