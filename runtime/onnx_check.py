"""Check an ONNX graph that came from outside: plain operators, no randomness, no sub-graphs, all numbers in the file.

ONNX says more than generators need: functions, branches, texts, sequences, sparse numbers, files beside the graph,
notes to an engine. What is not in the tables and lists here is refused, before any engine sees a byte.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .errors import BundleError
from .protobuf import BYTES, FIXED32, FIXED64, VARINT, Reader, Span, WireError, many, one, table

OPSET = 18
"""Of every graph; what JetPack 6 takes."""

STANDARD_DOMAINS = (b"", b"ai.onnx")

_PLAIN = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd
    BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Concat Constant ConstantOfShape
    Conv ConvInteger ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Div DynamicQuantizeLinear Einsum
    Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool
    GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax
    Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not
    OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
    Resize ReverseSequence Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu
    Unsqueeze Where Xor
"""
OPERATORS = frozenset(_PLAIN.split())
"""Those of opset 18 that compute numbers from numbers: none draws, branches, loops, or works on texts and sequences."""

_RANDOM = """
    Bernoulli Dropout Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike
"""  # Dropout draws in training mode; an exported generator has none in either
RANDOM_OPERATORS = frozenset(_RANDOM.split())
_NAMES, _NAMES_OF_RANDOM = (frozenset(map(str.encode, names)) for names in (OPERATORS, RANDOM_OPERATORS))

_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""By the type's number in ONNX: floats, whole numbers and truth values. No texts, no complex numbers."""
_ATTRIBUTE_TYPES = {1, 2, 3, 4, 6, 7, 8}
"""By their number in ONNX: a number, a text or a tensor, numbers and texts. No graphs, no types."""
_IR_VERSIONS = range(8, 11)
"""Those that opset 18 came with, up to the last one that JetPack 6 takes."""
_MAX_ELEMENTS = 2**31
_MAX_RANK = 16

_MODEL = table(
    {
        1: one("ir_version", VARINT),
        2: one("producer_name"),
        3: one("producer_version"),
        4: one("domain"),
        5: one("model_version", VARINT),
        6: one("doc_string"),
        7: one("graph"),
        8: many("opset_import"),
    }
)
_OPSET_IMPORT = table({1: one("domain"), 2: one("version", VARINT)})
_GRAPH = table(
    {
        1: many("node"),
        2: one("name"),
        5: many("initializer"),
        10: one("doc_string"),
        11: many("input"),
        12: many("output"),
        13: many("value_info"),
    }
)
_NODE = table(
    {
        1: many("input"),
        2: many("output"),
        3: one("name"),
        4: one("op_type"),
        5: many("attribute"),
        6: one("doc_string"),
        7: one("domain"),
    }
)
_ATTRIBUTE = table(
    {
        1: one("name"),
        2: one("f", FIXED32),
        3: one("i", VARINT),
        4: one("s"),
        5: one("t"),
        6: one("g"),
        7: many("floats", FIXED32, BYTES),
        8: many("ints", VARINT, BYTES),
        9: many("strings"),
        11: many("graphs"),
        13: one("doc_string"),
        20: one("type", VARINT),
    }
)
_TENSOR = table(
    {
        1: many("dims", VARINT, BYTES),
        2: one("data_type", VARINT),
        4: many("float_data", FIXED32, BYTES),
        5: many("int32_data", VARINT, BYTES),
        7: many("int64_data", VARINT, BYTES),
        8: one("name"),
        9: one("raw_data"),
        10: many("double_data", FIXED64, BYTES),
        11: many("uint64_data", VARINT, BYTES),
        12: one("doc_string"),
        13: many("external_data"),
        14: one("data_location", VARINT),
    }
)
_TYPED_DATA = {"float_data": 4, "double_data": 8, "int32_data": 0, "int64_data": 0, "uint64_data": 0}
"""Where numbers lie that are not raw, and the bytes of each; 0: as many as it takes."""
_TYPED_IN = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
"""By the type's number, where its numbers lie; of the other types, in `int32_data`."""
# What a value was called in PyTorch stands in its metadata. No other metadata are taken: those of models and operators
# can hold instructions to an engine.
_VALUE_INFO = table({1: one("name"), 2: one("type"), 3: one("doc_string"), 4: many("metadata_props")})
_TYPE = table({1: one("tensor_type"), 6: one("denotation")})
_TENSOR_TYPE = table({1: one("elem_type", VARINT), 2: one("shape")})
_SHAPE = table({1: many("dim")})
_DIMENSION = table({1: one("dim_value", VARINT), 2: one("dim_param"), 3: one("denotation")})


def check_onnx(content: bytes) -> None:
    """Check a graph before an engine reads it.

    Args:
        content: The .onnx file.

    Raises:
        BundleError: It holds something that no generator needs, or is no ONNX; the message names it.
    """
    try:
        _Checker(Reader(content)).check()
    except WireError as error:
        raise BundleError(f"the graph is no ONNX that Edgeward runs: {error}") from error


