"""The rows of a judgement: what is judged, and the three references that stand beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .figure import FloatArray
from .records import Records

Loss = Callable[[Records], FloatArray]
"""How badly a generator's weights can reproduce each record [n]: what a white-box attacker reads."""


@dataclass(frozen=True)
class Source:
    """A generator's records.

    Teacher and variants are given the same noise and conditions, so that record i of each belongs together.
    """

    name: str
    """`teacher`, or a variant's precision."""
    digest: str
    """SHA-256 of the graph, or of a teacher's weights."""
    records: Records
    """As many of each class as the effort asks for, unless the generator chooses the classes itself."""
    loss: Loss | None = None
    """None: its weights cannot be attacked, only its records."""
    chooses_classes: bool = False
    """Whether the classes are the generator's own, as in a table, rather than asked for."""


def drawn(records: Records, n: int, seed: int) -> Records:
    """`n` records at random, each once; all of them in random order where there are no more."""
    rng = _random(seed)
    return records.take(rng.permutation(len(records))[:n])


def copies_of(train: Records, n: int, seed: int = 0) -> Records:
    """What a memoriser gives: training records with their patients, drawn with replacement."""
    chosen = _random(seed).integers(0, len(train), n)
    return train.take(chosen)


def shuffled(train: Records, n: int, seed: int = 0) -> Records:
    """The floor: every number of a record, and its label, from another training record."""
    rng = _random(seed)
    values = np.empty((n, *train.values.shape[1:]), np.float32)
    flat, out = train.values.reshape(len(train), -1), values.reshape(n, -1)
    for column in range(flat.shape[1]):
        out[:, column] = flat[rng.integers(0, len(train), n), column]
    labels = train.labels[rng.integers(0, len(train), n)]
    return Records(values, labels, np.arange(n).astype(np.str_))


def with_mix_of(records: Records, labels: npt.NDArray[np.intp], seed: int = 0) -> Records:
    """Records with as many of each class as `labels` [n] holds, so that a row is judged on what it makes of a class.

    A class of which there are too few gives all it has.
    """
    rng = _random(seed)
    chosen = []
    for label, count in enumerate(np.bincount(labels)):
        members = np.flatnonzero(records.labels == label)
        chosen.append(rng.permutation(members)[:count])
    return records.take(np.concatenate(chosen))


def _random(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, 20180201]))
