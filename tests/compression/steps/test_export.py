"""The exported graph computes what PyTorch computes, and the contract's check refuses what breaks it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from edgeward.compression import Compressed
from edgeward.compression.error import run_onnx, run_torch
from edgeward.compression.steps.export import check_graph, export
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.errors import GateError
from edgeward.runtime.feed import Feed
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.families import Generative
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

GraphMaker = Callable[[NodeProto, Sequence[TensorProto]], ModelProto]


@pytest.fixture(scope="module")
def graph(teacher: Checkpoint) -> bytes:
    """The tiny teacher itself, exported."""
    return export(teacher.generator(), teacher.schema)


@pytest.mark.parametrize("n", [1, 3, 64])
def test_the_graph_gives_pytorchs_samples_at_any_batch_size(n: int, graph: bytes, teacher: Checkpoint) -> None:
    inputs = Feed(11, (6,), teacher.schema.conditions, {}).take(5, n)
    samples, wanted = run_onnx(graph, inputs), run_torch(teacher.generator(), inputs)
    assert samples.shape == (n, 2, 256)
    np.testing.assert_allclose(samples, wanted, rtol=1e-4, atol=1e-5)


def test_inputs_and_outputs_are_those_of_the_contract_and_only_the_batch_is_free(graph: bytes) -> None:
    with backend_named("onnxruntime").open(graph, Options()) as session:
        assert list(session.input_shapes.items()) == [("noise", (None, 6)), ("condition", (None, 5))]
        assert list(session.output_shapes.items()) == [("sample", (None, 2, 256))]
    model = onnx.load_model_from_string(graph)
    values = [*model.graph.input, *model.graph.output]
    assert len({value.type.tensor_type.shape.dim[0].dim_param for value in values}) == 1, "one batch size for all"


def test_operators_are_standard_ones_of_opset_18(graph: bytes) -> None:
    model = onnx.load_model_from_string(graph)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    check_graph(model)


def test_batch_norms_are_folded_into_their_convolutions(graph: bytes) -> None:
    kinds = [node.op_type for node in onnx.load_model_from_string(graph).graph.node]
    assert kinds.count("Conv") == 5
    assert "BatchNormalization" not in kinds


def test_no_trace_of_the_exporting_machine_is_left(graph: bytes, compressed: Compressed) -> None:
    for content in (graph, compressed.graphs["fp32"], compressed.graphs["int8"]):
        model = onnx.load_model_from_string(content)
        assert not model.metadata_props
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert not any(value.metadata_props for value in model.graph.value_info)
        del model.graph.initializer[:]  # random bytes may spell anything
        for trace in (".py", "site-packages", "Traceback", str(Path.home()), str(Path.cwd())):
            assert trace.encode() not in model.SerializeToString(), trace


def test_exporting_again_gives_the_same_bytes_and_prints_nothing(
    graph: bytes, teacher: Checkpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    assert export(teacher.generator(), teacher.schema) == graph
    assert capfd.readouterr() == ("", "")


class Unwritable(Generative):
    """A network with something in it that ONNX has no form of."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.noise_shape, self.condition_size, self.what = (2, 256), 5, what

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        return self(noise, condition)  # type: ignore[no-any-return]

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        if self.what == "operator":
            return torch.special.bessel_j0(noise)
        return noise + 1.0 if noise.sum() > 0 else noise


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("operator", r"ONNX has no form of prims\.bessel_j0; write that part of it with other operations"),
        ("branch", "depends on the numbers that go through it .*use torch.where in place of a branch"),
    ],
)
def test_a_network_that_onnx_has_no_form_of_is_refused_by_what_is_in_it(
    what: str, told: str, teacher: Checkpoint
) -> None:
    with pytest.raises(GateError, match=told):
        export(Unwritable(what), teacher.schema)


