"""Static INT8 quantisation, a form for each engine: QDQ for onnxruntime or TensorRT, an IR by NNCF for OpenVINO.

Which layers are computed in 8 bits is measured: those that cost more than they give stay in float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from ...benchmarks.latency import Ratio
from ...runtime.errors import GateError
from ...runtime.feed import GraphInputs
from ..graph_check import check_graph
from ..quantisation.calibration import calibration_batches
from ..quantisation.judge import Judge
from ..quantisation.layers import Layer, NothingToQuantiseError, find_layers, worth_quantising
from ..quantisation.openvino_ir import IrQuantiser
from ..quantisation.qdq import FORMS, PERCENTILES, Quantiser
from ..quantisation.sensitivity import Sensitivity, choose_layers
from ..student import Context, Details, Student
from ..tensorrt_operators import lint_for_tensorrt
from .step import Option, Step

SEARCHED = 0.0
"""The percentile of a recipe that leaves it to the measured error."""
ERROR_BUDGET = 0.01
_ENGINES = ("onnxruntime", "openvino", "tensorrt")
_MORE_FAITHFUL = 0.8
"""An IR that is as fast as the ONNX graph is kept where its error is below this share of that graph's."""


def _run(
    student: Student, context: Context, *, engine: str, samples: int, percentile: float, error_budget: float
) -> Details:
    model, shape = student.graphs["fp32"], context.teacher.noise_shape
    batches = calibration_batches(shape, context.schema, samples=samples, seed=context.seed)
    judge = Judge(model, shape, context.schema, context.seed)
    percentiles = PERCENTILES if percentile == SEARCHED else (percentile,)
    try:
        if engine == "openvino":
            return _add_ir(student, judge, batches, percentiles, error_budget)
        content, details = quantise(model, judge, batches, engine, percentiles, error_budget)
    except NothingToQuantiseError as error:
        return {"skipped": str(error)}
    student.add("int8" if engine == "onnxruntime" else f"int8-{engine}", content)
    return details


STEP = Step(
    {
        "engine": Option(str, choices=_ENGINES, default="onnxruntime"),
        "samples": Option(int),
        "percentile": Option(float, at_most=100, default=SEARCHED),
        "error_budget": Option(float, default=ERROR_BUDGET),
    },
    _run,
    of_graphs=True,
    remedy="calibrate on more samples, or lower its error_budget",
)


def quantise(
    model: bytes,
    judge: Judge,
    batches: Sequence[GraphInputs],
    engine: str,
    percentiles: Sequence[float],
    error_budget: float,
) -> tuple[bytes, Details]:
    """Quantise a float graph for onnxruntime or TensorRT.

    Args:
        model: ONNX graph of the contract, in float.
        judge: Of the error.
        batches: Calibration samples.
        engine: `onnxruntime` or `tensorrt`.
        percentiles: Of the activations that ranges hold; the one with the least error is taken.
        error_budget: Largest relative L2 of the samples against the float graph's.

    Returns:
        The graph, and what each layer costs and saves.

    Raises:
        NothingToQuantiseError: There is no layer for it, or none within the budget.
        GateError: The graph breaks the contract, or TensorRT would refuse it.
    """
    quantiser, percentile, layers, alone = _measured_alone(model, judge, batches, engine, percentiles)
    choice = choose_layers(
        layers, alone, lambda chosen: judge.error(quantiser.quantised(chosen, percentile)), error_budget
    )
    chosen = [row.layer for row in choice if row.quantised]
    content = quantiser.quantised(chosen, percentile)
    graph = onnx.load_model_from_string(content)
    check_graph(graph)
    if engine == "tensorrt" and (faults := lint_for_tensorrt(graph)):
        raise GateError(f"TensorRT 10.3 would refuse the graph: {'; '.join(faults)}")
    without = {
        layer.weight: quantiser.quantised([other for other in chosen if other != layer], percentile) for layer in chosen
    }
    saved = judge.saved_us(content, without) if engine == "onnxruntime" else {}
    return content, {"percentile": percentile, "layers": _table(choice, saved)}


def _measured_alone(
    model: bytes, judge: Judge, batches: Sequence[GraphInputs], engine: str, percentiles: Sequence[float]
) -> tuple[Quantiser, float, tuple[Layer, ...], dict[Layer, float]]:
    """A quantiser, the best of the percentiles, the layers that may be quantised, and what each costs alone."""
    graph = onnx.load_model_from_string(model)
    layers = worth_quantising(find_layers(graph))  # looked at first: calibration takes long
    quantiser = Quantiser(model, batches, FORMS[engine], percentiles)
    best = min(percentiles, key=lambda percentile: judge.error(quantiser.quantised(layers, percentile)))
    alone = {layer: judge.error(quantiser.quantised([layer], best)) for layer in layers}
    return quantiser, best, layers, alone


def _add_ir(
    student: Student,
    judge: Judge,
    batches: Sequence[GraphInputs],
    percentiles: Sequence[float],
    error_budget: float,
) -> Details:
    """Add the IR where it is measurably better on OpenVINO than every ONNX graph there is."""
    model = student.graphs["fp32"]
    # NNCF takes minutes for what onnxruntime's quantiser does in seconds, so that one ranks the layers.
    _, _, layers, alone = _measured_alone(model, judge, batches, "onnxruntime", percentiles)
    quantiser, made = IrQuantiser(model, batches), dict[frozenset[Layer], tuple[bytes, bytes]]()

    def error_of(chosen: Sequence[Layer]) -> float:
        made[frozenset(chosen)] = quantiser.quantised(chosen)
        return judge.error(*made[frozenset(chosen)])

    choice = choose_layers(layers, alone, error_of, error_budget)
    description, weights = made[frozenset(row.layer for row in choice if row.quantised)]
    others = {name: graph for name, graph in student.graphs.items() if name in ("fp32", "int8")}
    rows = judge.compare(
        [*((name, graph, None) for name, graph in others.items()), ("ir", description, weights)], backend="openvino"
    )
    fastest = min(rows[:-1], key=lambda row: row.p50_us).name
    against, ir = judge.compare([(fastest, others[fastest], None), ("ir", description, weights)], backend="openvino")
    details = {"layers": _table(choice, {}), "compared_on_openvino": [against.to_json(), ir.to_json()]}
    if not _better(ir, judge.error(description, weights), judge.error(others[fastest])):
        why = f"the IR is {ir.times_faster:.2f} times as fast as {fastest} on OpenVINO ({ir.low:.2f} to {ir.high:.2f})"
        return {"skipped": f"{why}, and no more faithful", **details}
    student.add("int8-openvino", description, weights)
    return details


def _better(ir: Ratio, error: float, error_of_other: float) -> bool:
    return ir.faster or (not ir.slower and error < _MORE_FAITHFUL * error_of_other)


def _table(choice: Sequence[Sensitivity], saved_us: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row a layer, with the time it saves where that was measured."""
    return [
        row.to_json() | ({"saves_us": saved_us[row.layer.weight]} if row.layer.weight in saved_us else {})
        for row in choice
    ]
