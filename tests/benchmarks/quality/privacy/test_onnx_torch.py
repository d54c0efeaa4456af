"""The graph as an attacker differentiates it computes what onnxruntime computes."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from edgeward.benchmarks.quality.privacy.onnx_torch import TorchGraph
from edgeward.compression.error import run_onnx
from edgeward.runtime.bundle import Bundle
from edgeward.runtime.errors import BackendError
from edgeward.runtime.feed import Feed, GraphInputs
from onnx import TensorProto, helper, numpy_helper


def inputs_of(bundle: Bundle, n: int) -> GraphInputs:
    return Feed(7, bundle.manifest.noise_shape, bundle.manifest.data.conditions, {}).take(0, n)


def content_of(bundle: Bundle, precision: str) -> bytes:
    return bundle.read(bundle.manifest.variant(precision).file)


def run_torch(content: bytes, inputs: GraphInputs) -> np.ndarray:
    with torch.no_grad():
        return TorchGraph(content)(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition)).numpy()


def graph(*nodes: Any, **constants: np.ndarray) -> bytes:
    """A graph of these nodes from `noise` and `condition` to `sample`."""
    made = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("noise", "condition")],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(made, opset_imports=opset, ir_version=9).SerializeToString()


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_the_fp32_graph_is_onnxruntimes(bundle: Bundle) -> None:
    content, inputs = content_of(bundle, "fp32"), inputs_of(bundle, 64)
    expected = run_onnx(content, inputs)
    np.testing.assert_allclose(run_torch(content, inputs), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_int8_graph_is_onnxruntimes_but_for_rounding(bundle: Bundle) -> None:
    content, inputs = content_of(bundle, "int8"), inputs_of(bundle, 64)
    expected, full = run_onnx(content, inputs), run_onnx(content_of(bundle, "fp32"), inputs)
    difference = np.abs(run_torch(content, inputs) - expected)
    lost = np.abs(full - expected).mean()  # what INT8 itself changes
    assert lost > 0
    assert difference.mean() < 0.1 * lost
    assert (difference < 0.01 * np.ptp(expected)).mean() > 0.99


def test_noise_gets_a_gradient_through_rounding(bundle: Bundle) -> None:
    inputs = inputs_of(bundle, 4)
    noise = torch.from_numpy(inputs.noise).requires_grad_(True)
    TorchGraph(content_of(bundle, "int8"))(noise, torch.from_numpy(inputs.condition)).square().sum().backward()
    assert noise.grad is not None
    assert torch.isfinite(noise.grad).all()
    assert (noise.grad.flatten(1).norm(dim=1) > 0).all()


def test_the_gradient_is_that_of_finite_differences() -> None:
    content = graph(
        helper.make_node("Concat", ["noise", "condition"], ["joined"], axis=1),
        helper.make_node("Gemm", ["joined", "w", "b"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "v"], ["sample"]),
        w=floats(5, 8).astype(np.float64),
        b=floats(8, seed=1).astype(np.float64),
        v=floats(8, 3, seed=2).astype(np.float64),
    )
    noise, condition = torch.randn(4, 3, dtype=torch.float64, requires_grad=True), torch.ones(4, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda n: TorchGraph(content)(n, condition), (noise,))


CASES: dict[str, tuple[list[Any], dict[str, np.ndarray], tuple[int, ...]]] = {
    "conv of uneven pads, strides and groups": (
        [helper.make_node("Conv", ["noise", "w", "b"], ["sample"], pads=[2, 1], strides=[2], dilations=[2], group=2)],
        {"w": floats(6, 2, 3), "b": floats(6)},
        (3, 4, 15),
    ),
    "conv of images": (
        [helper.make_node("Conv", ["noise", "w"], ["sample"], pads=[0, 1, 2, 3], strides=[1, 2])],
        {"w": floats(5, 2, 3, 2)},
        (2, 2, 6, 7),
    ),
    "gemm": (
        [helper.make_node("Gemm", ["noise", "w", "b"], ["sample"], transA=1, transB=1, alpha=0.5, beta=2.0)],
        {"w": floats(5, 4), "b": floats(5)},
        (4, 3),
    ),
    "flatten": ([helper.make_node("Flatten", ["noise"], ["sample"], axis=2)], {}, (2, 3, 4, 5)),
    "transpose": ([helper.make_node("Transpose", ["noise"], ["sample"], perm=[0, 2, 1])], {}, (2, 3, 4)),
    "reshape": (
        [helper.make_node("Reshape", ["noise", "shape"], ["sample"])],
        {"shape": np.array([0, -1, 2], dtype=np.int64)},
        (3, 4, 5),
    ),
    "split": (
        [
            helper.make_node("Split", ["noise", "sizes"], ["a", "c"], axis=1),
            helper.make_node("Concat", ["c", "a"], ["sample"], axis=1),
        ],
        {"sizes": np.array([2, 5], dtype=np.int64)},
        (3, 7),
    ),
    "resize": (
        [
            helper.make_node(
                "Resize",
                ["noise", "", "scales"],
                ["sample"],
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        {"scales": np.array([1, 1, 2], dtype=np.float32)},
        (2, 3, 5),
    ),
    "clip": (
        [helper.make_node("Clip", ["noise", "low", "high"], ["sample"])],
        {"low": np.float32(-0.5), "high": np.float32(0.7)},
        (3, 9),
    ),
    "clip from below": ([helper.make_node("Clip", ["noise", "low"], ["sample"])], {"low": np.float32(0.1)}, (3, 9)),
    "largest of three": (
        [helper.make_node("Max", ["noise", "a", "b"], ["sample"])],
        {"a": floats(9), "b": floats(1)},
        (3, 9),
    ),
    "least of three": (
        [helper.make_node("Min", ["noise", "a", "b"], ["sample"])],
        {"a": floats(9), "b": floats(1)},
        (3, 9),
    ),
    "leaky": ([helper.make_node("LeakyRelu", ["noise"], ["sample"], alpha=0.2)], {}, (3, 9)),
    "softmax": ([helper.make_node("Softmax", ["noise"], ["sample"], axis=1)], {}, (3, 4, 5)),
    "rounding and its limits": (
        [
            helper.make_node("QuantizeLinear", ["noise", "scale", "zero"], ["small"]),
            helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["sample"]),
        ],
        {"scale": np.float32(0.013), "zero": np.int8(-20)},
        (30, 50),
    ),
    "rounding by channel": (
        [
            helper.make_node("QuantizeLinear", ["noise", "scale", "zero"], ["small"], axis=1),
            helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["sample"], axis=1),
        ],
        {"scale": np.array([0.01, 0.1, 1.0], np.float32), "zero": np.array([0, 100, 200], np.uint8)},
        (9, 3, 20),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_operator_is_onnxruntimes(case: str) -> None:
    nodes, constants, shape = CASES[case]
    content, noise = graph(*nodes, **{name: np.asarray(value) for name, value in constants.items()}), floats(*shape)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"noise": noise, "condition": floats(1, 1)})
    found = TorchGraph(content)(torch.from_numpy(noise), torch.zeros(1, 1)).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_unknown_operator_is_named() -> None:
    content = graph(helper.make_node("Erf", ["noise"], ["a"]), helper.make_node("Sign", ["a"], ["sample"]))
    with pytest.raises(BackendError, match="Erf, Sign"):
        TorchGraph(content)


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Resize", ["noise", "", "scales"], ["sample"], mode="linear"),
        helper.make_node("Conv", ["noise", "w"], ["sample"], auto_pad="SAME_UPPER"),
    ],
)
def test_what_an_operator_does_elsewhere_only_is_refused(node: Any) -> None:
    content = graph(node, scales=np.array([1, 1, 2], np.float32), w=floats(3, 3, 3))
    with pytest.raises(BackendError, match="cannot be attacked"):
        TorchGraph(content)(torch.zeros(2, 3, 5), torch.zeros(1, 1))


@pytest.mark.parametrize("pads", [[1, 1], [0, 0]])
def test_a_transposed_convolution_is_onnxruntimes(pads: list[int]) -> None:
    content = graph(
        helper.make_node("Mul", ["condition", "condition"], ["unused"]),
        helper.make_node("ConvTranspose", ["noise", "w", "b"], ["sample"], strides=[2], pads=pads, output_padding=[1]),
        w=floats(3, 4, 5),
        b=floats(4),
    )
    inputs = GraphInputs(floats(2, 3, 7, seed=1), floats(2, 3, seed=2), {})
    np.testing.assert_allclose(run_torch(content, inputs), run_onnx(content, inputs), rtol=1e-5, atol=1e-5)


def test_an_embedding_of_the_largest_condition_is_onnxruntimes() -> None:
    content = graph(
        helper.make_node("ArgMax", ["condition"], ["place"], axis=1, keepdims=0),
        helper.make_node("Cast", ["place"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Round", ["number"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["row"]),
        helper.make_node("Erf", ["noise"], ["erf"]),
        helper.make_node("Add", ["row", "erf"], ["sample"]),
        table=floats(3, 4),
    )
    inputs = GraphInputs(floats(5, 4, seed=1), floats(5, 3, seed=2), {})
    np.testing.assert_allclose(run_torch(content, inputs), run_onnx(content, inputs), rtol=1e-5, atol=1e-5)
