"""TOML: the standard library's reader, and its twin on Python 3.10, which has none."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["tomllib"]
