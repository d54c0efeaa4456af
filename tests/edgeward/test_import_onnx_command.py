"""Somebody else's ONNX file goes the whole way: imported, compressed, verified, and asked for samples."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from edgeward.runtime import load
from edgeward.runtime.noise import NoiseStream
from onnx import TensorProto, helper, numpy_helper
from scipy.special import ndtr

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]
DESCRIPTION = """
name = "pulses"
description = "One pulse."
kind = "signal"
channels = [{name = "PLETH", unit = "1", range = [0, 1]}]
sampling_rate_hz = 32
length = 32
conditions = [{kind = "class", name = "state", values = ["a", "b", "c"]}]
source = "pulses of nobody"
licence = "CC0-1.0"
attribution = "nobody"
inputs."serving_default_z:0" = {from = "noise", distribution = "uniform"}
inputs."serving_default_label:0" = {from = "state", as = "index"}
output.name = "Identity:0"
output.layout = "channels last"
output.scale = 0.5
output.offset = 0.5
"""
RECIPE = """
name = "tiny"
step = [
    {do = "prune", ratio = 0.3, round_to = 4},
    {do = "distil", steps = 10, batch_size = 16, learning_rate = 1e-3},
    {do = "export"},
    {do = "quantise", samples = 32, percentile = 99.99, error_budget = 1.0},
]
[allowance]
student_relative_l2 = 5.0
int8_relative_l2 = 1.0
"""


def keras_like() -> onnx.ModelProto:
    """As tf2onnx writes a Keras generator: odd names, an int64 label, channels last, shapes computed from the batch."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) * 0.5).astype(np.float32)

    stored = {
        "embedding": weights(3, 4),
        "dense": weights(12, 128),
        "dense/bias": weights(128),
        "conv1": weights(16, 16, 5),
        "conv1/bias": weights(16),
        "conv2": weights(8, 16, 5),
        "conv3": weights(1, 8, 3),
        "sizes": np.array([8, 16]),
        "zero": np.array([0]),
        "one": np.array([1]),
        "scales": np.array([1, 1, 2, 1], np.float32),
        "two": np.array([2]),
    }
    z, label, out = "serving_default_z:0", "serving_default_label:0", "Identity:0"

    def node(op: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(op, inputs, [output], name=f"model/{output}", **attributes)

    def upsampled(value: str, output: str) -> list[onnx.NodeProto]:
        return [
            node("Unsqueeze", [value, "one"], f"{output}/wide"),
            node("Transpose", [f"{output}/wide"], f"{output}/first", perm=[0, 3, 2, 1]),
            node(
                "Resize",
                [f"{output}/first", "", "scales"],
                f"{output}/up",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
            node("Transpose", [f"{output}/up"], f"{output}/last", perm=[0, 3, 2, 1]),
            node("Squeeze", [f"{output}/last", "one"], output),
        ]

    nodes = [
        node("Gather", ["embedding", label], "embedded"),
        node("Concat", [z, "embedded"], "joined", axis=1),
        node("MatMul", ["joined", "dense"], "product"),
        node("Add", ["product", "dense/bias"], "biased"),
        node("LeakyRelu", ["biased"], "rectified", alpha=0.2),
        node("Shape", ["rectified"], "shape"),
        node("Slice", ["shape", "zero", "one", "zero"], "batch"),
        node("Concat", ["batch", "sizes"], "target", axis=0),
        node("Reshape", ["rectified", "target"], "series"),
        *upsampled("series", "up1"),
        node("Transpose", ["up1"], "first1", perm=[0, 2, 1]),
        node("Conv", ["first1", "conv1", "conv1/bias"], "made1", auto_pad="SAME_UPPER"),
        node("Relu", ["made1"], "relu1"),
        node("Transpose", ["relu1"], "last1", perm=[0, 2, 1]),
        *upsampled("last1", "up2"),
        node("Transpose", ["up2"], "first2", perm=[0, 2, 1]),
        node("Conv", ["first2", "conv2"], "made2", pads=[2, 2]),
        node("Relu", ["made2"], "relu2"),
        node("Conv", ["relu2", "conv3"], "made3", pads=[1, 1]),
        node("Transpose", ["made3"], "last3", perm=[0, 2, 1]),
        node("Tanh", ["last3"], out),
    ]
    graph = helper.make_graph(
        nodes,
        "tf2onnx",
        [
            helper.make_tensor_value_info(z, TensorProto.FLOAT, ["unk__0", 8]),
            helper.make_tensor_value_info(label, TensorProto.INT64, ["unk__1"]),
        ],
        [onnx.ValueInfoProto(name=out), onnx.ValueInfoProto(name="embedded")],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_an_onnx_generator_is_compressed_verified_and_generates(edgeward_here: Run, out: Path) -> None:
    (out / "generator.onnx").write_bytes(keras_like().SerializeToString())
    (out / "own.toml").write_text(DESCRIPTION)
    (out / "tiny.toml").write_text(RECIPE)
    where = ("--schema", out / "own.toml", "-o", out / "teacher.pt", "--seed", 1)
    brought = edgeward_here("import", out / "generator.onnx", *where, "--json")
    assert brought.returncode == 0, brought.stderr
    assert json.loads(brought.stdout)["notes"] == []
    made = edgeward_here("compress", out / "teacher.pt", "--recipe", out / "tiny.toml", "-o", out / "own.edgeward")
    assert made.returncode == 0, made.stderr
    assert edgeward_here("bundle", "verify", out / "own.edgeward").returncode == 0
    with load(out / "own.edgeward") as generator:
        samples = generator.generate(8, condition={"state": "b"}, seed=1).samples
    assert samples.shape == (8, 1, 32)
    assert 0 <= samples.min() < samples.max() <= 1
    lineage = json.loads((out / "own.edgeward" / "manifest.json").read_text())["lineage"]
    assert lineage["teacher"]["recipe"]["imported"]["origin"]["onnx"] == "generator.onnx"
    before, after = lineage["teacher"]["cost"], lineage["compression"]["steps"][0]["cost"]
    assert after["parameters"] < 0.8 * before["parameters"]


def test_an_onnx_generator_becomes_a_bundle_as_it_is(edgeward_here: Run, out: Path) -> None:
    """What it makes in the bundle is what onnxruntime makes of the file itself."""
    (out / "generator.onnx").write_bytes(keras_like().SerializeToString())
    (out / "own.toml").write_text(DESCRIPTION)
    where = ("--schema", out / "own.toml", "-o", out / "teacher.pt", "--seed", 1)
    assert edgeward_here("import", out / "generator.onnx", *where).returncode == 0
    made = edgeward_here("compress", out / "teacher.pt", "--recipe", "export", "-o", out / "own.edgeward")
    assert made.returncode == 0, made.stderr
    with load(out / "own.edgeward") as generator:
        assert [variant.name for variant in generator.bundle.manifest.variants] == ["fp32"]
        batch = generator.generate(8, condition={"state": "b"}, seed=1)
    noise = NoiseStream(1, (8,)).take(0, 8)
    uniform = ndtr(noise.astype(np.float64)).astype(np.float32)
    feed = {"serving_default_z:0": uniform, "serving_default_label:0": np.ones(8, np.int64)}
    (expected,) = ort.InferenceSession((out / "generator.onnx").read_bytes()).run(["Identity:0"], feed)
    np.testing.assert_allclose(batch.samples, expected.transpose(0, 2, 1) * 0.5 + 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('output.name = "Identity:0"\n', "", 'choose one: output.name = "Identity:0"'),
        ("serving_default_label", "label", "no input 'label:0'; it takes 'serving_default_z:0'"),
        (
            'inputs."serving_default_label:0" = {from = "state", as = "index"}\n',
            "",
            "nothing is said of the graph's input",
        ),
        (', as = "index"', "", "has 3 number(s) a sample, of 'state' as one-hot; the model's input has the shape []"),
        ('from = "noise"', 'from = "noise", shape = [9]', "in the graph, one sample's is [8]"),
    ],
)
def test_a_description_that_does_not_fit_the_file_is_refused(
    edgeward_here: Run, refused: Refused, out: Path, old: str, new: str, told: str
) -> None:
    (out / "generator.onnx").write_bytes(keras_like().SerializeToString())
    assert old in DESCRIPTION
    (out / "own.toml").write_text(DESCRIPTION.replace(old, new))
    where = ("--schema", out / "own.toml", "-o", out / "teacher.pt", "--seed", 1)
    refused(edgeward_here("import", out / "generator.onnx", *where), 3, told)
    assert not (out / "teacher.pt").exists()


def test_a_file_that_is_no_model_is_refused(edgeward_here: Run, refused: Refused, out: Path) -> None:
    (out / "own.toml").write_text(DESCRIPTION)
    where = ("--schema", out / "own.toml", "-o", out / "teacher.pt", "--seed", 1)
    refused(edgeward_here("import", out / "own.onnx", *where), 3, "own.onnx cannot be read")
    (out / "own.onnx").write_bytes(b"\x00" * 100)
    refused(edgeward_here("import", out / "own.onnx", *where), 3, "own.onnx is damaged, or is no ONNX file")
