"""The model on its way through compression: in PyTorch until it is exported, graphs from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..runtime.errors import GateError
from ..runtime.lineage import WEIGHTS
from ..runtime.schema import Schema
from ..training.families import Generative
from .bank import Bank

Details = Mapping[str, Any]
"""What a step found out, in plain JSON values, for its record; under `skipped` why it did nothing."""

Change = dict[str, Any]
"""What a step did to the architecture, in plain values: under `do` the step's name, the rest is the step's own."""


@dataclass
class Student:
    """What the steps work on. A step puts its result in the place of what it was given."""

    model: Generative
    changes: list[Change] = field(default_factory=list)
    """In order; done again to the teacher's generator they give this architecture."""
    graphs: dict[str, bytes] = field(default_factory=dict)
    """ONNX graphs by the name of the variant, in the order they were made; `fp32` is the first. Of an OpenVINO IR the
    description."""
    weights: dict[str, bytes] = field(default_factory=dict)
    """Those of the variants that are OpenVINO IRs."""

    def add(self, variant: str, graph: bytes, weights: bytes | None = None) -> None:
        """Add a variant.

        Raises:
            GateError: There is one of this name already.
        """
        if variant in self.graphs:
            raise GateError(f"two steps of the recipe make the variant {variant!r}; leave one of them out")
        self.graphs[variant] = graph
        if weights is not None:
            self.weights[variant] = weights

    def digests(self) -> dict[str, str]:
        """SHA-256 in hex of what there is: of the weights, then of each graph by its name."""
        graphs = {name: hashlib.sha256(graph).hexdigest() for name, graph in self.graphs.items()}
        of_irs = {f"{name} weights": hashlib.sha256(weights).hexdigest() for name, weights in self.weights.items()}
        return {WEIGHTS: weights_digest(self.model), **graphs, **of_irs}


def weights_digest(model: Generative) -> str:
    """SHA-256 in hex of a model's weights by name."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


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
