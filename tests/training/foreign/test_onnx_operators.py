"""Every operator that can be imported computes what onnxruntime computes, for any batch, also once written down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from edgeward.training.foreign.onnx_graph.steps import Steps
from edgeward.training.foreign.onnx_graph.table import TRANSLATIONS
from edgeward.training.foreign.onnx_graph.translate import translate
from edgeward.training.foreign.trace import trace
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

IMAGE, SIGNAL, ROW = (4, 6, 5), (4, 7), (6,)
HERE = "x"


@dataclass(frozen=True)
class Case:
    """One node: what it is given besides a batch `x`, and how."""

    op: str
    shape: Sequence[int] = IMAGE
    more: Sequence[Any] = ()
    """Other inputs: stored arrays, None where one is left out, or `x` again."""
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 20
    first: bool = True
    """Whether `x` is the first input."""
    whole: int = 0
    """Above 0: `x` is of whole numbers below it."""
    positive: bool = False
    outputs: int = 1


def weights(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(sum(shape) + len(shape)).uniform(low, high, shape).astype(np.float32)


def ints(*values: Any) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def scalar(value: float) -> np.ndarray:
    return np.array(value, dtype=np.float32)


def one_number_each() -> list[Case]:
    plain = ["Neg", "Abs", "Exp", "Sin", "Cos", "Erf", "Floor", "Ceil", "Round", "Sign", "Identity", "Dropout", "Relu"]
    plain += ["Sigmoid", "Tanh", "Softplus", "Mish", "Softsign", "HardSwish", "LeakyRelu", "Elu", "Celu", "Selu"]
    plain += ["HardSigmoid", "Gelu", "LogSoftmax", "Softmax"]
    cases = [Case(op) for op in plain] + [Case(op, positive=True) for op in ("Sqrt", "Log", "Reciprocal")]
    cases += [Case(op, attributes={"alpha": 0.3}) for op in ("LeakyRelu", "Elu", "Celu", "HardSigmoid")]
    cases += [Case("Swish", opset=24), Case("Swish", opset=24, attributes={"alpha": 2.0})]
    cases += [Case("Gelu", attributes={"approximate": "tanh"}), Case("Selu", attributes={"alpha": 1.1, "gamma": 0.9})]
    cases += [Case("Softmax", opset=11), Case("Softmax", opset=11, attributes={"axis": 3})]
    cases += [Case("Softmax", attributes={"axis": 1}), Case("LogSoftmax", opset=11)]
    for slope in (weights(4, 1, 1), weights(1), weights(6, 5), weights(1, 1, 1)):
        cases.append(Case("PRelu", more=[slope]))
    cases += [
        Case("PRelu", ROW, [weights(6)]),
        Case("PRelu", SIGNAL, [weights(7)]),
        Case("PRelu", SIGNAL, [weights(4, 1)]),
    ]
    return cases


def of_two() -> list[Case]:
    cases = [Case(op, more=[other]) for op in ("Add", "Sub", "Mul") for other in (weights(4, 1, 1), scalar(0.5), "x")]
    cases += [Case("Add", more=[weights(1, 4, 1, 1)]), Case("Sub", more=[weights(5)], first=False)]
    cases += [Case("Div", more=[weights(4, 1, 1, low=1, high=2)]), Case("Div", ROW, [ints(3)], whole=9)]
    cases += [
        Case("Pow", more=[scalar(2)]),
        Case("Pow", more=[ints(3)[0]]),
        Case("Pow", more=[weights(5)], positive=True),
    ]
    cases += [Case("Pow", more=[scalar(2)], first=False)]
    cases += [Case("Mod", ROW, [ints(4)], whole=9), Case("Mod", more=[scalar(0.3)], attributes={"fmod": 1})]
    cases += [Case(op, more=[weights(5), scalar(0.1)]) for op in ("Max", "Min", "Sum", "Mean")]
    comparisons = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    cases += [Case(op, ROW, [ints(4)], whole=9) for op in comparisons]
    cases += [Case("Clip", more=[scalar(-0.5), scalar(0.5)]), Case("Clip", more=[None, scalar(0.5)])]
    cases += [Case("Clip", opset=7, attributes={"min": -0.25}), Case("Clip", more=[scalar(0)])]
    cases += [Case("Clip", opset=7, attributes={"min": -3.4028234663852886e38, "max": 3.4028234663852886e38})]
    cases += [Case("Cast", attributes={"to": to}) for to in (1, 6, 7, 9, 11)] + [Case("CastLike", more=[ints(1)])]
    return cases


def convolutions() -> list[Case]:
    cases = [
        Case("Conv", more=[weights(8, 4, 3, 3), weights(8)], attributes={"pads": [1, 1, 1, 1]}),
        Case("Conv", more=[weights(8, 4, 3, 2)], attributes={"strides": [2, 1], "dilations": [1, 2]}),
        Case("Conv", more=[weights(8, 2, 3, 3), weights(8)], attributes={"group": 2, "pads": [0, 1, 2, 1]}),
        Case("Conv", SIGNAL, [weights(8, 4, 4), weights(8)], {"pads": [1, 2]}),
        Case("ConvTranspose", SIGNAL, [weights(4, 3, 4), weights(3)], {"strides": [2], "pads": [1, 1]}),
        Case("ConvTranspose", SIGNAL, [weights(4, 3, 4)], {"strides": [3], "pads": [1, 0], "output_padding": [1]}),
        Case("ConvTranspose", more=[weights(4, 3, 4, 3)], attributes={"strides": [2, 2], "output_padding": [1, 1]}),
        Case("ConvTranspose", more=[weights(4, 2, 3, 3), weights(4)], attributes={"group": 2, "dilations": [2, 1]}),
    ]
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for strides in ([1, 1], [2, 2]):
            attributes = {"auto_pad": auto, "strides": strides}
            cases.append(Case("Conv", more=[weights(8, 4, 4, 3)], attributes=attributes))
            cases.append(Case("ConvTranspose", more=[weights(4, 3, 5, 4)], attributes=attributes))
    for auto in ("SAME_UPPER", "SAME_LOWER", "NOTSET"):
        attributes = {"auto_pad": auto, "strides": [2, 2], "output_shape": [12, 10], "kernel_shape": [5, 4]}
        cases.append(Case("ConvTranspose", more=[weights(4, 3, 5, 4)], attributes=attributes))
    return cases


def products_and_norms() -> list[Case]:
    channels = [weights(4, low=0.5), weights(4), weights(4), weights(4, low=0.5, high=2.0)]
    pair = channels[:2]
    return [
        Case("Gemm", ROW, [weights(6, 3), weights(3)]),
        Case("Gemm", ROW, [weights(3, 6), weights(1, 3)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
        Case("Gemm", ROW, [weights(6, 3), scalar(2)]),
        Case("Gemm", ROW, [weights(6, 3)]),
        Case("MatMul", ROW, [weights(6, 3)]),
        Case("MatMul", more=[weights(5, 3)]),
        Case("MatMul", more=[weights(4, 5, 3)]),
        Case("MatMul", more=[weights(3, 6)], first=False),
        Case("Attention", more=["x", "x"], opset=23),
        Case("Attention", more=["x", "x"], attributes={"scale": 0.3, "is_causal": 1}, opset=23),
        Case("Attention", more=["x", "x", weights(6, 6)], opset=23),
        Case("Einsum", more=[weights(4, 3)], attributes={"equation": "nchw,cd->ndhw"}),
        Case("BatchNormalization", more=channels),
        Case("BatchNormalization", SIGNAL, channels, {"epsilon": 1e-3}, opset=9),
        Case("BatchNormalization", (4,), channels),
        Case("BatchNormalization", (4, 3, 3, 3), channels),
        Case("InstanceNormalization", more=pair),
        Case("InstanceNormalization", SIGNAL, pair),
        Case("InstanceNormalization", (4, 3, 3, 3), pair),
        Case("GroupNormalization", more=[weights(2), weights(2)], attributes={"num_groups": 2}, opset=18),
        Case("GroupNormalization", more=pair, attributes={"num_groups": 2}, opset=21),
        Case("LayerNormalization", more=[weights(5), weights(5)]),
        Case("LayerNormalization", more=[weights(6, 5)], attributes={"axis": 2, "epsilon": 1e-3}),
        Case("LayerNormalization", more=[weights(1, 5), weights(5)], attributes={"axis": 2}),
        Case("LpNormalization", attributes={"axis": 1}),
        Case("MeanVarianceNormalization", attributes={"axes": [2, 3]}),
    ]


def shapes() -> list[Case]:
    return [
        Case("Reshape", more=[ints(0, -1)]),
        Case("Reshape", more=[ints(-1, 5, 24)]),
        Case("Reshape", more=[ints(0, 2, 12, 0)]),
        Case("Flatten"),
        Case("Flatten", attributes={"axis": 3}),
        Case("Flatten", attributes={"axis": -2}),
        Case("Transpose", attributes={"perm": [0, 2, 3, 1]}),
        Case("Squeeze", (1, 4, 1), [ints(-1)]),
        Case("Squeeze", (1, 4, 1), attributes={"axes": [1]}, opset=11),
        Case("Unsqueeze", ROW, [ints(-1, 1)]),
        Case("Unsqueeze", ROW, attributes={"axes": [0, 3]}, opset=11),
        Case("Expand", (1, 5), [ints(4, 5)]),
        Case("Expand", (1, 5), [ints(2, 1, 4, 1)]),
        Case("Tile", SIGNAL, [ints(1, 2, 3)]),
        Case("Concat", more=["x", "x"], attributes={"axis": -1}),
        Case("Concat", more=["x"], attributes={"axis": 1}, opset=11),
        Case("Split", attributes={"axis": 1}, outputs=2, opset=11),
        Case("Split", attributes={"axis": 1, "split": [1, 3]}, outputs=2, opset=11),
        Case("Split", more=[ints(1, 3)], attributes={"axis": 1}, outputs=2, opset=13),
        Case("Split", attributes={"axis": 3, "num_outputs": 3}, outputs=3),
        Case("DepthToSpace", (8, 3, 2), attributes={"blocksize": 2}),
        Case("DepthToSpace", (8, 3, 2), attributes={"blocksize": 2, "mode": "CRD"}),
        Case("SpaceToDepth", (2, 6, 4), attributes={"blocksize": 2}),
        Case("Pad", more=[ints(0, 0, 1, 2, 0, 0, 0, 1)]),
        Case("Pad", more=[ints(0, 1, 0, 0, 0, 2, 0, 0), scalar(0.5)]),
        Case("Pad", more=[ints(1, -1, 2, 0), None, ints(2, 3)], opset=18),
        Case("Pad", attributes={"pads": [0, 0, 1, 2, 0, 0, 0, 1], "mode": "reflect"}, opset=9),
        Case("Pad", more=[ints(0, 0, 1, 2, 0, 0, 0, 1)], attributes={"mode": "edge"}),
        Case("Pad", SIGNAL, [ints(0, 0, 1, 0, 0, 2)], {"mode": "wrap"}),
    ]


def selection() -> list[Case]:
    table = weights(7, 3)
    return [
        Case("Gather", more=[ints(2)[0]], attributes={"axis": 1}),
        Case("Gather", more=[ints(-1, 1)], attributes={"axis": 2}),
        Case("Gather", more=[ints(1, 2)], attributes={"axis": 3}),
        Case("Gather", more=[np.array([[0, 3], [1, 1]])], attributes={"axis": 1}),
        Case("Gather", (), [table], first=False, whole=7),
        Case("Gather", (2,), [table], first=False, whole=7),
        Case("Gather", (2,), [weights(3, 7)], {"axis": 1}, first=False, whole=7),
        Case("GatherElements", more=["x"], attributes={"axis": 1}, whole=4),
        Case("GatherND", more=[ints([0], [0])]),
        Case("GatherND", more=[ints([0, 3], [0, 1])]),
        Case("Slice", more=[ints(1), ints(3), ints(2)]),
        Case("Slice", more=[ints(1, 0), ints(-1, 2**62), ints(1, 3), ints(1, 2)]),
        Case("Slice", more=[ints(-1), ints(-(2**62)), ints(3), ints(-1)]),
        Case("Slice", attributes={"starts": [0, 1], "ends": [2**31, 3], "axes": [0, 1]}, opset=9),
        Case("Slice", attributes={"starts": [0, 1], "ends": [2**31, 3]}, opset=9),
        Case("OneHot", (), [ints(5), weights(2)], whole=5),
        Case("OneHot", (2,), [ints(5), np.array([0.0, 1.0], np.float32)], {"axis": 1}, whole=5),
        Case("ArgMax", attributes={"axis": 1}),
        Case("ArgMin", attributes={"axis": -1, "keepdims": 0}),
        Case("CumSum", more=[ints(1)[0]]),
    ]


def reductions() -> list[Case]:
    kinds = ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp")
    cases = [Case(f"Reduce{kind}", attributes={"axes": [2, 3], "keepdims": 0}, opset=11) for kind in kinds]
    cases += [Case(f"Reduce{kind}", more=[ints(-1)]) for kind in kinds]
    cases += [
        Case("ReduceLogSum", more=[ints(-1)], positive=True),
        Case("ReduceSum", attributes={"noop_with_empty_axes": 1}),
    ]
    cases += [Case(op, shape) for op in ("GlobalAveragePool", "GlobalMaxPool") for shape in (IMAGE, SIGNAL)]
    for op in ("AveragePool", "MaxPool"):
        cases += [
            Case(op, attributes={"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 1, 1, 1]}),
            Case(op, SIGNAL, attributes={"kernel_shape": [2], "strides": [2], "ceil_mode": 1}),
        ]
    cases += [Case("MaxPool", attributes={"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"})]
    padded = {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1], "count_include_pad": 1}
    return [*cases, Case("AveragePool", attributes=padded)]


def resampling() -> list[Case]:
    scales = np.array([1, 1, 2, 2], np.float32)
    odd = np.array([1, 1, 1.6, 0.7], np.float32)
    cases = [Case("Upsample", attributes={"scales": [1.0, 1.0, 2.0, 3.0], "mode": "nearest"}, opset=7)]
    cases += [Case("Upsample", more=[scales], attributes={"mode": mode}, opset=9) for mode in ("nearest", "linear")]
    cases += [Case("Resize", more=[scales], attributes={"mode": mode}, opset=10) for mode in ("nearest", "linear")]
    cases += [
        Case("Resize", SIGNAL, [None, np.array([1, 1, 2], np.float32)], {"mode": m}) for m in ("nearest", "linear")
    ]
    for coordinates in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"):
        for mode in ("nearest", "linear"):
            given = {"mode": mode, "coordinate_transformation_mode": coordinates}
            opset = 19 if coordinates == "half_pixel_symmetric" else 13
            cases.append(Case("Resize", more=[None, scales], attributes=given, opset=opset))
            cases.append(Case("Resize", more=[None, odd], attributes=given, opset=opset))
    for rounding in ("floor", "ceil", "round_prefer_ceil"):
        given = {"nearest_mode": rounding, "coordinate_transformation_mode": "asymmetric"}
        cases.append(Case("Resize", more=[None, odd], attributes=given))
    cases.append(Case("Resize", more=[None, None, ints(9, 4)], attributes={"axes": [2, 3], "mode": "linear"}))
    cases.append(Case("Resize", more=[None, scales], attributes={"mode": "cubic"}))
    return cases


CASES = [
    *(*one_number_each(), *of_two(), *convolutions(), *products_and_norms(), *shapes(), *selection()),
    *(*reductions(), *resampling()),
]
ELSEWHERE = {"Shape", "Size", "Constant", "ConstantOfShape", "Range", "Where", "And", "Or", "Xor", "Not"}
"""Operators that a test of their own has."""


def model_of(case: Case) -> onnx.ModelProto:
    stored, names = [], ["x"]
    for number, value in enumerate(case.more):
        if isinstance(value, str) or value is None:
            names.append(value or "")
            continue
        stored.append(numpy_helper.from_array(value, f"w{number}"))
        names.append(f"w{number}")
    if not case.first:
        names[:2] = names[1::-1]
    outputs = [f"y{number}" for number in range(case.outputs)]
    kind = TensorProto.INT64 if case.whole else TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(case.op, names, outputs, name="it", **case.attributes)],
        "one node",
        [helper.make_tensor_value_info("x", kind, ["n", *case.shape])],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        stored,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=10)


def translated(model: onnx.ModelProto, shape: Sequence[int], output: str, *, whole: bool = False) -> Steps:
    steps = Steps()
    dtype = torch.int64 if whole else torch.float32
    value = steps.add_input("x", shape, dtype)
    translate(model.graph, model.opset_import[0].version, steps, {"x": value}, output)
    return steps.eval()


class Alone(nn.Module):
    """As `trace` wants it."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        made: Tensor = self.steps(input0=noise)
        return made


def check(
    model: onnx.ModelProto, shape: Sequence[int], outputs: int = 1, whole: int = 0, positive: bool = False
) -> None:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    for output in (f"y{number}" for number in range(outputs)):
        steps = translated(model, shape, output, whole=whole > 0)
        network = trace(Alone(steps))[1]
        for n in (1, 5):
            x = rng.integers(0, whole, (n, *shape)) if whole else rng.normal(size=(n, *shape)).astype(np.float32)
            x = np.abs(x) + 0.1 if positive else x
            (wanted,) = session.run([output], {"x": x})
            given = torch.from_numpy(np.array(x))
            with torch.no_grad():
                for made in (steps(input0=given), network(given, given)):
                    assert made.shape == wanted.shape
                    np.testing.assert_allclose(made.numpy(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case.op}-{k}" for k, case in enumerate(CASES)])
def test_an_operator_computes_what_onnxruntime_computes(number: int) -> None:
    case = CASES[number]
    check(model_of(case), case.shape, case.outputs, case.whole, case.positive)


def test_every_operator_of_the_table_is_tried() -> None:
    assert set(TRANSLATIONS) == {case.op for case in CASES} | ELSEWHERE
