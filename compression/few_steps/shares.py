"""Rare choices keep their share: what a student says of each choice is tilted until it chooses as often as its teacher.

A student that learns by squared error, and is unsure where the teacher's noise decides for a rare category, gives in to
the common one there; so it chooses the rare too seldom, the more the smaller it is. Tilts are constants of the graph,
found on the teacher's answers, so nothing real is in them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..bank import Answers
from .jumps import Jumps

_ANSWERS = 8192
"""As many tell a share of 1 % to within a tenth."""
_AT_ONCE = 256
_ROUNDS = 8
"""Each choice in its turn; what it takes from the others they take back in the next round, and less of it."""


@torch.no_grad()
def keep_shares(student: Jumps, answers: Answers) -> None:
    """Set the student's tilt, in place; nothing where there are no choices."""
    if not student.codec.choices:
        return
    student.tilt.zero_()
    few = answers.take(torch.arange(min(len(answers), _ANSWERS)))
    parts = zip(torch.split(few.noise, _AT_ONCE), torch.split(few.condition, _AT_ONCE), strict=True)
    said = torch.cat([student.encoded(noise, condition) for noise, condition in parts])
    for group in student.codec.groups():
        student.tilt[group] = _tilt(said[:, group], shares(few.states[-1][:, group]))


def shares(samples: Tensor) -> Tensor:
    """How often each feature [c] of samples [n, c, *axes] is the largest."""
    chosen = samples.argmax(dim=1).flatten()
    return torch.bincount(chosen, minlength=samples.shape[1]) / len(chosen)


def _tilt(said: Tensor, wanted: Tensor) -> Tensor:
    """What to add to the features of one choice, [c]; nothing to the commonest."""
    said = said.movedim(1, -1).flatten(0, -2)
    tilt = torch.zeros_like(wanted)
    for _ in range(_ROUNDS):
        for choice in wanted.argsort()[:-1].tolist():
            others = said + tilt
            others[:, choice] = -torch.inf
            # Chosen is what it lacks less than that, which is so for as many as are wanted.
            lacking = (others.amax(dim=1) - said[:, choice]).sort().values
            tilt[choice] = lacking[min(round(float(wanted[choice]) * len(lacking)), len(lacking) - 1)]
    return tilt
