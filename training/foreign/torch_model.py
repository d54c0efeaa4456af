"""Make a teacher of a user's `torch.nn.Module`, named by `module:callable`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...runtime.errors import DataError
from ..checkpoint import Checkpoint
from .description import ForeignInput, ForeignModel
from .load import arguments_of, load_module
from .teacher import make_teacher


def import_torch(
    name: str, described: ForeignModel, *, folder: Path | None, weights: Path | None, seed: int
) -> tuple[Checkpoint, list[str]]:
    """Load, check and trace a user's module. Runs the user's code.

    Args:
        name: `module:callable`.
        described: What its user says of it.
        folder: Where the module lies, where Python does not find it by itself.
        weights: Its `state_dict`; None: as the callable leaves it.
        seed: Of the noise and conditions it is checked on.

    Returns:
        The checkpoint, and what its user should know.

    Raises:
        RequestError: The module cannot be loaded, or cannot be written down as steps without its code.
        DataError: Weights, inputs or output are not what was said.
        GateError: It breaks the contract.
    """
    if described.output.name is not None:
        raise DataError("output.name is for ONNX files with several outputs; a module's forward must give one tensor")
    inputs = tuple(_shaped(each) for each in described.inputs)
    module = load_module(name, folder=folder, weights=weights)
    _check_arguments(module, inputs)
    constants = {each.name: _constant(each) for each in inputs if each.source is None}
    origin = {
        "module": name,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest() if weights else None,
    }
    return make_teacher(name, module, described, inputs, constants, origin, seed=seed)


def _shaped(each: ForeignInput) -> ForeignInput:
    """A class's index is a vector [n], as `nn.Embedding` and `one_hot` want it; the rest keep their own shape."""
    return replace(each, shape=()) if each.form == "index" and each.shape is None else each


def _constant(each: ForeignInput) -> Any:
    if isinstance(each.constant, tuple):
        return torch.tensor(each.constant)
    value = each.constant
    return int(value) if value is not None and float(value).is_integer() and isinstance(value, int) else value


def _check_arguments(module: nn.Module, inputs: tuple[ForeignInput, ...]) -> None:
    arguments, told = arguments_of(module), [each.name for each in inputs]
    unknown = [name for name in told if name not in arguments]
    if unknown:
        raise DataError(f"the model's forward has no argument {unknown[0]!r}; it takes {', '.join(arguments)}")
    missing = [name for name, needed in arguments.items() if needed and name not in told]
    if missing:
        raise DataError(f"nothing is said of the model's argument {missing[0]!r}; add inputs.{missing[0]}")
