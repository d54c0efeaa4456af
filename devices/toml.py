"""TOML: the standard library's reader, its twin on Python 3.10, which has none, and how to write a value."""

from __future__ import annotations

import json
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["toml_value", "tomllib"]


def toml_value(value: object) -> str:
    """A text, number, truth value or list of such, as TOML writes it."""
    # A JSON text is a TOML one, but for a character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
