"""The synthetic mark and the provenance that every output carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .installed_version import version_of

MARK = "SYNTHETIC"
"""The value of every `synthetic` field or column."""

STATEMENT = "SYNTHETIC DATA, made by a generator: not from a patient, not for clinical use"


def edgeward_version() -> str:
    """Version of the installed distribution."""
    return version_of("edgeward") or "unknown"


def provenance_text(provenance: Mapping[str, Any]) -> str:
    """The provenance as one line of JSON, as file formats embed it."""
    return json.dumps(provenance, ensure_ascii=False, allow_nan=False)
