"""The engines a generator can run on, by name. No engine is imported before it is used."""

from __future__ import annotations

from ..errors import RequestError
from .base import Availability, Backend, Description, Options, Session
from .onnxruntime import OnnxRuntimeBackend
from .openvino import OpenVinoBackend
from .tensorrt import TensorRtBackend
from .tensorrt_plan import TENSORRT, TENSORRT_RTX

__all__ = ["BACKENDS", "Availability", "Backend", "Description", "Options", "Session", "backend_named"]

_ALL: tuple[Backend, ...] = (
    OnnxRuntimeBackend(),
    OpenVinoBackend(),
    TensorRtBackend(TENSORRT),
    TensorRtBackend(TENSORRT_RTX),
)
BACKENDS = {backend.name: backend for backend in _ALL}


def backend_named(name: str) -> Backend:
    """The backend of this name.

    Raises:
        RequestError: There is no such backend.
    """
    if name not in BACKENDS:
        raise RequestError(f"there is no backend {name!r}; there are {', '.join(BACKENDS)}")
    return BACKENDS[name]
