"""Hold a file alone among processes. The system gives the lock back when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody holds the file at `path`, and hold it; it is made if it is not there, and stays.

    Raises:
        OSError: The system does not let us.
    """
    with path.open("a+b") as file:
        _lock(file.fileno())
        yield


if sys.platform == "win32":
    import errno
    import msvcrt

    def _lock(descriptor: int) -> None:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError as error:  # the system gives up after ten seconds, and a large bundle takes longer
                if error.errno != errno.EDEADLOCK:
                    raise
            else:
                return
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
