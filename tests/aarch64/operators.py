"""One graph an operator that generators are made of, with weights from a fixed seed: input [1, 16, 32]."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHAPE = (1, 16, 32)
CHANNELS = 8


def parity_graphs() -> dict[str, bytes]:
    """ONNX files (operator set 17) by name."""
    random = np.random.default_rng(3)

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    graphs = {
        "relu": _graph([helper.make_node("Relu", ["x"], ["y"])], {}),
        "tanh": _graph([helper.make_node("Tanh", ["x"], ["y"])], {}),
        "gemm": _graph(
            [
                helper.make_node("Reshape", ["x", "flat"], ["row"]),
                helper.make_node("Gemm", ["row", "w", "b"], ["y"]),
            ],
            {"flat": np.array([1, 512]), "w": normal(512, CHANNELS), "b": normal(CHANNELS)},
        ),
        "conv1d-k7": _graph(
            [helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[3, 3])],
            {"w": normal(CHANNELS, 16, 7), "b": normal(CHANNELS)},
        ),
        "resize4-conv1d": _graph(
            [
                helper.make_node("Resize", ["x", "", "scales"], ["up"], mode="nearest"),
                helper.make_node("Conv", ["up", "w"], ["y"], pads=[3, 3]),
            ],
            {"scales": np.array([1, 1, 4], np.float32), "w": normal(CHANNELS, 16, 7)},
        ),
    }
    for kernel, stride in ((2, 2), (4, 2), (4, 4), (8, 4)):
        for bias in (False, True):
            node = helper.make_node("ConvTranspose", ["x", "w", *["b"][: int(bias)]], ["y"], strides=[stride])
            weights = {"w": normal(16, CHANNELS, kernel), **({"b": normal(CHANNELS)} if bias else {})}
            graphs[f"convtranspose1d-k{kernel}s{stride}{'-bias' if bias else ''}"] = _graph([node], weights)
    graphs["convtranspose1d-relu"] = _graph(
        [
            helper.make_node("ConvTranspose", ["x", "w"], ["up"], strides=[2]),
            helper.make_node("Relu", ["up"], ["y"]),
        ],
        {"w": normal(16, CHANNELS, 4)},
    )
    for name, image, kernel, strides in (
        ("4x4s2", (1, 16, 4, 8), (4, 4), [2, 2]),
        ("1x8s4", (1, 16, 1, 32), (1, 8), [1, 4]),
    ):
        graphs[f"convtranspose2d-{name}"] = _graph(
            [
                helper.make_node("Reshape", ["x", "image"], ["image_of_x"]),
                helper.make_node("ConvTranspose", ["image_of_x", "w"], ["y"], strides=strides),
            ],
            {"image": np.array(image), "w": normal(16, CHANNELS, *kernel)},
        )
    return graphs


def _graph(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "operator",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
