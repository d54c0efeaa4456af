"""A stand-in for the `tensorrt` package that offers only what every version from 10.3 to 11.4 has, and runs for true.

Anything else is an AttributeError, as what is gone in 11 or not yet in 10.3 would be. Engines hold the ONNX graph and
are run by onnxruntime on the stand-in of CUDA's memory, when its stream gets to it.
"""

from __future__ import annotations

import ctypes
import enum
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.errors import BackendError

from .fake_cuda import FakeCuda

PLAN_MAGIC = b"plan of the stand-in "


class Severity(enum.IntEnum):
    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


class ILogger:
    Severity = Severity
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = Severity

    def __init__(self) -> None:
        pass

    def log(self, severity: Severity, msg: str) -> None:
        raise NotImplementedError


class NetworkDefinitionCreationFlag(enum.Enum):
    STRONGLY_TYPED = 1

    def __int__(self) -> int:
        return self.value


class BuilderFlag(enum.Enum):
    TF32 = 7


class MemoryPoolType(enum.Enum):
    WORKSPACE = 0


class Tensor:
    __slots__ = ("dtype", "name", "shape")

    def __init__(self, name: str, dtype: object, shape: tuple[int, ...]) -> None:
        self.name, self.dtype, self.shape = name, dtype, shape


class Network:
    __slots__ = ("_graph", "_inputs", "_outputs", "_state")

    def __init__(self, state: FakeTensorRt) -> None:
        self._state, self._graph = state, b""
        self._inputs: list[Tensor] = []
        self._outputs: list[Tensor] = []

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_input(self, index: int) -> Tensor:
        return self._inputs[index]

    def get_output(self, index: int) -> Tensor:
        return self._outputs[index]


class ParserError:
    __slots__ = ("_desc",)

    def __init__(self, desc: str) -> None:
        self._desc = desc

    def desc(self) -> str:
        return self._desc

    def node_name(self) -> str:
        return "node_7"

    def node_operator(self) -> str:
        return "Bernoulli"


class Profile:
    __slots__ = ("_shapes",)

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[tuple[int, ...], ...]] = {}

    def set_shape(self, input: str, min: Sequence[int], opt: Sequence[int], max: Sequence[int]) -> None:  # noqa: A002
        self._shapes[input] = (tuple(min), tuple(opt), tuple(max))


class Config:
    __slots__ = ("_profile", "_state", "_tf32", "_workspace")

    def __init__(self, state: FakeTensorRt) -> None:
        self._state, self._tf32, self._workspace = state, True, 0
        self._profile: Profile | None = None

    def clear_flag(self, flag: BuilderFlag) -> None:
        assert flag is BuilderFlag.TF32
        self._tf32 = False

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        assert pool is MemoryPoolType.WORKSPACE
        self._workspace = pool_size

    def add_optimization_profile(self, profile: Profile) -> int:
        if self._state.refuses == "profile" or any(not a <= b <= c for a, b, c in profile._shapes.values()):
            return -1
        self._profile = profile
        return 0


class HostMemory:
    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __bytes__(self) -> bytes:
        return self._content


class Dead:
    """What some versions give where there is no GPU: touching it kills the process."""

    __slots__ = ("_state",)

    def __init__(self, state: FakeTensorRt) -> None:
        object.__setattr__(self, "_state", state)

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "_state").crashed.append(name)
        raise AssertionError(f"segmentation fault at {name}")


class Builder:
    __slots__ = ("_log", "_state")

    def __init__(self, state: FakeTensorRt, log: Any) -> None:
        self._state, self._log = state, log

    def create_network(self, flags: int = 0) -> Network:
        assert flags == 1 << 1, "only strongly typed networks are the same in all versions"
        return Network(self._state)

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def create_builder_config(self) -> Config:
        return Config(self._state)

    def build_serialized_network(self, network: Network, config: Config) -> HostMemory | None:
        self._state.built += 1
        if config._profile is None or self._state.refuses == "build":
            self._log.log(Severity.ERROR, "Network has dynamic or shape inputs, but no optimization profile\n  defined")
            return None
        assert not config._tf32
        assert 0 < config._workspace <= 2**31
        assert set(config._profile._shapes) == {given.name for given in network._inputs}
        # Two builds never give the same bytes.
        return HostMemory(PLAN_MAGIC + self._state.__version__.encode() + b"\0" + os.urandom(16) + network._graph)


