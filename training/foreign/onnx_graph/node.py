"""One node of a graph, as a translation sees it: inputs as values, attributes by name and type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from .values import Size, Value, plain_tensor

if TYPE_CHECKING:
    from .steps import Steps

_KINDS = onnx.AttributeProto


class Node:
    """A node.

    Args:
        proto: As the file has it.
        opset: Of the file.
        inputs: Its inputs; None: left out.
    """

    def __init__(self, proto: onnx.NodeProto, opset: int, inputs: Sequence[Value | None]) -> None:
        self.op, self.opset, self.outputs = proto.op_type, opset, len(proto.output)
        self._inputs = inputs
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}

    @property
    def inputs(self) -> list[Value]:
        """All inputs, none of which may be left out."""
        return [self.input(number) for number in range(len(self._inputs))]

    def optional(self, number: int) -> Value | None:
        """An input, if it is there."""
        return self._inputs[number] if number < len(self._inputs) else None

    def input(self, number: int) -> Value:
        """An input that must be there."""
        value = self.optional(number)
        if value is None:
            raise ValueError(f"its input {number} is missing")
        return value

    def has(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self._attributes

    def whole(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        attribute = self._of(name, _KINDS.INT)
        return default if attribute is None else attribute.i

    def real(self, name: str, default: float) -> float:
        """An attribute that is a real number."""
        attribute = self._of(name, _KINDS.FLOAT)
        return default if attribute is None else attribute.f

    def text(self, name: str, default: str) -> str:
        """An attribute that is a text."""
        attribute = self._of(name, _KINDS.STRING)
        return default if attribute is None else attribute.s.decode()

    def wholes(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """An attribute that is a list of whole numbers."""
        attribute = self._of(name, _KINDS.INTS)
        return list(default) if attribute is None else list(attribute.ints)

    def reals(self, name: str) -> list[float]:
        """An attribute that is a list of real numbers."""
        attribute = self._of(name, _KINDS.FLOATS)
        return [] if attribute is None else list(attribute.floats)

    def tensor(self, name: str) -> Tensor | None:
        """An attribute that is a tensor."""
        attribute = self._of(name, _KINDS.TENSOR)
        return None if attribute is None else tensor_of(attribute.t)

    def listed(self, name: str, number: int) -> list[int | Size] | None:
        """What was an attribute in older opsets and is an input in newer ones; None where it is neither."""
        if self.has(name):
            return list(self.wholes(name))
        value = self.optional(number)
        return None if value is None else value.sizes()

    def axes(self, number: int, rank: int) -> list[int] | None:
        """Likewise, of axes, which may count from the end."""
        listed = self.listed("axes", number)
        return None if listed is None else [axis_of(axis, rank) for axis in listed]

    def refuse(self, what: str) -> ValueError:
        """An error for what is not translated."""
        return ValueError(f"{what} cannot be imported")

    def _of(self, name: str, kind: int) -> onnx.AttributeProto | None:
        attribute = self._attributes.get(name)
        if attribute is not None and attribute.type != kind:
            raise ValueError(f"its attribute {name!r} is of a wrong kind")
        return attribute


Translation = Callable[["Steps", Node], Value | list[Value]]


def axis_of(axis: int | Size, rank: int) -> int:
    """An axis that may count from the end, from the start.

    Raises:
        ValueError: There is no such axis.
    """
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(f"it speaks of axis {axis} of a tensor with {rank} axes")
    return axis % rank


def tensor_of(proto: onnx.TensorProto) -> Tensor:
    """A stored tensor, in the types that are computed in.

    Raises:
        ValueError: It is damaged, or of texts or complex numbers.
    """
    array = numpy_helper.to_array(proto)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise ValueError(f"tensor {proto.name!r} is of {array.dtype}, which cannot be imported")
    if array.dtype.kind not in "fiub":
        array = array.astype(np.float32)
    if array.dtype.kind == "u":
        array = array.astype(np.int64)
    return plain_tensor(torch.from_numpy(np.array(array)))
