"""Read the small files in which a system tells about itself; what is absent, unreadable or no number is nothing."""

from __future__ import annotations

from pathlib import Path


def text_of(file: Path) -> str:
    """What stands in the file, without blanks around it; empty where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")
    except OSError:
        return ""


def number_of(file: Path) -> int | None:
    """The whole number in the file."""
    try:
        return int(text_of(file))
    except ValueError:
        return None
