"""What a check of this machine found: how it stands with one thing, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "problem"]
Group = Literal["machine", "engines", "bundle"]


@dataclass(frozen=True)
class Finding:
    """How it stands with one thing."""

    group: Group
    about: str
    status: Status
    told: str
    advice: str = ""
    """What to do, a command where there is one; empty where there is nothing to do."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
