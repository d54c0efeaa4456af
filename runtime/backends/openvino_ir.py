"""Check an OpenVINO IR that came from outside: plain operators, no sub-graphs, no paths, weights inside their file.

An IR is a description in XML and a file of weights. The engine reads more than generators need: custom operators of
extensions, sub-graphs, state, run-time information. What is not on the lists here is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

from ..errors import BundleError

MAX_IR_BYTES = 32 * 2**20
"""Of the description; those made here have about 400 bytes an operator."""

_PARENTS = {
    **{"net": ("",), "layers": ("net",), "edges": ("net",), "layer": ("layers",), "edge": ("edges",)},
    **{"data": ("layer",), "input": ("layer",), "output": ("layer",), "port": ("input", "output"), "dim": ("port",)},
}
"""By element, what it may stand in: a layer inside a layer would hide what the outer one is."""
_OPSET = re.compile(r"opset([1-9]|1[0-9])")
_NUMBER = re.compile(r"[0-9]{1,12}")
_SHAPE = re.compile(r"([0-9]{1,9}(, ?[0-9]{1,9}){0,9})?")
_CONSTANT = {"element_type", "shape", "offset", "size"}
_BITS = {
    **{"i4": 4, "u4": 4, "i8": 8, "u8": 8, "boolean": 8, "i16": 16, "u16": 16, "f16": 16, "bf16": 16},
    **{"i32": 32, "u32": 32, "f32": 32, "i64": 64, "u64": 64, "f64": 64},
}
_PLAIN = """
    Abs Add AvgPool BatchNormInference Broadcast Ceiling Clamp Concat Const Convert ConvertLike Convolution
    ConvolutionBackpropData Cos CumSum DepthToSpace Divide Elu Equal Erf Exp FakeConvert FakeQuantize Floor FloorMod
    Gather GatherElements GatherND Gelu Greater GreaterEqual GroupConvolution GroupConvolutionBackpropData
    GroupNormalization GRUCell GRUSequence HardSigmoid HSigmoid HSwish Interpolate IsFinite IsInf IsNaN Less
    LessEqual Log LogicalAnd LogicalNot LogicalOr LogicalXor LogSoftmax LSTMCell LSTMSequence MatMul Maximum MaxPool
    Minimum Mish Mod Multiply MVN Negative NonZero NormalizeL2 NotEqual OneHot Pad Parameter Power PReLU Range
    ReduceL1 ReduceL2 ReduceLogicalAnd ReduceLogicalOr ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReLU
    Reshape Result Round ScaledDotProductAttention ScatterElementsUpdate ScatterNDUpdate ScatterUpdate Select Selu
    ShapeOf Sigmoid Sign Sin Slice SoftMax Softmax SoftPlus SpaceToDepth Split Sqrt SquaredDifference Squeeze
    StridedSlice Subtract Swish Tan Tanh Tile TopK Transpose Unsqueeze VariadicSplit
"""
OPERATORS = frozenset(_PLAIN.split())
"""Those without randomness, state, sub-graphs and texts."""


def check_ir(description: bytes, weights: bytes) -> None:
    """Check an IR before the engine reads it.

    Args:
        description: The .xml file.
        weights: The .bin file.

    Raises:
        BundleError: It holds something that no generator needs, or weights that its file does not have.
    """
    if len(description) > MAX_IR_BYTES:
        raise BundleError(f"the OpenVINO IR is described in more than the {MAX_IR_BYTES} bytes it may have")
    # The encoding is given, as another reader may not find out the same one.
    parser = expat.ParserCreate("utf-8")
    checker = _Checker(len(weights))
    parser.StartElementHandler, parser.EndElementHandler = checker.start, checker.end
    parser.XmlDeclHandler = _declaration
    parser.StartDoctypeDeclHandler = _refused("a document type")
    parser.EntityDeclHandler = _refused("an entity")
    parser.ProcessingInstructionHandler = _refused("an instruction to the reader")
    parser.StartCdataSectionHandler = _refused("unparsed text")
    parser.CommentHandler = _refused("a comment")
    try:
        parser.Parse(description, True)
    except expat.ExpatError as error:
        raise BundleError(f"the OpenVINO IR is no valid XML: {error}") from error


def _declaration(version: str, encoding: str | None, standalone: int) -> None:  # noqa: ARG001 - expat's signature
    if (encoding or "utf-8").lower() != "utf-8":
        raise BundleError(f"the OpenVINO IR is written in {encoding!r}; it must be UTF-8")


def _refused(what: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise BundleError(f"the OpenVINO IR holds {what}, which none made by Edgeward does")

    return refuse


class _Checker:
    """Looks at each element as it begins."""

    def __init__(self, weights_size: int) -> None:
        self._weights_size = weights_size
        self._inside = [""]
        self._operator = ""

    def end(self, _element: str) -> None:
        self._inside.pop()

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        outer = self._inside[-1]
        if outer not in _PARENTS.get(element, ()):
            where = f" inside <{outer}>" if outer else ""
            raise BundleError(f"the OpenVINO IR holds <{element}>{where}, which none made by Edgeward does")
        self._inside.append(element)
        if element == "layer":
            self._operator = attributes.get("type", "")
            version = attributes.get("version", "")
            if self._operator not in OPERATORS or not _OPSET.fullmatch(version):
                raise BundleError(f"the OpenVINO IR uses {self._operator!r} of {version!r}, no plain operator")
        elif element == "data" and self._operator == "Const":
            self._check_constant(attributes)

    def _check_constant(self, attributes: Mapping[str, str]) -> None:
        shape, bits = attributes.get("shape", "?"), _BITS.get(attributes.get("element_type", ""))
        place = attributes.get("offset", ""), attributes.get("size", "")
        plain = set(attributes) == _CONSTANT and _SHAPE.fullmatch(shape) and all(map(_NUMBER.fullmatch, place))
        if not plain or bits is None:
            raise BundleError(f"the OpenVINO IR has a constant of an unknown kind: {dict(attributes)}")
        offset, size = map(int, place)
        numbers = math.prod(map(int, shape.split(","))) if shape else 1
        if size != (numbers * bits + 7) // 8 or offset + size > self._weights_size:
            raise BundleError(
                f"the OpenVINO IR wants {size} bytes at {offset} for a constant [{shape}] of "
                f"{attributes['element_type']}, and its weights are {self._weights_size} bytes"
            )
