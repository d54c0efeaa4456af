"""What depends on the class alone is looked up: the same samples from a smaller graph, or nothing is touched."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from edgeward.compression.class_table import fold_class
from edgeward.compression.error import probe_inputs, run_onnx, run_torch
from edgeward.compression.few_steps.jumps import Jumps
from edgeward.compression.steps.export import export
from edgeward.runtime.feed import GraphInputs
from edgeward.runtime.schema import ClassCondition, NumberCondition, Schema
from onnx import TensorProto, helper, numpy_helper

from ..training.toy_schemas import TABLE, samples_of, signal
from .gaussian import untrained

KIND = ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third"))
AGE = NumberCondition("age", "a", 20.0, 80.0)


def student_of(schema: Schema, widths: list[int]) -> Jumps:
    """A student of two calls with no weight at its start."""
    model = untrained(schema, widths=widths)
    model.codec.fit(samples_of(schema, 64))
    student = Jumps(model.generator(), [1.0, 0.5, 0.0]).eval()
    drawn = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=drawn))
    return student


@pytest.mark.parametrize("kind", ["table", pytest.param("beats", marks=pytest.mark.slow)])
def test_how_a_student_is_steered_is_left_out_of_its_graph(kind: str) -> None:
    schema, widths = {"table": (TABLE, [16]), "beats": (signal(2, 16), [8, 8])}[kind]
    schema = dataclasses.replace(schema, conditions=(KIND,))
    student = student_of(schema, widths)
    graph = export(student, schema)
    stored = {tensor.name for tensor in onnx.load_model_from_string(graph).graph.initializer}
    assert not [name for name in stored if "modulation" in name or "embedding" in name]
    inputs = probe_inputs(student.noise_shape, schema)
    assert set(inputs.condition.argmax(axis=1).tolist()) == {0, 1, 2}
    found, wanted = run_onnx(graph, inputs), run_torch(student, inputs)
    close = np.isclose(found, wanted, rtol=1e-3, atol=1e-4, equal_nan=True)
    assert close.mean() > 0.999, "but for a choice that hung in the balance"


# Graphs by hand: two classes, noise of three numbers


def graph_of(nodes: Sequence[onnx.NodeProto], constants: dict[str, npt.NDArray[np.float32]]) -> onnx.ModelProto:
    sizes = {"noise": 3, "condition": 2, "sample": 3}
    noise, condition, sample = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in sizes.items()
    )
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "by-hand", [noise, condition], [sample], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def some(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


TWO_CLASSES = dataclasses.replace(TABLE, conditions=(ClassCondition("kind", ("a", "b"), ("one", "other")),))


def folded(model: onnx.ModelProto) -> tuple[int, bytes]:
    """What was saved, and the graph; which must give the samples of the one that came."""
    inputs = GraphInputs(some(7, 3), np.eye(2, dtype=np.float32)[[1, 0, 0, 1, 1, 1, 0]], {})
    before = run_onnx(model.SerializeToString(), inputs)
    saved = fold_class(model, TWO_CLASSES)
    onnx.checker.check_model(model, full_check=True)
    after = model.SerializeToString()
    np.testing.assert_allclose(run_onnx(after, inputs), before, rtol=1e-5, atol=1e-6)
    return saved, after


def steered() -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["condition", "wide"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "narrow"], ["scale"]),
        helper.make_node("MatMul", ["bent", "other"], ["shift"]),
        helper.make_node("Mul", ["noise", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["sample"]),
    ]
    return graph_of(nodes, {"wide": some(2, 40), "narrow": some(40, 3), "other": some(40, 3)})


def test_what_is_saved_is_told_and_true() -> None:
    saved, graph = folded(steered())
    assert saved == 4 * (2 * 40 + 2 * 40 * 3) - 4 * 2 * 6
    assert [node.op_type for node in onnx.load_model_from_string(graph).graph.node] == ["MatMul", "Split", "Mul", "Add"]


def test_what_meets_noise_stays() -> None:
    nodes = [
        helper.make_node("Concat", ["noise", "condition"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "weights"], ["sample"]),
    ]
    model = graph_of(nodes, {"weights": some(5, 3)})
    before = model.SerializeToString()
    assert folded(model) == (0, before)


@pytest.mark.parametrize("across", ["CumSum", "ReduceMean"])
def test_what_runs_across_the_records_stays(across: str) -> None:
    """A running sum has the shape of a row for each record, and is none."""
    nodes = [
        helper.make_node("MatMul", ["condition", "wide"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "narrow"], ["steered"]),
        helper.make_node(across, ["steered", "axis"], ["across"]),
        helper.make_node("Add", ["across", "noise"], ["sample"]),
    ]
    model = graph_of(nodes, {"wide": some(2, 40), "narrow": some(40, 3)})
    axis = np.array([0] if across == "ReduceMean" else 0, np.int64)
    model.graph.initializer.append(numpy_helper.from_array(axis, "axis"))
    saved, graph = folded(model)
    assert saved == 4 * (2 * 40 + 40 * 3) - 4 * 2 * 3
    assert across in [node.op_type for node in onnx.load_model_from_string(graph).graph.node]


def test_a_table_that_is_larger_than_what_it_replaces_is_not_made() -> None:
    nodes = [
        helper.make_node("MatMul", ["condition", "weights"], ["steered"]),
        helper.make_node("Add", ["steered", "noise"], ["sample"]),
    ]
    model = graph_of(nodes, {"weights": some(2, 3)})
    before = model.SerializeToString()
    assert folded(model) == (0, before)


def test_a_quantity_beside_the_class_is_met_by_no_table() -> None:
    model = steered()
    before = model.SerializeToString()
    assert fold_class(model, dataclasses.replace(TABLE, conditions=(KIND, AGE))) == 0
    assert model.SerializeToString() == before
