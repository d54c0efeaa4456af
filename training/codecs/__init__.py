"""Codecs: between physical units and the space a network works in. The way back is part of every shipped graph."""

from __future__ import annotations

from ...runtime.schema import ImageSchema, Schema, TableSchema
from .codec import Codec
from .image import ImageCodec
from .own_units import OwnUnitsCodec
from .series import SeriesCodec
from .signal import SignalCodec
from .table import TableCodec

__all__ = ["Codec", "ImageCodec", "OwnUnitsCodec", "SeriesCodec", "SignalCodec", "TableCodec", "codec_for"]


def codec_for(schema: Schema) -> Codec:
    """The codec that suits the data, not yet fitted."""
    if isinstance(schema, ImageSchema):
        return ImageCodec(schema)
    if isinstance(schema, TableSchema):
        return TableCodec(schema)
    return SeriesCodec(schema) if schema.has_gaps else SignalCodec(schema)
