"""Edgeward: compressed generators of synthetic medical data, on the device.

    import edgeward

    with edgeward.load("ecg-beats.edgeward") as generator:
        batch = generator.generate(8, condition={"beat_class": "V"}, seed=7)

Importing this package imports nothing else; each name is fetched when it is first used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# From 1.29 on, importing onnxruntime sends telemetry unless this is set before. PyTorch's exporter and others import it
# on their own, so it is said here, where everything of ours begins.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from .runtime import Batch as Batch
    from .runtime import Bundle as Bundle
    from .runtime import EdgewardError as EdgewardError
    from .runtime import Generator as Generator
    from .runtime import load as load
    from .runtime import open_bundle as open_bundle

__all__ = ["Batch", "Bundle", "EdgewardError", "Generator", "__version__", "load", "open_bundle"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from .runtime.provenance import edgeward_version

        return edgeward_version()
    if name in __all__:
        from . import runtime

        return getattr(runtime, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
