"""What steps cost in epsilon, and the noise that a budget asks for: Opacus's PRV accountant.

Gopi, Lee & Wutschitz, NeurIPS 2021 (privacy loss variables, composed numerically); Yousefpour et al. 2021 (Opacus).
Everything that touches a record is one Gaussian mechanism or another, so one accountant adds all of it up.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass

import numpy as np

from ...runtime.errors import TrainingError

NAME = "prv"
_FIRST, _LEAST, _MOST = 64.0, 1e-2, 1e6
"""Noise multipliers: where the search begins, and where it ends."""
_TOLERANCE = 0.01
"""How far below the budget in epsilon the search may stop, and what PRV itself may overstate."""


@dataclass(frozen=True)
class Mechanism:
    """A Gaussian mechanism that is run again and again."""

    noise_multiplier: float
    sampling_rate: float
    """Chance of each unit to be in; 1: all are."""
    times: int


def epsilon_of(mechanisms: tuple[Mechanism, ...], delta: float) -> float:
    """The upper bound of epsilon at `delta` for all of them together.

    Raises:
        ModuleNotFoundError: Opacus is not installed.
    """
    return _epsilon_of(tuple(m for m in mechanisms if m.times), delta)


def noise_multiplier_for(
    epsilon: float, delta: float, sampling_rate: float, steps: int, others: tuple[Mechanism, ...] = ()
) -> float:
    """The least noise by which so many steps, and the other mechanisms, stay within the budget.

    Raises:
        TrainingError: No noise is enough.
        ModuleNotFoundError: Opacus is not installed.
    """

    def spent(noise: float) -> float:
        return epsilon_of((*others, Mechanism(noise, sampling_rate, steps)), delta)

    # From above: where there is much noise little is spent, which is quickly added up.
    enough = _FIRST
    while spent(enough) > epsilon:
        enough *= 2.0
        if enough > _MOST:
            raise TrainingError(f"no noise keeps {steps} steps within epsilon = {epsilon:g}; ask for a larger epsilon")
    while enough > _LEAST and spent(enough / 2.0) <= epsilon:
        enough /= 2.0
    short = enough / 2.0
    while epsilon - spent(enough) > _TOLERANCE * min(1.0, epsilon) and enough - short > 1e-4 * enough:
        middle = (enough + short) / 2.0
        short, enough = (short, middle) if spent(middle) <= epsilon else (middle, enough)
    return enough


@functools.lru_cache(maxsize=256)
def _epsilon_of(mechanisms: tuple[Mechanism, ...], delta: float) -> float:
    from opacus.accountants import PRVAccountant

    if not mechanisms:
        return 0.0
    accountant = PRVAccountant()
    accountant.history = [(m.noise_multiplier, m.sampling_rate, m.times) for m in mechanisms]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a rate of 1 takes the logarithm of 0, and means it
        return float(accountant.get_epsilon(delta, eps_error=_TOLERANCE))
