"""What an image is: size, channels, meaning of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .condition import Condition, Conditioned
from .rules import Rule, rules_to_json


@dataclass(frozen=True)
class ImageSchema(Conditioned):
    """A fixed-size image, `[channels, height, width]`, pixels from 0 (dark) to 1 (bright)."""

    name: str
    """Short name of the kind of data, e.g. `chest-xrays`."""
    description: str
    """For people: one sentence."""
    channels: tuple[str, ...]
    """`("grey",)`, or `("red", "green", "blue")`."""
    height: int
    width: int
    conditions: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    """What samples keep to beyond the ranges."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (channels, height, width)."""
        return len(self.channels), self.height, self.width

    @property
    def has_gaps(self) -> bool:
        """Whether an entry may be missing: no pixel is."""
        return False

    def describe(self) -> str:
        """Size and shape in words."""
        return f"{self.height} by {self.width} pixels"

    def parts(self) -> list[tuple[str, str, str]]:
        """Name, unit and domain of each channel, for people."""
        return [(name, "1", "0 (dark) to 1 (bright)") for name in self.channels]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `schema_from_json` reads them back to an equal schema."""
        return {
            "kind": "image",
            "name": self.name,
            "description": self.description,
            "channels": list(self.channels),
            "height": self.height,
            "width": self.width,
            "conditions": [condition.to_json() for condition in self.conditions],
        } | rules_to_json(self.rules)