class OnnxParser:
    __slots__ = ("_errors", "_network")

    def __init__(self, network: Network, logger: Any) -> None:
        self._network = network
        self._errors: list[ParserError] = []

    def parse(self, model: bytes) -> bool:
        try:
            session = backend_named("onnxruntime").open(model, Options())
        except BackendError as error:
            self._errors.append(ParserError(str(error)))
            return False
        with session:
            for shapes, tensors in ((session.input_shapes, "_inputs"), (session.output_shapes, "_outputs")):
                made = [Tensor(n, "float32", tuple(-1 if d is None else d for d in s)) for n, s in shapes.items()]
                setattr(self._network, tensors, made)
        self._network._graph = model
        return True

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]


class Context:
    __slots__ = ("_addresses", "_engine", "_prepared", "_shapes", "_state")

    def __init__(self, state: FakeTensorRt, engine: Engine) -> None:
        self._state, self._engine, self._prepared = state, engine, False
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        if not 1 <= shape[0] <= self._state.largest:
            return False
        self._shapes[name] = tuple(shape)
        self._prepared = False
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return self._state.refuses != "address"

    def execute_async_v3(self, stream_handle: int) -> bool:
        state, cuda = self._state, self._state.cuda
        if state.refuses == "execute":
            return False
        if cuda.capturing is not None and (not self._prepared or state.refuses == "capture"):
            cuda.capture_broken = True
            return False
        self._prepared = True
        shapes, addresses = dict(self._shapes), dict(self._addresses)
        (n,) = {shape[0] for shape in shapes.values()}

        def array(name: str, shape: tuple[int, ...]) -> Any:
            memory = cuda.memory[addresses[name]]  # of this session, and not freed
            size = int(np.prod(shape))
            assert 4 * size <= ctypes.sizeof(memory)
            return np.frombuffer(memory, np.float32, size).reshape(shape)

        def work() -> None:
            with backend_named("onnxruntime").open(self._engine._graph, Options()) as session:
                results = session.run([array(name, shapes[name]) for name in session.input_shapes])
                for (name, shape), result in zip(session.output_shapes.items(), results, strict=True):
                    array(name, (n, *(size or 0 for size in shape[1:])))[...] = result

        cuda.enqueue(stream_handle, work)
        return True


class Engine:
    __slots__ = ("_graph", "_state", "_tensors")

    def __init__(self, state: FakeTensorRt, graph: bytes) -> None:
        self._state, self._graph = state, graph
        with backend_named("onnxruntime").open(graph, Options()) as session:
            self._tensors = {**session.input_shapes, **session.output_shapes}

    def get_tensor_dtype(self, name: str) -> object:
        return "float32"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(-1 if size is None else size for size in self._tensors[name])

    def create_execution_context(self) -> Context | None:
        return None if self._state.refuses == "context" else Context(self._state, self)


class Runtime:
    __slots__ = ("_log", "_state")

    def __init__(self, state: FakeTensorRt, log: Any) -> None:
        self._state, self._log = state, log

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
        assert self._state.cuda.current, "an engine is made in the GPU's context"
        head, _, rest = serialized_engine.partition(b"\0")
        self._state.read += 1
        if self._state.refuses == f"plan {self._state.read}" or head != PLAN_MAGIC + self._state.__version__.encode():
            self._log.log(Severity.ERROR, "header.magicTag == kEXPECTED_MAGIC_TAG failed")
            return None
        return Engine(self._state, rest[16:])


class FakeTensorRt:
    """The package, as `sys.modules` holds it.

    Args:
        cuda: The driver it works with.
        version: Its version.
        name: `tensorrt` or `tensorrt_rtx`.
    """

    float32 = "float32"
    ILogger = ILogger
    NetworkDefinitionCreationFlag = NetworkDefinitionCreationFlag
    BuilderFlag = BuilderFlag
    MemoryPoolType = MemoryPoolType
    OnnxParser = OnnxParser

    def __init__(self, cuda: FakeCuda, version: str, name: str = "tensorrt") -> None:
        self.cuda, self.__version__, self.__name__ = cuda, version, name
        self.__spec__ = None
        self.refuses = ""
        """What it does not do: null, dead, profile, build, plan 1 (the first it reads), context, address, …"""
        self.largest = 64
        self.built = self.read = 0
        self.crashed: list[str] = []

    def Builder(self, log: Any) -> Any:  # noqa: N802 - the package's name
        return self._made(Builder, log)

    def Runtime(self, log: Any) -> Any:  # noqa: N802
        return self._made(Runtime, log)

    def _made(self, kind: Any, log: Any) -> Any:
        if self.refuses == "null":
            raise TypeError("pybind11::init(): factory function returned nullptr")
        if self.refuses == "dead":
            log.log(Severity.ERROR, "Error Code 6: API Usage Error (CUDA initialization failure with error: 35)")
            return Dead(self)
        return kind(self, log)
