"""What a graph's inputs are, and what a description must say of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper

from ....runtime.errors import DataError
from ..description import NOISE, ForeignInput
from .file import told
from .steps import Method, Steps
from .values import BATCHES, Value, both, plain_tensor

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
"""Operators that draw random numbers, whose result a description may feed with noise instead."""
DRAWING = (*RANDOM, "Bernoulli", "Multinomial")


@dataclass(frozen=True)
class Declared:
    """An input as the graph declares it."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int | None, ...] | None
    """None in it: free; None for it: nothing is said, as of what was no input."""

    def array(self, values: npt.ArrayLike) -> npt.NDArray[np.generic]:
        """Numbers in its type."""
        return np.asarray(values).astype(self.dtype)


def declared_inputs(graph: onnx.GraphProto, described: Sequence[ForeignInput]) -> dict[str, Declared]:
    """The graph's inputs, and results of random operators that the description speaks of as if they were.

    Raises:
        DataError: An input is of a type that cannot be fed; the description leaves one out, or speaks of another one.
    """
    stored = {tensor.name for tensor in graph.initializer}
    found = {each.name: _declared(each) for each in graph.input if each.name not in stored}
    spoken = {each.name: each for each in described}
    for node in graph.node:
        if node.op_type in RANDOM and node.output and node.output[0] in spoken:
            _check_random(node, spoken[node.output[0]])
            found[node.output[0]] = Declared(node.output[0], np.dtype(np.float32), None)
    unknown = [name for name in spoken if name not in found]
    if unknown:
        raise DataError(f"the graph has no input {unknown[0]!r}; it takes {', '.join(map(repr, found)) or 'none'}")
    missing = [name for name in found if name not in spoken]
    if missing:
        raise DataError(f'nothing is said of the graph\'s input {missing[0]!r}; add inputs."{missing[0]}"')
    return found


def _declared(each: onnx.ValueInfoProto) -> Declared:
    kind = each.type.tensor_type
    try:
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
    except KeyError:
        dtype = np.dtype(object)
    if dtype.kind not in "fiub":
        raise DataError(f"the graph's input {each.name!r} is no tensor of numbers")
    if not kind.HasField("shape"):
        return Declared(each.name, dtype, None)
    sizes = [size.dim_value if size.WhichOneof("value") == "dim_value" else None for size in kind.shape.dim]
    # A size of 0 or below is how some exporters write a free one.
    return Declared(each.name, dtype, tuple(size if size and size > 0 else None for size in sizes))


def _check_random(node: onnx.NodeProto, each: ForeignInput) -> None:
    """Noise must be fed as the node would have drawn it."""
    kind, *numbers = _drawn(node)
    if (
        each.source != NOISE
        or each.distribution != kind
        or not np.allclose((each.scale, each.offset), numbers, rtol=1e-5)
    ):
        raise DataError(f'{told(node)} draws other numbers than inputs."{each.name}" says; write {_feed(node)}')


def random_refused(node: onnx.NodeProto) -> DataError:
    """The error for a node that draws random numbers."""
    what = f"{told(node)} draws random numbers, and noise must be an input"
    if node.op_type not in RANDOM:
        return DataError(f"{what}; export the model without it")
    return DataError(f'{what}; feed its result: inputs."{node.output[0]}" = {_feed(node)}')


def _feed(node: onnx.NodeProto) -> str:
    kind, scale, offset = _drawn(node)
    return f'{{from = "noise", distribution = "{kind}", scale = {scale:g}, offset = {offset:g}, shape = [...]}}'


def _drawn(node: onnx.NodeProto) -> tuple[str, float, float]:
    """Distribution, scale and offset of what a random node draws."""
    stated = {each.name: each.f for each in node.attribute if each.type == onnx.AttributeProto.FLOAT}
    if "Normal" in node.op_type:
        return "normal", stated.get("scale", 1.0), stated.get("mean", 0.0)
    low = stated.get("low", 0.0)
    return "uniform", stated.get("high", 1.0) - low, low


def batch_baked_in(declared: dict[str, Declared], described: Sequence[ForeignInput]) -> int | None:
    """The batch size that the fed inputs are fixed to; None: it is free.

    Raises:
        DataError: They are not of one batch size, or one has no axis for it.
    """
    sizes: dict[str, int | None] = {}
    for each in described:
        shape = declared[each.name].shape
        if each.source is None or shape is None:
            continue
        if not shape:
            raise DataError(f"the graph's input {each.name!r} is one number for all samples; feed it with a constant")
        sizes[each.name] = shape[0]
    fixed = {size for size in sizes.values() if size is not None}
    if len(fixed) > 1:
        raise DataError(f"the graph's inputs do not have the batch as their first axis: it is {sizes}")
    return fixed.pop() if fixed else None


def shaped(each: ForeignInput, declared: Declared) -> ForeignInput:
    """With the shape that the graph declares, where the description says none.

    Raises:
        DataError: They contradict each other.
    """
    if each.source is None:
        return each
    inner = None if declared.shape is None else declared.shape[1:]
    if each.shape is None:
        if inner is not None and None not in inner:
            return replace(each, shape=tuple(size for size in inner if size is not None))
        return replace(each, shape=()) if each.form == "index" else each
    if inner is not None:
        fits = len(inner) == len(each.shape) and all(a in (None, b) for a, b in zip(inner, each.shape, strict=True))
        if not fits:
            raise DataError(
                f"inputs.{each.name} says shape = {list(each.shape)}; in the graph, one sample's is {_plain(inner)}"
            )
    return each


def converted(steps: Steps, value: Value, declared: Declared) -> Value:
    """An input in the kind of number that the graph wants."""
    kind, given = declared.dtype.kind, value.at[0].dtype
    if kind == "f" and not value.is_float:
        return steps.call(Method("to"), value, torch.float32)
    if kind == "b":
        return steps.call(Method("to"), value, torch.bool)
    if kind in "iu" and given != torch.int64:
        return steps.call(Method("to"), steps.call(torch.round, value), torch.int64)
    return value


def constant_array(each: ForeignInput, declared: Declared, batch: int) -> npt.NDArray[np.generic]:
    """A constant as the graph takes it, for a batch.

    Raises:
        DataError: It has another number of values than the input.
    """
    shape = [batch if k == 0 and size is None else size or 0 for k, size in enumerate(declared.shape or ())]
    values = declared.array(each.constant if each.constant is not None else 0.0)
    inner = math.prod(shape[1:]) if shape and declared.shape and declared.shape[0] is None else math.prod(shape)
    if values.ndim and values.size != inner:
        raise DataError(
            f"inputs.{each.name} has {values.size} constant values; the graph wants {_plain(declared.shape)}"
        )
    if values.ndim and declared.shape and declared.shape[0] is None:
        return np.broadcast_to(values.reshape(1, *shape[1:]), shape)
    return np.broadcast_to(values, shape) if not values.ndim else values.reshape(shape)


def constant(each: ForeignInput, declared: Declared) -> Value:
    """A constant as a value of the graph: it is no input any more."""
    arrays = [np.array(constant_array(each, declared, batch)) for batch in BATCHES]
    first, second = (plain_tensor(torch.from_numpy(array)) for array in arrays)
    return both(first, second)


def _plain(shape: Sequence[int | None] | None) -> str:
    return str(["free" if size is None else size for size in shape or ()])
