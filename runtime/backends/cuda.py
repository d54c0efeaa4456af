"""NVIDIA's driver by ctypes: memory, one stream, graphs. No package is needed, and none of the CUDA toolkit.

It works in a GPU's primary context, the one that every other user of the GPU in this process shares.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import sys
from collections.abc import Callable, Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BackendError
from .base import FloatArray

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_OLDEST = 11040
"""CUDA 11.4, the first whose driver has all that is called here."""
_SUCCESS, _NO_DEVICE = 0, 100
_CAPABILITY_MAJOR, _CAPABILITY_MINOR, _INTEGRATED = 75, 76, 18
_NON_BLOCKING = 1
_THREAD_LOCAL = 1  # other threads may go on calling the driver while this one captures

_CALLS: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (POINTER(c_void_p),),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}
"""The functions used and their arguments, as cuda.h declares them."""


class CudaError(BackendError):
    """The driver refused a call."""


@dataclass(frozen=True)
class Device:
    """One GPU."""

    ordinal: int
    name: str
    compute_capability: str
    """E.g. `8.7`."""
    integrated: bool
    """Whether it shares its memory with the processor, as on a Jetson."""


class Driver:
    """NVIDIA's driver, ready to be called.

    Args:
        library: What has the driver's functions as attributes.

    Raises:
        BackendError: It is too old, or there is no GPU.
    """

    def __init__(self, library: Any) -> None:
        self._functions = {}
        for name, arguments in _CALLS.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                raise BackendError(
                    f"NVIDIA's driver is too old: it has no {name}; CUDA 11.4 or later is needed"
                ) from None
            function.argtypes, function.restype = arguments, c_int
            self._functions[name] = function
        found = self._functions["cuInit"](0)
        if found == _NO_DEVICE:
            raise BackendError("NVIDIA's driver is installed, and finds no GPU that this process may use")
        self._check("cuInit", found)
        version, count = c_int(), c_int()
        self.call("cuDriverGetVersion", byref(version))
        self.version = version.value
        """The newest CUDA it serves, e.g. 12060 for 12.6."""
        if self.version < _OLDEST:
            raise BackendError(f"NVIDIA's driver is too old: it serves CUDA {self.cuda}, and 11.4 or later is needed")
        self.call("cuDeviceGetCount", byref(count))
        if not count.value:
            raise BackendError("NVIDIA's driver is installed, and finds no GPU that this process may use")

    @property
    def cuda(self) -> str:
        """The newest CUDA it serves, e.g. `12.6`."""
        return f"{self.version // 1000}.{self.version % 1000 // 10}"

    def device(self, ordinal: int) -> Device:
        """What the GPU of this number is."""
        handle = self._handle(ordinal)
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, len(name), handle)

        def attribute(number: int) -> int:
            value = c_int()
            self.call("cuDeviceGetAttribute", byref(value), number, handle)
            return value.value

        capability = f"{attribute(_CAPABILITY_MAJOR)}.{attribute(_CAPABILITY_MINOR)}"
        return Device(ordinal, name.value.decode(errors="replace"), capability, bool(attribute(_INTEGRATED)))

    def _handle(self, ordinal: int) -> int:
        handle = c_int()
        self.call("cuDeviceGet", byref(handle), ordinal)
        return handle.value

    @contextlib.contextmanager
    def primary_context(self, ordinal: int) -> Iterator[c_void_p]:
        """A GPU's primary context, kept alive while the block runs."""
        handle, context = self._handle(ordinal), c_void_p()
        self.call("cuDevicePrimaryCtxRetain", byref(context), handle)
        try:
            yield context
        finally:
            self.call("cuDevicePrimaryCtxRelease_v2", handle)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver.

        Raises:
            CudaError: It did not succeed; the message has the call, and the error's name and number.
        """
        self._check(name, self._functions[name](*arguments))

    def _check(self, name: str, result: int) -> None:
        if result != _SUCCESS:
            told = [self._told(kind, result) for kind in ("cuGetErrorName", "cuGetErrorString")]
            raise CudaError(f"NVIDIA's driver refused {name}: {told[0]} ({result}), {told[1]}")

    def _told(self, kind: str, result: int) -> str:
        text = c_char_p()
        self._functions[kind](result, byref(text))
        return text.value.decode(errors="replace") if text.value else "an error it has no name for"


def open_driver() -> Driver:
    """NVIDIA's driver on this machine.

    Raises:
        BackendError: It is absent or too old, or there is no GPU.
    """
    try:
        library = _library()
    except OSError as error:
        raise BackendError(f"there is no NVIDIA driver here ({error}); it comes with JetPack, or from NVIDIA") from None
    return Driver(library)


def _library() -> Any:
    return ctypes.CDLL(_LIBRARY)


class Gpu:
    """A stream on one GPU, and the memory that is worked on there. Not for several threads at once.

    Calls are made inside `with gpu.current():`. Close it, also if something fails half way.
    """

    def __init__(self, driver: Driver, ordinal: int = 0) -> None:
        self.driver = driver
        self.device = driver.device(ordinal)
        self._kept = contextlib.ExitStack()
        self._context = self._kept.enter_context(driver.primary_context(ordinal))
        self._owned = contextlib.ExitStack()
        self._stream = c_void_p()
        try:
            with self.current():
                # Not the default stream, which waits for all others and cannot be captured.
                driver.call("cuStreamCreate", byref(self._stream), _NON_BLOCKING)
            self._owned.callback(driver.call, "cuStreamDestroy_v2", self._stream)
        except BaseException:
            self.close()
            raise

    @property
    def stream(self) -> int:
        """The stream's handle, for an engine."""
        assert self._stream.value is not None  # noqa: S101 - for the type checker
        return self._stream.value

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Make the GPU's context this thread's, as long as the block runs.

        Raises:
            BackendError: It was closed, or the driver refuses.
        """
        if self._context.value is None:
            raise BackendError("this use of the GPU was closed")
        self.driver.call("cuCtxPushCurrent_v2", self._context)
        try:
            yield
        finally:
            self.driver.call("cuCtxPopCurrent_v2", byref(c_void_p()))

    def device_memory(self, size: int) -> int:
        """The address of so many bytes on the GPU."""
        address = c_uint64()
        self.driver.call("cuMemAlloc_v2", byref(address), max(size, 1))  # nothing at all is refused
        self._owned.callback(self.driver.call, "cuMemFree_v2", address)
        return address.value

    def pinned_array(self, shape: tuple[int, ...]) -> FloatArray:
        """Host memory that the GPU copies from and to by itself; gone after `close`."""
        address, numbers = c_void_p(), math.prod(shape)
        self.driver.call("cuMemHostAlloc", byref(address), max(4 * numbers, 1), 0)
        self._owned.callback(self.driver.call, "cuMemFreeHost", address)
        assert address.value is not None  # noqa: S101 - for the type checker
        memory = (ctypes.c_float * numbers).from_address(address.value)
        return np.ctypeslib.as_array(memory).reshape(shape)

    def copy_in(self, to: int, array: FloatArray) -> None:
        """Start to copy a pinned array to the GPU."""
        self.driver.call("cuMemcpyHtoDAsync_v2", to, array.ctypes.data, array.nbytes, self._stream)

    def copy_out(self, array: FloatArray, source: int) -> None:
        """Start to copy from the GPU to a pinned array."""
        self.driver.call("cuMemcpyDtoHAsync_v2", array.ctypes.data, source, array.nbytes, self._stream)

    def wait(self) -> None:
        """Until everything that was started has ended."""
        self.driver.call("cuStreamSynchronize", self._stream)

    def captured(self, work: Callable[[], None]) -> Graph:
        """What `work` starts on the stream, as a graph; nothing runs yet.

        Raises:
            BackendError: Something in it cannot be captured; the stream is usable all the same.
        """
        call, graph, ready = self.driver.call, c_void_p(), c_void_p()
        call("cuStreamBeginCapture_v2", self._stream, _THREAD_LOCAL)
        try:
            work()
        except BaseException:
            with contextlib.suppress(CudaError):  # it says again that the capture failed
                call("cuStreamEndCapture", self._stream, byref(graph))
            if graph.value is not None:
                call("cuGraphDestroy", graph)
            raise
        call("cuStreamEndCapture", self._stream, byref(graph))
        try:
            call("cuGraphInstantiateWithFlags", byref(ready), graph, 0)
        finally:
            call("cuGraphDestroy", graph)
        return Graph(self.driver, ready, self._stream)

    def close(self) -> None:
        """Free the memory and the stream, and let go of the GPU."""
        if self._context.value is None:
            return
        try:
            with self._kept, self.current():
                self._owned.close()
        finally:
            self._context = c_void_p()


class Graph:
    """Work on a stream that is started with one call."""

    def __init__(self, driver: Driver, ready: c_void_p, stream: c_void_p) -> None:
        self._driver, self._ready, self._stream = driver, ready, stream

    def launch(self) -> None:
        """Start it."""
        self._driver.call("cuGraphLaunch", self._ready, self._stream)

    def close(self) -> None:
        """Free it."""
        self._driver.call("cuGraphExecDestroy", self._ready)
