"""What TensorRT 10.3, of JetPack 6, takes: a linter for graphs that are built on a board and not here.

NVIDIA's parser runs in a test (TensorRT-RTX builds without a GPU), but it is newer than the board's.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, numpy_helper

from ..training.foreign.onnx_graph.file import STANDARD, graphs_of

MAX_OPSET = 20
_MAX_IR_VERSION = 10
_SUPPORTED = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip
    Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu
    Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
    GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization GRU HardSigmoid HardSwish
    Identity If InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop
    LpNormalization LpPool LRN LSTM MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg NonZero
    Not OneHot Or Pad Pow PRelu QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize RNN Round Scan
    ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
"""
OPERATORS = frozenset(_SUPPORTED.split())
"""The supported ones of onnx-tensorrt's docs/operators.md for TensorRT 8.5, which later versions only lengthen, and
those added up to 10.1 that generators use. Random operators are left out: the parser takes some, and ignores seeds."""


def lint_for_tensorrt(model: onnx.ModelProto) -> list[str]:
    """What TensorRT 10.3 would refuse, a sentence each; empty if nothing is known."""
    faults = []
    opset = next((imported.version for imported in model.opset_import if imported.domain in STANDARD), 0)
    if opset > MAX_OPSET:
        faults.append(f"opset {opset} is newer than {MAX_OPSET}")
    if model.ir_version > _MAX_IR_VERSION:
        faults.append(f"IR version {model.ir_version} is newer than {_MAX_IR_VERSION}")
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for graph in graphs_of(model.graph) for node in graph.node]
    unknown = sorted({node.op_type for node in nodes} - OPERATORS)
    faults += [f"operator {operator} is not on its list" for operator in unknown]
    for node in nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            faults += _quantisation_faults(node, stored)
    return faults


def _quantisation_faults(node: onnx.NodeProto, stored: dict[str, onnx.TensorProto]) -> list[str]:
    """It takes 8 bits that are signed and symmetric, and biases in float."""
    source = stored.get(node.input[0])
    if node.op_type == "DequantizeLinear" and source is not None and source.data_type != TensorProto.INT8:
        return [f"{node.input[0]} is stored as {TensorProto.DataType.Name(source.data_type)}, not INT8"]
    if len(node.input) < 3:
        return [] if node.op_type == "DequantizeLinear" else [f"{node.name} quantises to UINT8, not INT8"]
    zero_point = stored.get(node.input[2])
    if zero_point is None or zero_point.data_type != TensorProto.INT8 or numpy_helper.to_array(zero_point).any():
        return [f"{node.input[2]}, a zero point, is not 0 of INT8"]
    return []
