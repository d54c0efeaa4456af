"""TensorRT on NVIDIA GPUs, and TensorRT-RTX by the same interface: found at run time, never a dependency.

CUDA is asked first, by ctypes: where there is no usable GPU, TensorRT's own objects can crash the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackendError
from .base import Availability, ClosingSession, Description, FloatArray, Options, check_no_threads, device_for
from .cuda import Gpu, Graph, open_driver
from .plan_cache import Plan, PlanCache, key_of
from .tensorrt_plan import (
    LARGEST_BATCH,
    SMALLEST_BATCH,
    TENSORRT,
    USUAL_BATCH,
    WORKSPACE_BYTES,
    Flavour,
    batch_free,
    build_plan,
    complaint,
    import_package,
    keeping_log,
    made,
)

_L4T = Path("/etc/nv_tegra_release")
_PLAN_FORMAT = 1
"""Raised whenever what is built from the same graph changes by a change of ours."""


class TensorRtBackend:
    """TensorRT or TensorRT-RTX on one GPU: the first that CUDA_VISIBLE_DEVICES leaves."""

    devices: tuple[str, ...] = ("cuda",)

    def __init__(self, flavour: Flavour = TENSORRT) -> None:
        self.name = flavour.name
        self._flavour = flavour

    def probe(self) -> Availability:
        """Whether there is a GPU, and then whether the package is there, which is imported for it."""
        try:
            open_driver()
            return Availability(True, f"{self.name} {import_package(self._flavour).__version__}")
        except BackendError as error:
            return Availability(False, str(error))

    def open(self, model: bytes, options: Options, weights: bytes | None = None) -> TensorRtSession:
        """Load an ONNX graph; building its engine takes seconds to minutes, once for each GPU and version.

        Raises:
            RequestError: There is no such device, or threads were asked for.
            BackendError: The GPU, its driver or the package is absent, or the package refuses the graph.
        """
        device_for(self, options)
        check_no_threads(self, options)
        if weights is not None:
            raise BackendError(f"{self.name} runs ONNX graphs, and this is an OpenVINO IR; use the openvino backend")
        driver = open_driver()
        package = import_package(self._flavour)
        with contextlib.ExitStack() as undo:
            gpu = Gpu(driver)
            undo.callback(gpu.close)
            with gpu.current(), contextlib.ExitStack() as undo_engine:
                engine = self._engine(package, gpu, model)
                undo_engine.callback(engine.close)
                session = TensorRtSession(self.name, gpu, engine)
                undo_engine.pop_all()  # from here on the session closes both
            undo.pop_all()
        return session

    def _engine(self, package: Any, gpu: Gpu, model: bytes) -> _Engine:
        """From the cache if it is there, else built."""
        cache = PlanCache.of_user()
        facts = _facts(self.name, package, gpu, model)
        key = key_of(facts)
        plan, why = cache.read(key)
        if plan is not None:
            try:
                return _Engine(package, plan, why)
            except BackendError as error:
                why = f"the one kept was refused: {error}"
        _tell(f"{self.name} builds an engine for {gpu.device.name} ({why}); this can take minutes")
        started = time.monotonic()
        plan = build_plan(package, model)
        took = f"built in {time.monotonic() - started:.1f} s ({why})"
        _tell(f"{self.name}: {took}")
        engine = _Engine(package, plan, took)
        engine.origin += f", {cache.write(key, plan, facts)}"  # only what could be used is kept
        return engine


def _facts(flavour: str, package: Any, gpu: Gpu, model: bytes) -> dict[str, Any]:
    """All that decides what is built."""
    return {
        "format": _PLAN_FORMAT,
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "flavour": flavour,
        "version": str(package.__version__),
        "driver": gpu.driver.version,
        "gpu": gpu.device.name,
        "compute_capability": gpu.device.compute_capability,
        "integrated": gpu.device.integrated,
        "system": platform.system(),
        "architecture": platform.machine(),
        "l4t": _L4T.read_text(errors="replace").partition("\n")[0] if _L4T.is_file() else "",
        "batches": [SMALLEST_BATCH, USUAL_BATCH, LARGEST_BATCH],
        "workspace_bytes": WORKSPACE_BYTES,
        "tf32": False,
    }


class _Engine:
    """An engine read from a plan, and its one context.

    Args:
        package: `tensorrt` or `tensorrt_rtx`.
        plan: What was built.
        origin: Where the plan comes from, for people.

    Raises:
        BackendError: It was built for another version or GPU, or there is too little memory.
    """

    def __init__(self, package: Any, plan: Plan, origin: str) -> None:
        self.package, self.plan, self.origin = package, plan, origin
        self._log = keeping_log(package)
        self._runtime = made(package, "Runtime", self._log)
        try:
            self._engine = self._runtime.deserialize_cuda_engine(plan.content)
            self.check(self._engine is not None, "cannot use the engine that was built")
            self.context = self._engine.create_execution_context()
            self.check(self.context is not None, "has no room on the GPU to run the engine")
        except BaseException:
            self.close()
            raise

    def check(self, done: bool, what: str) -> None:
        """Raise BackendError with what the package said last, if something was not done."""
        if not done:
            raise BackendError(complaint(self.package, what, self._log))

    def shapes(self, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Of inputs or outputs, without the batch."""
        engine = self._engine
        return {
            name: batch_free(name, engine.get_tensor_dtype(name), engine.get_tensor_shape(name), self.package)
            for name in names
        }

    def close(self) -> None:
        """Give its memory back, while the GPU's context is current: no part outlives what it was made of."""
        self.context = None
        self._engine = None
        self._runtime = None


