"""Where Edgeward keeps what it worked out on this machine and can work out again: the user's cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "EDGEWARD_CACHE"
"""Names another folder."""


def cache_folder() -> Path | None:
    """The folder, which may not exist yet; None where the system tells of no home.

    `EDGEWARD_CACHE` if set, else `edgeward` in the system's own place: `XDG_CACHE_HOME` or `~/.cache`, `LOCALAPPDATA`
    on Windows, `~/Library/Caches` on macOS.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    try:
        return _caches() / "edgeward"
    except RuntimeError:  # a user without a home, as in some containers
        return None


def _caches() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    own = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    return Path(own) if own.startswith("/") else Path.home() / ".cache"
