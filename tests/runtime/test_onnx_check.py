"""A graph passes only if the onnx package, which reads it by other means, finds nothing in it that may not be there."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import onnx
import pytest
from edgeward.runtime import Bundle, BundleError
from edgeward.runtime.onnx_check import OPERATORS, RANDOM_OPERATORS, check_onnx
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, TensorProto, defs, helper, numpy_helper

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG = settings(FAST, max_examples=20_000)


def model(change: Callable[[ModelProto], object] = lambda model: None) -> bytes:
    """A small graph of good standing, but for the change."""
    nodes = [
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.ones(4, np.float32), "one")),
        helper.make_node("Add", ["x", "w"], ["sum"]),
        helper.make_node("Conv", ["sum", "k"], ["y"], kernel_shape=[1], strides=[1], auto_pad="VALID"),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "by-hand",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
            [
                numpy_helper.from_array(np.ones(4, np.float32), "w"),
                helper.make_tensor("k", TensorProto.INT64, [2], [-1, 2**40]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    change(made)
    return bytes(made.SerializeToString())


def test_a_graph_of_good_standing_passes() -> None:
    check_onnx(model())


def test_every_graph_of_a_real_bundle_passes(bundle: Bundle) -> None:
    for variant in bundle.manifest.variants:
        check_onnx((bundle.path / variant.file).read_bytes())


def test_the_list_holds_standard_operators_without_graphs_texts_sequences_or_randomness() -> None:
    for name in OPERATORS:
        schema = defs.get_schema(name, 18, "")
        kinds = {attribute.type for attribute in schema.attributes.values()}
        assert not kinds & {defs.OpSchema.AttrType.GRAPH, defs.OpSchema.AttrType.GRAPHS}, name
        # Some take texts and sequences too, but to make them others are needed.
        makers = {kind for value in schema.outputs for kind in value.types}
        assert any(kind.startswith("tensor(") for kind in makers), name
    assert not OPERATORS & RANDOM_OPERATORS
    assert not OPERATORS & {"If", "Loop", "Scan", "SequenceMap", "StringNormalizer", "OptionalGetElement"}


def external(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def shape(dims: list[int]) -> Callable[[ModelProto], object]:
    def change(model: ModelProto) -> None:
        del model.graph.initializer[0].dims[:]
        model.graph.initializer[0].dims.extend(dims)

    return change


def typed(data_type: int = TensorProto.FLOAT, **stored: object) -> Callable[[ModelProto], object]:
    """The four floats of `w`, stored in another way."""

    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.CopyFrom(TensorProto(name=tensor.name, dims=[4], data_type=data_type, **stored))

    return change


def with_attribute(**fields: object) -> Callable[[ModelProto], object]:
    return lambda model: model.graph.node[1].attribute.add(**fields)


def branch() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "branch", [], [])


def wide_value(model: ModelProto) -> None:
    model.graph.value_info.append(helper.make_tensor_value_info("v", TensorProto.FLOAT, [2**20, 2**20]))


def strange_value(model: ModelProto) -> None:
    model.graph.value_info.append(helper.make_tensor_sequence_value_info("v", TensorProto.FLOAT, [1]))


REFUSED: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "foreign domain": (lambda m: setattr(m.graph.node[1], "domain", "com.microsoft"), "operators of 'com.microsoft'"),
    "foreign domain announced": (lambda m: m.opset_import.add(domain="mine", version=1), "operators of 'mine'"),
    "training domain": (lambda m: setattr(m.graph.node[1], "domain", "ai.onnx.training"), "'ai.onnx.training'"),
    "opset": (lambda m: setattr(m.opset_import[0], "version", 21), "opset 21, not 18"),
    "two opsets": (lambda m: m.opset_import.add(domain="ai.onnx", version=18), "opset 18, 18, not 18"),
    "no opset": (lambda m: m.ClearField("opset_import"), "opset none"),
    "IR version": (lambda m: setattr(m, "ir_version", 3), "IR version 3, not 8 to 10"),
    "no graph": (lambda m: m.ClearField("graph"), "no graph"),
    "unknown operator": (lambda m: setattr(m.graph.node[1], "op_type", "NoSuch"), "'NoSuch', which is not on the list"),
    "no operator": (lambda m: m.graph.node[1].ClearField("op_type"), "'', which is not on the list"),
    "operator with a colour": (lambda m: setattr(m.graph.node[1], "op_type", "\x1b[31m"), r"uses '\\x1b\[31m'"),
    **{
        name: (lambda m, name=name: setattr(m.graph.node[1], "op_type", name), rf"random numbers \({name}\)")  # type: ignore[misc]
        for name in sorted(RANDOM_OPERATORS)
    },
    **{
        name: (lambda m, name=name: setattr(m.graph.node[1], "op_type", name), f"uses '{name}'")  # type: ignore[misc]
        for name in ("If", "Loop", "Scan", "SequenceMap", "StringNormalizer", "TfIdfVectorizer", "ImageDecoder")
    },
    "a graph inside": (with_attribute(name="g", type=AttributeProto.GRAPH, g=branch()), "hides another one in 'Add'"),
    "graphs inside": (with_attribute(name="g", type=AttributeProto.GRAPHS, graphs=[branch()]), "hides another one"),
    "an attribute of type graph": (
        with_attribute(name="a", type=AttributeProto.GRAPH),
        "of type 5, which is no number",
    ),
    "an attribute without a type": (with_attribute(name="a", i=1), "of type 0, which is no number"),
    "a reference": (with_attribute(name="a", ref_attr_name="alpha"), "attribute has a field 21"),
    "a function": (lambda m: m.functions.add(name="f", domain="mine"), "model has a field 25"),
    "training": (lambda m: m.training_info.add(), "model has a field 20"),
    "model notes": (lambda m: m.metadata_props.add(key="ort_config", value="{}"), "model has a field 14"),
    "operator notes": (lambda m: m.graph.node[0].metadata_props.add(key="a", value="b"), "operator has a field 9"),
    "sparse numbers": (lambda m: m.graph.sparse_initializer.add(), "graph has a field 15"),
    "quantisation notes": (lambda m: m.graph.quantization_annotation.add(tensor_name="w"), "graph has a field 14"),
    "overload": (lambda m: setattr(m.graph.node[0], "overload", "x"), "operator has a field 8"),
    "external numbers": (lambda m: external(m.graph.initializer[0]), "keeps 'w' in another file"),
    "external constant": (lambda m: external(m.graph.node[0].attribute[0].t), "keeps 'one' in another file"),
    "texts": (
        lambda m: m.graph.initializer.append(helper.make_tensor("s", TensorProto.STRING, [1], [b"x"])),
        "tensor has a field 6",
    ),
    "complex numbers": (
        lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.COMPLEX64),
        "'w' as type 14",
    ),
    "segments": (lambda m: setattr(m.graph.initializer[0].segment, "begin", 0), "tensor has a field 3"),
    "larger than its numbers": (shape([2**20]), "'w' has 1048576 numbers, and stores others"),
    "smaller than its numbers": (shape([3]), "has 3 numbers"),
    "too large": (shape([2**20, 2**20]), "too large"),
    "too large for the machine": (shape([2**62, 4]), "too large"),
    "negative": (shape([-4]), "too large"),
    "many axes": (shape([1] * 17), "'w' has more than 16 axes"),
    "fewer floats than told": (typed(float_data=[1.0]), "'w' has 4 numbers, and stores others"),
    "more floats than told": (typed(float_data=[1.0] * 5), "'w' has 4 numbers"),
    "one long whole number for four": (typed(data_type=TensorProto.INT64, int64_data=[2**60]), "'w' has 4 numbers"),
    "floats where whole numbers belong": (typed(int32_data=[1] * 4), "'w' has 4 numbers"),
    "numbers in two places": (typed(float_data=[1.0] * 4, double_data=[1.0] * 4), "'w' has 4 numbers"),
    "raw numbers and others": (typed(raw_data=bytes(16), float_data=[1.0] * 4), "'w' has 4 numbers"),
    "typed numbers that are not there": (
        lambda m: m.graph.initializer[1].dims.__setitem__(0, 2**30),
        "'k' has 1073741824 numbers",
    ),
    "a value too large": (wide_value, "'v' has the shape .* too large"),
    "a value that is a sequence": (strange_value, "type of a value has a field 4"),
    "a value of texts": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.STRING),
        "'x' is of a type",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_generator_needs_is_refused_by_name(name: str) -> None:
    change, told = REFUSED[name]
    with pytest.raises(BundleError, match=told):
        check_onnx(model(change))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (model() + model(lambda m: m.ClearField("opset_import")), "model has 'ir_version' twice"),
        (model() + b"\x3a\x00", "model has 'graph' twice"),
        (model() + b"\x3b\x3c", "field 7 of wire type 3"),
        (model()[:-1], "ends in the middle"),
        (b"\x08\x09" + b"\x80" * 12, "has no end"),
        (b"\x08" + b"\x89" + b"\x80" * 9 + b"\x01", "has no end"),
        (b"", "IR version 0"),
        (b"\x3a\xff\xff\xff\xff\x0f", "ends in the middle"),
    ],
)
def test_bytes_that_two_readers_could_read_in_two_ways_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(BundleError, match=told):
        check_onnx(content)


def test_a_flood_of_fields_is_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeward.runtime.protobuf.MAX_FIELDS", 10_000)
    flood = b"\x0a\x00" * 3_000_000  # empty nodes
    content = model(lambda m: m.ClearField("graph")) + b"\x3a" + varint(len(flood)) + flood
    tracemalloc.start()
    with pytest.raises(BundleError, match="more than 10000 fields"):
        check_onnx(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000 * 250


def test_a_shape_of_millions_of_axes_is_refused_without_reading_them() -> None:
    axes = b"\x01" * 2_000_000
    tensor = b"\x10\x01\x0a" + varint(len(axes)) + axes
    graph = b"\x2a" + varint(len(tensor)) + tensor
    content = model(lambda m: m.ClearField("graph")) + b"\x3a" + varint(len(graph)) + graph
    tracemalloc.start()
    with pytest.raises(BundleError, match="more than 16 axes"):
        check_onnx(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(axes)  # a list of them takes eight bytes each


def varint(number: int) -> bytes:
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes([*result, number])


def messages_in(message: Message) -> Iterator[Message]:
    """The message and all inside it."""
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if isinstance(value, Message) else value:
                yield from messages_in(inner)


def assert_harmless(content: bytes) -> None:
    """What has passed is what the onnx package reads, too, and it finds nothing that may not be there."""
    read = ModelProto()
    try:
        read.ParseFromString(content)
    except DecodeError:
        return  # a text that is no UTF-8, say: no engine reads it either
    assert [(opset.domain in ("", "ai.onnx"), opset.version) for opset in read.opset_import] == [(True, 18)]
    assert not read.functions
    assert not read.training_info
    for message in messages_in(read):
        assert not len(UnknownFieldSet(message)), type(message)
        if isinstance(message, onnx.NodeProto):
            assert message.op_type in OPERATORS
            assert message.domain in ("", "ai.onnx")
        elif isinstance(message, onnx.AttributeProto):
            assert not message.HasField("g")
            assert not message.graphs
        elif isinstance(message, onnx.TensorProto):
            assert message.data_location == TensorProto.DEFAULT
            assert not message.external_data
            assert not message.string_data
            assert numpy_helper.to_array(message).size == np.prod([*message.dims, 1], dtype=int)


def check_mutation(content: bytes, data: st.DataObject) -> bool:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, max(0, len(changed) - 1)))
        action = data.draw(st.sampled_from(["set", "cut", "double", "insert"]))
        length = data.draw(st.integers(1, 30))
        if action == "set" and changed:
            changed[start] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del changed[start : start + length]
        elif action == "double":
            changed[start:start] = changed[start : start + length]
        else:
            changed[start:start] = data.draw(st.binary(max_size=12))
    try:
        check_onnx(bytes(changed))
    except BundleError:
        return False
    assert_harmless(bytes(changed))
    return True


@FAST
@given(data=st.data())
def test_a_mutated_graph_is_refused_or_harmless(data: st.DataObject) -> None:
    check_mutation(model(), data)


@FAST
@given(data=st.data())
def test_a_mutated_graph_of_a_real_bundle_is_refused_or_harmless(bundle: Bundle, data: st.DataObject) -> None:
    check_mutation((bundle.path / bundle.manifest.variants[0].file).read_bytes(), data)


@pytest.mark.slow
@LONG
@given(data=st.data())
def test_many_mutated_graphs_are_refused_or_harmless(data: st.DataObject) -> None:
    check_mutation(model(), data)


@FAST
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_or_harmless(content: bytes) -> None:
    try:
        check_onnx(content)
    except BundleError:
        return
    assert_harmless(content)


TENSORS = st.tuples(
    st.sampled_from([np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float16, np.bool_]),
    st.lists(st.integers(0, 4), max_size=3),
    st.booleans(),
)


@FAST
@given(tensors=st.lists(TENSORS, max_size=4), operators=st.lists(st.sampled_from(sorted(OPERATORS)), max_size=6))
def test_every_plain_graph_that_the_onnx_package_writes_passes(
    tensors: list[tuple[type, list[int], bool]], operators: list[str]
) -> None:
    def change(model: ModelProto) -> None:
        for number, (kind, dims, raw) in enumerate(tensors):
            array = np.zeros(dims, kind)
            element = helper.np_dtype_to_tensor_dtype(array.dtype)
            values = array.tobytes() if raw else array.flatten().tolist()
            model.graph.initializer.append(helper.make_tensor(f"t{number}", element, dims, values, raw=raw))
        for operator in operators:
            model.graph.node.append(
                helper.make_node(operator, ["x"], ["z"], "n", "doc", axes=[1, -1], alpha=0.5, k=-1, f=[0.5], s="a")
            )

    content = model(change)
    check_onnx(content)
    assert_harmless(content)
