"""Between our contract and a foreign model: from (noise, condition) to its inputs, from its output to our shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...runtime.errors import DataError
from ...runtime.schema import Schema
from .description import CONDITION, LAYOUTS, NOISE, ForeignInput, ForeignOutput


def noise_shape_of(inputs: Sequence[ForeignInput]) -> tuple[int, ...]:
    """Shape of one sample's noise: that of the only input fed with it, or all of them laid end to end.

    Raises:
        DataError: The shape of one is not known.
    """
    shapes = []
    for each in inputs:
        if each.source == NOISE:
            if not each.shape:
                raise DataError(f"inputs.{each.name} is noise, of which the shape must be said, e.g. shape = [100]")
            shapes.append(each.shape)
    return shapes[0] if len(shapes) == 1 else (sum(map(math.prod, shapes)),)


class InputAdapter(nn.Module):
    """(noise [n, *noise_shape], condition [n, c]) to the model's inputs by name; constants are none of them.

    Args:
        schema: The data's schema.
        inputs: What each input is fed with.

    Raises:
        DataError: The shape of one is not known, or not that of what it is fed with.
    """

    def __init__(self, schema: Schema, inputs: Sequence[ForeignInput]) -> None:
        super().__init__()
        self.noise_shape = noise_shape_of(inputs)
        self._inputs = [each for each in inputs if each.source is not None]
        self._alone = sum(each.source == NOISE for each in inputs) == 1
        self._columns, start = {CONDITION: (0, schema.condition_size)}, 0
        for condition in schema.conditions:
            self._columns[condition.name] = start, start + condition.columns
            start += condition.columns
        for each in self._inputs:
            self._check_size(each)

    @property
    def names(self) -> list[str]:
        """Of the inputs, in the order in which they are given."""
        return [each.name for each in self._inputs]

    def forward(self, noise: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """The inputs, in the order of `names`, [n, *shape] each."""
        made, taken = [], 0
        for each in self._inputs:
            if each.source == NOISE:
                size = math.prod(each.shape or ())
                value = noise if self._alone else noise[:, taken : taken + size]
                taken += size
            else:
                first, end = self._columns[str(each.source)]
                value = condition[:, first:end]
            made.append(self._given(each, value))
        return tuple(made)

    def _check_size(self, each: ForeignInput) -> None:
        """Refuse a shape that the source does not fill: samples would be mixed."""
        if each.source == NOISE or each.shape is None:
            return
        first, end = self._columns[str(each.source)]
        has = 1 if each.form == "index" else end - first
        if math.prod(each.shape) != has:
            raise DataError(
                f"inputs.{each.name} has {has} number(s) a sample, of {each.source!r} as {each.form}; the model's "
                f"input has the shape {list(each.shape)}"
            )

    def _given(self, each: ForeignInput, value: Tensor) -> Tensor:
        if each.distribution == "uniform":
            value = 0.5 * torch.erf(value * math.sqrt(0.5)) + 0.5  # the normal distribution function
        if each.form == "index":
            value = value.argmax(dim=1).to(torch.float32)
        if (each.scale, each.offset) != (1.0, 0.0):
            value = value * each.scale + each.offset
        if each.shape is not None and not (each.source == NOISE and self._alone):
            value = value.reshape(-1, *each.shape)
        if each.form == "index":
            return torch.round(value).to(torch.int64)  # 0.1 * 30 is a little less than 3
        return value.to(torch.float32)


class OutputLayout(nn.Module):
    """The model's output to [n, *schema.shape], in its own units.

    Args:
        schema: The data's schema.
        output: How the model lays it out.
    """

    def __init__(self, schema: Schema, output: ForeignOutput) -> None:
        super().__init__()
        self._last = output.layout == LAYOUTS[1] and len(schema.shape) > 1
        self.stated = (*schema.shape[1:], schema.shape[0]) if self._last else schema.shape

    def check(self, found: Sequence[int]) -> None:
        """Refuse an output that is not laid out as stated; axes of size 1 may lack, and all may be one axis.

        Args:
            found: Shape of the output of one sample.

        Raises:
            DataError: It is laid out otherwise.
        """
        if tuple(found) == (math.prod(self.stated),) or _long(found) == _long(self.stated):
            return
        raise DataError(
            f"the model gives {list(found)} a sample, and the schema with its output.layout says {list(self.stated)}; "
            "mend one of them"
        )

    def forward(self, output: Tensor) -> Tensor:
        """[n, …] to [n, *schema.shape]."""
        laid = output.to(torch.float32).reshape(-1, *self.stated)
        return laid.movedim(-1, 1) if self._last else laid


def _long(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]
