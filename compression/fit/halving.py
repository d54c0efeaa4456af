"""Which candidate comes next: successive halving that promotes as soon as it can (ASHA, Li et al. 2020, in turns).

A function of what was found and nothing else, so that a search taken up again decides as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .space import LADDER, Candidate, Shape

ETA = 3
"""Of so many candidates on a rung, one climbs to the next."""

Score = tuple[float, ...]
"""Smaller is better."""


def next_candidate(space: Sequence[Shape], done: Mapping[Candidate, Score | None]) -> Candidate | None:
    """What to try next; None when there is nothing left that is worth it.

    Args:
        space: All shapes.
        done: Scores of what was tried; None of what failed.
    """
    for rung in reversed(range(len(LADDER) - 1)):
        if climber := _climber(space, done, rung, at_least=0):
            return climber
    for number in range(len(space)):
        if (candidate := Candidate(number, 0)) not in done:
            return candidate
    for rung in range(len(LADDER) - 1):  # few candidates are left: the best of them still learns for long
        if climber := _climber(space, done, rung, at_least=1):
            return climber
    return None


def _climber(
    space: Sequence[Shape], done: Mapping[Candidate, Score | None], rung: int, at_least: int
) -> Candidate | None:
    on_rung = sorted(
        (score, candidate)
        for candidate, score in done.items()
        if candidate.rung == rung and score is not None and space[candidate.shape].learns
    )
    for _, candidate in on_rung[: max(len(on_rung) // ETA, at_least)]:
        above = Candidate(candidate.shape, rung + 1)
        if above not in done:
            return above
    return None
