"""The model on its way through compression: in PyTorch until it is exported, graphs from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..runtime.schema import Schema
from ..training.families import Generative
from .bank import Bank

Change = dict[str, Any]
"""What a step did to the architecture, in plain values: under `do` the step's name, the rest is the step's own."""


@dataclass
class Student:
    """What the steps work on. A step puts its result in the place of what it was given."""

    model: Generative
    changes: list[Change] = field(default_factory=list)
    """In order; done again to the teacher's generator they give this architecture."""
    graphs: dict[str, bytes] = field(default_factory=dict)
    """ONNX graphs by the name of the variant, in the order they were made; `fp32` is the first."""


@dataclass(frozen=True)
class Context:
    """What a step may look at beside the student."""

    teacher: Generative
    schema: Schema
    seed: int
    """Of this step's noise and conditions."""
    show: Callable[[int, int], None]
    """Called with (done, of) in a step that takes long."""
    bank: Bank
    """The teacher's answers, which steps share."""
