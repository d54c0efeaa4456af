"""In which order the beats of a simulated patient come, and how long after one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

# Of the mean RR interval, uniformly between: when an ectopic or paced beat comes after the one before it.
# Premature beats come early, fusion beats nearly on time, a demand pacemaker only when the sinus is late.
COUPLING: Mapping[str, tuple[float, float]] = {
    "S": (0.55, 0.80),
    "V": (0.50, 0.78),
    "F": (0.86, 0.97),
    "Q": (1.10, 1.20),
}
_AFTER_S = (0.95, 1.15)  # the sinus node is reset, so hardly a pause
_AFTER_Q = (0.85, 1.00)  # the sinus takes over from the pacemaker by being faster
_SHORTEST_RR_S = 0.32
_BREATHING_SHARE = 0.6  # of the variability that breathing accounts for; the rest is independent


def arrange(counts: Mapping[str, int], generator: np.random.Generator) -> list[str]:
    """A random order of the counted beats in which each of S, V, F is followed by an N.

    Args:
        counts: Beats per class; N at least as many as S, V and F together.
        generator: Where the order is drawn from.
    """
    groups = [[name, "N"] for name in "SVF" for _ in range(counts[name])]
    groups += [["N"]] * (counts["N"] - len(groups)) + [["Q"]] * counts["Q"]
    order = np.argsort(generator.random(len(groups)), kind="stable")
    return [name for position in order.tolist() for name in groups[position]]


def rr_intervals_s(
    classes: Sequence[str],
    mean_rr_s: float,
    variability: float,
    breathing_hz: float,
    generator: np.random.Generator,
    coupling: Mapping[str, tuple[float, float]] = COUPLING,
) -> npt.NDArray[np.float64]:
    """The interval [beats] in seconds before each beat, as suits its class and that of the beat before it.

    Args:
        classes: AAMI classes of consecutive beats.
        mean_rr_s: Mean interval between sinus beats.
        variability: Standard deviation of sinus intervals, as a share of the mean.
        breathing_hz: Rate of breathing, with which sinus intervals swing.
        generator: Where intervals are drawn from.
        coupling: Of the mean interval, uniformly between: after which S, V, F and Q come.
    """
    swing = np.sqrt(2.0) * np.sin(2.0 * np.pi * breathing_hz * mean_rr_s * np.arange(len(classes)))
    jitter = generator.standard_normal(len(classes))
    sinus = 1.0 + variability * (np.sqrt(_BREATHING_SHARE) * swing + np.sqrt(1.0 - _BREATHING_SHARE) * jitter)
    uniform = generator.random(len(classes))
    relative = np.empty(len(classes))
    for beat, name in enumerate(classes):
        before = classes[beat - 1] if beat else "N"
        if name in coupling:
            relative[beat] = _between(coupling[name], uniform[beat])
        elif before in "VF":
            # Compensatory pause: the sinus beat the ectopic one pre-empted is left out, the next is on time.
            relative[beat] = sinus[beat] + 1.0 - relative[beat - 1]
        elif before in "SQ":
            relative[beat] = _between(_AFTER_S if before == "S" else _AFTER_Q, uniform[beat])
        else:
            relative[beat] = sinus[beat]
    return np.maximum(relative * mean_rr_s, _SHORTEST_RR_S)


def _between(bounds: tuple[float, float], uniform: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * uniform
