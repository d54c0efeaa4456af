"""Images in a row, in a page of one file: each as a PNG inside the markup, enlarged by whole pixels, not smoothed."""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError, RequestError
from ...runtime.provenance import STATEMENT

_ROW_PX, _GAP_PX = 924, 4
"""What the page has beside the name of a row."""
_SIDE_PX = 128
"""A side is shown no longer than this, unless it has more pixels."""
_MOST_IN_ROW = 8

_COLOUR_TYPES = {1: 0, 3: 2}
"""PNG's code by number of channels: grey, RGB."""
_FILTER_UP = 2


def enlargement(shape: tuple[int, ...]) -> int:
    """How many pixels of the page a pixel of an image [channels, height, width] takes, each way."""
    return max(1, _SIDE_PX // max(shape[1:]))


def images_in_row(shape: tuple[int, ...]) -> int:
    """How many images [channels, height, width] stand next to each other where the page is wide."""
    return max(1, min(_MOST_IN_ROW, (_ROW_PX + _GAP_PX) // (enlargement(shape) * shape[2] + _GAP_PX)))


def image_strip(samples: npt.NDArray[np.float32], *, origin: str, description: str) -> str:
    """Draw images next to each other.

    Args:
        samples: [k, channels, height, width] from 0 (dark) to 1 (bright), grey or RGB, k at least 1.
        origin: What the images are, e.g. `synthetic`: written into each, so that a copy keeps it.
        description: For people who do not see them: what they show.

    Raises:
        DataError: A pixel is not finite.
        RequestError: The images are neither grey nor RGB.
    """
    if not np.isfinite(samples).all():
        raise DataError("an image holds NaN or an infinity, so it cannot be drawn; check what made it")
    times = enlargement(samples.shape[1:])
    height, width = (times * side for side in samples.shape[2:])
    comment = STATEMENT if origin == "synthetic" else f"{origin} test image, not synthetic"
    pictures = "".join(
        f'<img class="picture" alt="" width="{width}" height="{height}" src="data:image/png;base64,'
        f'{base64.b64encode(png(sample, comment)).decode()}">'
        for sample in samples
    )
    return f'<div class="pictures" role="img" aria-label="{html.escape(description)}">{pictures}</div>'


def png(sample: npt.NDArray[np.float32], comment: str) -> bytes:
    """One image [channels, height, width] from 0 to 1 as a PNG file of its own size (W3C, PNG, 3rd edition).

    Args:
        sample: Grey or RGB; pixels are rounded to 8 bits, those outside 0 to 1 set to its end.
        comment: What the file says of itself, in Latin-1.

    Raises:
        RequestError: It is neither grey nor RGB.
    """
    channels, height, width = sample.shape
    if channels not in _COLOUR_TYPES:
        raise RequestError(f"an image of {channels} channels cannot be drawn; grey and RGB can")
    pixels = np.rint(np.clip(sample, 0.0, 1.0) * 255.0).astype(np.uint8).transpose(1, 2, 0).reshape(height, -1)
    # A row as its difference from the one above: neighbours are alike, so a photograph takes a third less.
    rows = np.diff(pixels, axis=0, prepend=np.zeros((1, pixels.shape[1]), np.uint8))
    lines = np.concatenate([np.full((height, 1), _FILTER_UP, np.uint8), rows], axis=1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)),
        (b"tEXt", b"Comment\0" + comment.encode("latin-1", "replace")),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
