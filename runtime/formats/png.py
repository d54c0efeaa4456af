"""PNG, one image a file: 8 bits a channel, the mark and the provenance in text chunks. Read by everything.

Chunks: `Title`, `Disclaimer` and `Software` (PNG's own keywords), `Synthetic`, `Provenance` and `Conditions` (JSON),
and XMP with IPTC's digital source type, which photo software shows. A pixel is the nearest of 256 levels: within 1/510.
PNG, third edition (W3C, 2025); IPTC Photo Metadata 2023.1.
"""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import numpy.typing as npt

from ..errors import GateError
from ..provenance import MARK, STATEMENT, edgeward_version, provenance_text
from ..schema import ImageSchema, Schema
from .records import Record, RecordFormat

LEVELS = 255
_COLOUR_TYPES = {1: 0, 3: 2}  # channels: grey, and red, green, blue
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{_SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)


def image_levels(record: Record) -> npt.NDArray[np.uint8]:
    """The pixels [height, width, channels] of a record as whole levels from 0 to `LEVELS`.

    Raises:
        GateError: A pixel is not from 0 to 1, as the bundle promised; it is not clipped.
    """
    levels = np.rint(record.values.astype(np.float64) * LEVELS)
    wrong = ~((levels >= 0) & (levels <= LEVELS))
    if wrong.any():
        raise GateError(
            f"sample {record.index}: a pixel is {record.values[wrong][0]:g}, and the bundle promises 0 to 1; "
            "npz holds such values, this format has none"
        )
    return np.ascontiguousarray(np.moveaxis(levels, 0, -1), np.uint8)


def image_refusal(schema: Schema) -> str:
    """Why these data are no picture of one grey or three coloured channels."""
    if not isinstance(schema, ImageSchema):
        return "it holds images"
    if len(schema.channels) not in _COLOUR_TYPES:
        return f"it holds 1 or 3 channels, not {len(schema.channels)}"
    return ""


def _encode(record: Record) -> tuple[bytes, ...]:
    levels = image_levels(record)
    height, width, channels = levels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    # Each row begins with its filter: 0, none.
    rows = np.hstack([np.zeros((height, 1), np.uint8), levels.reshape(height, width * channels)])
    texts = {
        "Title": f"{MARK} {record.schema.name} {record.index}",
        "Disclaimer": STATEMENT,
        "Software": f"edgeward {edgeward_version()}",
        "Synthetic": MARK,
        "Provenance": provenance_text(record.provenance),
        "Conditions": json.dumps(dict(record.conditions), ensure_ascii=False),
        "XML:com.adobe.xmp": _XMP,
    }
    chunks = [
        _chunk(b"IHDR", header),
        *(_chunk(b"iTXt", _international(keyword, text)) for keyword, text in texts.items()),
        _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
        _chunk(b"IEND", b""),
    ]
    return (b"\x89PNG\r\n\x1a\n" + b"".join(chunks),)


def _international(keyword: str, text: str) -> bytes:
    """An iTXt chunk's content, not compressed, of no language; PNG allows no NUL in it."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.replace("\0", "\\x00").encode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _bytes(schema: Schema) -> int:
    assert isinstance(schema, ImageSchema)  # noqa: S101 - the format refuses others
    return len(schema.channels) * schema.height * schema.width + 1600


PNG = RecordFormat("png", (".png",), image_refusal, _encode, _bytes)
