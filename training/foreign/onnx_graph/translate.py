"""Translate a graph, node by node, into steps."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping

import onnx
import torch

from ....runtime.errors import DataError
from .file import told
from .inputs import DRAWING, random_refused
from .node import Node, tensor_of
from .steps import Steps
from .table import TRANSLATIONS
from .values import Value, known

_Names = MutableMapping[str, Value]
_MAX_DEPTH = 16
_FAILURES = (
    *(ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError, ArithmeticError, UnicodeDecodeError),
    *(AssertionError, MemoryError),
)
"""What PyTorch and numpy raise where a node's inputs and attributes do not go together."""


def translate(
    graph: onnx.GraphProto, opset: int, steps: Steps, given: dict[str, Value], output: str
) -> dict[str, Value]:
    """Write the steps that make an output.

    Args:
        graph: The model's graph; sparse weights are refused.
        opset: Its version of the operators.
        steps: Where they are written.
        given: What is known of names already: the inputs. A node that would make one of them is left out.
        output: The output to make.

    Returns:
        The values of all names.

    Raises:
        DataError: An operator is unknown or used in a way that is; the message names the node.
    """
    names: _Names = ChainMap(dict(given))
    with torch.no_grad():
        _follow(graph, opset, steps, names, [output], depth=0)
    made = names.get(output)
    if made is None:
        raise DataError(f"no node of the graph makes its output {output!r}")
    steps.output = made.result
    return dict(names)


def needed_nodes(graph: onnx.GraphProto, outputs: Iterable[str], given: Iterable[str] = ()) -> list[onnx.NodeProto]:
    """Nodes that have a part in some outputs, where some names are given already."""
    wanted, found, given = set(outputs), [], set(given)
    for node in reversed(graph.node):
        made = [name for name in node.output if name]
        if wanted.intersection(made) and not given.issuperset(made):
            found.append(node)
            wanted.update(_used(node))
    return found[::-1]


def _used(node: onnx.NodeProto) -> set[str]:
    """Names that a node reads, also within its branches."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            names |= {each.name for each in graph.output}
            for inner in graph.node:
                names |= _used(inner)
    return names


def _follow(graph: onnx.GraphProto, opset: int, steps: Steps, names: _Names, outputs: list[str], *, depth: int) -> None:
    if graph.sparse_initializer:
        raise DataError("the graph holds sparse weights, which cannot be imported; export the model with dense ones")
    nodes = needed_nodes(graph, outputs, names if not depth else ())
    wanted = {*outputs, *(name for node in nodes for name in _used(node))}
    for tensor in graph.initializer:
        if tensor.name in wanted and (depth or tensor.name not in names):
            try:
                names[tensor.name] = known(tensor_of(tensor))
            except _FAILURES as error:
                raise DataError(f"weight {tensor.name!r} cannot be read: {_cause(error)}") from error
    for node in nodes:
        if node.op_type == "If":
            _branch(node, opset, steps, names, depth)
            continue
        if node.op_type in DRAWING:
            raise random_refused(node)
        if node.op_type not in TRANSLATIONS:
            raise DataError(f"{told(node)}: this operator cannot be imported; export the model without it")
        inputs = [names.get(name) if name else None for name in node.input]
        for name, value in zip(node.input, inputs, strict=True):
            if name and value is None:
                raise DataError(f"{told(node)} wants {name!r}, which nothing before it makes")
        try:
            made = TRANSLATIONS[node.op_type](steps, Node(node, opset, inputs))
        except _FAILURES as error:
            raise DataError(f"{told(node)}: {_cause(error)}{_baked(steps)}") from error
        for name, value in zip(node.output, made if isinstance(made, list) else [made], strict=False):
            names[name] = value


def _branch(node: onnx.NodeProto, opset: int, steps: Steps, names: _Names, depth: int) -> None:
    """Follow the branch that is always taken."""
    condition = names.get(node.input[0]) if len(node.input) == 1 else None
    chosen = condition.number if condition is not None else None
    if chosen is None or depth >= _MAX_DEPTH:
        raise DataError(
            f"{told(node)}: a branch taken by the model's inputs cannot be imported; export the model without it"
        )
    graphs = {attribute.name: attribute.g for attribute in node.attribute}
    graph = graphs.get("then_branch" if chosen else "else_branch")
    if graph is None or len(graph.output) != len(node.output):
        raise DataError(f"{told(node)}: its branches are not whole")
    inner: _Names = ChainMap({}, names)  # names of a branch are its own
    outputs = [each.name for each in graph.output]
    _follow(graph, opset, steps, inner, outputs, depth=depth + 1)
    for name, made in zip(node.output, outputs, strict=True):
        if made not in inner:
            raise DataError(f"{told(node)}: nothing makes {made!r}")
        names[name] = inner[made]


def _cause(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _baked(steps: Steps) -> str:
    if steps.baked is None:
        return ""
    return (
        f" (the graph is for a batch of {steps.baked}, and is read as one for any; if that is why, export it with "
        "a free batch size)"
    )
