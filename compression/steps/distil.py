"""Distillation of a generator: the student learns to make the teacher's samples from the same noise.

No real record is used: noise and conditions are drawn, the teacher answers (Hinton, Vinyals & Dean 2015).
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from ...runtime.feed import Feed
from ...runtime.schema import Schema
from ...training.families import Generative
from ..bank import Answers
from ..distance import distance, distance_of_likely
from ..few_steps.jumps import Jumps
from ..few_steps.shares import keep_shares
from ..learning import draws_of, learn
from ..student import Context, Student
from .step import Option, Step


def distil(
    student: Generative,
    teacher: Generative,
    schema: Schema,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    answers: Answers | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Generative:
    """Train a copy of the student on the teacher's samples.

    Args:
        student: Left as it is.
        teacher: Left as it is.
        schema: The data's schema.
        steps: Optimiser steps.
        batch_size: Samples a step.
        learning_rate: Peak of the one-cycle schedule.
        seed: Of the noise and conditions.
        answers: What the teacher was asked before, to learn from again and again; None: it is asked anew for every
            batch, which a teacher of many network calls makes dear.
        on_progress: Called with (step, steps).

    Raises:
        TrainingError: The loss became NaN or infinite.
    """
    student = copy.deepcopy(student).train()
    feed = Feed(seed, teacher.noise_shape, schema.conditions, {})

    def loss(step: int) -> Tensor:
        if answers is None:
            inputs = feed.take(step * batch_size, batch_size)
            noise, condition = torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)
            with torch.no_grad():
                wanted = teacher.encoded(noise, condition)
        else:
            batch = answers.take(draws_of(seed, step).rows(batch_size, len(answers)))
            noise, condition, wanted = batch.noise, batch.condition, batch.states[-1]
        if isinstance(student, Jumps):
            return distance_of_likely(student.codec, student.path(noise, condition)[-1], wanted)
        return distance(student.encoded(noise, condition), wanted)

    learn(student, loss, steps=steps, learning_rate=learning_rate, what="distillation", on_progress=on_progress)
    student.eval()
    if isinstance(student, Jumps) and answers is not None:
        keep_shares(student, answers)
    return student


def _run(student: Student, context: Context, *, steps: int, batch_size: int, learning_rate: float, pairs: int) -> None:
    student.model = distil(
        student.model,
        context.teacher,
        context.schema,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=context.seed,
        answers=context.bank.take(pairs, on_progress=context.show) if pairs else None,
        on_progress=context.show,
    )


STEP = Step(
    {
        "steps": Option(int),
        "batch_size": Option(int),
        "learning_rate": Option(float),
        "pairs": Option(int, default=0),
    },
    _run,
    remedy="distil longer",
)