class TensorRtSession(ClosingSession):
    """An engine with its memory on the GPU; larger batches than it takes are run in parts."""

    def __init__(self, name: str, gpu: Gpu, engine: _Engine) -> None:
        self._name, self._gpu, self._engine = name, gpu, engine
        inputs, outputs = engine.shapes(engine.plan.inputs), engine.shapes(engine.plan.outputs)
        self.input_shapes: Mapping[str, tuple[int | None, ...]] = _with_batch(inputs)
        self.output_shapes: Mapping[str, tuple[int | None, ...]] = _with_batch(outputs)
        self._inputs = [self._memory(*item) for item in inputs.items()]
        self._outputs = [self._memory(*item) for item in outputs.items()]
        self._batch, self._ran = 0, False
        self._graph: Graph | None = None
        self._no_graph = ""
        self._closed = False

    def _memory(self, name: str, shape: tuple[int, ...]) -> tuple[int, FloatArray]:
        """For the largest batch: on the GPU, whose address the engine is told, and pinned on the host."""
        host = self._gpu.pinned_array((LARGEST_BATCH, *shape))
        address = self._gpu.device_memory(host.nbytes)
        self._engine.check(self._engine.context.set_tensor_address(name, address), f"refuses memory for {name!r}")
        return address, host

    def run(self, inputs: Sequence[FloatArray], outputs: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        """Run the graph once, or as often as the batch has parts; see `Session.run`."""
        n = len(inputs[0])
        if outputs is None:
            outputs = [np.empty((n, *host.shape[1:]), np.float32) for _, host in self._outputs]
        with self._gpu.current():
            for start in range(0, n, LARGEST_BATCH):
                part = slice(start, start + LARGEST_BATCH)
                self._run_part([value[part] for value in inputs], [value[part] for value in outputs])
        return list(outputs)

    def _run_part(self, inputs: Sequence[FloatArray], results: Sequence[FloatArray]) -> None:
        self._set_batch(len(inputs[0]))
        for (_, host), value in zip(self._inputs, inputs, strict=True):
            host[: self._batch] = value
        self._start()
        self._gpu.wait()
        for (_, host), result in zip(self._outputs, results, strict=True):
            result[...] = host[: self._batch]

    def _set_batch(self, n: int) -> None:
        if n == self._batch:
            return
        self._drop_graph()
        self._batch, self._ran = 0, False
        for name, (_, host) in zip(self.input_shapes, self._inputs, strict=True):
            done = self._engine.context.set_input_shape(name, (n, *host.shape[1:]))
            self._engine.check(done, f"refuses a batch of {n} for {name!r}")
        self._batch = n

    def _start(self) -> None:
        """By a graph from the second call of a size on: the first call lets the engine finish its preparations."""
        if self._graph is None and self._ran and not self._no_graph:
            try:
                self._graph = self._gpu.captured(self._enqueue)
            except BackendError as error:
                self._no_graph = f"refused: {error}"
        if self._graph is not None:
            self._graph.launch()
        else:
            self._enqueue()
        self._ran = True

    def _enqueue(self) -> None:
        for address, host in self._inputs:
            self._gpu.copy_in(address, host[: self._batch])
        self._engine.check(self._engine.context.execute_async_v3(self._gpu.stream), "did not run the engine")
        for address, host in self._outputs:
            self._gpu.copy_out(host[: self._batch], address)

    def describe(self) -> Description:
        """What really runs."""
        device = self._gpu.device
        return Description(
            backend=self._name,
            version=str(self._engine.package.__version__),
            device="CUDA",
            precision="f32",
            threads=0,
            details={
                "gpu": device.name,
                "compute_capability": device.compute_capability,
                "driver_cuda": self._gpu.driver.cuda,
                "engine": self._engine.origin,
                "batches": f"{SMALLEST_BATCH} to {LARGEST_BATCH}, larger ones in parts",
                "tf32": "off",
                "cuda_graph": self._no_graph or "from the second call of a batch size on",
            },
        )

    def _drop_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None

    def close(self) -> None:
        """Give the engine's memory back."""
        if self._closed:
            return
        self._closed = True
        self._inputs, self._outputs = [], []
        with contextlib.closing(self._gpu), self._gpu.current(), contextlib.closing(self._engine):
            self._drop_graph()

    def __enter__(self) -> TensorRtSession:
        return self


def _with_batch(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int | None, ...]]:
    return {name: (None, *shape) for name, shape in shapes.items()}


def _tell(message: str) -> None:
    # Imported here, as the start of a command on any other engine would wait for it.
    import logging

    logging.getLogger(__name__).warning("%s", message)
