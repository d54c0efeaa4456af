"""A whole ONNX file becomes a teacher that makes what onnxruntime makes, or is refused by name."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from edgeward.runtime.errors import DataError, EdgewardError, GateError
from edgeward.training.checkpoint import Checkpoint
from edgeward.training.foreign.onnx_graph import table
from edgeward.training.foreign.onnx_model import import_onnx
from edgeward.training.foreign.read import read_foreign_model
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from .onnx_tables import DESCRIPTION, LABEL, LINEAR, NOISE, WEIGHTS, model, node, written

Import = Callable[..., Checkpoint]
FLOAT, DOUBLE, HALF, INT64, INT32 = (
    *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.INT32),
)


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Import a model by a description."""

    def run(made: onnx.ModelProto | Path, inputs: str = NOISE) -> Checkpoint:
        (tmp_path / "rows.toml").write_text(DESCRIPTION + inputs)
        path = made if isinstance(made, Path) else written(made, tmp_path)
        return import_onnx(path, read_foreign_model(tmp_path / "rows.toml"), seed=1)[0]

    return run


def rows(teacher: Checkpoint, noise: np.ndarray, state: int = 0) -> np.ndarray:
    condition = torch.zeros(len(noise), 2)
    condition[:, state] = 1
    with torch.no_grad():
        return teacher.generator()(torch.from_numpy(noise), condition).numpy()


NUMBERS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
WANTED = np.tanh(NUMBERS @ WEIGHTS["matrix"] + WEIGHTS["bias"])


def same(teacher: Checkpoint, wanted: np.ndarray = WANTED, state: int = 0, within: float = 1e-5) -> bool:
    return np.allclose(rows(teacher, NUMBERS, state), wanted, atol=within)


def test_a_graph_becomes_layers_whose_weights_are_the_files(bring: Import) -> None:
    teacher = bring(model(LINEAR))
    assert same(teacher)
    assert teacher.recipe.options["network"]["layers"] == [
        ["Linear", {"in_features": 4, "out_features": 3, "bias": True}]
    ]
    assert np.array_equal(teacher.weights["network.layers.0.weight"].numpy(), WEIGHTS["matrix"].T)
    assert teacher.recipe.options["origin"]["onnx"] == "rows.onnx"


@pytest.mark.parametrize("name", ["input:0", "serving_default_z", "x.1", "a b/c", "onnx::Gemm_0", "self"])
def test_inputs_may_have_any_name(bring: Import, name: str) -> None:
    gemm = helper.make_node("Gemm", [name, "matrix", "bias"], ["h"])
    teacher = bring(model([gemm, LINEAR[1]], {name: (FLOAT, ["n", 4])}), NOISE.replace("z", f'"{name}"'))
    assert same(teacher)


@pytest.mark.parametrize(("kind", "shape"), [(INT64, ["n"]), (INT32, ["n", 1]), (INT64, [1]), (FLOAT, ["n", 1])])
def test_a_label_is_fed_in_the_type_and_shape_of_the_graph(bring: Import, kind: int, shape: list[Any]) -> None:
    nodes = [node("Gather", "table label", "e"), node("Reshape", "e flat", "f"), LINEAR[0], node("Add", "h f", "s")]
    if kind == FLOAT:
        nodes[:1] = [node("Cast", "label", "index", to=INT64), node("Gather", "table index", "e")]
    made = model(
        [*nodes, node("Tanh", "s", "y")],
        {"z": (FLOAT, [1 if shape == [1] else "n", 4]), "label": (kind, shape)},
        {"flat": np.array([-1, 3])},
    )
    teacher = bring(made, NOISE + LABEL)
    wanted = np.tanh(NUMBERS @ WEIGHTS["matrix"] + WEIGHTS["bias"] + WEIGHTS["table"][1])
    assert same(teacher, wanted, state=1)
    assert ["Embedding" in layer for layer in teacher.recipe.options["network"]["layers"]].count(True) == 1


