"""A process that measures one subject: told what to do line by line on standard input, it answers in JSON.

A fresh process for each measurement shows what a loop within one cannot: where its memory came to lie.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from .closed_loop import median_ns, time_block
from .conditions import peak_memory_bytes, read_conditions, take_priority
from .schedules import open_loop, paced, periodic, poisson
from .subject import BARE, Subject, Work
from .warm_up import warm_up

IntArray = npt.NDArray[np.int64]

_NULL_CALLS = 2000
_REWARMED_S = 0.02
_MOST_CALLS = 200_000


class Server:
    """Does what it is told with one subject.

    Args:
        subject: What to measure.
        open_work: Opens it.
        spawned_ns: When the process was started, and when its first line ran, by the monotonic clock.
        began_ns: See above.
        prioritise: Whether to ask the system for precedence.
    """

    def __init__(
        self,
        subject: Subject,
        open_work: Callable[[Subject], tuple[Work, dict[str, int]]],
        *,
        spawned_ns: int,
        began_ns: int,
        prioritise: bool,
    ) -> None:
        priority = take_priority() if prioritise else "not asked for"
        self._work, moments = open_work(subject)
        self._made: dict[int, Callable[[int], object]] = {}
        self._call(1)(0)
        first_sample = time.monotonic_ns()
        moments = {"spawned": spawned_ns, "began": began_ns, **moments, "first_sample": first_sample}
        self._next = 1
        self.ready: dict[str, Any] = {
            "moments_ns": moments,
            "described": dict(self._work.described),
            "priority": priority,
            "memory_after_first_sample_bytes": peak_memory_bytes(),
            "harness_ns": harness_ns(),
        }
        self._estimates_s: dict[int, float] = {}

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; see the methods below for what each takes and answers."""
        name = command.pop("do")
        answer: dict[str, Any] = getattr(self, f"_do_{name}")(**command)
        return answer

    def _do_parity(self, at_once: bool) -> dict[str, Any]:
        found = self._work.parity(at_once=at_once)
        if found is None:
            return {"checked": False}
        error = found.error if np.isfinite(found.error) else None
        return {"checked": True, "error": error, "tolerance": found.tolerance, "passed": found.passed}

    def _do_warm_up(self, batch: int, most_s: float) -> dict[str, Any]:
        found = warm_up(self._call(batch), self._next, most_s=most_s)
        self._next += found.calls
        self._estimates_s[batch] = found.call_us * 1e-6
        return found.to_json()

    def _do_closed(self, batch: int, seconds: float) -> dict[str, Any]:
        call = self._rewarmed(batch)
        times = np.zeros(self._calls(batch, seconds), np.int64)
        before = read_conditions()
        cpu_s = time_block(call, self._next, times, warm_up_calls=0)
        self._next += len(times)
        return self._block(before, times, cpu_s=cpu_s, wall_s=float(times.sum()) * 1e-9)

    def _do_paced(self, pause_s: float, seconds: float) -> dict[str, Any]:
        call = self._rewarmed(1)
        calls = self._calls(1, seconds, gap_s=pause_s)
        before = read_conditions()
        times = paced(call, self._next, calls, pause_s)
        self._next += calls
        return self._block(before, times)

    def _do_open(self, schedule: str, rate_hz: float, seconds: float, seed: list[int]) -> dict[str, Any]:
        call = self._rewarmed(1)
        calls = min(_MOST_CALLS, max(1, round(rate_hz * seconds)))
        due = periodic(rate_hz, calls) if schedule == "periodic" else poisson(rate_hz, calls, seed)
        before = read_conditions()
        service, response = open_loop(call, self._next, due)
        self._next += calls
        return self._block(before, service, response=encoded(response))

    def _do_stages(self, seconds: float) -> dict[str, Any]:
        found = self._work.stages(self._next, self._calls(1, seconds))
        if found is None:
            return {"stages": None}
        self._next += len(next(iter(found.values())))
        return {"stages": {name: encoded(times) for name, times in found.items()}}

    def _do_memory(self) -> dict[str, Any]:
        return {"peak_bytes": peak_memory_bytes()}

    def _block(self, before: Any, service: IntArray, **more: object) -> dict[str, Any]:
        return {"service": encoded(service), "before": asdict(before), "after": asdict(read_conditions()), **more}

    def _rewarmed(self, batch: int) -> Callable[[int], object]:
        """Other processes ran since the last block, and took the caches."""
        call = self._call(batch)
        began = time.monotonic()
        made = 0
        while made < 3 and (not made or time.monotonic() - began < _REWARMED_S):
            call(self._next)
            self._next, made = self._next + 1, made + 1
        self._estimates_s.setdefault(batch, (time.monotonic() - began) / made)
        return call

    def _call(self, batch: int) -> Callable[[int], object]:
        if batch not in self._made:
            self._made[batch] = self._work.call(batch)
        return self._made[batch]

    def _calls(self, batch: int, seconds: float, gap_s: float = 0.0) -> int:
        return min(_MOST_CALLS, max(1, round(seconds / (self._estimates_s[batch] + gap_s + 1e-9))))


def harness_ns() -> float:
    """What this harness adds to the time of a call, two looks at the clock: the median of calls that do nothing."""
    return median_ns(lambda _: None, 0, _NULL_CALLS, warm_up_calls=3)


def encoded(times: IntArray) -> str:
    """Nanoseconds as text: little-endian 64-bit integers in base 64."""
    return base64.b64encode(times.astype("<i8").tobytes()).decode("ascii")


def decoded(text: str) -> IntArray:
    """What `encoded` was given."""
    return np.frombuffer(base64.b64decode(text), dtype="<i8").astype(np.int64)


def serve(began_ns: int, open_work: Callable[[Subject], tuple[Work, dict[str, int]]]) -> None:
    """Read commands until standard input ends; answer each with a line.

    Args:
        began_ns: When the first line of the process ran, by the monotonic clock.
        open_work: Opens a subject; also gives the moments when its imports and its loading were done.
    """
    answers = _own_output()
    first = json.loads(sys.stdin.readline())
    from ...runtime.errors import EdgewardError

    try:
        server = Server(
            Subject(**first["subject"]),
            open_work,
            spawned_ns=first["spawned_ns"],
            began_ns=began_ns,
            prioritise=first["prioritise"],
        )
        _answer(answers, server.ready)
        for line in sys.stdin:
            _answer(answers, server.do(json.loads(line)))
    except EdgewardError as error:
        _answer(answers, {"refused": str(error)})


def _own_output() -> TextIO:
    """Standard output for the answers alone: what an engine prints goes to standard error instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def open_bundle_work(subject: Subject) -> tuple[Work, dict[str, int]]:
    """Open a bundle's variant on an engine, or on the engine alone."""
    from ...runtime.backends import backend_named
    from .bundle_work import GenerateWork, bare_work

    # An engine whose file has no such function imports itself when it is opened, and that counts as loading.
    import_engine = getattr(sys.modules[type(backend_named(subject.backend)).__module__], "import_engine", None)
    if import_engine:
        import_engine()
    imported = time.monotonic_ns()
    work: Work = bare_work(subject) if subject.what == BARE else GenerateWork(subject)
    return work, {"imported": imported, "loaded": time.monotonic_ns()}


def main(began_ns: int) -> None:
    """Serve a bundle."""
    serve(began_ns, open_bundle_work)
