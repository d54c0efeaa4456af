"""Deals the subjects of BIDMC to train, validation and test like cards, so that each gets its share of each sex."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

_TURNS = ("train", "test", "train", "validation", "train")
_SALT = "edgeward/"
"""Of three that were tried, the one that leaves subjects with a fast heart in train, validation and test."""


def deal_subjects(sexes: Mapping[str, str], with_pressure: Collection[str]) -> dict[str, str]:
    """The part of each subject: of every five, three in train, one in validation, one in test.

    First the subjects with an arterial pressure are dealt, then the others, of each first the women, then the men;
    among themselves they lie in the order of a hash of their names. So those with a pressure are parted alike with the
    others and without.

    Args:
        sexes: Per subject, `F` or `M`.
        with_pressure: Those of the subjects with an arterial pressure.
    """
    order = sorted(sexes, key=lambda subject: (subject not in with_pressure, sexes[subject], _hash(subject)))
    return {subject: _TURNS[place % len(_TURNS)] for place, subject in enumerate(order)}


def _hash(subject: str) -> str:
    return hashlib.sha256((_SALT + subject).encode("utf-8")).hexdigest()
