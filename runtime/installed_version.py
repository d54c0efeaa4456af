"""Versions that are installed, against those that Edgeward's own metadata ask for."""

from __future__ import annotations

import importlib.metadata
import re
import sys

_DISTRIBUTION = "edgeward"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_BOUND = re.compile(r"(>=|<)\s*([0-9.]+)")


def wanted(package: str) -> str:
    """The range that Edgeward supports, as pip writes it, such as `<2,>=1.20`; empty where it names none."""
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
    classifiers = importlib.metadata.metadata(_DISTRIBUTION).get_all("Classifier") or []
    return f"Programming Language :: Python :: {sys.version_info.major}.{sys.version_info.minor}" in classifiers


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9.]*", version.strip())
    numbers = [int(part) for part in (release[0] if release else "").split(".") if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 2.0 is 2
    return tuple(numbers)