@pytest.mark.parametrize(("kind", "dtype", "within"), [(DOUBLE, np.float64, 1e-5), (HALF, np.float16, 1e-2)])
def test_other_precisions_become_single(bring: Import, kind: int, dtype: type, within: float) -> None:
    weights = {name: WEIGHTS[name].astype(dtype) for name in ("matrix", "bias")}
    teacher = bring(model(LINEAR, {"z": (kind, ["n", 4])}, weights))
    assert same(teacher, within=within)
    assert {t.dtype for t in teacher.weights.values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_size_baked_into_inputs_and_reshapes_becomes_free(bring: Import, batch: int) -> None:
    nodes = [
        node("Reshape", "z image", "i"),
        node("Transpose", "i", "t", perm=[0, 2, 1]),
        node("Transpose", "t", "t2", perm=[0, 2, 1]),
        node("Reshape", "t2 row", "r"),
        node("Gemm", "r matrix bias", "h"),
        LINEAR[1],
    ]
    weights = {"image": np.array([batch, 2, 2]), "row": np.array([batch, -1])}
    assert same(bring(model(nodes, {"z": (FLOAT, [batch, 4])}, weights)))


def test_what_is_stored_for_a_batch_of_one_serves_every_sample(bring: Import) -> None:
    start, wide = np.full((1, 2), 0.3, np.float32), np.concatenate([WEIGHTS["matrix"], np.ones((2, 3), np.float32)])
    nodes = [node("Concat", "start z", "c", axis=1), node("Gemm", "c wide", "h"), LINEAR[1]]
    wide = wide[[4, 5, 0, 1, 2, 3]]
    teacher = bring(model(nodes, {"z": (FLOAT, [1, 4])}, {"start": start, "wide": wide}))
    assert same(teacher, np.tanh(NUMBERS @ WEIGHTS["matrix"] + 0.6))


def test_starts_made_for_a_free_batch_are_followed(bring: Import) -> None:
    """As exporters write `zeros(n, 2) + 0.5` and `corner.expand(n, -1)`, beside the noise."""
    nodes = [
        node("Shape", "z", "shape"),
        node("Gather", "shape zero", "n", axis=0),
        node("Unsqueeze", "n at0", "n1"),
        node("Concat", "n1 two", "full", axis=0),
        node("ConstantOfShape", "full", "start", value=numpy_helper.from_array(np.array([0.5], np.float32))),
        node("Concat", "n1 minus", "asked", axis=0),
        node("Equal", "asked minus", "open"),
        node("ConstantOfShape", "two", "ones", value=numpy_helper.from_array(np.array([1]))),
        node("Where", "open ones asked", "target"),
        node("Expand", "corner target", "corners"),
        node("Concat", "start corners z", "c", axis=1),
        node("Gemm", "c wide", "h"),
        LINEAR[1],
    ]
    ints = {"zero": 0, "at0": [0], "two": [2], "minus": [-1]}
    weights: dict[str, np.ndarray] = {name: np.array(value, dtype=np.int64) for name, value in ints.items()}
    weights |= {"corner": np.full((1, 2), 0.25, np.float32), "wide": np.full((8, 3), 0.2, np.float32)}
    wanted = np.tanh((1.5 + NUMBERS.sum(axis=1, keepdims=True)) * 0.2 * np.ones(3))
    assert same(bring(model(nodes, weights=weights)), wanted)


def test_what_depends_on_no_input_is_computed_beforehand(bring: Import) -> None:
    nodes = [
        node("Constant", "", "four", value_int=4),
        node("Range", "none four one", "r"),
        node("Greater", "r one", "above"),
        node("Not", "above", "below"),
        node("And", "above below", "never"),
        node("Or", "never below", "first"),
        node("Xor", "first never", "mask"),
        node("Size", "z", "numbers"),
        node("Shape", "z", "wide", start=1),
        node("Cast", "mask", "gain", to=FLOAT),
        node("Mul", "z gain", "half"),
        node("Gemm", "half matrix bias", "h"),
        LINEAR[1],
    ]
    teacher = bring(model(nodes, weights={"none": np.array(0), "one": np.array(1)}))
    assert same(teacher, np.tanh(NUMBERS[:, :2] @ WEIGHTS["matrix"][:2] + WEIGHTS["bias"]))


def test_the_branch_that_is_always_taken_is_followed(bring: Import) -> None:
    def branch(op: str) -> onnx.GraphProto:
        return helper.make_graph([node(op, "h", "inner")], op, [], [onnx.ValueInfoProto(name="inner")])

    nodes = [
        LINEAR[0],
        node("Shape", "h", "shape"),
        node("Size", "shape", "rank"),
        node("Equal", "rank two", "flat"),
        node("If", "flat", "y", then_branch=branch("Tanh"), else_branch=branch("Bernoulli")),
    ]
    assert same(bring(model(nodes, weights={"two": np.array(2)})))


def test_one_of_several_outputs_is_chosen_and_what_only_others_need_is_left_out(bring: Import) -> None:
    made = model([*LINEAR, node("NonZero", "h", "other")], outputs=["other", "y"])
    assert same(bring(made, NOISE + 'output.name = "y"\n'))
    with pytest.raises(DataError, match="choose one: output.name = "):
        bring(made)
    with pytest.raises(DataError, match="no output 'no'"):
        bring(made, NOISE + 'output.name = "no"\n')


def test_a_constant_is_no_input_any_more(bring: Import) -> None:
    inputs = {"z": (FLOAT, ["n", 4]), "gain": (FLOAT, []), "shift": (FLOAT, ["n", 3])}
    made = model([LINEAR[0], node("Mul", "h gain", "g"), node("Add", "g shift", "s"), node("Tanh", "s", "y")], inputs)
    teacher = bring(made, NOISE + "inputs.gain = {constant = 0.5}\ninputs.shift = {constant = [0.1, 0.2, 0.3]}\n")
    plain = NUMBERS @ WEIGHTS["matrix"] + WEIGHTS["bias"]
    assert same(teacher, np.tanh(plain * 0.5 + np.array([0.1, 0.2, 0.3])))


RESHAPED = [
    node("Reshape", "z square", "q"),
    node("Transpose", "q", "t", perm=[0, 2, 1]),
    node("Flatten", "t", "z2"),
    node("Gemm", "z2 matrix bias", "h"),
    node("Softmax", "h", "y", axis=-1),
]
RANDOM = [node("RandomNormalLike", "h", "r", mean=0.5, scale=0.1), node("Add", "h r", "s"), node("Tanh", "s", "y")]


def test_a_graph_that_draws_random_numbers_is_refused_unless_they_are_fed_from_noise(bring: Import) -> None:
    made = model([LINEAR[0], *RANDOM])
    with pytest.raises(
        DataError, match=r"RandomNormalLike 'the randomnormallike of [\w ]+' draws random numbers.*inputs.\"r\""
    ):
        bring(made)
    with pytest.raises(DataError, match=r"scale = 0.1, offset = 0.5"):
        bring(made, NOISE + 'inputs.r = {from = "noise", shape = [3]}\n')
    noise = NOISE.replace("}", ", shape = [4]}")
    teacher = bring(made, noise + 'inputs.r = {from = "noise", shape = [3], scale = 0.1, offset = 0.5}\n')
    assert teacher.generator().noise_shape == (7,)


def test_weights_in_another_file_are_taken_in(bring: Import, tmp_path: Path) -> None:
    onnx.save(model(LINEAR), tmp_path / "big.onnx", save_as_external_data=True, location="big.data", size_threshold=0)
    assert same(bring(tmp_path / "big.onnx"))


def test_constants_of_one_name_in_another_file_keep_numbers_of_their_own(bring: Import, tmp_path: Path) -> None:
    made = model(LINEAR)
    nodes = []
    for name in WEIGHTS:
        tensor = numpy_helper.from_array(WEIGHTS[name].astype(np.float32), "")
        nodes.append(helper.make_node("Constant", [], [name], value=tensor))
    data = b""
    for constant in nodes:
        tensor, first = constant.attribute[0].t, len(data)
        data += tensor.raw_data
        onnx.external_data_helper.set_external_data(tensor, "big.data", first, len(tensor.raw_data))
        tensor.ClearField("raw_data")
    (tmp_path / "big.data").write_bytes(data)
    others = list(made.graph.node)
    del made.graph.node[:], made.graph.initializer[:]
    made.graph.node.extend([*nodes, *others])
    assert same(bring(written(made, tmp_path)))


@pytest.mark.parametrize("location", ["../secret.data", "link.data", "", "/etc/passwd", "absent.data"])
def test_weights_outside_the_folder_or_behind_a_link_are_not_read(bring: Import, tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.data").write_bytes(WEIGHTS["matrix"].tobytes())
    (folder / "link.data").symlink_to(tmp_path / "secret.data")
    made = model(LINEAR)
    onnx.external_data_helper.set_external_data(made.graph.initializer[0], location or "x")
    if not location:
        del made.graph.initializer[0].external_data[:]
    made.graph.initializer[0].ClearField("raw_data")
    with pytest.raises(DataError, match="does not lie in its folder|cannot be read"):
        bring(written(made, folder))


def of_domain() -> onnx.ModelProto:
    made = model([helper.make_node("FusedGemm", ["z", "matrix"], ["y"], domain="com.microsoft")])
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made


def looping() -> onnx.ModelProto:
    body = helper.make_graph([], "body", [], [])
    return model([LINEAR[0], node("Loop", "- - h", "y", body=body)])


def huge(op: str, *numbers: int) -> onnx.ModelProto:
    nodes = [
        node(op, "h many" if op != "ConstantOfShape" else "many", "big"),
        node("ReduceSum", "big", "s", keepdims=0),
    ]
    return model([LINEAR[0], *nodes, node("Add", "h s", "y")], weights={"many": np.array(numbers)})


def with_opset(version: int) -> onnx.ModelProto:
    made = model(LINEAR)
    made.opset_import[0].version = version
    return made


def sparse() -> onnx.ModelProto:
    made = model(LINEAR)
    values, at = numpy_helper.from_array(np.ones(1, np.float32), "q"), numpy_helper.from_array(np.array([0]), "i")
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, at, [3]))
    return made


