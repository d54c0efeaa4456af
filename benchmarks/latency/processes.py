"""Start fresh processes, ask them to measure, and end them: the near side of `worker`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from ...runtime.errors import BackendError
from .subject import Subject

_START_S, _MARGIN_S = 300.0, 120.0
_END_S = 10.0

# The child must find the same code as its parent, whatever the working directory holds; and the moment of its first
# line is part of a cold start.
_PROGRAM = (
    "import time; began = time.monotonic_ns(); import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(began)"
)


class RefusedError(BackendError):
    """A subject cannot be measured here: the engine is absent, or refuses it, or its process died."""


class Process(Protocol):
    """A subject in a process of its own."""

    ready: dict[str, Any]
    """What it answered when it was ready, see `worker.Server`."""

    def ask(self, do: str, *, seconds: float = 0.0, **arguments: object) -> dict[str, Any]:
        """Have it measure, and wait for the answer.

        Args:
            do: Name of the command.
            seconds: About how long it will take; passed on where it is not 0.
            arguments: Of the command.

        Raises:
            RefusedError: It could not, or it ended.
        """
        ...

    def close(self) -> None:
        """End it."""
        ...


class Start(Protocol):
    """Starts a process for a subject."""

    def __call__(self, subject: Subject, *, prioritise: bool) -> Process:
        """Start it and wait until its first sample is made.

        Raises:
            RefusedError: It cannot be measured here.
        """
        ...


class WorkerProcess:
    """A fresh Python interpreter in a session of its own, so that the system's scheduler takes it by itself."""

    def __init__(self, subject: Subject, *, prioritise: bool) -> None:
        self._subject = subject
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        spawned = time.monotonic_ns()
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a program of our own
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), subject.worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            encoding="utf-8",
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
            start_new_session=True,
        )
        try:
            self.ready = self._exchange(
                {"subject": subject.to_json(), "spawned_ns": spawned, "prioritise": prioritise}, _START_S
            )
        except BaseException:
            self.close()
            raise

    def ask(self, do: str, *, seconds: float = 0.0, **arguments: object) -> dict[str, Any]:
        """See `Process.ask`."""
        command = {"do": do, **arguments, **({"seconds": seconds} if seconds else {})}
        return self._exchange(command, _MARGIN_S + 20 * seconds)

    def _exchange(self, command: dict[str, Any], limit_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101 - see above
        watchdog = threading.Timer(limit_s, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            code = self._process.wait()
            raise RefusedError(
                f"its process ended with code {code} when it was asked to {command.get('do', 'start')}"
                f"{self._last_words()}; to see more, run: edgeward bundle verify {Path(self._subject.bundle).name}"
            )
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return answer

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""

    def close(self) -> None:
        """Let it end by itself, and end it if it does not."""
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101 - see above
        with contextlib.suppress(OSError):  # it has gone already, with something left to tell it
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._process.stdout.close()
            self._complaints.close()
