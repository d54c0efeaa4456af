"""The generative families by name. Each is one file with one model class; nothing else knows them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...runtime.errors import TrainingError
from ...runtime.schema import Schema
from .diffusion import build_diffusion
from .family import Family, Generative
from .gan import build_gan
from .vae import build_vae

__all__ = ["FAMILIES", "Family", "Generative", "build_family"]

FAMILIES: dict[str, Callable[[Schema, Mapping[str, Any]], Family]] = {
    "vae": build_vae,
    "diffusion": build_diffusion,
    "gan": build_gan,
}


def build_family(name: str, schema: Schema, options: Mapping[str, Any]) -> Family:
    """Build an untrained model.

    Raises:
        TrainingError: The family or one of its options is not known, or does not suit the data.
    """
    if name not in FAMILIES:
        raise TrainingError(f"there is no family {name!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name](schema, options)
