"""A process that measures a full model in PyTorch, eager or compiled: what a bundle is compared with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .benchmarks.latency.subject import COMPILED_TEACHER, Parity, Subject, Work
from .benchmarks.latency.worker import serve
from .runtime.errors import BackendError
from .runtime.feed import Feed
from .runtime.golden import relative_error
from .training.checkpoint import load_checkpoint

_SEED = 1
_INPUTS = 64
_COMPILED_ERROR = 1e-3
"""Compiled code adds up in another order, and no more."""


class TeacherWork:
    """A checkpoint's generator with inputs made beforehand."""

    def __init__(self, subject: Subject) -> None:
        assert subject.checkpoint is not None  # noqa: S101 - a teacher has one
        torch.set_num_threads(subject.threads)
        checkpoint = load_checkpoint(Path(subject.checkpoint))
        self._eager = checkpoint.generator()
        self._schema = checkpoint.schema
        self._run: Callable[..., torch.Tensor] = self._eager
        self._compiled = subject.what == COMPILED_TEACHER
        if self._compiled:
            self._run = torch.compile(self._eager)
            self._try()
        self.described: Mapping[str, Any] = {
            "backend": "torch",
            "version": torch.__version__,
            "device": "CPU",
            "precision": "f32",
            "threads": torch.get_num_threads(),
            "variant": "fp32",
        }

    def _try(self) -> None:
        try:
            self.call(1)(0)
        except Exception as error:  # the compiler and what it calls fail in many ways, none of them public
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise BackendError(f"torch.compile does not work here: {first[:200]}") from error

    def call(self, batch: int) -> Callable[[int], object]:
        """One of 64 prepared inputs."""
        inputs, run = self._inputs(batch), self._run

        def call(number: int) -> object:
            with torch.inference_mode():
                return run(*inputs[number % _INPUTS])

        return call

    def _inputs(self, batch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        made = Feed(_SEED, self._eager.noise_shape, self._schema.conditions, {}).take(0, _INPUTS * batch)
        noise, condition = torch.from_numpy(made.noise.copy()), torch.from_numpy(made.condition.copy())
        return [(noise[i : i + batch], condition[i : i + batch]) for i in range(0, _INPUTS * batch, batch)]

    def parity(self, *, at_once: bool) -> Parity | None:
        """Compiled against eager, of which there are no golden outputs: it is what the bundle was made from."""
        if not self._compiled:
            return None
        inputs = self._inputs(8 if at_once else 1)[:8]
        with torch.inference_mode():
            made, right = (np.concatenate([run(*pair).numpy() for pair in inputs]) for run in (self._run, self._eager))
        return Parity(relative_error(made, right), _COMPILED_ERROR)

    def stages(self, first: int, calls: int) -> dict[str, npt.NDArray[np.int64]] | None:  # noqa: ARG002
        """It has none."""
        return None


def open_teacher_work(subject: Subject) -> tuple[Work, dict[str, int]]:
    """Open a teacher; what it imports was imported with this module."""
    imported = time.monotonic_ns()
    work = TeacherWork(subject)
    return work, {"imported": imported, "loaded": time.monotonic_ns()}


def main(began_ns: int) -> None:
    """Serve a teacher."""
    serve(began_ns, open_teacher_work)
