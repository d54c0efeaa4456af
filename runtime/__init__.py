"""The thin runtime: check a bundle, run it, write what it makes. Needs numpy and one engine.

Nothing here may import torch, onnx, or any floor above.
"""

from .batch import Batch
from .bundle import Bundle, open_bundle
from .errors import (
    BackendError,
    BundleError,
    DataError,
    EdgewardError,
    GateError,
    OutputError,
    RequestError,
    TrainingError,
)
from .generator import Generator, Series, load

__all__ = [
    "BackendError",
    "Batch",
    "Bundle",
    "BundleError",
    "DataError",
    "EdgewardError",
    "GateError",
    "Generator",
    "OutputError",
    "RequestError",
    "Series",
    "TrainingError",
    "load",
    "open_bundle",
]
