"""Build a TensorRT engine from an ONNX graph: what is common to TensorRT and TensorRT-RTX, from 10.3 to 11.

Precision is the graph's own: networks are strongly typed, and no version is told to use 16 or 8 bits by a flag (11 has
none). Nothing here touches a GPU; TensorRT's own builder does, TensorRT-RTX builds without one.
"""

from __future__ import annotations

import collections
import importlib
import re
from dataclasses import dataclass
from typing import Any

from ..errors import BackendError
from .plan_cache import Plan

SMALLEST_BATCH, USUAL_BATCH, LARGEST_BATCH = 1, 32, 64
"""An engine takes batches within these, and is tuned for the middle one, that of bulk generation."""
WORKSPACE_BYTES = 2**30
"""At most this for intermediate results: a Jetson's GPU has no memory but that of the processor."""

_NO_CUDA = "CUDA initialization failure"


@dataclass(frozen=True)
class Flavour:
    """One of the two packages with this interface."""

    name: str
    module: str
    oldest: tuple[int, int]
    too_new: tuple[int, int]
    install: str
    """The command that installs it."""


TENSORRT = Flavour(
    "tensorrt",
    "tensorrt",
    oldest=(10, 3),
    too_new=(12, 0),
    install=(
        "pip install --extra-index-url https://pypi.nvidia.com 'tensorrt>=10.3,<12' (on a Jetson it is part of "
        "JetPack: apt install nvidia-jetpack, and a venv made with --system-site-packages)"
    ),
)
TENSORRT_RTX = Flavour(
    "tensorrt-rtx", "tensorrt_rtx", oldest=(1, 0), too_new=(2, 0), install="pip install 'tensorrt-rtx>=1.7,<2'"
)


def import_package(flavour: Flavour) -> Any:
    """The package, of a version that is known here.

    Raises:
        BackendError: It is absent, lacks its libraries, or is too old or too new.
    """
    try:
        package = importlib.import_module(flavour.module)
    except ModuleNotFoundError as error:
        if error.name != flavour.module:
            raise BackendError(
                f"{flavour.name} cannot be imported ({error}); install it with: {flavour.install}"
            ) from error
        raise BackendError(f"{flavour.name} is not installed; install it with: {flavour.install}") from error
    except Exception as error:  # ImportError of a library; on Windows the package looks for them itself
        raise BackendError(
            f"{flavour.name} is installed without a library that it needs ({error}); the bindings alone hold none, nor "
            f"do the packages that PyPI itself has. Install all of it with: {flavour.install}"
        ) from error
    version = str(package.__version__)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not flavour.oldest <= numbers < flavour.too_new:
        oldest, too_new = (".".join(map(str, end)) for end in (flavour.oldest, flavour.too_new))
        raise BackendError(
            f"Edgeward uses {flavour.name} from {oldest} to below {too_new}, and {version} is installed; install one "
            f"with: {flavour.install}"
        )
    return package


def keeping_log(package: Any) -> Any:
    """A logger for the package that prints nothing and keeps its last complaints in `lines`."""

    class Log(package.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lines: collections.deque[str] = collections.deque(maxlen=8)

        def log(self, severity: Any, message: str) -> None:
            if severity in (package.ILogger.INTERNAL_ERROR, package.ILogger.ERROR):
                self.lines.append(" ".join(message.split()))

    return Log()


def made(package: Any, what: str, log: Any) -> Any:
    """A `Builder` or `Runtime` that may be used.

    Raises:
        BackendError: The package could not make one.
    """
    try:
        thing = getattr(package, what)(log)
    except TypeError as error:  # what its binding makes of a null pointer
        raise BackendError(complaint(package, f"made no {what}", log)) from error
    # Some versions give an object all the same when there is no usable GPU, and crash the process at its first use.
    if any(_NO_CUDA in line for line in log.lines):
        raise BackendError(complaint(package, f"made no {what}", log))
    return thing


def complaint(package: Any, what: str, log: Any) -> str:
    """An error's message, with what the package said last."""
    said = "; ".join(log.lines) or "it did not say why"
    too_old = "CUDA driver version is insufficient" in said or f"{_NO_CUDA} with error: 35" in said
    hint = ". NVIDIA's driver is absent, or older than the package wants: update the driver" if too_old else ""
    return f"{package.__name__} {package.__version__} {what}: {said}{hint}"


def build_plan(package: Any, model: bytes) -> Plan:
    """Build an engine for batches of 1 to `LARGEST_BATCH`.

    Args:
        package: `tensorrt` or `tensorrt_rtx`.
        model: An ONNX graph whose inputs and outputs are float32 and have a free first axis and no other.

    Raises:
        BackendError: The parser or the builder refuses the graph; the message says which operator and why.
    """
    try:
        return _built(package, model)
    except BackendError as error:
        refusal = str(error)
    # Raised anew, as the first one would keep the builder alive, and it must not outlive the GPU's context.
    raise BackendError(refusal)


def _built(package: Any, model: bytes) -> Plan:
    log = keeping_log(package)
    builder = made(package, "Builder", log)
    network = builder.create_network(1 << int(package.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = package.OnnxParser(network, log)
    if not parser.parse(model):
        raise BackendError(f"{package.__name__} {package.__version__} refuses the graph: {_refusals(parser)}")
    inputs = [network.get_input(place) for place in range(network.num_inputs)]
    outputs = [network.get_output(place) for place in range(network.num_outputs)]
    profile = builder.create_optimization_profile()
    for given in inputs:
        shape = batch_free(given.name, given.dtype, given.shape, package)
        sizes = (SMALLEST_BATCH, USUAL_BATCH, LARGEST_BATCH)
        profile.set_shape(given.name, *((size, *shape) for size in sizes))
    config = builder.create_builder_config()
    # On by default, and would keep 10 of 23 bits of what is multiplied.
    config.clear_flag(package.BuilderFlag.TF32)
    config.set_memory_pool_limit(package.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if config.add_optimization_profile(profile) < 0:
        raise BackendError(complaint(package, "refuses the sizes of batches", log))
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(complaint(package, "takes the graph, and built no engine of it", log))
    return Plan(bytes(plan), tuple(given.name for given in inputs), tuple(found.name for found in outputs))


def batch_free(name: str, dtype: Any, shape: Any, package: Any) -> tuple[int, ...]:
    """The shape without its first axis, which is the free one.

    Raises:
        BackendError: Another axis is free, or the first is not, or it is not float32.
    """
    sizes = tuple(shape)
    if dtype != package.float32 or not sizes or sizes[0] != -1 or -1 in sizes[1:]:
        raise BackendError(
            f"{name!r} of the graph is {dtype} of shape {sizes}; {package.__name__} is given float32 with a free first "
            "axis (-1) and no other"
        )
    return sizes[1:]


def _refusals(parser: Any) -> str:
    errors = [parser.get_error(place) for place in range(parser.num_errors)]
    told = [f"{error.node_operator()} {error.node_name()!r}: {error.desc()}" for error in errors]
    return "; ".join(" ".join(line.split()) for line in told) or "it did not say why"