class OtherwiseExported(Generative):
    """A network whose exported form gives other samples than its own."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.noise_shape, self.condition_size = (256,), 5
        self.conv = nn.Conv1d(1, 2, 3, padding=1)
        self.condition = nn.Linear(5, 1)
        self.factor = factor

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        samples: Tensor = self.conv((noise + self.condition(condition))[:, None])
        return samples * self.factor if torch.compiler.is_exporting() else samples

    encoded = forward


def test_a_graph_that_differs_from_pytorch_is_refused(teacher: Checkpoint) -> None:
    export(OtherwiseExported(1.0), teacher.schema)
    with pytest.raises(GateError, match=r"differs from PyTorch by 0\.0005 \(at most 0\.0001\)"):
        export(OtherwiseExported(1.0005), teacher.schema)


class Unconditional(Generative):
    """A network that makes nothing of its conditions, or has none."""

    def __init__(self, condition_size: int) -> None:
        super().__init__()
        self.noise_shape, self.condition_size = (256,), condition_size
        self.conv = nn.Conv1d(1, 2, 3, padding=1)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        samples: Tensor = self.conv(noise[:, None])
        return samples

    encoded = forward


def test_a_graph_has_both_inputs_of_the_contract_also_where_it_uses_one(teacher: Checkpoint) -> None:
    content = export(Unconditional(teacher.schema.condition_size), teacher.schema)
    assert [each.name for each in onnx.load_from_string(content).graph.input] == ["noise", "condition"]


def model_of(
    nodes: list[NodeProto], tensors: Sequence[TensorProto] = (), opsets: Sequence[tuple[str, int]] = (("", 18),)
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "by-hand",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(*opset) for opset in opsets], ir_version=9)


def plain(node: NodeProto, tensors: Sequence[TensorProto] = ()) -> ModelProto:
    """The node in the graph itself."""
    return model_of([node], tensors)


def in_branch(node: NodeProto, tensors: Sequence[TensorProto] = ()) -> ModelProto:
    """The node in a branch of an If."""

    def branch(node: NodeProto, tensors: Sequence[TensorProto]) -> GraphProto:
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
        return helper.make_graph([node], "branch", [], [output], list(tensors))

    other = branch(helper.make_node("Relu", ["x"], ["y"]), ())
    choice = helper.make_node("If", ["which"], ["y"], then_branch=branch(node, tensors), else_branch=other)
    return model_of([choice], [numpy_helper.from_array(np.array(True), "which")])


def in_branch_of_branch(node: NodeProto, tensors: Sequence[TensorProto] = ()) -> ModelProto:
    """The node in an If inside of an If."""
    inner = in_branch(node, tensors).graph
    return in_branch(inner.node[0], inner.initializer)


def test_a_graph_of_standard_operators_is_accepted() -> None:
    weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
    check_graph(plain(helper.make_node("Add", ["x", "w"], ["y"]), [weight]))


@pytest.mark.parametrize("place", [in_branch, in_branch_of_branch])
@pytest.mark.parametrize("operator", ["Relu", "RandomNormalLike"])
def test_a_branch_is_refused_whatever_is_in_it(operator: str, place: GraphMaker) -> None:
    with pytest.raises(GateError, match="uses 'If', which is not on the list"):
        check_graph(place(helper.make_node(operator, ["x"], ["y"]), ()))


@pytest.mark.parametrize("operator", ["RandomNormalLike", "RandomUniformLike", "Bernoulli", "Dropout"])
def test_an_operator_that_draws_random_numbers_is_refused(operator: str) -> None:
    with pytest.raises(GateError, match=rf"draws random numbers \({operator}\)"):
        check_graph(plain(helper.make_node(operator, ["x"], ["y"]), ()))


def test_an_operator_that_makes_noise_of_nothing_is_refused() -> None:
    noise = helper.make_node("RandomNormal", [], ["y"], shape=[1, 4])
    with pytest.raises(GateError, match=r"draws random numbers \(RandomNormal\)"):
        check_graph(plain(noise))


def test_an_operator_of_a_foreign_domain_is_refused() -> None:
    with pytest.raises(GateError, match="operators of 'com.microsoft'"):
        check_graph(plain(helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft"), ()))


def test_a_foreign_domain_that_is_only_announced_is_refused() -> None:
    relu = helper.make_node("Relu", ["x"], ["y"])
    with pytest.raises(GateError, match="operators of 'mine'"):
        check_graph(model_of([relu], opsets=(("", 18), ("mine", 1))))


def external(folder: Path) -> TensorProto:
    """A tensor kept in another file, which is there: only the contract is broken."""
    (folder / "weights.bin").write_bytes(np.ones(4, np.float32).tobytes())
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def test_a_weight_in_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GateError, match="keeps 'w' in another file"):
        check_graph(plain(helper.make_node("Add", ["x", "w"], ["y"]), [external(tmp_path)]))


def test_a_constant_in_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    constant = helper.make_node("Constant", [], ["w"], value=external(tmp_path))
    with pytest.raises(GateError, match="keeps 'w' in another file"):
        check_graph(model_of([constant, helper.make_node("Add", ["x", "w"], ["y"])]))


@pytest.mark.parametrize(
    "broken",
    [
        plain(helper.make_node("Relu", ["nowhere"], ["y"])),
        plain(helper.make_node("Add", ["x", "w"], ["y"]), [numpy_helper.from_array(np.ones(3, np.float32), "w")]),
        model_of([]),
    ],
)
def test_a_graph_that_is_not_valid_is_refused(broken: ModelProto) -> None:
    with pytest.raises(GateError, match="no valid ONNX"):
        check_graph(broken)


@pytest.mark.parametrize("broken", [ModelProto(), plain(helper.make_node("NoSuchOperator", ["x"], ["y"]))])
def test_a_graph_that_no_runtime_would_take_is_refused(broken: ModelProto) -> None:
    with pytest.raises(GateError, match="no ONNX that Edgeward runs|uses 'NoSuchOperator'"):
        check_graph(broken)
