"""Versions that are installed, and those that Edgeward's own metadata ask for.

`importlib.metadata` is imported only where it is needed: it costs a start of the command a tenth of its time, as it can
read mails.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from pathlib import Path

_DISTRIBUTION = "edgeward"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_BOUND = re.compile(r"(>=|<)\s*([0-9.]+)")


@functools.cache
def version_of(distribution: str) -> str | None:
    """Version of an installed distribution, such as `onnxruntime`; None where it is not installed.

    The name of its folder of metadata tells; where there is none, as for eggs, `importlib.metadata` is asked.
    """
    folder = re.compile(re.escape(distribution) + r"-([^-]+)\.dist-info", re.IGNORECASE)
    for place in map(Path, sys.path):
        with contextlib.suppress(OSError):  # a zip file, a folder that is not there or not ours to read
            for entry in place.iterdir():
                if found := folder.fullmatch(entry.name):
                    return found[1]
    import importlib.metadata

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def wanted(package: str) -> str:
    """The range that Edgeward supports, as pip writes it, such as `<2,>=1.20`; empty where it names none."""
    import importlib.metadata

    for requirement in importlib.metadata.requires(_DISTRIBUTION) or ():
        text = requirement.partition(";")[0]
        name = _NAME.match(text)
        if name and name[0] == package:
            return text[name.end() :].strip()
    return ""


def is_within(version: str, bounds: str) -> bool:
    """Whether a version such as `1.32.0` lies in a range such as `<2,>=1.20`; only `>=` and `<` are known."""
    found = _numbers(version)
    return all(
        found >= _numbers(bound) if relation == ">=" else found < _numbers(bound)
        for relation, bound in _BOUND.findall(bounds)
    )


def python_is_tested() -> bool:
    """Whether this Python is one of those that Edgeward is tested on."""
    import importlib.metadata

    classifiers = importlib.metadata.metadata(_DISTRIBUTION).get_all("Classifier") or []
    return f"Programming Language :: Python :: {sys.version_info.major}.{sys.version_info.minor}" in classifiers


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9.]*", version.strip())
    numbers = [int(part) for part in (release[0] if release else "").split(".") if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 2.0 is 2
    return tuple(numbers)