class _Checker:
    """Looks at every field of one file."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def check(self) -> None:
        model = self._reader.message(self._reader.whole(), _MODEL, "model")
        (version, _), *_ = model.get("ir_version", [(0, -1)])
        if version not in _IR_VERSIONS:
            raise WireError(f"it is of IR version {version}, not {_IR_VERSIONS[0]} to {_IR_VERSIONS[-1]}")
        self._check_opsets(model.get("opset_import", []))
        if "graph" not in model:
            raise WireError("it has no graph")
        graph = self._reader.message(model["graph"][0], _GRAPH, "graph")
        for node in graph.get("node", []):
            self._check_node(node)
        for tensor in graph.get("initializer", []):
            self._check_tensor(tensor)
        for kind in ("input", "output", "value_info"):
            for value in graph.get(kind, []):
                self._check_value(value)

    def _check_opsets(self, imports: Sequence[Span]) -> None:
        versions = []
        for span in imports:
            opset = self._reader.message(span, _OPSET_IMPORT, "list of operator sets")
            self._check_domain(opset.get("domain"))
            versions += [version for version, _ in opset.get("version", [])]
        if versions != [OPSET] or len(imports) != 1:
            raise WireError(f"it is of opset {', '.join(map(str, versions)) or 'none'}, not {OPSET}")

    def _check_domain(self, spans: Sequence[Span] | None) -> None:
        domain = self._reader.text(spans[0]) if spans else b""
        if domain not in STANDARD_DOMAINS:
            raise BundleError(f"the graph uses operators of {_told(domain)}; only standard ONNX operators may be run")

    def _check_node(self, span: Span) -> None:
        reader = self._reader
        node = reader.message(span, _NODE, "operator")
        self._check_domain(node.get("domain"))
        name = reader.text(node["op_type"][0]) if "op_type" in node else b""
        operator = _told(name)
        if name in _NAMES_OF_RANDOM:
            raise BundleError(f"the graph draws random numbers ({name.decode()}); noise must be an input")
        if name not in _NAMES:
            raise BundleError(f"the graph uses {operator}, which is not on the list of operators that may be run")
        for inner in node.get("attribute", []):
            attribute = reader.message(inner, _ATTRIBUTE, "attribute")
            if "g" in attribute or "graphs" in attribute:
                raise BundleError(f"the graph hides another one in {operator}; a generator is one graph")
            ((kind, _),) = attribute.get("type", [(0, -1)])
            if kind not in _ATTRIBUTE_TYPES:
                raise WireError(f"an attribute of {operator} is of type {kind}, which is no number, text or tensor")
            for tensor in attribute.get("t", []):
                self._check_tensor(tensor)

    def _check_tensor(self, span: Span) -> None:
        reader = self._reader
        tensor = reader.message(span, _TENSOR, "tensor")
        name = _told(reader.text(tensor["name"][0])) if "name" in tensor else "a tensor"
        if "external_data" in tensor or tensor.get("data_location", [(0, -1)]) != [(0, -1)]:
            raise BundleError(f"the graph keeps {name} in another file; a variant must be one file")
        ((element, _),) = tensor.get("data_type", [(0, -1)])
        if element not in _ITEM_BYTES:
            raise BundleError(f"the graph stores {name} as type {element} of ONNX, which is no plain number")
        if reader.count(tensor.get("dims", [])) > _MAX_RANK:
            raise BundleError(f"the graph says that {name} has more than {_MAX_RANK} axes")
        elements = _elements(reader.numbers(tensor.get("dims", [])), name)
        # In one place only, and there are as many as the shape says: engines differ in what they make of others.
        stored = {place: values for place in ("raw_data", *_TYPED_DATA) if (values := tensor.get(place))}
        place = "raw_data" if "raw_data" in stored else _TYPED_IN.get(element, "int32_data")
        size = _ITEM_BYTES[element] if place == "raw_data" else _TYPED_DATA[place]
        found = stored.pop(place, [])
        fits = sum(end - at for at, end in found) == elements * size if size else reader.count(found) == elements
        if stored or not fits:
            raise BundleError(f"the graph says that {name} has {elements} numbers, and stores others")

    def _check_value(self, span: Span) -> None:
        reader = self._reader
        value = reader.message(span, _VALUE_INFO, "value")
        for kind in value.get("type", []):
            for tensor in reader.message(kind, _TYPE, "type of a value").get("tensor_type", []):
                self._check_tensor_type(tensor, value.get("name"))

    def _check_tensor_type(self, span: Span, names: Sequence[Span] | None) -> None:
        reader = self._reader
        name = _told(reader.text(names[0])) if names else "a value"
        tensor = reader.message(span, _TENSOR_TYPE, "type of a value")
        if tensor.get("elem_type", [(0, -1)])[0][0] not in _ITEM_BYTES:
            raise BundleError(f"the graph says that {name} is of a type that is no plain number")
        for shape in tensor.get("shape", []):
            sizes = []
            for dimension in reader.message(shape, _SHAPE, "shape").get("dim", []):
                read = reader.message(dimension, _DIMENSION, "dimension")
                if "dim_value" in read and "dim_param" in read:
                    raise WireError(f"a dimension of {name} is told twice")
                sizes += [size for size, _ in read.get("dim_value", [])]
            _elements(sizes, name)


def _elements(sizes: Sequence[int], name: str) -> int:
    """How many numbers there are of this shape."""
    if len(sizes) > _MAX_RANK or any(size > _MAX_ELEMENTS for size in sizes):
        raise BundleError(f"the graph says that {name} has the shape {list(sizes)[:_MAX_RANK]}, which is too large")
    elements = math.prod(sizes)
    if elements > _MAX_ELEMENTS:
        raise BundleError(f"the graph says that {name} has the shape {list(sizes)}, which is too large")
    return elements


def _told(text: bytes) -> str:
    """A name out of the file, short and in quotes, fit for a terminal."""
    return repr(text[:80].decode("utf-8", "backslashreplace"))
