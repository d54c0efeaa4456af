"""Slow random changes: of a rate, a pressure, a level, over a recording."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

_Floats = npt.NDArray[np.float64]


def smooth_noise(times_s: _Floats, every_s: float, generator: np.random.Generator) -> _Floats:
    """A smooth curve [samples] of about zero mean and unit variance that forgets itself within a few `every_s`.

    A cubic spline through independent normal numbers; `times_s` rise.
    """
    knots = int((times_s[-1] - times_s[0]) / every_s) + 4
    values = generator.standard_normal(knots).clip(-2.5, 2.5)
    smooth: _Floats = CubicSpline(np.arange(knots), values)((times_s - times_s[0]) / every_s + 1.0)
    return smooth
