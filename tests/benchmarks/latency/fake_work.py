"""A subject that is no generator, served in this process: what a run does with it can be told beforehand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from edgeward.benchmarks.latency.processes import RefusedError
from edgeward.benchmarks.latency.subject import GENERATE, Parity, Subject, Work
from edgeward.benchmarks.latency.worker import Server

DESCRIBED = {"backend": "onnxruntime", "version": "1.0", "device": "CPU", "precision": "f32", "threads": 1}


def subject(precision: str = "fp32", what: str = GENERATE, bundle: str = "b", threads: int = 1) -> Subject:
    return Subject(what, precision, "onnxruntime", threads, bundle)


class FakeWork:
    """Calls that do what they are told, and outputs that are as far from the golden ones as they are told."""

    def __init__(
        self,
        call: Callable[[int], object] = lambda _: None,
        *,
        error: float = 0.0,
        described: Mapping[str, Any] = DESCRIBED,
    ) -> None:
        self._call, self._error = call, error
        self.described = dict(described)
        self.called = 0

    def call(self, batch: int) -> Callable[[int], object]:
        def call(number: int) -> object:
            self.called += 1
            return self._call(number)

        return call

    def parity(self, *, at_once: bool) -> Parity:
        return Parity(self._error, 1e-4)

    def stages(self, first: int, calls: int) -> dict[str, np.ndarray]:
        return {"noise": np.full(calls, 1000), "infer": np.full(calls, 3000)}


class LocalProcess:
    """Serves a work in this process, through the same JSON."""

    def __init__(self, subject: Subject, work: Work, log: list[tuple[str, str]]) -> None:
        self._name, self._log = subject.precision, log
        now = time.monotonic_ns()
        self._server = Server(
            subject,
            lambda _: (work, {"imported": now + 2_000_000, "loaded": now + 3_000_000}),
            spawned_ns=now,
            began_ns=now + 1_000_000,
            prioritise=False,
        )
        self.ready = json.loads(json.dumps(self._server.ready))
        self.closed = False

    def ask(self, do: str, *, seconds: float = 0.0, **arguments: object) -> dict[str, Any]:
        self._log.append((self._name, do))
        command = {"do": do, **arguments, **({"seconds": seconds} if seconds else {})}
        answer: dict[str, Any] = json.loads(json.dumps(self._server.do(command), allow_nan=False))
        return answer

    def close(self) -> None:
        self.closed = True


class Starter:
    """Starts local processes, and remembers them.

    Args:
        make: Gives the work of a subject, or raises `RefusedError`.
    """

    def __init__(self, make: Callable[[Subject], Work]) -> None:
        self._make = make
        self.started: list[tuple[Subject, LocalProcess]] = []
        self.log: list[tuple[str, str]] = []
        """Precision of each subject that was asked, and for what."""

    def __call__(self, subject: Subject, *, prioritise: bool) -> LocalProcess:
        process = LocalProcess(subject, self._make(subject), self.log)
        self.started.append((subject, process))
        return process


def refuse(subject: Subject) -> Work:
    raise RefusedError("the engine is absent")
