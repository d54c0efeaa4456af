"""The linter finds what TensorRT 10.3 is known to refuse, and nothing in what generators are made of."""

import numpy as np
import onnx
import pytest
from edgeward.compression import Compressed
from edgeward.compression.tensorrt_operators import lint_for_tensorrt
from onnx import NodeProto, helper

from .quantised import drawn, graph_of

RELU = helper.make_node("Relu", ["noise"], ["sample"], "relu")


def lint(*nodes: NodeProto, opset: int = 18, ir_version: int = 9, **weights: np.ndarray) -> list[str]:
    model = onnx.load_model_from_string(graph_of(*nodes, **weights))
    model.opset_import[0].version, model.ir_version = opset, ir_version
    return lint_for_tensorrt(model)


def test_a_plain_graph_has_no_faults(compressed: Compressed) -> None:
    assert lint(RELU) == []
    assert lint_for_tensorrt(onnx.load_model_from_string(compressed.graphs["fp32"])) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [({"opset": 21}, "opset 21 is newer than 20"), ({"ir_version": 11}, "IR version 11 is newer than 10")],
)
def test_a_graph_too_new_for_it_is_told(change: dict[str, int], told: str) -> None:
    assert lint(RELU, opset=change.get("opset", 18), ir_version=change.get("ir_version", 9)) == [told]


@pytest.mark.parametrize(
    "operator", ["Attention", "Swish", "STFT", "Bernoulli", "RandomNormalLike", "ConvInteger", "DynamicQuantizeLinear"]
)
def test_an_operator_that_is_not_on_its_list_is_named(operator: str) -> None:
    assert lint(helper.make_node(operator, ["noise"], ["sample"], "x")) == [f"operator {operator} is not on its list"]


@pytest.mark.parametrize("zero_point", [np.uint8(0), np.uint8(128), np.int8(3)])
def test_activations_that_are_not_signed_and_symmetric_are_told(zero_point: np.generic) -> None:
    nodes = (
        helper.make_node("QuantizeLinear", ["noise", "s", "z"], ["q"], "q"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["sample"], "d"),
    )
    assert lint(*nodes, s=np.float32(0.1), z=zero_point) == ["z, a zero point, is not 0 of INT8"] * 2
    assert lint(*nodes, s=np.float32(0.1), z=np.int8(0)) == []


def test_a_bias_in_32_bits_is_told() -> None:
    nodes = (
        helper.make_node("DequantizeLinear", ["b", "s"], ["bias"], "bias"),
        helper.make_node("Conv", ["noise", "w", "bias"], ["sample"], "conv"),
    )
    found = lint(*nodes, b=np.ones(2, np.int32), s=np.float32(0.1), w=drawn(2, 6, 3))
    assert found == ["b is stored as INT32, not INT8"]
