"""Make a teacher of a user's ONNX file: its graph becomes steps of ours, and runs nobody's code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import torch

from ...runtime.errors import DataError
from ...runtime.feed import Feed
from ..checkpoint import Checkpoint
from .adapter import InputAdapter
from .description import ForeignModel
from .onnx_graph.file import read_onnx
from .onnx_graph.inputs import batch_baked_in, constant, converted, declared_inputs, shaped
from .onnx_graph.reference import Reference, check_same
from .onnx_graph.steps import Steps
from .onnx_graph.translate import translate
from .onnx_graph.values import Size, Value
from .teacher import make_teacher

_SAMPLES = 16


def import_onnx(path: Path, described: ForeignModel, *, seed: int) -> tuple[Checkpoint, list[str]]:
    """Read, translate and check an ONNX generator.

    Args:
        path: The file.
        described: What its user says of it.
        seed: Of the noise and conditions it is checked on.

    Returns:
        The checkpoint, and what its user should know.

    Raises:
        DataError: The file, or what is said of its inputs and outputs, is wrong, or an operator cannot be imported.
        GateError: The model breaks the contract, or its translation makes something else than onnxruntime does.
    """
    file = read_onnx(path)
    graph = file.model.graph
    output = _chosen(graph, described.output.name)
    declared = declared_inputs(graph, described.inputs)
    baked = batch_baked_in(declared, described.inputs)
    inputs = tuple(shaped(each, declared[each.name]) for each in described.inputs)
    adapter = InputAdapter(described.schema, inputs)
    steps = Steps(baked)
    made = adapter(torch.zeros(2, *adapter.noise_shape), torch.zeros(2, described.schema.condition_size))
    # All inputs before the first step.
    given = {n: steps.add_input(n, t.shape[1:], t.dtype) for n, t in zip(adapter.names, made, strict=True)}
    given = {name: converted(steps, value, declared[name]) for name, value in given.items()}
    given |= {each.name: constant(each, declared[each.name]) for each in inputs if each.source is None}
    names = translate(graph, file.opset, steps, given, output)
    _check_batch(names[output], output, baked)
    steps.eval()
    feed = Feed(seed, adapter.noise_shape, described.schema.conditions, {})
    drawn = feed.take(0, max(_SAMPLES // (baked or 1), 1) * (baked or 1))
    values = adapter(torch.from_numpy(drawn.noise), torch.from_numpy(drawn.condition))
    reference = Reference(file, declared, inputs, baked)
    check_same(steps, reference, dict(zip(adapter.names, values, strict=True)), output, names)
    places = iter(steps.arguments)
    placed = tuple(replace(each, name=next(places)) for each in inputs if each.source is not None)
    origin = {"onnx": path.name, "sha256": file.sha256, "opset": file.opset}
    return make_teacher(path.name, steps, described, placed, {}, origin, seed=seed)


def _chosen(graph: onnx.GraphProto, name: str | None) -> str:
    names = [each.name for each in graph.output]
    if name is None and len(names) > 1:
        raise DataError(
            f'the graph has the outputs {", ".join(map(repr, names))}; choose one: output.name = "{names[0]}"'
        )
    if name is not None and name not in names:
        raise DataError(f"the graph has no output {name!r}; it gives {', '.join(map(repr, names))}")
    return names[0] if name is None else name


def _check_batch(value: Value, output: str, baked: int | None) -> None:
    if value.known:
        raise DataError(f"the graph's output {output!r} does not depend on what it is fed with")
    if not value.rank or value.shape[0] != Size(1, 0):
        fixed = f"; the graph is for a batch of {baked}, export it with a free batch size" if baked else ""
        raise DataError(f"the graph's output {output!r} does not have the batch as its first axis{fixed}")
