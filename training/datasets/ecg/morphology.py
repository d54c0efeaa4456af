"""What the beats of one simulated patient look like in MLII and a chest lead, class by class.

Every wave is a bell with a time, a width and a height per lead. Times and widths are those at 60 beats a
minute. All are set by hand after textbook values (PR 120-200 ms, QRS 70-110 ms, and 120 ms or more in bundle
branch block and in ventricular beats: Wagner GS, Marriott's Practical Electrocardiography) and scattered
between patients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

EVENTS = ("P", "Q", "R", "S", "late", "T", "spike")
"""The paper's five, a late part of a wide QRS (R', slur), and a pacemaker's impulse."""
_P, _Q, _R, _S, _LATE, _T, _SPIKE = range(len(EVENTS))

_LBBB_SHARE, _RBBB_SHARE, _LEFT_CHEST_SHARE = 0.12, 0.12, 0.12


@dataclass(frozen=True)
class BeatShape:
    """The waves of one kind of beat, in the order of `EVENTS`."""

    times_ms: _Floats
    """[events], of the peak from the R peak."""
    widths_ms: _Floats
    """[events], standard deviation of the bell; positive even where the height is zero."""
    heights_mv: _Floats
    """[leads, events]; zero where there is no such wave."""


def normal_shape(generator: np.random.Generator) -> BeatShape:
    """The patient's usual beat: narrow, or with a left or right bundle branch block."""
    conduction = generator.random()
    left_chest = generator.random() < _LEFT_CHEST_SHARE
    if conduction < _LBBB_SHARE:
        times = [-170, -34, 0, 40, 48, 330, -80]
        widths = [22, 10, 20, 14, 20, 50, 3]
        mlii = [0.11, 0.0, 0.80, 0.0, 0.50, -0.18, 0.0]
        right_chest = [0.05, 0.10, -1.10, -0.20, -0.85, 0.38, 0.0]
    elif conduction < _LBBB_SHARE + _RBBB_SHARE:
        times = [-165, -27, 0, 28, 62, 310, -80]
        widths = [22, 9, 11, 11, 17, 46, 3]
        mlii = [0.12, -0.07, 1.00, -0.20, -0.28, 0.24, 0.0]
        right_chest = [0.05, 0.22, 0.05, -0.45, 0.75, -0.20, 0.0]
    else:
        times = [-160, -28, 0, 24, 50, 280, -80]
        widths = [21, 9, 10, 10, 15, 44, 3]
        mlii = [0.13, -0.12, 1.25, -0.32, 0.0, 0.28, 0.0]
        right_chest = [0.05, 0.32, -0.85, -0.38, 0.0, 0.09, 0.0]
    # V4 and V5 look at the left ventricle from the front, much as MLII does from below.
    chest = [0.8 * height for height in mlii] if left_chest else right_chest
    return _scattered(_shape(times, widths, mlii, chest), generator, 0.25)


def premature_atrial_shape(normal: BeatShape, generator: np.random.Generator) -> BeatShape:
    """The normal QRS after a P wave from elsewhere: inverted, flat or hidden, and close to the QRS."""
    heights = normal.heights_mv.copy()
    heights[:, _P] *= -1.0 + 1.3 * generator.random()
    heights[:, _T] *= 0.85
    times = normal.times_ms.copy()
    times[_P] = -100.0 - 30.0 * generator.random()
    return replace(normal, times_ms=times, heights_mv=heights)


def ventricular_shape(generator: np.random.Generator) -> BeatShape:
    """A beat from one focus in a ventricle: wide, tall, no P wave, T against the QRS.

    From the right ventricle it is negative in V1, from the left positive; MLII follows whether the focus is
    high (positive) or low (negative).
    """
    from_the_right = generator.random() < 0.5
    high_focus = generator.random() < 0.6
    mlii = np.array([0.0, -0.1, 1.6, 0.1, 0.70, -0.60, 0.0]) * (1.0 if high_focus else -1.0)
    chest = np.array([0.0, 0.0, 1.2, 0.10, 0.75, -0.48, 0.0]) * (-1.0 if from_the_right else 1.0)
    shape = _shape([-160, -60, 0, 45, 54, 305, -80], [21, 14, 24, 16, 25, 56, 3], mlii, chest)
    return _scattered(shape, generator, 0.25)


def paced_shape(generator: np.random.Generator) -> BeatShape:
    """A beat paced at the tip of the right ventricle: a spike, then a wide QRS away from both leads."""
    mlii = [0.0, 0.0, -0.95, 0.0, -0.60, 0.42, 0.45]
    chest = [0.0, 0.08, -0.95, 0.0, -0.75, 0.40, 0.30]
    shape = _shape([-160, -45, 0, 45, 46, 325, -72], [21, 14, 25, 16, 26, 55, 3], mlii, chest)
    return _scattered(shape, generator, 0.2)


def blended(one: BeatShape, other: BeatShape, share_of_other: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Times and widths [n, events] and heights [n, leads, events] between two shapes.

    Args:
        one: The shape at share 0.
        other: The shape at share 1.
        share_of_other: [n], 0 to 1.
    """
    share = share_of_other[:, None]
    return (
        (1.0 - share) * one.times_ms + share * other.times_ms,
        (1.0 - share) * one.widths_ms + share * other.widths_ms,
        (1.0 - share[..., None]) * one.heights_mv + share[..., None] * other.heights_mv,
    )


def _shape(times: npt.ArrayLike, widths: npt.ArrayLike, mlii: npt.ArrayLike, chest: npt.ArrayLike) -> BeatShape:
    return BeatShape(
        np.asarray(times, dtype=np.float64),
        np.asarray(widths, dtype=np.float64),
        np.stack([np.asarray(mlii, dtype=np.float64), np.asarray(chest, dtype=np.float64)]),
    )


def _scattered(shape: BeatShape, generator: np.random.Generator, height_spread: float) -> BeatShape:
    """One patient's version: sizes differ most, durations less; R stays at time 0."""
    leads, events = len(shape.heights_mv), len(EVENTS)
    size = np.exp(height_spread * generator.standard_normal((leads, 1)))  # body build and electrode places
    each = 1.0 + 0.5 * height_spread * generator.standard_normal((leads, events)).clip(-2.0, 2.0)
    widths = shape.widths_ms * (1.0 + 0.08 * generator.standard_normal(events).clip(-2.0, 2.0))
    widths[_SPIKE] = shape.widths_ms[_SPIKE]
    times = shape.times_ms * (1.0 + 0.06 * generator.standard_normal(events).clip(-2.0, 2.0))
    return BeatShape(times, widths, shape.heights_mv * size.clip(0.5, 1.8) * each)
