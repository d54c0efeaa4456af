"""From a user's module to the plain steps of a `TracedNetwork`, by PyTorch's symbolic tracing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from ...runtime.errors import RequestError
from ..networks.operators import ATTRIBUTES, FUNCTIONS, LAYERS, METHODS, RANDOM, layer_options
from ..networks.traced import DTYPES, TracedNetwork

_FUNCTION_NAMES = {function: name for name, function in FUNCTIONS.items()}
_LAYER_NAMES = {layer: name for name, layer in LAYERS.items()}
_WAY_OUT = "write it with other layers"


def trace(module: nn.Module) -> tuple[dict[str, Any], TracedNetwork]:
    """Write down what a module does to (noise, condition).

    Args:
        module: In evaluation mode; its `forward` takes noise and condition and gives a tensor.

    Returns:
        The plan, and the network built from it with the module's weights.

    Raises:
        RequestError: The module branches on numbers, draws random ones, or holds what a checkpoint may not.
    """
    try:
        graph = fx.GraphModule(module, fx.Tracer().trace(module)).graph
        graph.eliminate_dead_code()
    except Exception as error:  # tracing fails in the user's code, in its own ways
        cause = " ".join(str(error).split())[:200]
        raise RequestError(f"the model cannot be written down as fixed steps ({cause}); {_WAY_OUT}") from error
    plan = _Plan(module)
    for node in graph.nodes:
        plan.add(node)
    network = TracedNetwork(plan.to_plain())
    network.load_state_dict(plan.weights())
    return plan.to_plain(), network.eval()


class _Plan:
    """The plain steps, as they are collected."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._numbers: dict[fx.Node, int] = {}
        self._layers: dict[str, tuple[int, nn.Module]] = {}
        self._tensors: dict[str, tuple[int, Tensor]] = {}
        self._steps: list[list[Any]] = []

    def to_plain(self) -> dict[str, Any]:
        """As `TracedNetwork` takes it."""
        return {
            "layers": [
                [_LAYER_NAMES[type(layer)], {name: self._plain(v) for name, v in layer_options(layer).items()}]
                for _, layer in self._layers.values()
            ],
            "tensors": [
                [list(tensor.shape), _dtype(tensor.dtype)["dtype"], isinstance(tensor, nn.Parameter)]
                for _, tensor in self._tensors.values()
            ],
            "steps": self._steps,
        }

    def weights(self) -> dict[str, Tensor]:
        """By the names that `TracedNetwork` has for them."""
        weights = {
            f"layers.{number}.{name}": tensor
            for number, layer in self._layers.values()
            for name, tensor in layer.state_dict().items()
        }
        return weights | {f"tensor{number}": tensor.detach() for number, tensor in self._tensors.values()}

    def add(self, node: fx.Node) -> None:
        """Write down one step."""
        if node.op == "placeholder":
            self._numbers[node] = len(self._numbers)
            return
        if node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise RequestError("the model gives several outputs; its forward must give one tensor")
            # The result is that of the last step.
            self._steps.append([["method", "contiguous"], [self._plain(node.args[0])], {}])
            return
        arguments = [self._plain(argument) for argument in node.args]
        options = {name: self._plain(value) for name, value in node.kwargs.items()}
        self._steps.append([self._call(node, arguments), arguments, options])
        self._numbers[node] = len(self._numbers)

    def _call(self, node: fx.Node, arguments: list[Any]) -> list[Any]:
        target = node.target
        if node.op == "call_module":
            layer = self._module.get_submodule(str(target))
            if type(layer) not in _LAYER_NAMES:
                raise RequestError(f"layer {target!s} is a {type(layer).__name__}, which is not known here; {_WAY_OUT}")
            return ["layer", self._layers.setdefault(str(target), (len(self._layers), layer))[0]]
        if node.op == "get_attr":
            tensor = self._module
            for part in str(target).split("."):
                tensor = getattr(tensor, part)
            if not isinstance(tensor, Tensor):
                raise RequestError(f"{target!s} of the model is a {type(tensor).__name__}, not a tensor; {_WAY_OUT}")
            return ["tensor", self._tensors.setdefault(str(target), (len(self._tensors), tensor))[0]]
        if node.op == "call_method":
            return ["method", _known(str(target), str(target) in METHODS)]
        if target is getattr:
            name = arguments.pop()
            return ["attribute", _known(str(name), name in ATTRIBUTES)]
        name = getattr(target, "__name__", str(target))
        _known(name, target in _FUNCTION_NAMES)
        return ["function", _FUNCTION_NAMES[target]]  # type: ignore[index]

    def _plain(self, value: Any) -> Any:
        """As `TracedNetwork` fills it in again."""
        if isinstance(value, fx.Node):
            return {"node": self._numbers[value]}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple):
            return {"tuple": [self._plain(part) for part in value]}
        if isinstance(value, list):
            return [self._plain(part) for part in value]
        if isinstance(value, slice):
            return {"slice": [self._plain(part) for part in (value.start, value.stop, value.step)]}
        if isinstance(value, torch.dtype):
            return _dtype(value)
        if value is ...:
            return {"ellipsis": True}
        if isinstance(value, torch.device):
            return str(torch.device("cpu"))
        raise RequestError(f"the model uses a {type(value).__name__} as an argument; {_WAY_OUT}")


def _known(name: str, known: bool) -> str:
    if not known and name in RANDOM:
        raise RequestError(f"the model draws random numbers ({name}); noise must be an input, and dropout a layer")
    if not known:
        raise RequestError(f"the model calls {name}, which is not known here; {_WAY_OUT}")
    return name


def _dtype(dtype: torch.dtype) -> dict[str, str]:
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise RequestError(f"the model computes in {name}; it may in {', '.join(DTYPES)}")
    return {"dtype": name}
