"""What an image is here, for recorded and simulated ones alike: size, channels, label, schema."""

from __future__ import annotations

from collections.abc import Mapping

from ....runtime.schema import ClassCondition, ImageSchema, Limit

LABEL = "finding"
"""Name of the label of every set, as `beat_class` is of beats. What is found in an image is a disease in one set,
a cell or a tissue in the next; what names the label of one set, in a command or a file, then fits them all."""

FEWEST_PIXELS, MOST_PIXELS = 28, 128
"""A side of an image."""

SMALLEST_CONTRAST = 0.02
"""From the darkest to the brightest pixel of a channel: 5 of 255 grey levels; less shows nothing."""

CHANNELS: Mapping[int, tuple[str, ...]] = {1: ("grey",), 3: ("red", "green", "blue")}
"""Names of the channels, by their number."""


def image_schema(name: str, description: str, classes: Mapping[str, str], *, channels: int, pixels: int) -> ImageSchema:
    """The schema of square images.

    Args:
        name: Short name of what is in the images, e.g. `chest-xrays`.
        description: For people: one sentence.
        classes: Meanings by value of the label, in its order.
        channels: 1 or 3.
        pixels: Of a side.
    """
    return ImageSchema(
        name=name,
        description=description,
        channels=CHANNELS[channels],
        height=pixels,
        width=pixels,
        conditions=(ClassCondition(LABEL, tuple(classes), tuple(classes.values())),),
        rules=tuple(Limit("peak_to_peak", channel, least=SMALLEST_CONTRAST) for channel in CHANNELS[channels]),
    )
