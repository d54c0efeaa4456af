"""Write files and folders so that a reader, a crash or a full disk never meets a half-written one.

Everything is written beside its place under a hidden name, flushed to the disk, then renamed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import OutputError

_RESERVE_BYTES = 16 * 2**20


def check_output(path: Path, *, overwrite: bool, folder: bool = False, needed_bytes: int = 0) -> None:
    """Refuse an output place before any long work starts, not after it.

    Args:
        path: Where the output shall go.
        overwrite: Whether something of the same kind may be there.
        folder: Whether the output is a folder, and not a file.
        needed_bytes: About how large it will be.

    Raises:
        OutputError: The place is taken, cannot be written, or has too little space.
    """
    if path.name in ("", ".", ".."):
        raise OutputError(f"{str(path)!r} names no file; give the output a name")
    parent = path.parent
    try:
        if path.exists() or path.is_symlink():
            if not overwrite:
                raise OutputError(f"{path} is there already; give another name, or --overwrite to replace it")
            if path.exists() and not (path.is_dir() if folder else path.is_file()):
                raise OutputError(f"{path} is no {'folder' if folder else 'ordinary file'}; give another name")
        if not parent.is_dir():
            raise OutputError(f"{parent} is not a folder; make it first, or write somewhere else")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"{parent} cannot be written to; change its permissions, or write somewhere else")
        free = shutil.disk_usage(parent).free
    except OSError as error:
        raise _output_error(path, error) from error
    if needed_bytes + _RESERVE_BYTES > free:
        raise OutputError(
            f"{path} needs about {_readable(needed_bytes)}, and {parent} has {_readable(free)} free; "
            "ask for fewer samples, or write to another disk"
        )


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears whole when the block ends, and not at all if the block fails.

    Raises:
        OutputError: The system refused to write (no space, no permission, …).
    """
    partial = _partial_name(path)
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a hidden folder to fill; it becomes `path` when the block ends, and vanishes if the block fails.

    A folder already at `path` is replaced, and put back if the replacement fails.

    Raises:
        OutputError: The system refused to write (no space, no permission, …).
    """
    partial = _partial_name(path)
    old = _partial_name(path)
    try:
        partial.mkdir()
        yield partial
        for file in sorted(partial.rglob("*")):
            sync(file)
        sync(partial)
        if path.exists():
            path.rename(old)
        try:
            partial.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if old.is_symlink():  # what it leads to stays
            old.unlink(missing_ok=True)
        shutil.rmtree(old, ignore_errors=True)


def _partial_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def sync(path: Path) -> None:
    """Flush a file to the disk, or on POSIX a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder, where that is possible and needed."""
    if os.name == "posix":  # Windows cannot open a folder; its rename is durable without
        sync(folder)


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} could not be written: {error.strerror or error}; nothing was left behind")


def _readable(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
