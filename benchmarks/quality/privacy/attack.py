"""How well an attacker tells members of the training data from others: AUC, and hits where false alarms are rare."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..figure import Figure, FloatArray, PatientBootstrap, interval, omitted

_FALSE_ALARMS = 0.01
_DRAWS = 300
_SEED = 20220523
_FEWEST = 10


def membership_figures(
    members: FloatArray,
    others: FloatArray,
    member_patients: npt.NDArray[np.str_],
    other_patients: npt.NDArray[np.str_],
) -> dict[str, Figure]:
    """The attack's area under the ROC curve, and its true-positive rate at 1 % false positives.

    Carlini et al., IEEE S&P 2022, argue for the second: an attack sure of a few is a leak, whatever its average.
    Intervals draw the patients of either side anew.

    Args:
        members: Scores [m] of training records; higher means: taken for a member.
        others: Scores [k] of records that were not trained on.
        member_patients: [m].
        other_patients: [k].

    Returns:
        `auc` (0.5 is chance) and `tpr_at_1_fpr` (0.01 is chance).
    """
    n = len(members) + len(others)
    if min(len(members), len(others)) < _FEWEST:
        reason = f"an attack is judged on at least {_FEWEST} members and {_FEWEST} others"
        return {"auc": omitted(reason, n), "tpr_at_1_fpr": omitted(reason, n)}
    if np.isnan(members).any() or np.isnan(others).any():
        return dict.fromkeys(("auc", "tpr_at_1_fpr"), omitted("the attack has no score for some records", n))
    sides = PatientBootstrap(member_patients, _DRAWS), PatientBootstrap(other_patients, _DRAWS)
    # Both sides may have as many patients, and then the same draws: one of them goes backwards.
    member_weights = sides[0].weights()[:, sides[0].index]
    other_weights = sides[1].weights()[::-1, sides[1].index]
    order = np.argsort(np.concatenate([members, others]), kind="stable")
    drawn = np.array([_rates(members, others, order, m, o) for m, o in zip(member_weights, other_weights, strict=True)])
    value = _rates(members, others, order, np.ones(len(members)), np.ones(len(others)))
    coarse = f"1 % of {len(others)} others is fewer than 3: coarse" if len(others) < 300 else ""
    patients = sides[0].patients + sides[1].patients
    alone = min(sides[0].patients, sides[1].patients) < 2
    figures = {}
    for place, (name, note) in enumerate((("auc", ""), ("tpr_at_1_fpr", coarse))):
        low, high = (None, None) if alone else interval(drawn[:, place])
        figures[name] = Figure(float(value[place]), low, high, n, patients, note=note)
    return figures


def drawn_auc(
    members: FloatArray,
    others: FloatArray,
    member_patients: npt.NDArray[np.str_],
    other_patients: npt.NDArray[np.str_],
) -> FloatArray:
    """The attack's area under the ROC curve, then that of each bootstrap draw of the patients [1 + draws].

    Attacks on other generators with the same records have the same draws, so that their differences are paired.
    """
    sides = PatientBootstrap(member_patients, _DRAWS), PatientBootstrap(other_patients, _DRAWS)
    # Both sides may have as many patients, and then the same draws: one of them goes backwards.
    weights = sides[0].weights()[:, sides[0].index], sides[1].weights()[::-1, sides[1].index]
    member_weights, other_weights = (np.concatenate([np.ones((1, side.shape[1])), side]) for side in weights)
    order = np.argsort(np.concatenate([members, others]), kind="stable")
    areas: FloatArray = np.array(
        [_rates(members, others, order, m, o)[0] for m, o in zip(member_weights, other_weights, strict=True)]
    )
    return areas


def _rates(
    members: FloatArray, others: FloatArray, order: npt.NDArray[np.intp], m: FloatArray, o: FloatArray
) -> tuple[float, float]:
    """AUC and true-positive rate with each record counted as often as its weight says."""
    scores = np.concatenate([members, others])[order]
    hits = np.concatenate([m, np.zeros(len(o))])[order]
    alarms = np.concatenate([np.zeros(len(m)), o])[order]
    # Tied scores rise together: half of each pair of them counts.
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)
    below_hits = np.diff(np.cumsum(hits)[last], prepend=0.0)
    alarms_here = np.diff(np.cumsum(alarms)[last], prepend=0.0)
    alarms_before = np.cumsum(alarms_here) - alarms_here
    auc = float((below_hits * (alarms_before + alarms_here / 2)).sum() / (m.sum() * o.sum()))
    # From the highest score down, as long as no more than 1 % of the others are above.
    alarms_above = o.sum() - np.cumsum(alarms_here) + alarms_here
    allowed = alarms_above <= _FALSE_ALARMS * o.sum()
    return auc, float(below_hits[allowed].sum() / m.sum())


def member_control(scores: FloatArray, patients: npt.NDArray[np.str_], splits: int = 10) -> Figure:
    """The same attack where there is nothing to find: members, split in two by patient. It must give 0.5.

    Args:
        scores: [m] of training records.
        patients: [m].
        splits: Random halvings that are averaged: one alone strays far.
    """
    names, index = np.unique(patients, return_inverse=True)
    if len(names) < 2:
        return omitted("one patient cannot be split in two", len(scores))
    if np.isnan(scores).any():
        return omitted("the attack has no score for some records", len(scores))
    rng = np.random.Generator(np.random.Philox(key=[_SEED, len(names)]))
    areas = []
    for _ in range(splits):
        first = np.isin(index, rng.permutation(len(names))[: len(names) // 2])
        one, other = scores[first], scores[~first]
        order = np.argsort(np.concatenate([one, other]), kind="stable")
        areas.append(_rates(one, other, order, np.ones(len(one)), np.ones(len(other)))[0])
    low, high = interval(np.array(areas))
    return Figure(float(np.mean(areas)), low, high, len(scores), len(names), splits, "interval over the splits")
