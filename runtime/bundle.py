"""Open a bundle folder: every file's path, size and hash is checked before any engine sees a byte.

Layout: `manifest.json`, `variants/<sha256>.onnx` (or `.xml` and `.bin`), `golden.npz`, `CARD.md`, all but the first
listed in it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import BundleError
from .manifest import MANIFEST_NAME, FileEntry, Manifest, manifest_from_bytes

_MAX_MANIFEST_BYTES = 4 * 2**20
_CHUNK = 2**20


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every file was found to be what its manifest says."""

    path: Path
    manifest: Manifest
    digest: str
    """SHA-256 of the manifest, and through the hashes in it, of the whole bundle."""

    def read(self, name: str) -> bytes:
        """The content of one listed file, hashed again as it is read, so that it cannot change in between.

        Raises:
            BundleError: The file is not what the manifest says any more.
        """
        content = _read_regular(self.path / name, name, self.manifest.files[name].size)
        _check_hash(name, self.manifest.files[name], hashlib.sha256(content).hexdigest())
        return content

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.manifest.files.values()) + len(self.manifest.to_bytes())


def open_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read and check a bundle folder. No engine is loaded.

    Raises:
        BundleError: Something is missing, damaged, not listed, or for a newer runtime; the message names it.
    """
    folder = Path(path)
    try:
        if not folder.is_dir():
            reason = "is not a folder" if folder.exists() else "does not exist"
            raise BundleError(f"{folder} {reason}; a bundle is a folder with a {MANIFEST_NAME} in it")
        if not (folder / MANIFEST_NAME).exists():
            raise BundleError(f"{folder} has no {MANIFEST_NAME}; it is not a bundle, or not a whole one")
        content = _read_regular(folder / MANIFEST_NAME, MANIFEST_NAME, _MAX_MANIFEST_BYTES)
        manifest = manifest_from_bytes(content)
        _check_files(folder, manifest)
    except OSError as error:
        raise BundleError(f"{folder} cannot be read: {error.strerror or error}") from error
    return Bundle(folder, manifest, hashlib.sha256(content).hexdigest())


def _check_files(folder: Path, manifest: Manifest) -> None:
    found = _regular_files(folder, limit=len(manifest.files) + 1)
    found.discard(MANIFEST_NAME)
    missing = sorted(set(manifest.files) - found)
    if missing:
        raise BundleError(f"{folder}: {missing[0]} is missing; copy the bundle again")
    unlisted = sorted(found - set(manifest.files))
    if unlisted:
        raise BundleError(
            f"{folder}: {unlisted[0]} is not listed in {MANIFEST_NAME}; remove it, or do not trust this bundle"
        )
    for name, entry in manifest.files.items():
        size = (folder / name).stat().st_size
        if size != entry.size:
            raise BundleError(f"{folder}: {name} has {size} bytes, not {entry.size}; copy the bundle again")
        with (folder / name).open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        _check_hash(f"{folder}: {name}", entry, digest.hexdigest())


def _regular_files(folder: Path, limit: int) -> set[str]:
    """Paths of all files below the folder; links and special files are refused, and so is a flood of files."""
    found: set[str] = set()
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(folder).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    found.add(name)
                else:
                    raise BundleError(f"{folder}: {name} is a link or no ordinary file; a bundle may not hold one")
                if len(found) + len(waiting) > 2 * limit:
                    raise BundleError(f"{folder} holds far more files than its {MANIFEST_NAME} lists")
    return found


def _read_regular(path: Path, name: str, max_bytes: int) -> bytes:
    try:
        with open(path, "rb", opener=_open_without_following) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BundleError(f"{name} is no ordinary file; a bundle may not hold one")
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror or error}") from error
    if len(content) > max_bytes:
        raise BundleError(f"{name} is larger than the {max_bytes} bytes it may have")
    return content


def _open_without_following(path: str, flags: int) -> int:
    # Opening a pipe would wait for its writer.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _check_hash(name: str, entry: FileEntry, found: str) -> None:
    if found != entry.sha256:
        raise BundleError(
            f"{name} has been changed or damaged: its SHA-256 is {found[:16]}…, the manifest says "
            f"{entry.sha256[:16]}…; copy the bundle again, and do not run this one"
        )
