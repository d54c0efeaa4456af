"""Where Edgeward keeps what a user installs and sets, and what it can work out again: where each system keeps such."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import RequestError

HOME_VARIABLE = "EDGEWARD_HOME"
"""Names one folder for all of it; then nothing is kept elsewhere."""
CACHE_VARIABLE = "EDGEWARD_CACHE"
"""Names another folder for what can be worked out again."""


def data_folder() -> Path | None:
    """The folder of installed bundles and all else that is the user's data; None where the system tells of no home."""
    return _folder("XDG_DATA_HOME", ".local/share")


def settings_folder() -> Path | None:
    """The folder of settings, such as the keys that are trusted; None where the system tells of no home."""
    return _folder("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path | None:
    """The folder of what was worked out on this machine and can be again; None where the system tells of no home."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    folder = _folder("XDG_CACHE_HOME", ".cache", on_macos="Library/Caches")
    return folder / "cache" if folder and (os.environ.get(HOME_VARIABLE) or sys.platform == "win32") else folder


def needed(folder: Path | None) -> Path:
    """The folder, for what cannot do without one.

    Raises:
        RequestError: There is none.
    """
    if folder is None:
        raise RequestError(f"this user has no home folder; set {HOME_VARIABLE} to a folder of your choice")
    return folder


def _folder(xdg: str, otherwise: str, on_macos: str = "Library/Application Support") -> Path | None:
    environment = os.environ
    own = environment.get(HOME_VARIABLE)
    if own:
        return Path(own)
    if sys.platform == "win32":
        given, beneath = environment.get("LOCALAPPDATA"), "AppData/Local"
    elif sys.platform == "darwin":
        given, beneath = None, on_macos
    else:
        given, beneath = environment.get(xdg), otherwise
    if given and Path(given).is_absolute():  # the XDG specification has relative ones ignored
        return Path(given) / "edgeward"
    try:
        return Path.home() / beneath / "edgeward"
    except RuntimeError:  # a user without a home, as in some containers
        return None
