"""A generator small enough to reason about, packed by hand: tests of the runtime need no trained model."""

import dataclasses
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from edgeward.runtime import Bundle, Generator, load, open_bundle
from edgeward.runtime.backends import BACKENDS, Options, backend_named
from edgeward.runtime.feed import Feed
from edgeward.runtime.manifest import GOLDEN_NAME, MANIFEST_NAME, FileEntry, Manifest, Variant
from edgeward.runtime.noise import ALGORITHM
from edgeward.runtime.schema import Channel, ClassCondition, NumberCondition, SignalSchema
from onnx import TensorProto, helper, numpy_helper

GOLDEN_SEED = 5
LIMIT = 5.0


@pytest.fixture(scope="session")
def schema() -> SignalSchema:
    """Two channels of eight points; a class and a number steer them."""
    return SignalSchema(
        name="waves",
        description="Two short waves.",
        channels=(Channel("ECG", "mV", -LIMIT, LIMIT), Channel("ABP", "mm[Hg]", -LIMIT, LIMIT)),
        sampling_rate_hz=125.0,
        length=8,
        conditions=(
            ClassCondition("rhythm", ("SR", "AF"), ("sinus rhythm", "atrial fibrillation")),
            NumberCondition("heart_rate", "/min", 30.0, 200.0),
        ),
    )


@pytest.fixture(scope="session")
def weights() -> npt.NDArray[np.float32]:
    """[4 noise + 2 class + 1 number, 2 * 8]: what `small_graph` multiplies its inputs with."""
    matrix = np.sin(np.arange(7 * 16, dtype=np.float64)).reshape(7, 16)
    matrix[6] *= 0.01  # heart rates are large
    return matrix.astype(np.float32)


@pytest.fixture(scope="session")
def small_graph(weights: npt.NDArray[np.float32]) -> Callable[..., bytes]:
    """Make an ONNX graph that keeps the contract, or breaks it where told."""

    def make(
        *,
        inputs: tuple[str, str] = ("noise", "condition"),
        output: str = "sample",
        noise_size: int = 4,
        shape: tuple[int, ...] = (0, 2, 8),
        element: int = TensorProto.FLOAT,
        batch: str | int = "n",
    ) -> bytes:
        dtype = helper.tensor_dtype_to_np_dtype(element)
        rows = np.resize(weights, (noise_size + 3, 16)).astype(dtype)
        declared = [batch if size == 0 else size for size in shape]
        graph = helper.make_graph(
            [
                helper.make_node("Concat", list(inputs), ["both"], axis=1),
                helper.make_node("MatMul", ["both", "weights"], ["flat"]),
                helper.make_node("Clip", ["flat", "low", "high"], ["clipped"]),
                helper.make_node("Reshape", ["clipped", "shape"], [output]),
            ],
            "small",
            [
                helper.make_tensor_value_info(inputs[0], element, [batch, noise_size]),
                helper.make_tensor_value_info(inputs[1], element, [batch, 3]),
            ],
            [helper.make_tensor_value_info(output, element, declared)],
            [
                numpy_helper.from_array(rows, "weights"),
                numpy_helper.from_array(np.array(-LIMIT, dtype), "low"),
                numpy_helper.from_array(np.array(LIMIT, dtype), "high"),
                numpy_helper.from_array(np.array(shape, np.int64), "shape"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content

    return make


@pytest.fixture(scope="session")
def pack_by_hand(schema: SignalSchema) -> Callable[..., Path]:
    """Write a bundle folder whose hashes are right, whatever its files hold."""

    def pack(
        folder: Path, graph: bytes, *, golden: npt.NDArray[np.float32] | bytes | None = None, **changes: object
    ) -> Path:
        if golden is None:
            inputs = Feed(GOLDEN_SEED, (4,), schema.conditions, {}).take(0, 6)
            with backend_named("onnxruntime").open(graph, Options()) as session:
                (golden,) = session.run((inputs.noise, inputs.condition))
        if not isinstance(golden, bytes):
            buffer = io.BytesIO()
            np.savez(buffer, fp32=golden)
            golden = buffer.getvalue()
        graph_file = f"variants/{hashlib.sha256(graph).hexdigest()}.onnx"
        files = {graph_file: graph, GOLDEN_NAME: golden, "CARD.md": b"# waves\n"}
        manifest = Manifest(
            name="waves",
            version="0.0.1",
            data=schema,
            noise_shape=(4,),
            noise_algorithm=ALGORITHM,
            variants=(Variant("fp32", graph_file, 112, 112, {"default": 1e-4}),),
            default_precision="fp32",
            golden_seed=GOLDEN_SEED,
            files={
                name: FileEntry(hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()
            },
            lineage={"data": {"source": "a sine"}},
            licence="CC0-1.0",
            attribution="nobody",
            intended_use=("tests",),
            forbidden_use=("anything else",),
        )
        manifest = dataclasses.replace(manifest, **changes)  # type: ignore[arg-type]
        (folder / "variants").mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / MANIFEST_NAME).write_bytes(manifest.to_bytes())
        return folder

    return pack


@pytest.fixture(scope="session")
def small_bundle(
    small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """Shared by all tests: copy it before changing anything."""
    return open_bundle(pack_by_hand(tmp_path_factory.mktemp("small") / "waves.edgeward", small_graph()))


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    """Every engine in turn."""
    name: str = request.param
    availability = BACKENDS[name].probe()
    if not availability.available:
        pytest.skip(f"{name}: {availability.reason}")
    return name


@pytest.fixture
def generator(small_bundle: Bundle) -> Iterator[Generator]:
    """The small generator on the reference engine."""
    with load(small_bundle, backend="onnxruntime", precision="fp32") as generator:
        yield generator
