"""A network as a list of steps in plain values: it needs nobody's code, and can only do what `operators` allows.

`training.foreign.trace` writes the list from a module. What is here reads it, as hostile until checked: layers,
functions and methods go by name through fixed tables, and a step sees only the results of steps before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .operators import ATTRIBUTES, FUNCTIONS, LAYERS, METHODS, bounded

INPUTS = 2
"""Noise and condition: results 0 and 1, before those of the steps."""
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float32, torch.int64, torch.int32, torch.bool)}
MAX_STEPS = 20_000
_Call = Callable[..., Any]


class TracedNetwork(nn.Module):
    """(noise, condition) to a tensor, step by step.

    Args:
        plan: `layers` (kind and options each), `tensors` (shape, dtype, and whether it is trained), and `steps`, each a
            list of what to call, its arguments by place, and those by name; the last one gives the result.

    Raises:
        ValueError: The plan makes no sense, or holds what is not allowed.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        super().__init__()
        try:
            layers, tensors, steps = plan["layers"], plan["tensors"], plan["steps"]
            if not 1 <= len(steps) <= MAX_STEPS:
                raise ValueError(f"there must be 1 to {MAX_STEPS} steps, not {len(steps)}")
            self.layers = nn.ModuleList(_layer(*layer) for layer in layers)
            for number, (shape, dtype, trained) in enumerate(tensors):
                empty = torch.zeros([int(size) for size in shape], dtype=DTYPES[dtype])
                if trained:
                    self.register_parameter(f"tensor{number}", nn.Parameter(empty))
                else:
                    self.register_buffer(f"tensor{number}", empty)
            self._steps = [self._checked(number, *step) for number, step in enumerate(steps)]
        except (TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError) as error:
            raise ValueError(f"the network's steps make no sense: {type(error).__name__}: {error}") from error
        self._last_use = _last_uses(self._steps)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """The result of the last step."""
        results: dict[int, Any] = {0: noise, 1: condition}
        made: Any = None
        for number, (call, arguments, options) in enumerate(self._steps, INPUTS):
            given = [_filled(argument, results) for argument in arguments]
            made = self._call(call)(*given, **{name: _filled(value, results) for name, value in options.items()})
            results[number] = made
            for spent in self._last_use.get(number, ()):
                del results[spent]
        output: Tensor = made
        return output

    def _call(self, call: tuple[str, Any]) -> _Call:
        # Looked up at each call: a copy of this module has layers and tensors of its own.
        what, name = call
        if what == "layer":
            layer: _Call = self.layers[name]
            return layer
        if what == "tensor":
            return lambda: getattr(self, f"tensor{name}")
        if what == "function":
            return bounded(FUNCTIONS[name]) if name.startswith("operator.") else FUNCTIONS[name]
        if what == "method":
            return lambda owner, *rest, **options: getattr(owner, name)(*rest, **options)
        return lambda owner: getattr(owner, name)

    def _checked(self, number: int, call: list[Any], arguments: list[Any], options: dict[str, Any]) -> _Step:
        what, name = call
        allowed = {
            "layer": range(len(self.layers)),
            "tensor": [int(key[len("tensor") :]) for key in (*self._parameters, *self._buffers)],
            "function": FUNCTIONS,
            "method": METHODS,
            "attribute": ATTRIBUTES,
        }
        if what not in allowed or name not in allowed[what]:
            raise ValueError(f"step {number + 1} calls {what} {name!r}, which is not allowed")
        for node in _nodes([arguments, list(options.values())]):
            if not isinstance(node, int) or not 0 <= node < number + INPUTS:
                raise ValueError(f"step {number + 1} uses the result of a step that is not before it")
        # A method or attribute of anything but a result could be that of a text or a list.
        if what in ("method", "attribute") and not (arguments and _is(arguments[0], "node")):
            raise ValueError(f"step {number + 1} calls {name!r} of something that is no result")
        return (what, name), arguments, options


_Step = tuple[tuple[str, Any], list[Any], dict[str, Any]]


def _layer(kind: str, options: Mapping[str, Any]) -> nn.Module:
    if kind not in LAYERS:
        raise ValueError(f"a layer of the kind {kind!r} is not allowed")
    return LAYERS[kind](**{name: _filled(value, {}) for name, value in options.items()})


def _is(value: object, tag: str) -> bool:
    return isinstance(value, dict) and list(value) == [tag]


def _nodes(value: object) -> list[Any]:
    """Numbers of the results that a value speaks of."""
    if _is(value, "node"):
        return [value["node"]]  # type: ignore[index]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [node for part in inner for node in _nodes(part)]


def _filled(value: Any, results: Mapping[int, Any]) -> Any:
    """A plain value with results, tuples, slices and types in their places."""
    if isinstance(value, list):
        return [_filled(part, results) for part in value]
    if not isinstance(value, dict):
        return value
    ((tag, inner),) = value.items()
    if tag == "node":
        return results[inner]
    if tag == "tuple":
        return tuple(_filled(part, results) for part in inner)
    if tag == "slice":
        return slice(*(_filled(part, results) for part in inner))
    if tag == "dtype":
        return DTYPES[inner]
    if tag == "ellipsis":
        return ...
    raise ValueError(f"a value of the kind {tag!r} is not known")


def _last_uses(steps: list[_Step]) -> dict[int, list[int]]:
    """By step, the results nobody wants after it: kept, a large network's would fill the memory."""
    last = {}
    for number, (_, arguments, options) in enumerate(steps, INPUTS):
        last[number] = number
        for node in _nodes([arguments, list(options.values())]):
            last[node] = number
    spent: dict[int, list[int]] = {}
    for node, number in last.items():
        spent.setdefault(number, []).append(node)
    return spent
