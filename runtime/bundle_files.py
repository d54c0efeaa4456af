"""Where the files of a bundle lie: here in a folder, whose every entry is hostile until checked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Protocol

from .errors import BundleError
from .ordinary_file import open_ordinary

_CHUNK = 2**20


class BundleFiles(Protocol):
    """The files of one bundle, by their paths inside it."""

    @property
    def path(self) -> Path:
        """The folder, or the archive."""
        ...

    def sizes(self, limit: int) -> dict[str, int]:
        """The size of every file in bytes.

        Raises:
            BundleError: There is something but plain files, or far more of them than `limit`.
        """
        ...

    def read(self, name: str, max_bytes: int) -> bytes:
        """The content of one file.

        Raises:
            BundleError: It cannot be read, or is larger than it may be.
        """
        ...

    def sha256(self, name: str) -> str:
        """The hash of one file, in hexadecimal digits, without holding it in memory."""
        ...


class FolderFiles:
    """A bundle as a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self, limit: int) -> dict[str, int]:
        """The size of every file; links and special files are refused, and so is a flood of files."""
        found: dict[str, int] = {}
        waiting = [self.path]
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    name = Path(entry.path).relative_to(self.path).as_posix()
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        found[name] = entry.stat(follow_symlinks=False).st_size
                    else:
                        raise BundleError(
                            f"{self.path}: {name} is a link or no ordinary file; a bundle may not hold one"
                        )
                    if len(found) + len(waiting) > 2 * limit:
                        raise BundleError(f"{self.path} holds far more files than its manifest lists")
        return found

    def read(self, name: str, max_bytes: int) -> bytes:
        """The content of one file, never through a link and never waiting for a pipe."""
        try:
            with _opened(self.path / name, name) as file:
                content = file.read(max_bytes + 1)
        except OSError as error:
            raise BundleError(f"{name} cannot be read: {error.strerror or error}") from error
        if len(content) > max_bytes:
            raise BundleError(f"{name} is larger than the {max_bytes} bytes it may have")
        return content

    def sha256(self, name: str) -> str:
        """The hash of one file."""
        digest = hashlib.sha256()
        with _opened(self.path / name, name) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()


def _opened(path: Path, name: str) -> BinaryIO:
    return open_ordinary(path, BundleError(f"{name} is no ordinary file; a bundle may not hold one"))
