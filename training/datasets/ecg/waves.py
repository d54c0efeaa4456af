"""From when a patient's beats come and what kinds they are to the events of each, and the muscle noise on top."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .beat_classes import BEAT_CLASSES
from .dynamics import BeatWaves
from .morphology import EVENTS, BeatShape, blended

_Floats = npt.NDArray[np.float64]

_BREATHING_SHARE = 0.04  # of every wave's height: the heart turns and lies deeper as the lungs fill


def beat_waves(
    shapes: Mapping[str, BeatShape],
    classes: npt.NDArray[np.str_],
    r_times_s: _Floats,
    mean_rr_s: float,
    breathing: _Floats,
    generator: np.random.Generator,
) -> BeatWaves:
    """The events of each beat: its class's shape, with what differs from beat to beat.

    Args:
        shapes: By AAMI class, for every class that occurs; F is a fusion of N and V and needs those two.
        classes: [beats].
        r_times_s: [beats].
        mean_rr_s: Mean interval between sinus beats, or any beats where there are none.
        breathing: [beats], from -1 to 1, how full the lungs are.
        generator: Where the differences are drawn from.
    """
    beats, leads = len(classes), len(next(iter(shapes.values())).heights_mv)
    times, widths = np.empty((beats, len(EVENTS))), np.empty((beats, len(EVENTS)))
    heights = np.empty((beats, leads, len(EVENTS)))
    for name in BEAT_CLASSES:
        chosen = classes == name
        # A fusion beat is activated partly from the sinus and partly from the ventricular focus.
        share = 0.35 + 0.3 * generator.random(beats) if name == "F" else np.zeros(beats)
        first, second = ("N", "V") if name == "F" else (name, name)
        if chosen.any():
            times[chosen], widths[chosen], heights[chosen] = blended(shapes[first], shapes[second], share[chosen])
    heights *= 1.0 + 0.05 * generator.standard_normal((beats, 1, len(EVENTS))).clip(-3.0, 3.0)
    heights *= 1.0 + _BREATHING_SHARE * breathing[:, None, None]
    widths *= 1.0 + 0.03 * generator.standard_normal((beats, 1)).clip(-3.0, 3.0)
    # QT grows with the square root of RR (Bazett 1920) and follows the rate slowly, so the mean RR sets it,
    # not the one short interval before a premature beat. PR and QRS hardly change.
    repolarisation = EVENTS.index("T")
    times[:, repolarisation] *= np.sqrt(mean_rr_s)
    widths[:, repolarisation] *= np.sqrt(mean_rr_s)
    omega = np.full(beats, 2.0 * np.pi / mean_rr_s)
    to_angle = omega[:, None] / 1000.0
    return BeatWaves(r_times_s, omega, times * to_angle, widths * to_angle, heights)


def muscle_noise(levels_mv: _Floats, samples: int, generator: np.random.Generator) -> _Floats:
    """Noise [leads, samples] in mV of these standard deviations [leads]."""
    white = generator.standard_normal((len(levels_mv), samples + 1))
    # Muscle is louder above 20 Hz than below; this one-tap difference halves the power at 0 Hz.
    coloured: _Floats = (white[:, 1:] - 0.3 * white[:, :-1]) / np.sqrt(1.0 + 0.3**2)
    return coloured * levels_mv[:, None]
