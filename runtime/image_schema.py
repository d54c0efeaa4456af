"""What an image is: size, channels, meaning of a pixel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSchema:
    """A fixed-size image, `[channels, height, width]`, pixels from 0 (dark) to 1 (bright)."""

    name: str
    description: str
    channels: tuple[str, ...]
    """`("grey",)`, or `("red", "green", "blue")`."""
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (channels, height, width)."""
        return len(self.channels), self.height, self.width
