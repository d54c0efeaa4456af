"""What is known of a set of images beside its pixels: classes, licence, whom to thank."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSet:
    """A set as its publishers describe it."""

    name: str
    """Short name of what is in the images, e.g. `chest-xrays`."""
    source: str
    """What its publishers call it, with its version where it has one."""
    description: str
    """For people: one sentence."""
    classes: Mapping[str, str]
    """Meanings by value, in the order of the labels in the file."""
    licence: str
    attribution: str
    channels: int | None = None
    """None: whatever the file holds."""
    listed: tuple[int, int, int] | None = None
    """Images of train, validation and test that its publishers list."""
    notes: tuple[str, ...] = ()
    """What its users have to know."""


NOT_STATED = "not stated"


def unknown_set(stem: str, classes: int) -> ImageSet:
    """A set that nobody has described: classes by number, no licence.

    Args:
        stem: Name of the file without its ending.
        classes: How many the labels need.
    """
    return ImageSet(
        name=re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "images",
        source=stem,
        description=f"An image of the file {stem}.",
        classes={f"class_{number}": f"label {number} of the file" for number in range(classes)},
        licence=NOT_STATED,
        attribution=NOT_STATED,
        notes=(
            f"Nothing is known here of a set called {stem}: its classes are called by number, its licence and whom to "
            f"thank are not stated. Say them in {stem}.toml beside the file, as docs/images.md shows.",
        ),
    )
