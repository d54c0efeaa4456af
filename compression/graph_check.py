"""Check the part of the contract that an ONNX graph can break."""

from __future__ import annotations

import onnx

from ..runtime.errors import BundleError, GateError
from ..runtime.onnx_check import check_onnx


def check_graph(model: onnx.ModelProto) -> None:
    """Check the part of the contract a graph can break: what a runtime refuses is not shipped.

    Raises:
        GateError: It is broken; the message names the operator or tensor.
    """
    try:
        check_onnx(model.SerializeToString())
    except BundleError as error:
        raise GateError(str(error)) from error
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise GateError(f"the graph is no valid ONNX: {error}") from error
