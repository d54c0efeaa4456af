"""Engines built on this machine, kept in the user's cache folder: building takes seconds to minutes, reading does not.

An engine is executable content. Only what this user's own folder holds is read, and only if its hash is the one that
was written with it. Nothing here fails a caller: what cannot be kept or read is built, and why is told.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import atomic_file
from ..errors import BundleError, EdgewardError, OutputError
from ..json_fields import Fields, parse_json
from ..places import cache_folder

_FORMAT = 1
_MAX_FILES = 32
_MAX_TOTAL_BYTES = 2**30
_STALE_S = 24 * 3600.0


@dataclass(frozen=True)
class Plan:
    """An engine as its builder gives it, and what to call its inputs and outputs, in the graph's order."""

    content: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def key_of(facts: Mapping[str, Any]) -> str:
    """Names an engine by all that decides what is built; builders do not give the same bytes twice."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class PlanCache:
    """A folder of engines, bounded in number and bytes; the ones not used for longest go first."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> PlanCache:
        """The user's own."""
        folder = cache_folder()
        return cls(None if folder is None else folder / "engines")

    def read(self, key: str) -> tuple[Plan | None, str]:
        """The engine kept under this key; or None, and why it must be built."""
        if self._folder is None:
            return None, "no cache folder"
        file = self._folder / f"{key}.plan"
        try:
            _check_own(self._folder)
            if not stat.S_ISREG(file.lstat().st_mode) or file.lstat().st_size > _MAX_TOTAL_BYTES:
                return None, f"{file} is no engine"
            plan = _parsed(file.read_bytes())
        except FileNotFoundError:
            return None, "not built before"
        except (OSError, EdgewardError) as error:
            return None, f"the one kept in {file} is of no use: {error}"
        with contextlib.suppress(OSError):  # a folder that is read only serves all the same
            os.utime(file)  # used now
        return plan, f"kept in {self._folder}"

    def write(self, key: str, plan: Plan, facts: Mapping[str, Any]) -> str:
        """Keep an engine; says where, or why not."""
        if self._folder is None:
            return "not kept: this user has no cache folder"
        head = {
            "format": _FORMAT,
            "inputs": list(plan.inputs),
            "outputs": list(plan.outputs),
            "built_for": dict(facts),
        }
        content = json.dumps(head).encode() + b"\n" + plan.content
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_own(self._folder)
            # Hash and engine in one file: two processes that build the same never mix theirs.
            with atomic_file(self._folder / f"{key}.plan") as file:
                file.write(_hash_line(content) + content)
        except (OSError, OutputError) as error:
            return f"not kept: {error}"
        with contextlib.suppress(OSError):  # another process may be doing the same
            self._prune(key)
        return f"kept in {self._folder}"

    def _prune(self, newest: str) -> None:
        assert self._folder is not None  # noqa: S101 - for the type checker
        for partial in self._folder.glob(".*.partial"):  # of a process that was killed
            if time.time() - partial.lstat().st_mtime > _STALE_S:
                partial.unlink(missing_ok=True)
        plans = sorted(self._folder.glob("*.plan"), key=lambda file: file.lstat().st_mtime, reverse=True)
        kept_bytes = (self._folder / f"{newest}.plan").stat().st_size
        others = [file for file in plans if file.stem != newest]
        for place, file in enumerate(others):
            kept_bytes += file.lstat().st_size
            if place + 1 >= _MAX_FILES or kept_bytes > _MAX_TOTAL_BYTES:
                file.unlink(missing_ok=True)


def _check_own(folder: Path) -> None:
    """That nobody else may put an engine there."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OutputError(f"{folder} is not a folder")
    if os.name == "posix" and (found.st_uid != os.getuid() or found.st_mode & 0o022):
        raise OutputError(f"{folder} belongs to others, or they may write to it; chmod 700 it, or remove it")


def _parsed(content: bytes) -> Plan:
    """The engine in a file, if it is the one that was written.

    Raises:
        BundleError: It is not.
    """
    hashed, _, rest = content.partition(b"\n")
    if hashed + b"\n" != _hash_line(rest):
        raise BundleError("it is not as it was written")
    head, _, engine = rest.partition(b"\n")
    fields = Fields(parse_json(head, "its head"), "its head")
    if fields.integer("format") != _FORMAT:
        raise BundleError("it was written by another version of Edgeward")
    return Plan(engine, fields.texts("inputs"), fields.texts("outputs"))


def _hash_line(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n"
