"""Noise and samples in pairs: the student learns to end where the teacher's solver ended, from the same noise.

Luhman & Luhman 2021 (knowledge distillation of a sampler). A student of several jumps learns where the solver was after
each of them too; gradients flow through all jumps, so that a later one learns to mend what an earlier one leaves.
"""

from __future__ import annotations

from torch import Tensor

from ...training.draws import Draws
from ..bank import Answers
from ..distance import distance, distance_of_likely
from .jumps import Jumps


def pairs_loss(student: Jumps, answers: Answers, batch_size: int, draws: Draws) -> Tensor:
    """The loss of one batch.

    Args:
        student: In training mode.
        answers: With states at all of the student's times but the first.
        batch_size: Answers a batch.
        draws: The only source of randomness.
    """
    batch = answers.take(draws.rows(batch_size, len(answers)))
    *on_the_way, samples = student.path(batch.noise, batch.condition)
    loss = distance_of_likely(student.codec, samples, batch.states[-1])
    for state, wanted in zip(on_the_way, batch.states[:-1], strict=True):
        loss = loss + distance(state, wanted)
    return loss
