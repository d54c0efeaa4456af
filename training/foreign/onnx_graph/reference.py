"""What onnxruntime makes of the original file: the judge of its translation."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor

from ....runtime.backends import Options
from ....runtime.backends.onnxruntime import inference_session
from ....runtime.errors import BackendError, DataError, GateError
from ..description import ForeignInput
from .file import OnnxFile, graphs_of, told
from .inputs import Declared, constant_array
from .steps import Steps
from .values import Value

_SAME = 1e-4
_SAME_HALF = 1e-2
"""Of graphs that compute in half precision, which the translation does not."""
_HALF = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
_Arrays = dict[str, npt.NDArray[np.generic]]


class Reference:
    """The original graph, in onnxruntime.

    Args:
        file: The model; it is changed: only what is asked for is an output, and what is fed is an input.
        declared: Its inputs.
        described: What they are fed with.
        baked: The batch size that it is fixed to; None: it is free.
    """

    def __init__(
        self, file: OnnxFile, declared: Mapping[str, Declared], described: Sequence[ForeignInput], baked: int | None
    ) -> None:
        self.tolerance = _SAME_HALF if _is_half(file.model) else _SAME
        """How far, in the output's norm, a translation may be from it."""
        self._model, self._declared, self._described, self.baked = file.model, declared, described, baked
        graph, known = file.model.graph, {each.name for each in file.model.graph.input}
        for name in declared:
            if name not in known:  # a random node's result, which is fed instead
                (node,) = (node for node in graph.node if name in node.output)
                graph.node.remove(node)
                shape = None
                graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))

    def run(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> _Arrays:
        """Results of the graph for a batch, which has a whole number of times the size that it is fixed to.

        Raises:
            DataError: onnxruntime does not run the graph.
        """
        graph = self._model.graph
        del graph.output[:]
        graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        many = len(next(iter(inputs.values())))
        step = self.baked or many
        parts: list[list[npt.NDArray[np.generic]]] = []
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # the engine prints what it tries
                session = inference_session(self._model.SerializeToString(), Options())
            for first in range(0, many, step):
                given = {name: tensor[first : first + step] for name, tensor in inputs.items()}
                parts.append(session.run(list(outputs), self._fed(given, step)))
        except Exception as error:  # the engine's exception types are many and not public
            cause = " ".join(str(error).split())[:300]
            if isinstance(error, BackendError | DataError):
                raise DataError(cause) from error
            raise DataError(f"onnxruntime cannot run the graph, so nothing can be compared with it: {cause}") from error
        if len(parts) == 1:
            return dict(zip(outputs, parts[0], strict=True))
        return {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(outputs)}

    def _fed(self, inputs: Mapping[str, Tensor], batch: int) -> _Arrays:
        fed: _Arrays = {}
        for each in self._described:
            declared = self._declared[each.name]
            if each.source is None:
                fed[each.name] = constant_array(each, declared, batch)
                continue
            values = inputs[each.name]
            whole = declared.dtype.kind in "iu" and values.is_floating_point()
            fed[each.name] = declared.array((torch.round(values) if whole else values).numpy())
        return fed


@torch.no_grad()
def check_same(
    steps: Steps, reference: Reference, inputs: Mapping[str, Tensor], output: str, names: Mapping[str, Value]
) -> None:
    """Compare the steps with the original graph.

    Args:
        steps: The translation.
        reference: The graph.
        inputs: A batch, by name.
        output: What is compared.
        names: The translation's values by their names in the graph.

    Raises:
        GateError: They differ; the message names the first node whose result does, where one can be found.
    """
    apart = _apart(steps.run(inputs).numpy(), reference.run(inputs, [output])[output])
    if apart <= reference.tolerance:
        return
    raise GateError(
        f"the translation differs from the graph by {apart:.2g}{_first_difference(steps, reference, inputs, names)}; "
        "please report it, with the file if you may"
    )


def _first_difference(
    steps: Steps, reference: Reference, inputs: Mapping[str, Tensor], names: Mapping[str, Value]
) -> str:
    few = {name: tensor[: reference.baked or 4] for name, tensor in inputs.items()}
    nodes = [
        node
        for node in reference._model.graph.node
        if any(names[n].result is not None for n in node.output if n in names)
    ]
    made = [name for node in nodes for name in node.output if name in names]
    results: dict[int, Tensor] = {}
    steps.run(few, results)
    try:
        wanted = reference.run(few, made)
    except DataError:
        return ""
    for node in nodes:
        for name in node.output:
            number = names[name].result if name in names else None
            if number is not None and not _apart(results[number].numpy(), wanted[name]) <= reference.tolerance:
                return f", first at {told(node)}"
    return ""


def _apart(made: npt.NDArray[np.generic], wanted: npt.NDArray[np.generic]) -> float:
    if made.shape != wanted.shape:
        return float("inf")
    a, b = np.nan_to_num(made.astype(np.float64)), np.nan_to_num(wanted.astype(np.float64))
    if not np.array_equal(np.isnan(made.astype(np.float64)), np.isnan(wanted.astype(np.float64))):
        return float("inf")
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-12))


def _is_half(model: onnx.ModelProto) -> bool:
    for graph in graphs_of(model.graph):
        kinds = [each.type.tensor_type.elem_type for each in graph.input]
        kinds += [tensor.data_type for tensor in graph.initializer]
        kinds += [a.i for node in graph.node if node.op_type == "Cast" for a in node.attribute if a.name == "to"]
        if any(kind in _HALF for kind in kinds):
            return True
    return False
