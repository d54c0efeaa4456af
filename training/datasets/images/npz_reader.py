"""Read arrays out of an npz file that may be hostile: sizes are checked first, and nothing is unpickled."""

from __future__ import annotations

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError

MOST_BYTES = 2**31 - 1
"""Of a whole file: larger ones need another format of archive."""
_MOST_DIRECTORY_BYTES = 2**16  # some thousand members; zipfile holds them all in memory
_MOST_HEADER_BYTES = 2**12
_HIGHEST_RATIO = 1040  # deflate gives at most 1032 bytes for one
_PART_BYTES = 2**22

_DIRECTORY_END = struct.Struct("<4s4H2LH")  # PKWARE's APPNOTE, 4.3.16
_DIRECTORY_END_SIGN, _LARGE_DIRECTORY_SIGN = b"PK\x05\x06", b"PK\x06\x07"
_LARGE_DIRECTORY_BYTES = 20
_COMMENT_BYTES = 2**16

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile and numpy raise over content that makes no sense."""


@dataclass(frozen=True)
class Header:
    """What a member says of its array."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class NpzReader:
    """Headers first, then one array after the other, in parts.

    Args:
        file: The open file.
        name: How errors name it.

    Raises:
        DataError: It is no npz file, incomplete, or larger than any that is read here.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        _check_archive(file, name)
        try:
            self._archive = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise DataError(f"{name} is damaged: {error}; get it again") from error
        members = [info.filename for info in self._archive.infolist()]
        if len(set(members)) != len(members):
            raise DataError(f"{name} holds two arrays of the same name; save it again")
        self.names = tuple(member.removesuffix(".npy") for member in members)

    def header(self, member: str) -> Header:
        """Type and shape of an array; that its size is true to them is checked too.

        Raises:
            DataError: It is absent, damaged, of Python objects, or its size cannot be.
        """
        with self._opened(member) as stream:
            return self._read_header(stream, member)

    def parts(self, member: str) -> Iterator[npt.NDArray[np.generic]]:
        """The array along its first axis in parts of some megabytes.

        Raises:
            DataError: It is damaged or incomplete.
        """
        with self._opened(member) as stream:
            header = self._read_header(stream, member)
            rows, *rest = header.shape
            row_bytes = math.prod(rest) * header.dtype.itemsize
            at_once = max(1, _PART_BYTES // max(1, row_bytes))
            for first in range(0, rows, at_once):
                count = min(at_once, rows - first)
                content = stream.read(count * row_bytes)
                if len(content) != count * row_bytes:
                    raise DataError(f"{self._name}: {member} ends in the middle; get it again")
                yield np.frombuffer(content, header.dtype).reshape(count, *rest)

    def array(self, member: str) -> npt.NDArray[np.generic]:
        """The whole array, for those known to be small; damage is told as by `parts`."""
        header = self.header(member)
        parts = list(self.parts(member))
        return np.concatenate(parts) if parts else np.empty(header.shape, header.dtype)

    @contextmanager
    def _opened(self, member: str) -> Iterator[IO[bytes]]:
        where = f"{self._name}: {member}"
        try:
            info = self._archive.getinfo(f"{member}.npy")
        except KeyError as error:
            raise DataError(f"{self._name} holds no array {member}; it holds {', '.join(self.names)}") from error
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"{where} is encrypted or packed in a way numpy does not; save it with numpy.savez_compressed"
            )
        if info.file_size > _HIGHEST_RATIO * info.compress_size + _MOST_HEADER_BYTES:
            raise DataError(f"{where} claims {info.file_size} bytes, more than its {info.compress_size} can hold")
        try:
            with self._archive.open(info) as stream:
                yield stream
        except _BROKEN as error:
            raise DataError(f"{where} is damaged: {error}; get it again") from error

    def _read_header(self, stream: IO[bytes], member: str) -> Header:
        where = f"{self._name}: {member}"
        # Longer headers, of versions 2 and 3, are for records with fields; numpy would read 4 GB of one.
        if np.lib.format.read_magic(cast(BinaryIO, stream)) != (1, 0):
            raise DataError(f"{where} is no plain array of numbers or texts")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header Python 2 wrote is read all the same
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(
                cast(BinaryIO, stream), max_header_size=_MOST_HEADER_BYTES
            )
        if dtype.kind not in "biufU":
            remedy = "make images of different sizes all alike" if dtype.kind == "O" else "give it a plain type"
            raise DataError(
                f"{where} is of type {dtype}, no plain array of numbers or texts; {remedy} and save it again"
            )
        if fortran and len(shape) > 1:
            raise DataError(f"{where} is saved column by column; save it again after numpy.ascontiguousarray")
        header = Header(dtype, tuple(int(length) for length in shape))
        size = self._archive.getinfo(f"{member}.npy").file_size - stream.tell()
        if not shape or min(shape) < 0 or header.size != size:
            raise DataError(f"{where} claims shape {shape} of {dtype}, which is not what {size} bytes hold")
        return header


@contextmanager
def open_npz(path: Path) -> Iterator[NpzReader]:
    """Open an npz file.

    Raises:
        DataError: It cannot be opened, is no npz file, incomplete, or too large.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield NpzReader(file, path.name)


def _check_archive(file: BinaryIO, name: str) -> None:
    """Find the end of the archive's directory, and see that the directory is small."""
    size = file.seek(0, 2)
    if size > MOST_BYTES:
        raise DataError(f"{name} has {size} bytes, and at most {MOST_BYTES} are read; save fewer or smaller images")
    file.seek(0)
    if file.read(2) != b"PK":
        raise DataError(f"{name} is no npz file; name one that numpy.savez or savez_compressed wrote")
    start = max(0, size - _COMMENT_BYTES - _DIRECTORY_END.size - _LARGE_DIRECTORY_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_DIRECTORY_END_SIGN)
    if at < 0 or len(tail) - at < _DIRECTORY_END.size:
        raise DataError(f"{name} has no end (half a download?); get it again")
    directory_bytes = _DIRECTORY_END.unpack_from(tail, at)[5]
    large = tail[max(0, at - _LARGE_DIRECTORY_BYTES) : at].startswith(_LARGE_DIRECTORY_SIGN)
    if large or directory_bytes > _MOST_DIRECTORY_BYTES:
        raise DataError(f"{name} lists far more than the arrays of a set of images; it is not read")
