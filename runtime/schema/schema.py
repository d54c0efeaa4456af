"""The kinds of data there are."""

from __future__ import annotations

from .image import ImageSchema
from .signal import SignalSchema
from .table import TableSchema

Schema = SignalSchema | ImageSchema | TableSchema
