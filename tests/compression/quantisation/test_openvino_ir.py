"""NNCF's IR holds what was asked for, is as its runtime demands, and nothing phones home while it is made."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from edgeward.compression.quantisation.calibration import calibration_batches
from edgeward.compression.quantisation.judge import Judge
from edgeward.compression.quantisation.layers import find_layers, worth_quantising
from edgeward.compression.quantisation.openvino_ir import IrQuantiser, _weight_of
from edgeward.compression.steps.quantise import STEP
from edgeward.compression.student import Student
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.backends.openvino_ir import check_ir
from edgeward.runtime.errors import BackendError
from edgeward.runtime.schema import Schema
from edgeward.training.checkpoint import Checkpoint

from ...training.toy_schemas import signal
from ..quantised import context_of, unrolled_sampler

SHAPE = (6, 8)

MAKE = """
import os, sys
from pathlib import Path

def guard(event, arguments):
    if event.startswith("socket."):
        Path(sys.argv[1]).open("a").write(f"{event} {arguments}\\n")

sys.addaudithook(guard)
from edgeward.compression.quantisation.openvino_ir import IrQuantiser
IrQuantiser(Path(sys.argv[2]).read_bytes(), ())
"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return signal(6, 8)


@pytest.fixture(scope="module")
def quantiser(schema: Schema) -> IrQuantiser:
    pytest.importorskip("nncf")
    return IrQuantiser(unrolled_sampler(2), calibration_batches(SHAPE, schema, samples=64, seed=1))


@pytest.fixture(scope="module")
def ir(quantiser: IrQuantiser) -> tuple[bytes, bytes]:
    return quantiser.quantised(worth_quantising(quantiser.layers))


def quantised_products(ir: tuple[bytes, bytes]) -> dict[str, bool]:
    """By name of each convolution or product, whether its input comes from a FakeQuantize."""
    model = pytest.importorskip("openvino").Core().read_model(*ir)
    return {
        node.get_friendly_name(): node.input_value(0).get_node().get_type_name() == "FakeQuantize"
        for node in model.get_ops()
        if node.get_type_name() in ("Convolution", "MatMul")
    }


@pytest.mark.slow
def test_chosen_layers_are_quantised_in_every_step_and_those_kept_in_float_are_not(ir: tuple[bytes, bytes]) -> None:
    found = {re.sub(r"/.*", "", name): quantised for name, quantised in quantised_products(ir).items()}
    assert {name: found[name] for name in ("first_0", "first_1", "middle_0", "middle_1")} == dict.fromkeys(
        ("first_0", "first_1", "middle_0", "middle_1"), True
    )
    assert not any(quantised for name, quantised in found.items() if name.startswith(("last", "time", "shift")))


@pytest.mark.slow
def test_the_ir_passes_the_check_of_the_runtime_and_stays_close(ir: tuple[bytes, bytes], schema: Schema) -> None:
    check_ir(*ir)
    assert b"rt_info" not in ir[0]
    assert Judge(unrolled_sampler(2), SHAPE, schema, seed=1).error(*ir) < 0.05
    with backend_named("openvino").open(ir[0], Options(), ir[1]) as session:
        assert session.describe().precision == "f32", "the default would be bf16 where the processor has it"
        assert np.isfinite(session.run((np.zeros((1, *SHAPE), np.float32), np.zeros((1, 4), np.float32)))[0]).all()


@pytest.mark.slow
def test_an_ir_is_kept_only_where_it_is_better_and_the_record_says_why_not(
    teacher: Checkpoint, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf")
    model = teacher.generator()
    monkeypatch.setattr(model, "noise_shape", SHAPE)
    options = {"engine": "openvino", "samples": 64, "percentile": 99.99, "error_budget": 1.0}
    for better in (True, False):
        monkeypatch.setattr("edgeward.compression.steps.quantise._better", lambda *_, better=better: better)
        student = Student(model, graphs={"fp32": unrolled_sampler(2)})
        details = STEP.run(student, context_of(model, schema), **options)
        assert details
        assert ("int8-openvino" in student.weights) == better
        assert ("on OpenVINO" in details.get("skipped", "")) == (not better)
        assert [row["name"] for row in details["compared_on_openvino"]] == ["fp32", "ir"]


@pytest.mark.slow
def test_reading_the_quantiser_opens_no_socket_and_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    graph, home, sockets = tmp_path / "graph.onnx", tmp_path / "home", tmp_path / "sockets"
    graph.write_bytes(unrolled_sampler(1))
    home.mkdir()
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
    command = [sys.executable, "-c", MAKE, sockets, graph]
    result = subprocess.run(command, env={**os.environ, **places}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert not sockets.exists(), sockets.read_text()
    assert [file for file in home.rglob("*") if file.is_file()] == []


def test_without_nncf_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)  # as if it were not installed
    with pytest.raises(BackendError, match=r"needs OpenVINO and NNCF.*pip install 'edgeward\[nncf\]'"):
        IrQuantiser(unrolled_sampler(1), ())


def test_layers_have_the_same_names_in_onnx_and_in_openvino() -> None:
    openvino = pytest.importorskip("openvino")
    graph = unrolled_sampler(2)
    read = openvino.Core().read_model(graph)
    there = {_weight_of(node) for node in read.get_ops() if node.get_type_name() in ("Convolution", "MatMul")}
    assert {layer.weight for layer in find_layers(onnx.load_model_from_string(graph))} <= there
