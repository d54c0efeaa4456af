"""A diffusion teacher of many network calls becomes a student of a few, guidance included.

Nothing real is used: noise and conditions are drawn, the teacher answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...runtime.errors import TrainingError
from ...training.families import Generative
from ...training.families.diffusion import DiffusionGenerator
from ...training.networks import denoiser_for
from ..bank import Bank
from ..few_steps.jumps import Jumps, jump_times
from ..few_steps.mean_flow import mean_flow_loss
from ..few_steps.pairs import pairs_loss
from ..few_steps.shares import keep_shares
from ..learning import draws_of, learn
from ..student import Change, Context, Student
from .step import Option, Step

METHODS = ("pairs", "mean_flow")


def few_steps(
    student: Generative,
    teacher: Generative,
    bank: Bank,
    *,
    network_calls: int,
    method: str,
    pairs: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    widths: Sequence[int] = (),
    blocks: int = 0,
    embedding: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Jumps, Change]:
    """Train a student that takes `network_calls` where the teacher takes many.

    Args:
        student: What it begins from: a diffusion generator, or a student of this step that takes more calls.
        teacher: A diffusion generator.
        bank: Of the teacher.
        network_calls: Of the student; fewer than the steps of the teacher's solver.
        method: `pairs`: where the teacher ends, from the same noise. `mean_flow`: mean velocities that agree with
            the teacher's velocity and with each other.
        pairs: How many of the teacher's answers are learnt from.
        steps: Optimiser steps.
        batch_size: Samples a step.
        learning_rate: Peak of the one-cycle schedule.
        seed: Of the batches, and of a new network.
        widths: Of a new, smaller network, as in the recipe of a diffusion; empty: the network at hand goes on.
        blocks: Of a new network.
        embedding: Of a new network.
        on_progress: Called with (done, of), of the answers and then of the steps.

    Returns:
        The student, and the change of the architecture.

    Raises:
        TrainingError: Teacher or student is no diffusion, the options do not suit it, or the loss became NaN or
            infinite.
        OutputError: The teacher's answers cannot be written.
    """
    if not isinstance(teacher, DiffusionGenerator) or not isinstance(student, DiffusionGenerator | Jumps):
        raise TrainingError(
            "few_steps is for teachers of the family diffusion, which call their network many times; the others do so "
            "once: leave the step out of the recipe, or use the one of another family"
        )
    if network_calls >= teacher.steps:
        raise TrainingError(
            f"few_steps: network_calls must be below the {teacher.steps} steps of the teacher's sampler"
        )
    if bool(widths) != bool(blocks) or bool(widths) != bool(embedding):
        raise TrainingError("few_steps: a new network takes widths, blocks and embedding, all three or none")
    change: Change = {
        "do": "few_steps",
        "times": jump_times(teacher, network_calls),
        "widths": list(widths),
        "blocks": blocks,
        "embedding": embedding,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = rebuilt(student, change).train()
    marks = made.times[1:] if method == "pairs" else (0.0,)
    answers = bank.take(pairs, marks, on_progress)

    def loss(step: int) -> Tensor:
        draws = draws_of(seed, step)
        if method == "pairs":
            return pairs_loss(made, answers, batch_size, draws)
        return mean_flow_loss(made, teacher, answers, batch_size, draws)

    learn(made, loss, steps=steps, learning_rate=learning_rate, what="few_steps", on_progress=on_progress)
    keep_shares(made.eval(), answers)
    return made, change


def rebuilt(model: Generative, change: Change) -> Jumps:
    """The student of a change, before it learnt, from the model as it was before.

    Raises:
        TrainingError: The new network does not suit the data.
    """
    assert isinstance(model, DiffusionGenerator | Jumps)  # noqa: S101 - the step refuses others
    network = None
    if change["widths"]:
        shape, size = model.codec.shape, int(model.conditioning.size)  # type: ignore[arg-type]
        try:
            network = denoiser_for(
                shape, model.codec.numbers, size, change["widths"], change["blocks"], change["embedding"]
            )
        except ValueError as error:
            raise TrainingError(f"few_steps: the new network does not suit the data: {error}") from error
    return Jumps(model, change["times"], network).eval()


def _run(student: Student, context: Context, **options: object) -> None:
    student.model, change = few_steps(
        student.model,
        context.teacher,
        context.bank,
        seed=context.seed,
        on_progress=context.show,
        **options,  # type: ignore[arg-type] # checked by the recipe
    )
    student.changes.append(change)


STEP = Step(
    {
        "network_calls": Option(int),
        "method": Option(str, choices=METHODS),
        "pairs": Option(int),
        "steps": Option(int),
        "batch_size": Option(int),
        "learning_rate": Option(float),
        "widths": Option(list, default=[]),
        "blocks": Option(int, default=0),
        "embedding": Option(int, default=0),
    },
    _run,
    replay=rebuilt,
)
