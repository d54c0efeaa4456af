"""Make a teacher of a foreign model that runs here: a checkpoint that needs the user's code or file no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...runtime.errors import DataError, GateError, RequestError
from ..checkpoint import Checkpoint
from ..codecs import OwnUnitsCodec
from ..recipe import IMPORTED, TrainingRecipe
from .adapter import InputAdapter, OutputLayout
from .checks import Floats, check_model
from .description import ForeignInput, ForeignModel
from .trace import trace

_SAME = 1e-4
"""Largest difference of the traced model's outputs from the module's, in their spread."""


class _Whole(nn.Module):
    """(noise, condition) to the module's output in our shape: what is traced."""

    def __init__(
        self, module: nn.Module, adapter: InputAdapter, constants: Mapping[str, Any], layout: OutputLayout
    ) -> None:
        super().__init__()
        self.module, self.adapter, self.layout, self._constants = module, adapter, layout, constants

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        laid: Tensor = self.layout(self.output(noise, condition))
        return laid

    def output(self, noise: Tensor, condition: Tensor) -> Tensor:
        """As it comes out."""
        given = dict(zip(self.adapter.names, self.adapter(noise, condition), strict=True))
        made: Tensor = self.module(**given, **self._constants)
        return made


def make_teacher(
    name: str,
    module: nn.Module,
    described: ForeignModel,
    inputs: tuple[ForeignInput, ...],
    constants: Mapping[str, Any],
    origin: Mapping[str, Any],
    *,
    seed: int,
) -> tuple[Checkpoint, list[str]]:
    """Check a module and trace it.

    Args:
        name: As messages call it.
        module: In evaluation mode; its `forward` takes inputs and constants by name.
        described: What its user says of it.
        inputs: The inputs, with the shapes that were left out.
        constants: What the other arguments are given.
        origin: Where it came from, for people.
        seed: Of the noise and conditions it is checked on.

    Returns:
        The checkpoint, and what its user should know.

    Raises:
        RequestError: The module cannot be written down as steps without its code.
        DataError: Inputs or output are not what was said.
        GateError: It breaks the contract.
    """
    schema = described.schema
    layout, adapter = OutputLayout(schema, described.output), InputAdapter(schema, inputs)
    codec = OwnUnitsCodec(schema, described.output.scale, described.output.offset)
    whole = _Whole(module, adapter, constants, layout).eval()

    @torch.no_grad()
    def run(noise: Floats, condition: Floats) -> Floats:
        try:
            made = whole.output(torch.from_numpy(noise), torch.from_numpy(condition))
        except Exception as error:  # whatever the user's code raises
            cause = " ".join(str(error).split())[:300]
            raise DataError(
                f"{name} fails on inputs as described ({type(error).__name__}: {cause}); mend inputs"
            ) from error
        if not isinstance(made, Tensor):
            raise DataError(f"{name} gives a {type(made).__name__}; its forward must give one tensor")
        given: Floats = made.float().numpy()
        return given

    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    notes = check_model(run, layout, codec, adapter.noise_shape, schema, seed=seed)
    if any(not torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items()):
        raise GateError(f"{name} changes its own weights when it is run; it must be the same at every call")
    plan, network = trace(whole)
    _check_traced(network, whole, adapter.noise_shape, schema.condition_size, seed)
    options = {
        "noise_shape": list(adapter.noise_shape),
        "scale": list(described.output.scale),
        "offset": list(described.output.offset),
        "network": plan,
        "origin": dict(origin),
    }
    provenance = replace(described.provenance, notes=(*described.provenance.notes, *notes))
    recipe = TrainingRecipe(IMPORTED, provenance.kind, IMPORTED, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, options)
    state = {f"network.{key}": tensor for key, tensor in network.state_dict().items()}
    state |= {f"codec.{key}": tensor for key, tensor in codec.state_dict().items()}
    checkpoint = Checkpoint(recipe, schema, provenance, seed, 0, state, None, [])
    checkpoint.generator()  # as whoever loads it will
    return checkpoint, notes


@torch.no_grad()
def _check_traced(
    network: nn.Module, whole: nn.Module, noise_shape: tuple[int, ...], condition_size: int, seed: int
) -> None:
    """Refuse a trace that does something else: a branch on numbers or a size fixed by accident."""
    rng = np.random.default_rng(seed)
    for n in (1, 5):
        noise = torch.from_numpy(rng.standard_normal((n, *noise_shape), dtype=np.float32))
        condition = torch.from_numpy(rng.random((n, condition_size), dtype=np.float32))
        wanted = whole(noise, condition)
        try:
            made = network(noise, condition)
        except RuntimeError as error:
            raise RequestError(f"the model's steps hold for one batch size only: {str(error)[:200]}") from error
        apart = torch.linalg.norm((made - wanted).nan_to_num()) / torch.linalg.norm(wanted.nan_to_num()).clamp(
            min=1e-12
        )
        if made.shape != wanted.shape or not float(apart) <= _SAME:
            raise RequestError(
                f"the model as written down differs from the module by {float(apart):.2g}: its forward does something "
                "that tracing cannot see; write it with plain layers and functions"
            )
