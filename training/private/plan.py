"""What private training is asked for, and what a checkpoint says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from ...benchmarks.quality.evidence import PrivacyRecord
from ...runtime.errors import RequestError
from ..recipe import is_number

Unit = Literal["patient", "record"]

_DELTA_SHARE = 0.1
"""Of 1 / n, the delta at which publishing one record out of n, whole, would pass for private."""


@dataclass(frozen=True)
class PrivacyPlan:
    """What is asked of private training.

    Raises:
        RequestError: A value makes no sense.
    """

    epsilon: float
    """The most that may be spent."""
    delta: float | None = None
    """None: a tenth of 1 / n, for n patients or records."""
    clip: float = 0.2
    """Largest norm of one gradient. Below that of most: Adam makes up for short steps, and noise shrinks with it."""
    unit: Unit = "patient"
    """Whose presence is to be hidden: a patient with all records, or one record."""

    def __post_init__(self) -> None:
        for ok, problem in (
            (is_number(float, self.epsilon) and 0 < self.epsilon < math.inf, "epsilon must be a number above 0"),
            (
                self.delta is None or (is_number(float, self.delta) and 0 < self.delta < 1),
                "delta must be above 0, below 1",
            ),
            (is_number(float, self.clip) and 0 < self.clip < math.inf, "clip must be a number above 0"),
            (self.unit in get_args(Unit), "unit must be patient or record"),
        ):
            if not ok:
                raise RequestError(f"private training: {problem}")

    def delta_for(self, units: int) -> float:
        """Delta for so many patients or records."""
        return _DELTA_SHARE / units if self.delta is None else self.delta


@dataclass(frozen=True)
class Privacy:
    """What was asked for, and what the steps so far have come to."""

    asked: PrivacyPlan
    record: PrivacyRecord

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `privacy_from_mapping` reads them back."""
        return {"asked": asdict(self.asked), "record": asdict(self.record)}


def privacy_from_mapping(values: Mapping[str, Any]) -> Privacy:
    """Read what `Privacy.to_json` gave.

    Raises:
        EdgewardError: A value makes no sense.
        KeyError: One is missing.
        TypeError: One is missing or not known.
    """
    record = PrivacyRecord(**values["record"])
    return Privacy(PrivacyPlan(**values["asked"]), replace(record, entered=tuple(record.entered)))


def parse_plan(text: str) -> PrivacyPlan:
    """Read `epsilon=3` or `epsilon=3,delta=1e-5,clip=1,unit=record`.

    Raises:
        RequestError: It does not read so, or a value makes no sense.
    """
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or name not in ("epsilon", "delta", "clip", "unit") or name in values:
            raise RequestError(f"--dp {text}: {part!r} is not understood; give e.g. epsilon=3,delta=1e-5,clip=1")
        try:
            values[name] = value if name == "unit" else float(value)
        except ValueError as error:
            raise RequestError(f"--dp {text}: {name} must be a number, not {value!r}") from error
    if "epsilon" not in values:
        raise RequestError(f"--dp {text}: epsilon is missing; give e.g. epsilon=3")
    return PrivacyPlan(**values)
