"""A bundle as one file: a zip that is not compressed, in the one form that `write_archive` gives it.

Zip leaves much to choose: compression, encryption, comments, links, members that overlap, two lists of members that
differ. Here nothing is left to choose. The same files always make the same bytes, and a reader makes every header again
and compares it: any tool can unpack an archive, and no other archive is taken.

Layout: for each member a local header and its content, then the central directory, then its end; no gaps. First
`manifest.json`, then `signature` if there is one, then the rest by name.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import BundleError, OutputError
from .manifest import MANIFEST_NAME, SIGNATURE_NAME, is_safe_path
from .ordinary_file import open_ordinary

# Names as in PKWARE's APPNOTE 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20  # needed for folders in names
_MADE_BY = 3 << 8 | _VERSION  # POSIX, so that the mode counts
_DOS_DATE = 1 << 5 | 1  # the first day that zip knows: 1980-01-01
_MODE = (stat.S_IFREG | 0o644) << 16
_ENCRYPTED = 1
_MAX_BYTES = 2**32 - 2
"""Larger archives would need zip64, and two ways to tell a size."""
_MAX_MEMBERS = 2**16 - 2
_REMAKE = "make it again with: edgeward bundle pack"


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    crc: int
    offset: int
    """Of its local header."""

    @property
    def start(self) -> int:
        """Where its content begins."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where its content ends."""
        return self.start + self.size

    def local_header(self) -> bytes:
        """What stands before its content."""
        fields = (_VERSION, 0, 0, 0, _DOS_DATE, self.crc, self.size, self.size, len(self.name), 0)
        return _LOCAL.pack(b"PK\x03\x04", *fields) + self.name.encode("ascii")

    def central_header(self) -> bytes:
        """What stands in the central directory."""
        told = (_MADE_BY, _VERSION, 0, 0, 0, _DOS_DATE, self.crc, self.size, self.size, len(self.name))
        return _CENTRAL.pack(b"PK\x01\x02", *told, 0, 0, 0, 0, _MODE, self.offset) + self.name.encode("ascii")


def _end_record(members: int, size: int, offset: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, members, members, size, offset, 0)


def archive_order(names: Iterable[str]) -> list[str]:
    """The one order of members: what is read first comes first."""
    first = {MANIFEST_NAME: 0, SIGNATURE_NAME: 1}
    return sorted(names, key=lambda name: (first.get(name, 2), name))


def write_archive(file: BinaryIO, names: Iterable[str], read: Callable[[str], bytes]) -> None:
    """Write a bundle as one file; the same names and contents give the same bytes.

    Args:
        file: Empty, and open for writing.
        names: Of the bundle's files, in any order.
        read: Gives the content of one; called once for each.

    Raises:
        OutputError: It would be too large for a zip.
    """
    members: list[_Member] = []
    offset = 0
    for name in archive_order(names):
        content = read(name)
        member = _Member(name, len(content), zlib.crc32(content), offset)
        offset = member.end
        if offset > _MAX_BYTES or len(members) == _MAX_MEMBERS:
            raise OutputError(
                f"the bundle is too large for one file of at most {_MAX_BYTES} bytes; keep it as a folder"
            )
        file.write(member.local_header())
        file.write(content)
        members.append(member)
    directory = b"".join(member.central_header() for member in members)
    file.write(directory + _end_record(len(members), len(directory), offset))


def is_archive(path: Path) -> bool:
    """Whether a file begins as a bundle in one file does; whether it is a whole one, only reading it tells."""
    name = MANIFEST_NAME.encode()
    try:
        with path.open("rb") as file:
            beginning = file.read(_LOCAL.size + len(name))
    except OSError:
        return False
    return beginning[:4] == b"PK\x03\x04" and beginning[_LOCAL.size :] == name


