"""Open a file that somebody else may have put there: an ordinary one, or none."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_ordinary(path: Path, otherwise: Exception, *, follow_links: bool = False) -> BinaryIO:
    """Open for reading, never waiting for the writer of a pipe. The caller closes it.

    Args:
        path: Of the file.
        otherwise: Raised where it is a device, a pipe or the like.
        follow_links: Whether it may be a link; if not, a link is an OSError.
    """
    # On Windows there are neither such links nor such pipes.
    flags = getattr(os, "O_NONBLOCK", 0) | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0))
    file: BinaryIO = open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise otherwise
    return file
