"""Export to the one contract: a standard ONNX graph (noise, condition) -> sample with a free batch size."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator

import onnx
import torch

from ...runtime.errors import GateError
from ...runtime.onnx_check import OPSET
from ...runtime.schema import Schema
from ...training.families import Generative
from ..class_table import fold_class
from ..error import probe_inputs, relative_l2, run_onnx, run_torch
from ..graph_check import check_graph
from ..student import Context, Details, Student
from ..tensorrt_operators import lint_for_tensorrt
from .step import Step

_MAX_EXPORT_ERROR = 1e-4


def export(model: Generative, schema: Schema) -> bytes:
    """Export a generator, clean the graph up, and check that it computes the same.

    Raises:
        GateError: The network has an operation that ONNX lacks, the graph breaks the contract, or its samples differ
            from PyTorch's.
    """
    import onnxslim  # half a second, for sympy: whoever only reads recipes does without

    with _quiet():
        program = _exported(model)
        contract = list(program.graph.input)
        graph = onnxslim.slim(program)
    # The contract has both inputs, also where a generator makes nothing of its conditions, or has none.
    del graph.graph.input[:]
    graph.graph.input.extend(contract)
    fold_class(graph, schema)
    del graph.metadata_props[:]
    del graph.graph.value_info[:]  # every reader infers the shapes again; of a small table they are a tenth of the file
    for node in graph.graph.node:  # source paths and stack traces of the machine that exported
        del node.metadata_props[:]
        node.doc_string = ""
    check_graph(graph)
    content: bytes = graph.SerializeToString()
    inputs = probe_inputs(model.noise_shape, schema)
    error = relative_l2(run_onnx(content, inputs), run_torch(model, inputs))
    if not error <= _MAX_EXPORT_ERROR:
        raise GateError(f"the exported graph differs from PyTorch by {error:.2g} (at most {_MAX_EXPORT_ERROR:g})")
    return content


def _exported(model: Generative) -> onnx.ModelProto:
    batch = torch.export.Dim("n", min=1, max=65536)
    try:
        program = torch.onnx.export(
            model.eval(),
            (torch.zeros(2, *model.noise_shape), torch.zeros(2, model.condition_size)),
            dynamo=True,
            opset_version=OPSET,
            input_names=["noise", "condition"],
            output_names=["sample"],
            dynamic_shapes={"noise": {0: batch}, "condition": {0: batch}},
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise GateError(f"the network cannot be written as a graph: {_why_not(error)}") from error
    assert program is not None  # noqa: S101 - None only when a file name is given
    return program.model_proto


def _why_not(error: Exception) -> str:
    """The exporter's pages of advice in one sentence that names what it met."""
    told = f"{error} {error.__cause__}"
    if operator := re.search(r"op='([\w.]+)'", told):
        return f"ONNX has no form of {operator[1]}; write that part of it with other operations"
    if "data-dependent" in told:
        place = re.search(r'File "[^"]*", line \d+, in (\w+)\n\s*(.+)', told)
        where = f" (in {place[1]}: {place[2].strip()[:80]})" if place else ""
        return f"what it does depends on the numbers that go through it{where}; use torch.where in place of a branch"
    return " ".join(str(error.__cause__ or error).split())[:300]


def _run(student: Student, context: Context) -> Details:
    content = export(student.model, context.schema)
    student.add("fp32", content)
    return {"tensorrt_10_3_would_refuse": lint_for_tensorrt(onnx.load_model_from_string(content))}


STEP = Step({}, _run)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports its own registry and future deprecations to users who can do nothing about them."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
