"""How far two samples of one number lie apart, and how sure that is; and how often something happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from ..figure import DRAWS, Figure, FloatArray, PatientBootstrap, interval, omitted

Numbers = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
Patients = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Observed:
    """Which of some events happened in each record."""

    happened: Mask
    """[n, events]; False where not known."""
    known: Mask
    """[n, events]"""
    patients: Patients
    """[n]"""


def ks_figure(real: Numbers, real_patients: Patients, synthetic: Numbers, patients: Patients | None = None) -> Figure:
    """Two-sample Kolmogorov-Smirnov statistic, 0 (the same law) to 1, with its interval over patients.

    Args:
        real: [n]; NaN is left out.
        real_patients: [n].
        synthetic: [m]; NaN is left out.
        patients: [m], of the synthetic records; `None`: each is of its own.
    """
    if patients is None:
        patients = np.arange(len(synthetic)).astype(np.str_)
    return ks_figures(real[:, None], real_patients, synthetic[:, None], patients)[0]


def ks_figures(real: Numbers, real_patients: Patients, synthetic: Numbers, patients: Patients) -> list[Figure]:
    """The same for each column of real [n, k] and synthetic [m, k], with the same draws."""
    known, synthetic_known = ~np.isnan(real), ~np.isnan(synthetic)
    enough = np.minimum(known.sum(axis=0), synthetic_known.sum(axis=0)) >= 2
    happened, synthetic_happened = np.zeros_like(known), np.zeros_like(synthetic_known)
    for k in np.flatnonzero(enough).tolist():
        here, there = known[:, k], synthetic_known[:, k]
        happened[here, k], synthetic_happened[there, k] = widest_gap(real[here, k], synthetic[there, k])
    values, drawn = share_excess(
        Observed(happened, known, real_patients), Observed(synthetic_happened, synthetic_known, patients)
    )
    figures = []
    for k in range(real.shape[1]):
        n, m = int(known[:, k].sum()), int(synthetic_known[:, k].sum())
        note = f"measured in {n} of {len(real)} real and {m} of {len(synthetic)} synthetic records"
        if not enough[k]:
            figures.append(omitted(f"{note}; 2 of each are needed", n))
            continue
        measured_patients = len(np.unique(real_patients[known[:, k]]))
        complete = n == len(real) and m == len(synthetic)
        figures.append(
            Figure(float(values[k]), *interval(drawn[:, k]), n, measured_patients, note="" if complete else note)
        )
    return figures


def widest_gap(real: Numbers, synthetic: Numbers) -> tuple[Mask, Mask]:
    """Which numbers lie on the side of the threshold where the two distribution functions differ most.

    Args:
        real: [n], not NaN; infinities are numbers like any other.
        synthetic: [m], not NaN.

    Returns:
        [n] and [m], the side with the larger share of the real: the shares' difference is the KS statistic.
    """
    thresholds = np.unique(np.concatenate([real, synthetic]))
    excess = np.searchsorted(np.sort(real), thresholds, "right") / len(real)
    excess -= np.searchsorted(np.sort(synthetic), thresholds, "right") / len(synthetic)
    widest = int(np.argmax(np.abs(excess)))
    if excess[widest] >= 0:
        return real <= thresholds[widest], synthetic <= thresholds[widest]
    return real > thresholds[widest], synthetic > thresholds[widest]


def widest_choice(real: npt.NDArray[np.intp], synthetic: npt.NDArray[np.intp], categories: int) -> tuple[Mask, Mask]:
    """Which records are of a category with a larger share among the real.

    Returns:
        [n] and [m]: the difference of the shares is the total variation distance.
    """
    shares = np.bincount(real, minlength=categories) / len(real)
    commoner = shares > np.bincount(synthetic, minlength=categories) / len(synthetic)
    return commoner[real], commoner[synthetic]


def share_excess(real: Observed, synthetic: Observed) -> tuple[FloatArray, FloatArray]:
    """By how much the share of each event is larger in real records than in synthetic ones.

    A distance that is a largest difference of shares (KS, total variation) varies, to first order, as the
    difference at the event that attains it (Raghavachari, Ann Stat 1(1):67-73, 1973). Drawing that, instead of
    searching the largest difference anew in every draw, keeps the draws about the value and not above it.

    Returns:
        [events], and its bootstrap draws over the patients of both sides [draws, events], none below 0; NaN where
        a side has no record or fewer than two patients with the event known.
    """
    shares, drawn = _shares(real, reverse=False)
    # Sides of equally many patients have the same draws; reversed, none meets its own copy.
    synthetic_shares, synthetic_drawn = _shares(synthetic, reverse=True)
    return shares - synthetic_shares, (drawn - synthetic_drawn).clip(min=0.0)


def _shares(side: Observed, *, reverse: bool) -> tuple[FloatArray, FloatArray]:
    if not len(side.patients):
        return np.full(side.known.shape[1], np.nan), np.full((DRAWS, side.known.shape[1]), np.nan)
    bootstrap = PatientBootstrap(side.patients)
    weights = bootstrap.weights()[:: -1 if reverse else 1]
    happened, known = (bootstrap.totals(of.astype(np.float64)) for of in (side.happened, side.known))
    records = np.where((known > 0).sum(axis=0) > 1, weights @ known, 0.0)
    drawn = np.full_like(records, np.nan)
    np.divide(weights @ happened, records, out=drawn, where=records > 0)
    value = np.full(known.shape[1], np.nan)
    np.divide(happened.sum(axis=0), known.sum(axis=0), out=value, where=known.sum(axis=0) > 0)
    return value, drawn


def rate_figure(happened: Mask, patients: Patients, *, note: str = "") -> Figure:
    """How often something happens, with its interval.

    Between records that each are a patient of their own it is exact (Clopper & Pearson, Biometrika 26:404-413,
    1934), so that no case among few records does not look certain; else over patients.

    Args:
        happened: [n].
        patients: [n].
        note: For the figure.
    """
    if not len(happened):
        return omitted("there is no record")
    bootstrap = PatientBootstrap(patients)
    if bootstrap.patients < len(happened):
        return bootstrap.mean(happened.astype(np.float64), note=note)
    rate = binomtest(int(happened.sum()), len(happened)).proportion_ci()
    return Figure(float(happened.mean()), float(rate.low), float(rate.high), len(happened), len(happened), note=note)
