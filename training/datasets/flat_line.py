"""Stretches in which a signal stays exactly at one value: a lead that is off, a converter at its end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def longest_flat(signal: npt.NDArray[np.floating]) -> int:
    """The most samples in a row of `signal` [length], at least one, that are all equal."""
    changes = np.flatnonzero(signal[1:] != signal[:-1])
    ends = np.concatenate([[-1], changes, [len(signal) - 1]])
    return int(np.diff(ends).max())