def damaged_weight() -> onnx.ModelProto:
    made = model(LINEAR)
    made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:-4]
    return made


def branching() -> onnx.ModelProto:
    inner = helper.make_graph([node("Tanh", "h", "i")], "inner", [], [onnx.ValueInfoProto(name="i")])
    nodes = [node("ReduceSum", "h", "s", keepdims=0), node("Greater", "s s", "c")]
    return model([LINEAR[0], *nodes, node("If", "c", "y", then_branch=inner, else_branch=inner)])


def with_function() -> onnx.ModelProto:
    made = model(LINEAR)
    made.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], [], []))
    return made


WRONG: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "custom operator": (of_domain, r"FusedGemm that makes 'y' is of the domain 'com.microsoft'"),
    "function": (with_function, "defines operators of its own \\('Twice'\\)"),
    "loop": (looping, r"Loop 'the loop of [\w ]+': this operator cannot be imported"),
    "unknown operator": (
        lambda: model([LINEAR[0], node("Hardmax", "h", "y")]),
        r"Hardmax 'the hardmax of [\w ]+': this operator",
    ),
    "branch on numbers": (branching, r"If 'the if of [\w ]+': a branch taken by the model's inputs"),
    "huge expand": (lambda: huge("Expand", 2**20, 2**20, 1, 3), r"Expand 'the expand of [\w ]+'.*numbers a sample"),
    "huge tile": (lambda: huge("Tile", 1, 2**40), r"Tile 'the tile of [\w ]+'"),
    "huge constant": (
        lambda: huge("ConstantOfShape", 2**31, 2**31),
        r"ConstantOfShape 'the constantofshape of big'",
    ),
    "overflowing constant": (lambda: huge("ConstantOfShape", 2**62, 2**62), "ConstantOfShape"),
    "huge reshape": (lambda: huge("Reshape", 2**62, -1), r"Reshape 'the reshape of [\w ]+'"),
    "negative shape": (lambda: huge("ConstantOfShape", -5), "ConstantOfShape"),
    "old opset": (lambda: with_opset(6), "opset 6; 7 to"),
    "future opset": (lambda: with_opset(999), "opset 999; 7 to"),
    "sparse weights": (sparse, "sparse weights"),
    "damaged weight": (damaged_weight, "weight 'matrix' cannot be read"),
    "missing name": (lambda: model([node("Tanh", "nowhere", "y")]), "wants 'nowhere', which nothing before it makes"),
    "no such output": (lambda: model([node("Tanh", "z", "x")]), "no node of the graph makes its output 'y'"),
    "no dependence": (lambda: model([node("Tanh", "matrix", "y")]), "does not depend on what it is fed with"),
    "wrong rank": (lambda: model([node("Gemm", "z bias", "y")]), r"Gemm 'the gemm of [\w ]+'"),
    "batch lost": (lambda: model([node("ReduceSum", "z", "y")]), "does not have the batch as its first axis"),
    "numbers of the batch": (
        lambda: model([LINEAR[0], node("Size", "h", "s"), node("Cast", "s", "f", to=1), node("Mul", "h f", "y")]),
        r"Mul 'the mul of [\w ]+': the batch size is used as a number",
    ),
    "mixed batch": (
        lambda: model(
            [LINEAR[0], node("ReduceMean", "h zero", "m"), node("Sub", "h m", "y")], weights={"zero": np.array([0])}
        ),
        "changes with the others of its batch",
    ),
    "missing attribute": (lambda: model([node("Constant", "", "y")]), "Constant"),
    "wrong kind of attribute": (lambda: model([node("Softmax", "z", "y", axis="last")]), "'axis' is of a wrong kind"),
    "training": (
        lambda: model(
            [LINEAR[0], node("Dropout", "h half true", "y")],
            weights={"half": np.array(0.5, np.float32), "true": np.array(True)},
        ),
        r"Dropout 'the dropout of [\w ]+': it draws random numbers",
    ),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_a_graph_that_cannot_be_imported_is_refused_by_name(bring: Import, case: str) -> None:
    make, told = WRONG[case]
    with pytest.raises(EdgewardError, match=told):
        bring(make())


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (NOISE.replace("z", "x"), "no input 'x'; it takes 'z'"),
        (NOISE.replace("}", ", shape = [5]}"), r"says shape = \[5\]; in the graph, one sample's is \['?4"),
        (NOISE + LABEL, "no input 'label'"),
    ],
)
def test_a_description_that_does_not_fit_the_graph_is_refused(bring: Import, inputs: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        bring(model(LINEAR), inputs)


def test_an_input_of_which_nothing_is_said_is_named(bring: Import) -> None:
    made = model([LINEAR[0], node("Mul", "h gain", "y")], {"z": (FLOAT, ["n", 4]), "gain": (FLOAT, [])})
    with pytest.raises(DataError, match="input 'gain'; add inputs.\"gain\""):
        bring(made)
    with pytest.raises(DataError, match="one number for all samples; feed it with a constant"):
        bring(made, NOISE + 'inputs.gain = {from = "state", as = "index"}\n')


def test_a_wrong_translation_is_found_and_its_node_named(bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.TRANSLATIONS, "Tanh", table.TRANSLATIONS["Sigmoid"])
    with pytest.raises(GateError, match=r"differs from the graph by .*, first at Tanh 'the tanh of [\w ]+'"):
        bring(model([*LINEAR[:1], node("Tanh", "h", "t"), node("Neg", "t", "y")]))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x0a" * 50, b"\xff" * 1000])
def test_a_file_that_is_no_onnx_is_refused(bring: Import, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(DataError, match="bad.onnx is damaged, or is no ONNX file|is no ONNX file, or an empty one"):
        bring(tmp_path / "bad.onnx")


def test_a_truncated_file_is_refused_wherever_it_ends(bring: Import, tmp_path: Path) -> None:
    whole = model(LINEAR).SerializeToString()
    for end in range(1, len(whole) - 1, 7):
        (tmp_path / "cut.onnx").write_bytes(whole[:end])
        with pytest.raises(EdgewardError):
            bring(tmp_path / "cut.onnx")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_file_is_a_teacher_or_is_refused(flips: list[tuple[int, int]]) -> None:
    content = bytearray(model(RESHAPED, weights={"square": np.array([-1, 2, 2])}).SerializeToString())
    for place, byte in flips:
        content[place % len(content)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.onnx")
        path.write_bytes(content)
        Path(folder, "rows.toml").write_text(DESCRIPTION + NOISE)
        with contextlib.suppress(EdgewardError):
            import_onnx(path, read_foreign_model(Path(folder, "rows.toml")), seed=1)


def test_a_file_that_is_absent_or_too_large_is_refused(bring: Import, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        bring(tmp_path / "absent.onnx")
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(DataError, match="has 2147483648 bytes"):
        bring(tmp_path / "large.onnx")
