"""Static INT8 for OpenVINO: NNCF's quantisation of its own reading of the graph, written as an IR.

OpenVINO runs the QDQ graph made for onnxruntime with the same numbers, but not with the same speed.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import onnx

from ...runtime.backends.openvino_ir import check_ir
from ...runtime.errors import BackendError, GateError
from ...runtime.feed import GraphInputs
from .layers import Layer, find_layers

_INSTALL = "pip install 'edgeward[nncf]'"
_PRODUCTS = ("Convolution", "MatMul", "GroupConvolution", "ConvolutionBackpropData")
_RUN_TIME_INFO = re.compile(rb"\s*<rt_info>.*?</rt_info>|\s*<rt_info ?/>", re.DOTALL)


class IrQuantiser:
    """A float graph as OpenVINO reads it, to be quantised by NNCF in several ways.

    Args:
        model: ONNX graph of the contract, in float.
        batches: Calibration samples.

    Raises:
        BackendError: OpenVINO or NNCF is absent.
    """

    def __init__(self, model: bytes, batches: Sequence[GraphInputs]) -> None:
        self._engine, self._nncf = _import_engines()
        self._model, self._batches = model, batches
        self.layers = find_layers(onnx.load_model_from_string(model))

    def quantised(self, layers: Collection[Layer]) -> tuple[bytes, bytes]:
        """Description and weights of the IR with these layers in 8 bits and all others in float."""
        graph = self._engine.Core().read_model(self._model)
        # By the engine's own names: those of ONNX nodes are other ones there, and would be ignored without a word.
        products = {n.get_friendly_name(): _weight_of(n) for n in graph.get_ops() if n.get_type_name() in _PRODUCTS}
        wanted = {layer.weight for layer in layers}
        if missing := wanted - set(products.values()):
            raise GateError(f"OpenVINO's reading of the graph has no layer {min(missing)!r}")
        kept = [name for name, weight in products.items() if weight not in wanted]
        elementwise = {node.get_type_name() for node in graph.get_ops()} & _LEFT_IN_FLOAT
        data = self._nncf.Dataset(list(self._batches), lambda b: {"noise": b.noise, "condition": b.condition})
        quantised = self._nncf.quantize(
            graph,
            data,
            preset=self._nncf.QuantizationPreset.MIXED,
            subset_size=len(self._batches),
            ignored_scope=self._nncf.IgnoredScope(names=kept, types=sorted(elementwise), validate=True),
        )
        self._check_scope(quantised, kept)
        return serialise(self._engine, quantised)

    def _check_scope(self, quantised: Any, kept: Collection[str]) -> None:
        for node in quantised.get_ops():
            name = node.get_friendly_name()
            if node.get_type_name() in _PRODUCTS and name in kept and _is_quantised(node):
                raise GateError(f"NNCF quantised {name!r}, which was to stay in float")


_LEFT_IN_FLOAT = {"Add", "Subtract", "Multiply", "Divide", "Concat", "Interpolate", "Power", "MVN", "SquaredDifference"}
"""Operators that NNCF would quantise for the sake of their neighbours: among them the scaling of latents."""


def serialise(engine: Any, model: Any) -> tuple[bytes, bytes]:
    """Description and weights of an IR, without the run-time information, which names versions and settings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        engine.serialize(model, path)
        description, weights = _RUN_TIME_INFO.sub(b"", path.read_bytes()), path.with_suffix(".bin").read_bytes()
    check_ir(description, weights)
    return description, weights


def _weight_of(node: Any) -> str:
    """Name of the constant that a product's second input comes from, through conversions and transpositions."""
    return str(_source(node.input_value(1).get_node()).get_friendly_name())


def _source(node: Any) -> Any:
    while node.get_type_name() != "Constant" and node.inputs():
        node = node.input_value(0).get_node()
    return node


def _is_quantised(node: Any) -> bool:
    return any(value.get_source_output().get_node().get_type_name() == "FakeQuantize" for value in node.inputs())


def _import_engines() -> tuple[Any, Any]:
    # Both report their use unless the package that does so cannot be imported; they do without it.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        openvino, nncf = importlib.import_module("openvino"), importlib.import_module("nncf")
    except ImportError as error:
        raise BackendError(f"quantising for openvino needs OpenVINO and NNCF ({error}); {_INSTALL}") from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return openvino, nncf
