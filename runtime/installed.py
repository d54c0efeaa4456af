"""The user's store of installed bundles: which there are, and which is meant by a name. `install.py` changes it.

A bundle is one file there, NAME@VERSION.edgeward, so that it appears and vanishes in one step of the file system.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BundleError
from .places import data_folder, needed

ENDING = ".edgeward"
_FOLDER = "bundles"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}"
_FILE = re.compile(rf"({_WORD})@({_WORD}){re.escape(ENDING)}")
_NAMED = re.compile(rf"({_WORD})(?:@({_WORD}))?")
_NUMBER = re.compile(r"([0-9]+)")
_VERSION = re.compile(r"([0-9]+(?:\.[0-9]+)*)(.*)")


@dataclass(frozen=True)
class Installed:
    """One bundle in the store."""

    name: str
    version: str
    path: Path

    @property
    def order(self) -> tuple[tuple[int, ...], bool, tuple[str | int, ...]]:
        """Grows with the version: number by number, and a version comes after its pre-releases."""
        match = _VERSION.fullmatch(self.version)
        if match is None:
            return (), False, _by_number(self.version)
        return tuple(map(int, match[1].split("."))), not match[2], _by_number(match[2])


def _by_number(text: str) -> tuple[str | int, ...]:
    """Words and numbers in turn, so that rc10 comes after rc9."""
    parts = _NUMBER.split(text)
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))


def store_folder() -> Path:
    """Where installed bundles lie.

    Raises:
        RequestError: This user has no place for them.
    """
    return needed(data_folder()) / _FOLDER


def place_of(name: str, version: str) -> Installed:
    """Where a bundle of this name and version is installed.

    Raises:
        BundleError: It cannot be: its name or version would be no file name.
    """
    file = f"{name}@{version}{ENDING}"
    if not _FILE.fullmatch(file):
        raise BundleError(
            f"{name[:100]!r} of version {version[:100]!r} cannot be installed: both must be 1 to 100 letters, digits, "
            "'.', '_', '+' and '-'; run it from where it lies"
        )
    return Installed(name, version, store_folder() / file)


def installed() -> list[Installed]:
    """Every bundle in the store, by name and then version.

    Raises:
        BundleError: The store cannot be read.
    """
    data = data_folder()
    if data is None:
        return []
    try:
        matches = [(path, _FILE.fullmatch(path.name)) for path in (data / _FOLDER).iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BundleError(f"{data / _FOLDER} cannot be read: {error.strerror or error}") from error
    found = [Installed(match[1], match[2], path) for path, match in matches if match]
    return sorted(found, key=lambda one: (one.name, one.order))


def versions_of(named: str) -> list[Installed]:
    """The installed bundles that `NAME` or `NAME@VERSION` can mean, the newest last."""
    match = _NAMED.fullmatch(named)
    if match is None:
        return []
    return [one for one in installed() if one.name == match[1] and match[2] in (None, one.version)]


def locate(path: str | os.PathLike[str]) -> Path:
    """The bundle that is meant: what lies at the path, or the newest installed one of this name.

    Raises:
        BundleError: There is neither.
        OSError: The system does not let us look.
    """
    named = os.fspath(path)
    there = Path(named)
    if there.exists():
        with contextlib.suppress(BundleError):  # nobody asked for the store, and a warning is all that is missed
            if known := versions_of(named):
                _tell_of_both(there, known[-1])
        return there
    if known := versions_of(named):
        return known[-1].path
    if _NAMED.fullmatch(named):
        raise BundleError(f"{there} does not exist, and no bundle of this name is installed; see: edgeward bundle list")
    raise BundleError(f"{there} does not exist; a bundle is a folder with a manifest.json in it, or one file")


def _tell_of_both(there: Path, other: Installed) -> None:
    import logging  # takes milliseconds, and is hardly ever needed here

    logging.getLogger(__name__).warning(
        "%s lies here and is used; for the installed one, write %s@%s", there, other.name, other.version
    )
