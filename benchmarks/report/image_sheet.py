"""Images side by side in a page of its own file: each as a PNG inside the markup, enlarged without smoothing."""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np
import numpy.typing as npt

from ...runtime.errors import RequestError

_SHOWN_PX = 96
_COLOUR_TYPES = {1: 0, 3: 2}
"""PNG's code by number of channels: grey, RGB."""


def image_strip(samples: npt.NDArray[np.float32], *, description: str) -> str:
    """Draw images next to each other.

    Args:
        samples: [k, channels, height, width] from 0 (dark) to 1 (bright), grey or RGB.
        description: For who cannot see them.
    """
    width = max(1, round(_SHOWN_PX / samples.shape[3])) * samples.shape[3]
    pictures = "".join(
        f'<img class="picture" alt="" width="{width}" height="{width * samples.shape[2] // samples.shape[3]}" '
        f'src="data:image/png;base64,{base64.b64encode(png(sample)).decode()}">'
        for sample in samples
    )
    return f'<div class="pictures" role="img" aria-label="{html.escape(description)}">{pictures}</div>'


def png(sample: npt.NDArray[np.float32]) -> bytes:
    """One image [channels, height, width] from 0 to 1 as a PNG file (W3C, PNG 3rd edition).

    Raises:
        RequestError: It is neither grey nor RGB.
    """
    channels, height, width = sample.shape
    if channels not in _COLOUR_TYPES:
        raise RequestError(f"an image of {channels} channels cannot be drawn; grey and RGB can")
    pixels = np.rint(np.clip(sample, 0.0, 1.0) * 255.0).astype(np.uint8).transpose(1, 2, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # filter 0: none
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"tEXt", b"Comment\0SYNTHETIC or test data"),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in (*chunks, (b"IEND", b"")))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
