"""The layers of a graph that could be computed in 8 bits: convolutions and matrix products with stored weights.

A layer is named by its weight, the one name that a PyTorch module, its ONNX graph and OpenVINO's reading of it share.
Where a sampler is unrolled, a layer has one node in every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import onnx

from ...runtime.errors import GateError
from ..cost import node_multiply_adds, tensor_shapes

CONVOLUTION = "Conv"
OPERATORS = (CONVOLUTION, "Gemm", "MatMul")
"""Those with 8-bit kernels. Transposed convolutions have none in onnxruntime, where INT8 would only slow them down."""

_FEWEST_WEIGHTS = 4096
_LEAST_SHARE = 0.005


class NothingToQuantiseError(GateError):
    """The graph has no layer that 8 bits would make faster."""


@dataclass(frozen=True)
class Layer:
    """One convolution or matrix product."""

    weight: str
    """Name of the tensor that holds its weights."""
    operator: str
    nodes: tuple[str, ...]
    """Names of the nodes that use it: one for each step of an unrolled sampler."""
    weights: int
    multiply_adds: int
    """For one sample, over all nodes."""


def find_layers(model: onnx.ModelProto) -> tuple[Layer, ...]:
    """All convolutions and matrix products with stored weights that meet the noise or the condition, in order.

    Those that do not, such as the embedding of the time of a sampler's step, are constants to an engine.
    """
    shapes, sizes = tensor_shapes(model), {t.name: prod(t.dims) for t in model.graph.initializer}
    live, found = {value.name for value in model.graph.input}, dict[str, list[onnx.NodeProto]]()
    for node in model.graph.node:
        if not live.intersection(node.input):
            continue
        live.update(node.output)
        if node.op_type in OPERATORS and node.input[0] in live and node.input[1] in sizes:
            found.setdefault(node.input[1], []).append(node)
    return tuple(
        Layer(
            weight=weight,
            operator=nodes[0].op_type,
            nodes=tuple(node.name for node in nodes),
            weights=sizes[weight],
            multiply_adds=sum(node_multiply_adds(node, shapes) for node in nodes),
        )
        for weight, nodes in found.items()
    )


def worth_quantising(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Those layers whose 8 bits may pay.

    The last convolution stays in float: it costs little and made half of the error (measured). So do layers with little
    to compute, as rounding their input takes longer than they then save (measured: a stem with 0.03 % of the
    multiply-adds cost 4 µs and most of the error), and matrix products with few weights: among them those that
    scale and shift latents.

    Raises:
        NothingToQuantiseError: There is none.
    """
    last = [layer for layer in layers if layer.operator == CONVOLUTION][-1:]
    least = _LEAST_SHARE * sum(layer.multiply_adds for layer in layers)
    kept = tuple(
        layer
        for layer in layers
        if layer not in last
        and layer.multiply_adds >= least
        and (layer.operator == CONVOLUTION or layer.weights >= _FEWEST_WEIGHTS)
    )
    if not kept:
        raise NothingToQuantiseError(
            "nothing in the graph can be quantised; it needs two convolutions, or a large matrix product"
        )
    return kept
