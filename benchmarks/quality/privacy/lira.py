"""The likelihood-ratio attack: is a record's loss more like that of models that saw it, or of those that did not?

Carlini et al., IEEE S&P 2022 (arXiv 2112.03570), online variant.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ..figure import FloatArray

_TINY = 1e-12


def complementary_splits(patients: npt.NDArray[np.str_], shadows: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Who is in the training data of each shadow model, in pairs that part the patients between them.

    So each patient is in exactly half of them, and no record is without a model that saw it, or that did not.

    Args:
        patients: [p], each once.
        shadows: An even number, 2 or more.
        seed: Of the splits.

    Returns:
        One mask [p] per shadow model.
    """
    if shadows < 2 or shadows % 2:
        raise ValueError(f"shadows come in pairs: an even number of 2 or more, not {shadows}")
    rng = np.random.Generator(np.random.Philox(key=[seed, 20211207]))
    masks = []
    for _ in range(shadows // 2):
        inside = np.zeros(len(patients), dtype=np.bool_)
        inside[rng.permutation(len(patients))[: len(patients) // 2]] = True
        masks += [inside, ~inside]
    return masks


def lira_scores(target: FloatArray, shadows: FloatArray, members: npt.NDArray[np.bool_]) -> FloatArray:
    """Log-likelihood ratio [n] that each record was a member of the attacked model's training data.

    Log losses are taken as normal, with means of each record's own and one variance for those that saw it and one
    for those that did not: with few shadow models, a record's own variance would be noise.

    Args:
        target: Losses [n] of the attacked model, positive.
        shadows: Losses [shadows, n].
        members: [shadows, n], whether the shadow model was trained on the record. One that all or none of them
            saw scores 0.
    """
    observed, logs = np.log(target + _TINY), np.log(shadows + _TINY)
    # The attacked model may reproduce all records better or worse than its shadows do: that tells of none of them.
    observed = observed - np.median(observed) + np.median(logs)
    known = members.any(axis=0) & ~members.all(axis=0)
    ratio = np.zeros(len(target))
    for inside, sign in ((members, 1.0), (~members, -1.0)):
        counts = inside.sum(axis=0)
        mean = np.where(inside, logs, 0.0).sum(axis=0) / np.maximum(counts, 1)
        squares = np.where(inside, (logs - mean) ** 2, 0.0).sum()
        spread = np.sqrt(squares / max(1, int(np.maximum(counts - 1, 0).sum()))) + _TINY
        ratio += sign * np.where(known, norm.logpdf(observed, mean, spread), 0.0)
    return ratio