class ArchiveFiles:
    """A bundle as one file, read in place: a member is a slice of the mapped file.

    The file is mapped for each read only, so that it can be replaced while the bundle is in use. Whoever reads a member
    hashes what was read, and not what lies in the file now.

    Raises:
        BundleError: It is no archive of the one form, or a damaged one; the message says where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._mapped() as view:
            self._members = {member.name: member for member in _members(view, str(path))}

    def sizes(self, limit: int) -> dict[str, int]:  # noqa: ARG002 - the directory has been read already
        """The size of every file."""
        return {name: member.size for name, member in self._members.items()}

    def read(self, name: str, max_bytes: int) -> bytes:
        """The content of one file."""
        member = self._members.get(name)
        if member is None:
            raise BundleError(f"{self.path} has no {name}; it is not a bundle, or not a whole one")
        if member.size > max_bytes:
            raise BundleError(f"{name} is larger than the {max_bytes} bytes it may have")
        with self._mapped() as view, self._checked(view, member) as content:
            return bytes(content)

    def sha256(self, name: str) -> str:
        """The hash of one file."""
        with self._mapped() as view, self._checked(view, self._members[name]) as content:
            return hashlib.sha256(content).hexdigest()

    def _checked(self, view: memoryview, member: _Member) -> memoryview:
        """The content, if its checksum is right: all that tells of damage to the manifest, which no hash is of."""
        content = view[member.start : member.end]
        if zlib.crc32(content) != member.crc:
            content.release()
            raise BundleError(f"{self.path}: {member.name} has been changed or damaged; copy the bundle again")
        return content

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[memoryview]:
        try:
            neither = BundleError(f"{self.path} is no ordinary file; a bundle is a folder, or one file")
            with open_ordinary(self.path, neither, follow_links=True) as file:
                size = os.fstat(file.fileno()).st_size
                if not _END.size <= size <= _MAX_BYTES + 2**24:
                    raise BundleError(f"{self.path} is no bundle: it has {size} bytes")
                mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise BundleError(f"{self.path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        with mapped, memoryview(mapped) as view:
            yield view


def _members(view: memoryview, where: str) -> list[_Member]:
    """Read the central directory, and hold all else to it."""
    directory = len(view) - _END.size
    signature, _, _, _, count, size, offset, _ = _END.unpack_from(view, directory)
    if signature != b"PK\x05\x06" or view[directory:] != _end_record(count, size, offset):
        raise BundleError(f"{where} is no bundle, is cut short, or has something behind its end; copy it again")
    if offset + size != directory:
        raise BundleError(f"{where}: its list of members is not where it should be; {_REMAKE}")
    members: list[_Member] = []
    at, position = offset, 0
    for _ in range(count):
        member = _central_member(view, at, directory, where)
        header = member.local_header()
        if member.offset != position or member.end > offset or view[position : member.start] != header:
            raise BundleError(
                f"{where}: the two headers of {member.name} do not agree, or it lies elsewhere; {_REMAKE}"
            )
        at += _CENTRAL.size + len(member.name)
        position = member.end
        members.append(member)
    if at != directory or position != offset:
        raise BundleError(f"{where} holds bytes that belong to no member; {_REMAKE}")
    names = [member.name for member in members]
    if names != archive_order(set(names)):
        raise BundleError(f"{where}: its members are not in their order, or one comes twice; {_REMAKE}")
    return members


def _central_member(view: memoryview, at: int, end: int, where: str) -> _Member:
    if at + _CENTRAL.size > end:
        raise BundleError(f"{where}: its list of members is cut short; copy it again")
    fields = _CENTRAL.unpack_from(view, at)
    flags, method, crc, size, name_length, offset = fields[3], fields[4], fields[7], fields[9], fields[10], fields[16]
    name = bytes(view[at + _CENTRAL.size : min(at + _CENTRAL.size + name_length, end)])
    told = repr(name[:80].decode("ascii", "backslashreplace"))
    if flags & _ENCRYPTED or method:
        raise BundleError(f"{where}: {told} is {'encrypted' if flags & _ENCRYPTED else 'compressed'}; {_REMAKE}")
    if not name.isascii() or not is_safe_path(name.decode("ascii")):
        raise BundleError(f"{where}: {told} is not a plain path inside the bundle; do not trust it")
    member = _Member(name.decode("ascii"), size, crc, offset)
    if view[at : at + _CENTRAL.size + name_length] != member.central_header():
        raise BundleError(
            f"{where}: {told} is told in a way that no bundle is, as a link, a folder or a note; {_REMAKE}"
        )
    return member
