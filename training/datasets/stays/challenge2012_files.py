"""Find and read the files of the PhysioNet/CinC Challenge 2012, trusting none: one text a stay, packed or in a folder.

An archive is read as a stream and never unpacked to disk. What it may hold is bounded before it is believed: bytes
packed and unpacked, number and size of members, and every member's kind and name.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ....runtime.errors import DataError

SOURCE = "https://physionet.org/content/challenge-2012/1.0.0/"
REMEDY = f"copy it again from {SOURCE}"

# A set has 4000 stays of at most 19 kB: 31 MB of text, 7 MB packed.
MAX_STAYS = 20_000
MAX_STAY_BYTES = 256 * 1024
MAX_OUTCOMES_BYTES = 4 * 1024 * 1024
_MAX_PACKED_BYTES = 64 * 1024 * 1024
_MAX_UNPACKED_BYTES = 128 * 1024 * 1024
_PIECE_BYTES = 64 * 1024

_OUTCOMES = re.compile(r"Outcomes-([a-z])\.txt")
_STAYS = re.compile(r"set-([a-z])(?:\.tar\.gz)?")
_STAY = re.compile(r"([0-9]{1,9})\.txt")


@dataclass(frozen=True)
class StaySet:
    """One of the challenge's sets as it lies on disk."""

    letter: str
    outcomes: Path
    stays: Path
    """A folder, or a .tar.gz."""


@dataclass(frozen=True)
class StayText:
    """The file of one stay, not looked into yet."""

    where: str
    """How to name it in an error."""
    record_id: int
    """Of its name."""
    content: bytes


def find_sets(folder: Path) -> tuple[StaySet, ...]:
    """The sets in a folder, by letter; of one that is there both packed and unpacked, the packed.

    Raises:
        DataError: There is none, or one lacks its outcomes or its stays.
    """
    advice = f"download set-c.tar.gz and Outcomes-c.txt from {SOURCE} and name their folder"
    if folder.is_file():
        is_of_set = _STAYS.fullmatch(folder.name) or _OUTCOMES.fullmatch(folder.name)
        remedy = f"name {folder.parent} instead" if is_of_set else advice
        raise DataError(f"{folder} is a file, and what is wanted is the folder of a set; {remedy}")
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; {advice}, or use the data 'simulated'")
    outcomes, stays = {}, {}
    for path in sorted(folder.iterdir()):
        if found := _OUTCOMES.fullmatch(path.name):
            outcomes[found[1]] = path
        elif (found := _STAYS.fullmatch(path.name)) and path.name.endswith(".tar.gz") != path.is_dir():
            stays[found[1]] = path  # set-c.tar.gz sorts after set-c, and takes its place
    if not outcomes and not stays:
        inner = next((path.parent for path in sorted(folder.glob("*/Outcomes-[a-z].txt"))), None)
        near = folder.parent if _STAYS.fullmatch(folder.name) else inner
        raise DataError(f"{folder} holds no set of the Challenge 2012; {f'name {near} instead' if near else advice}")
    for letter in sorted(outcomes.keys() ^ stays.keys()):
        there, lacks = (
            (outcomes[letter].name, f"set-{letter}.tar.gz or set-{letter}/")
            if letter in outcomes
            else (stays[letter].name, f"Outcomes-{letter}.txt")
        )
        raise DataError(
            f"{folder} holds {there} but no {lacks} (half a download?); get both from {SOURCE}, or remove {there}"
        )
    return tuple(StaySet(letter, outcomes[letter], stays[letter]) for letter in sorted(stays))


def read_stays(path: Path, letter: str) -> Iterator[StayText]:
    """The stays of one set, in no particular order.

    Args:
        path: Its folder or archive.
        letter: Of the set: its archive holds the folder `set-<letter>`.

    Raises:
        DataError: A file is damaged or larger than any stay, or an archive is damaged, too large, or holds what is no
            stay: a link, a device, a path that leads elsewhere, the same name twice.
    """
    return _packed(path, letter) if path.name.endswith(".tar.gz") else _unpacked(path)


def read_bounded(path: Path, at_most: int) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: It is missing, no regular file, larger than `at_most`, or cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing, or no regular file; {REMEDY}")
    try:
        with path.open("rb") as file:
            content = file.read(at_most + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > at_most:
        raise DataError(f"{path} is no file of the Challenge 2012: it is larger than {at_most} bytes; {REMEDY}")
    return content


def _unpacked(folder: Path) -> Iterator[StayText]:
    names = [path.name for path in folder.iterdir() if _STAY.fullmatch(path.name)]
    if len(names) > MAX_STAYS:
        raise DataError(f"{folder} holds {len(names)} stays, and no set has more than {MAX_STAYS}; {REMEDY}")
    numbers: set[int] = set()
    for name in sorted(names):
        yield StayText(str(folder / name), _new(name, numbers, folder), read_bounded(folder / name, MAX_STAY_BYTES))


def _packed(path: Path, letter: str) -> Iterator[StayText]:
    if not path.is_file() or path.stat().st_size > _MAX_PACKED_BYTES:
        raise DataError(f"{path} is no regular file, or larger than {_MAX_PACKED_BYTES} bytes; {REMEDY}")
    numbers: set[int] = set()
    try:
        with gzip.open(path) as unpacked:
            stream = _Bounded(unpacked, path)
            # A stream is never sought, so nothing is read that has not been counted.
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
                for count, member in enumerate(archive, start=1):
                    if count > MAX_STAYS + 2:  # and the folder, under two names
                        raise DataError(f"{path} holds more than {MAX_STAYS} members, and no set does; {REMEDY}")
                    if not _is_folder(member, letter):
                        name = _stay_name(member, letter, path)
                        file = archive.extractfile(member)
                        assert file is not None  # noqa: S101 - a regular member has content
                        yield StayText(f"{path}: {member.name}", _new(name, numbers, path), file.read())
            # To the end, where gzip keeps the checksum of it all.
            while stream.read(_PIECE_BYTES):
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        # tarfile lets ValueError and OverflowError of damaged numbers through.
        raise DataError(f"{path} is truncated, damaged or no tar.gz ({error}); {REMEDY}") from error


def _is_folder(member: tarfile.TarInfo, letter: str) -> bool:
    return member.isdir() and member.name.removeprefix("./") in {".", "", f"set-{letter}"}


def _stay_name(member: tarfile.TarInfo, letter: str, path: Path) -> str:
    """The file name of a member that is a stay."""
    name = member.name.removeprefix("./").removeprefix(f"set-{letter}/")
    if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        why = "is no plain file"
    elif not _STAY.fullmatch(name) or not member.name.endswith(f"set-{letter}/{name}"):
        why = f"is not named set-{letter}/<number>.txt"
    elif not 0 <= member.size <= MAX_STAY_BYTES:
        why = f"is larger than {MAX_STAY_BYTES} bytes"
    else:
        return name
    raise DataError(f"{path} is no set of the Challenge 2012: its member {member.name[:80]!r} {why}; {REMEDY}")


def _new(name: str, numbers: set[int], where: Path) -> int:
    """The number in a stay's name, which is not among those seen; now it is."""
    number = int(name.removesuffix(".txt"))
    if number in numbers:
        raise DataError(f"{where} holds stay {number} twice; {REMEDY}")
    numbers.add(number)
    return number


class _Bounded:
    """A stream that refuses to give more than any set holds, whatever it is packed to."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, _MAX_UNPACKED_BYTES

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise DataError(f"{self._path} unpacks to more than {_MAX_UNPACKED_BYTES} bytes; {REMEDY}")
        return piece
