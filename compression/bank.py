"""What a teacher answers, asked once and kept: most of the cost of distilling one that takes many network calls.

Noise and conditions are drawn, so nothing real is in it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..runtime.errors import OutputError
from ..runtime.feed import Feed
from ..runtime.schema import Schema
from ..training.families import Generative
from ..training.families.diffusion import DiffusionGenerator
from ..training.mixed_precision import mixed_precision

_PORTION = 128
"""Answers asked for at once, and lost at most when interrupted."""


@dataclass(frozen=True)
class Answers:
    """What a teacher made of drawn noise and conditions."""

    noise: Tensor
    """[n, *noise_shape]"""
    condition: Tensor
    """[n, c]"""
    states: tuple[Tensor, ...]
    """[n, *codec.shape] in model space, of each mark; of the last the samples."""

    def __len__(self) -> int:
        return len(self.noise)

    def take(self, rows: Tensor) -> Answers:
        """Those of these indices [k]."""
        return Answers(self.noise[rows], self.condition[rows], tuple(state[rows] for state in self.states))


@dataclass(frozen=True)
class Bank:
    """A teacher's answers in a folder, in one file a mark that grows and is read as a memory map.

    Args:
        teacher: Who is asked.
        schema: Of its data.
        folder: Of the files; made if absent.
        key: Of the teacher, so that another's files are not taken for its own.
        seed: Of noise and conditions.
    """

    teacher: Generative
    schema: Schema
    folder: Path
    key: str
    seed: int

    def take(
        self, n: int, marks: Sequence[float] = (0.0,), on_progress: Callable[[int, int], None] | None = None
    ) -> Answers:
        """The first `n` answers; those that are not there yet are asked for.

        Args:
            n: How many.
            marks: Times of the teacher's solver whose states are wanted, falling; 0 stands for the samples.
            on_progress: Called with (answers there, n) while they are made.

        Raises:
            OutputError: The system refused to write; what is there is used the next time.
        """
        feed = Feed(self.seed, self.teacher.noise_shape, self.schema.conditions, {})
        size = 4 * math.prod(self.teacher.codec.shape)
        paths = [self._path(mark) for mark in marks]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            there = [_whole_portions(path, size) for path in paths]
            for first in range(min(there), n, _PORTION):
                drawn = feed.take(first, _PORTION)
                states = answers(self.teacher, torch.from_numpy(drawn.noise), torch.from_numpy(drawn.condition), marks)
                for path, rows, state in zip(paths, there, states, strict=True):
                    if rows <= first:
                        with path.open("ab") as file:
                            file.write(state.float().contiguous().numpy().tobytes())
                if on_progress:
                    on_progress(min(first + _PORTION, n), n)
            shape = (n, *self.teacher.codec.shape)
            # Mode "c": torch wants memory it may write, and the file stays as it is.
            mapped = [torch.from_numpy(np.memmap(path, np.float32, "c", shape=shape)) for path in paths]
        except OSError as error:
            raise OutputError(
                f"the teacher's answers cannot be kept in {self.folder}: {error.strerror or error}; make room, or ask "
                "for fewer pairs"
            ) from error
        drawn = feed.take(0, n)
        return Answers(torch.from_numpy(drawn.noise), torch.from_numpy(drawn.condition), tuple(mapped))

    def _path(self, mark: float) -> Path:
        name = hashlib.sha256(json.dumps([self.key, self.seed, round(mark, 6)]).encode()).hexdigest()
        return self.folder / f"answers-{name[:16]}.f32"


def _whole_portions(path: Path, size: int) -> int:
    """How many answers of `size` bytes a file holds; a portion that was not written to its end is cut off.

    Whole portions only: the last digits of an answer may depend on how many are asked for with it.
    """
    rows = path.stat().st_size // (_PORTION * size) * _PORTION if path.exists() else 0
    if rows:
        os.truncate(path, rows * size)
    else:
        path.unlink(missing_ok=True)
    return rows


@torch.no_grad()
def answers(teacher: Generative, noise: Tensor, condition: Tensor, marks: Sequence[float]) -> list[Tensor]:
    """States of a teacher on its way to samples, [n, *codec.shape] of each mark; those of the mark 0 are the samples.

    Other marks are for a diffusion teacher, which has a way.
    """
    with mixed_precision():
        if list(marks) == [0.0]:
            return [teacher.encoded(noise, condition)]
        assert isinstance(teacher, DiffusionGenerator)  # noqa: S101 - the step that asks refuses others
        asked = teacher.conditioning(condition)
        seen: list[tuple[float, Tensor]] = []

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            seen.append((float(t), x))
            return teacher.velocity(x, t, asked)

        samples = teacher.solved(velocity, noise)
    # Heun's method asks twice at a time: at its guess of the state, and then at the state itself, which is the later.
    seen.append((0.0, samples))
    return [min(reversed(seen), key=lambda state: abs(state[0] - mark))[1] for mark in marks]
