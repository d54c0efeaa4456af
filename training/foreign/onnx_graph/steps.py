"""Steps that a translated graph consists of, and the module that runs them."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .values import BATCHES, Size, Value, both, known

MAX_NUMBERS = 2**24
"""Of one sample's result at any step."""
_MAX_KNOWN = 2**27
"""Of all results that are known beforehand, together."""


@dataclass(frozen=True)
class Method:
    """A method of a tensor, called as a function of it."""

    name: str

    def __call__(self, owner: Any, *rest: Any, **options: Any) -> Any:
        """What the method gives."""
        return getattr(owner, self.name)(*rest, **options)


@dataclass(frozen=True)
class _Result:
    number: int


@dataclass(frozen=True)
class _Held:
    """A layer or tensor of the module."""

    name: str


class Steps(nn.Module):
    """Inputs by name to one tensor. It is written step by step, then run; it can be traced.

    Args:
        baked: The batch size that the graph's inputs are fixed to; None: it is free.
    """

    def __init__(self, baked: int | None = None) -> None:
        super().__init__()
        self.baked = baked
        self.output: int | None = None
        self._inputs: list[str] = []
        self._steps: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
        self._known, self._held = 0, 0
        self._names: dict[int, tuple[Tensor, str]] = {}

    def add_input(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> Value:
        """An input of the model, [n, *shape]; all come before the first step."""
        self._inputs.append(name)
        at = tuple(torch.zeros(batch, *shape, dtype=dtype, device="meta") for batch in BATCHES)
        return Value((at[0], at[1]), len(self._inputs) - 1)

    @torch.no_grad()
    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Value:
        """Write a step: a function of values, numbers and sizes; one of known values only is done at once.

        Raises:
            ValueError: Its result is too large.
        """
        values = _values([arguments, list(options.values())])
        layer = copy.deepcopy(function).to("meta") if isinstance(function, nn.Module) else function
        empty = [_called(layer, arguments, options, k, "meta") for k in range(2)]
        self._check_size(empty, batch=any(not each.known for each in values))
        if all(each.known for each in values):
            first = _called(function, arguments, options, 0, None)
            if all(each.fixed for each in values) and not _has_size([arguments, list(options.values())]):
                return known(first)
            return both(first, _called(function, arguments, options, 1, None))
        return self._written(function, arguments, options, (empty[0], empty[1]))

    @torch.no_grad()
    def call_many(self, function: Callable[..., Any], count: int, *arguments: Any, **options: Any) -> list[Value]:
        """Likewise, of a function that gives several tensors."""
        beforehand = all(each.known for each in _values([arguments, list(options.values())]))
        made = [_called(function, arguments, options, k, None if beforehand else "meta") for k in range(2)]
        if beforehand:
            return [both(made[0][k], made[1][k]) for k in range(count)]
        whole = self._written(function, arguments, options, (made[0][0], made[1][0])).result
        assert whole is not None  # noqa: S101 - written just now
        parts = []
        for k in range(count):
            self._steps.append((operator.getitem, (_Result(whole), k), {}))
            parts.append(Value((made[0][k], made[1][k]), self._last()))
        return parts

    @property
    def arguments(self) -> list[str]:
        """What `forward` calls the inputs: a graph's own names may be anything, `self` among them."""
        return [f"input{number}" for number in range(len(self._inputs))]

    def forward(self, **inputs: Tensor) -> Tensor:
        """The chosen output, of inputs by `arguments`."""
        return self.run({name: inputs[place] for name, place in zip(self._inputs, self.arguments, strict=True)})

    def run(self, inputs: Mapping[str, Tensor], keep: dict[int, Any] | None = None) -> Tensor:
        """The chosen output, of inputs by name; results of the steps are left in `keep`, if it is given."""
        results: dict[int, Any] = {number: inputs[name] for number, name in enumerate(self._inputs)}
        last_use, batch = self._last_use(), None
        for number, (function, arguments, options) in enumerate(self._steps, len(self._inputs)):
            if batch is None and _has_size([arguments, list(options.values())]):
                batch = results[0].size(0) if 0 in results else inputs[self._inputs[0]].size(0)
            given, named = (self._filled(part, results, batch) for part in (arguments, options))
            called = getattr(self, function.name) if isinstance(function, _Held) else function
            results[number] = called(*given, **named)
            if keep is None:
                for spent in last_use.get(number, ()):
                    del results[spent]
        if keep is not None:
            keep.update(results)
        made: Tensor = results[len(results) - 1 if self.output is None else self.output]
        return made

    def _last(self) -> int:
        return len(self._inputs) + len(self._steps) - 1

    def _written(self, function: Any, arguments: Any, options: Any, made: tuple[Tensor, Tensor]) -> Value:
        if isinstance(function, nn.Module):
            self._held += 1
            self.add_module(f"layer{self._held}", function)
            function = _Held(f"layer{self._held}")
        self._steps.append((function, self._stored(arguments), self._stored(options)))
        return Value(made, self._last())

    def _stored(self, part: Any) -> Any:
        """Arguments as they are kept: values by the number of their result or the name of their tensor."""
        if isinstance(part, Value):
            return _Result(part.result) if part.result is not None else self._hold(part)
        return _mapped(part, self._stored)

    def _hold(self, value: Value) -> _Held | _Result:
        if not value.fixed:
            return self._repeated(value)
        tensor = value.at[0]
        if id(tensor) not in self._names:
            self._held += 1
            name = f"tensor{self._held}"
            # The tensor is kept beside its name: the identity of one that is gone may be given to another.
            self._names[id(tensor)] = tensor, name
            # Contiguous: an expanded one would be trained as the one number it is.
            whole = tensor.contiguous().clone()
            if whole.is_floating_point() and whole.numel() > 1:
                self.register_parameter(name, nn.Parameter(whole))
            else:
                self.register_buffer(name, whole)
        return _Held(self._names[id(tensor)][1])

    def _repeated(self, value: Value) -> _Result:
        """Known numbers that are the same for every sample, for as many as there are."""
        small, shape = list(value.at), value.shape
        for axis, size in enumerate(shape):
            if isinstance(size, Size):
                small = [each.narrow(axis, 0, 1) for each in small]
        same = small[0].shape == small[1].shape and torch.equal(*small)
        if not same or not all(torch.equal(a.expand_as(b), b) for a, b in zip(small, value.at, strict=True)):
            raise ValueError("the batch size is used as a number among the samples' own; samples must not depend on it")
        empty = value.at[0].to("meta"), value.at[1].to("meta")
        sizes = [size if isinstance(size, Size) else -1 for size in shape]
        return _Result(self._written(Method("expand"), (known(small[0]), *sizes), {}, empty).result or 0)

    def _filled(self, part: Any, results: dict[int, Any], batch: Any) -> Any:
        if isinstance(part, _Result):
            return results[part.number]
        if isinstance(part, _Held):
            return getattr(self, part.name)
        if isinstance(part, Size):
            many = batch if part.each == 1 else batch * part.each
            return many + part.more if part.more else many
        return _mapped(part, lambda inner: self._filled(inner, results, batch))

    def _last_use(self) -> dict[int, list[int]]:
        last: dict[int, int] = {}
        for number, (_, arguments, options) in enumerate(self._steps, len(self._inputs)):
            for used in _results([arguments, list(options.values())]):
                last[used] = number
        spent: dict[int, list[int]] = {}
        for used, number in last.items():
            if used != self.output:
                spent.setdefault(number, []).append(used)
        return spent

    def _check_size(self, made: Sequence[Tensor], *, batch: bool) -> None:
        for tensor, n in zip(made, BATCHES, strict=True):
            if tensor.numel() > MAX_NUMBERS * (n if batch else 1):
                raise ValueError(
                    f"its result has the shape {list(tensor.shape)}: more than {MAX_NUMBERS} numbers a sample"
                )
        if not batch:
            self._known += made[0].numel()
            if self._known > _MAX_KNOWN:
                raise ValueError(f"what the graph computes beforehand has more than {_MAX_KNOWN} numbers")


def _called(function: Any, arguments: Any, options: Any, k: int, device: str | None) -> Any:
    def given(part: Any) -> Any:
        if isinstance(part, Value):
            return part.at[k] if device is None else part.at[k].to(device)
        return _at(part, BATCHES[k]) if isinstance(part, Size) else _mapped(part, given)

    named = given(options)
    if device is not None and function is torch.full:
        named = {**named, "device": device}
    return function(*given(arguments), **named)


def _at(size: int | Size, batch: int) -> int:
    return size.at(batch) if isinstance(size, Size) else size


def _mapped(part: Any, change: Callable[[Any], Any]) -> Any:
    """Lists, tuples, slices and mappings with their parts changed; anything else as it is."""
    if isinstance(part, list):
        return [change(inner) for inner in part]
    if isinstance(part, tuple):
        return tuple(change(inner) for inner in part)
    if isinstance(part, slice):
        return slice(change(part.start), change(part.stop), change(part.step))
    if isinstance(part, dict):
        return {name: change(inner) for name, inner in part.items()}
    return part


def _found(part: Any, kind: type) -> list[Any]:
    if isinstance(part, kind):
        return [part]
    found: list[Any] = []

    def collect(inner: Any) -> None:
        found.extend(_found(inner, kind))

    _mapped(part, collect)
    return found


def _values(part: Any) -> list[Value]:
    return _found(part, Value)


def _has_size(part: Any) -> bool:
    return bool(_found(part, Size))


def _results(part: Any) -> list[int]:
    return [each.number for each in _found(part, _Result)]
