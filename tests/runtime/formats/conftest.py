"""Bundles of every kind of data whose graph is a matrix product: tests of formats need no trained model."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from edgeward.runtime import Bundle, Generator, load, open_bundle
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.feed import Feed
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    NumberCondition,
    Schema,
    SignalSchema,
    TableSchema,
)
from onnx import TensorProto, helper, numpy_helper

NOISE_SIZE = 4
OUTCOME = ClassCondition("outcome", ("home", "died"), ("left alive", "died in hospital"))
AGE = NumberCondition("age", "a", 18.0, 90.0)

BEATS = SignalSchema(
    "beats",
    "Beats in two leads.",
    (Channel("MLII", "mV", -10.0, 10.0), Channel("V1", "mV", -5.12, 5.0)),
    250.0,
    256,
    (ClassCondition("beat_class", ("N", "S", "V"), ("normal", "supraventricular", "ventricular")),),
    event_sample=96,
)
STRIPS = SignalSchema(
    "strips",
    "A monitor's waves.",
    (Channel("II", "mV", -3.0, 3.0), Channel("ABP", "mm[Hg]", 0.0, 250.0, may_be_missing=True)),
    62.5,
    640,
    (
        ClassCondition("rhythm", ("N", "AFIB"), ("sinus", "fibrillation")),
        NumberCondition("heart_rate", "/min", 30, 200),
    ),
)
STAYS = SignalSchema(
    "stays",
    "Two days, hour by hour.",
    (
        Channel("HR", "/min", 20.0, 250.0, may_be_missing=True),
        Channel("Lactate", "mmol/L", 0.0, 30.0, may_be_missing=True),
    ),
    1 / 3600,
    48,
    (OUTCOME, ClassCondition("sex", ("F", "M"), ("female", "male")), AGE),
)
WARD = TableSchema(
    "ward",
    "One row a patient.",
    (
        CategoryColumn("smoker", ("no", 'yes, "daily"', "früher 🚬")),
        NumberColumn("beds", "1", 0.0, 9.0, step=1.0),
        NumberColumn("lactate", "mmol/L", 0.0, 30.0, may_be_missing=True),
        CategoryColumn("stage", ("I", "II"), may_be_missing=True),
    ),
    (OUTCOME, AGE),
)
SCANS = ImageSchema("scans", "Grey squares.", ("grey",), 24, 16, (OUTCOME,))
SLIDES = ImageSchema("slides", "Coloured squares.", ("red", "green", "blue"), 12, 20, (OUTCOME,))
KINDS = (BEATS, STRIPS, STAYS, WARD, SCANS, SLIDES)


def _entries(schema: Schema) -> list[tuple[float, float, float, bool]]:
    """Minimum, maximum, step and whether it may be missing, of every number of a sample."""
    if isinstance(schema, TableSchema):
        return [
            (0.0, len(c.values) - 1.0, 1.0, c.may_be_missing)
            if isinstance(c, CategoryColumn)
            else (c.minimum, c.maximum, c.step, c.may_be_missing)
            for c in schema.columns
        ]
    if isinstance(schema, SignalSchema):
        return [(c.minimum, c.maximum, 0.0, c.may_be_missing) for c in schema.channels for _ in range(schema.length)]
    return [(0.0, 1.0, 0.0, False)] * math.prod(schema.shape)


def graph_of(schema: Schema, *, beyond: float = 1.0) -> bytes:
    """A graph that keeps the contract; its samples reach both ends of each range, or `beyond` times as far."""
    low, high, step, missing = (np.array(part) for part in zip(*_entries(schema), strict=True))
    rng = np.random.default_rng(5)
    weights = rng.normal(0.0, 1.5, (NOISE_SIZE + schema.condition_size, len(low)))
    weights[NOISE_SIZE:] *= 0.02
    gaps = rng.normal(0.0, 1.0, (NOISE_SIZE, len(low)))
    constants = {
        "weights": weights,
        "gaps": gaps,
        "middle": (low + high) / 2,
        "half": (high - low) / 2 * beyond,
        "low": low if beyond == 1.0 else np.full(len(low), -np.inf),
        "high": high if beyond == 1.0 else np.full(len(low), np.inf),
        "step": np.where(step > 0, step, 1.0),
        "stepped": step > 0,
        "threshold": np.where(missing, 0.5, np.inf),
        "nan": np.array(np.nan),
        "shape": np.array([0, *schema.shape]),
    }
    dtypes = {"stepped": np.bool_, "shape": np.int64}
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Concat", ["noise", "condition"], ["both"], axis=1),
            node("MatMul", ["both", "weights"], ["flat"]),
            node("Sin", ["flat"], ["sine"]),
            node("Mul", ["sine", "half"], ["scaled"]),
            node("Add", ["scaled", "middle"], ["placed"]),
            node("Div", ["placed", "step"], ["parts"]),
            node("Round", ["parts"], ["whole"]),
            node("Mul", ["whole", "step"], ["on_steps"]),
            node("Where", ["stepped", "on_steps", "placed"], ["values"]),
            node("Min", ["values", "high"], ["below"]),
            node("Max", ["below", "low"], ["within"]),
            node("MatMul", ["noise", "gaps"], ["gap_score"]),
            node("Greater", ["gap_score", "threshold"], ["gap"]),
            node("Where", ["gap", "nan", "within"], ["with_gaps"]),
            node("Reshape", ["with_gaps", "shape"], ["sample"]),
        ],
        "kinds",
        [
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["n", NOISE_SIZE]),
            helper.make_tensor_value_info("condition", TensorProto.FLOAT, ["n", schema.condition_size]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["n", *schema.shape])],
        [
            numpy_helper.from_array(np.asarray(value, dtypes.get(name, np.float32)), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="session")
def bundle_of(pack_by_hand: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Make a bundle of any schema; its values beyond their range where told."""

    def make(schema: Schema, *, beyond: float = 1.0) -> Bundle:
        graph = graph_of(schema, beyond=beyond)
        inputs = Feed(5, (NOISE_SIZE,), schema.conditions, {}).take(0, 6)
        with backend_named("onnxruntime").open(graph, Options()) as session:
            golden: npt.NDArray[np.float32]
            (golden,) = session.run((inputs.noise, inputs.condition))
        folder = tmp_path_factory.mktemp("kinds") / "kind.edgeward"
        return open_bundle(pack_by_hand(folder, graph, golden=golden, data=schema, name="kinds"))

    return make


@pytest.fixture(scope="session")
def generators(bundle_of: Callable[..., Bundle]) -> Iterator[dict[str, Generator]]:
    """A generator of every kind, by the name of its data."""
    loaded = {schema.name: load(bundle_of(schema)) for schema in KINDS}
    yield loaded
    for generator in loaded.values():
        generator.close()
