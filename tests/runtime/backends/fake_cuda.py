"""A stand-in for NVIDIA's driver: real C functions over host memory, which do what cuda.h says and note what is wrong.

Work on a stream waits until the stream is waited for, or goes into a graph while one is captured, as on a GPU; so a
copy that is not waited for, or an address that is no longer valid, gives wrong numbers or an error here too.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from typing import Any

OK, INVALID_VALUE, OUT_OF_MEMORY, NO_DEVICE, INVALID_CONTEXT, INVALID_HANDLE, CAPTURE_INVALIDATED = (
    *(0, 1, 2, 100, 201, 400, 901),
)
NAMES = {
    1: (b"CUDA_ERROR_INVALID_VALUE", b"invalid argument"),
    2: (b"CUDA_ERROR_OUT_OF_MEMORY", b"out of memory"),
    100: (b"CUDA_ERROR_NO_DEVICE", b"no CUDA-capable device is detected"),
    201: (b"CUDA_ERROR_INVALID_CONTEXT", b"invalid device context"),
    400: (b"CUDA_ERROR_INVALID_HANDLE", b"invalid resource handle"),
    901: (b"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", b"operation failed due to a previous error during capture"),
}
_HANDLE = POINTER(c_void_p)
_DEVICE_ADDRESS = c_ulonglong
HEADER: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_void_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (_HANDLE, c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (_HANDLE,),
    "cuMemAlloc_v2": (POINTER(_DEVICE_ADDRESS), c_size_t),
    "cuMemFree_v2": (_DEVICE_ADDRESS,),
    "cuMemHostAlloc": (_HANDLE, c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (_DEVICE_ADDRESS, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, _DEVICE_ADDRESS, c_size_t, c_void_p),
    "cuStreamCreate": (_HANDLE, c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, _HANDLE),
    "cuGraphInstantiateWithFlags": (_HANDLE, c_void_p, c_ulonglong),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}
"""What may be called, with arguments as in NVIDIA's cuda.h."""
_WITHOUT_CONTEXT = ("cuInit", "cuDriverGetVersion", "cuGetError", "cuDevice", "cuCtx")
_CAPABILITY = {75: 8, 76: 7, 18: 1}
_CONTEXT = 0xC0

Work = Callable[[], None]


class FakeCuda:
    """The library: its functions are attributes.

    Args:
        version: The newest CUDA it serves.
        devices: How many GPUs there are.
        lacks: Functions it does not have.
    """

    def __init__(self, version: int = 12060, devices: int = 1, lacks: tuple[str, ...] = ()) -> None:
        self.version, self.devices = version, devices
        self.calls: Counter[str] = Counter()
        self.fail_at = 0
        """The driver's call of this number is refused, counted from 1."""
        self.refused = ""
        """Its name."""
        self.fail_in: dict[str, int] = {}
        """By function, the error it ends with."""
        self.memory: dict[int, Any] = {}
        self.retained = 0
        self.current: list[int] = []
        self.streams: dict[int, list[Work]] = {}
        self.capturing: list[Work] | None = None
        self.capture_broken = False
        self.graphs: dict[int, list[Work]] = {}
        self.defects: list[str] = []
        """What a real driver might have crashed at."""
        self._next = 0x1000
        for name, arguments in HEADER.items():
            if name not in lacks:
                setattr(self, name, ctypes.CFUNCTYPE(c_int, *arguments)(self._function(name)))

    def _function(self, name: str) -> Callable[..., int]:
        work: Callable[..., int] = getattr(self, f"_{name.removesuffix('_v2')}")

        def call(*arguments: Any) -> int:
            self.calls[name] += 1
            if not name.startswith("cuGetError") and sum(self._counted().values()) == self.fail_at:
                self.refused = name
                if name == "cuStreamEndCapture":  # which ends a capture also where it fails
                    self.capturing = None
                return OUT_OF_MEMORY
            if name in self.fail_in:
                return self.fail_in[name]
            if not name.startswith(_WITHOUT_CONTEXT) and not self.current:
                self.defects.append(f"{name} without a current context")
                return INVALID_CONTEXT
            try:
                return work(*arguments)
            except Exception as error:  # nothing may leave a C function
                self.defects.append(f"{name}: {error!r}")
                return INVALID_VALUE

        return call

    def _counted(self) -> dict[str, int]:
        return {name: count for name, count in self.calls.items() if not name.startswith("cuGetError")}

    def left(self) -> dict[str, object]:
        """What was not given back."""
        kept = {
            "memory": list(self.memory),
            "streams": list(self.streams),
            "graphs": list(self.graphs),
            "context": self.retained,
            "current": self.current,
        }
        return {name: value for name, value in kept.items() if value}

    def enqueue(self, stream: int, work: Work) -> None:
        """Put work on a stream; it runs when the stream is waited for."""
        (self.streams[stream] if self.capturing is None else self.capturing).append(work)

    def _handle(self) -> int:
        self._next += 0x10
        return self._next

    def _cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's names
        return OK if self.devices else NO_DEVICE

    def _cuDriverGetVersion(self, out: Any) -> int:  # noqa: N802
        out[0] = self.version
        return OK

    def _cuGetErrorName(self, error: int, out: Any) -> int:  # noqa: N802
        out[0] = NAMES[error][0]
        return OK

    def _cuGetErrorString(self, error: int, out: Any) -> int:  # noqa: N802
        out[0] = NAMES[error][1]
        return OK

    def _cuDeviceGetCount(self, out: Any) -> int:  # noqa: N802
        out[0] = self.devices
        return OK

    def _cuDeviceGet(self, out: Any, ordinal: int) -> int:  # noqa: N802
        out[0] = ordinal
        return OK

    def _cuDeviceGetName(self, out: int, size: int, device: int) -> int:  # noqa: N802
        name = b"Orin (stand-in)\0"
        assert size >= len(name)
        ctypes.memmove(out, name, len(name))
        return OK

    def _cuDeviceGetAttribute(self, out: Any, attribute: int, device: int) -> int:  # noqa: N802
        out[0] = _CAPABILITY[attribute]
        return OK

    def _cuDevicePrimaryCtxRetain(self, out: Any, device: int) -> int:  # noqa: N802
        self.retained += 1
        out[0] = _CONTEXT
        return OK

    def _cuDevicePrimaryCtxRelease(self, device: int) -> int:  # noqa: N802
        self.retained -= 1
        return OK

    def _cuCtxPushCurrent(self, context: int) -> int:  # noqa: N802
        if context != _CONTEXT or not self.retained:
            raise ValueError("no such context")
        self.current.append(context)
        return OK

    def _cuCtxPopCurrent(self, out: Any) -> int:  # noqa: N802
        out[0] = self.current.pop()
        return OK

    def _allocated(self, size: int) -> int:
        if not size:
            raise ValueError("no bytes")
        # Filled with what is no number, so that reading what was never written shows.
        memory = ctypes.create_string_buffer(b"\xff" * size, size)
        address = ctypes.addressof(memory)
        self.memory[address] = memory
        return address

    def _cuMemAlloc(self, out: Any, size: int) -> int:  # noqa: N802
        out[0] = self._allocated(size)
        return OK

    def _cuMemFree(self, address: int) -> int:  # noqa: N802
        del self.memory[address]
        return OK

    def _cuMemHostAlloc(self, out: Any, size: int, flags: int) -> int:  # noqa: N802
        out[0] = self._allocated(size)
        return OK

    def _cuMemFreeHost(self, address: int) -> int:  # noqa: N802
        del self.memory[address]
        return OK

    def _cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: int) -> int:  # noqa: N802
        return self._copy(to, source, size, stream)

    def _cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: int) -> int:  # noqa: N802
        return self._copy(to, source, size, stream)

    def _copy(self, to: int, source: int, size: int, stream: int) -> int:
        for address in (to, source):
            if size > ctypes.sizeof(self.memory[address]):
                raise ValueError("beyond the end")
        self.enqueue(stream, lambda: ctypes.memmove(to, source, size) and None)
        return OK

    def _cuStreamCreate(self, out: Any, flags: int) -> int:  # noqa: N802
        out[0] = handle = self._handle()
        self.streams[handle] = []
        return OK

    def _cuStreamSynchronize(self, stream: int) -> int:  # noqa: N802
        if self.capturing is not None:
            raise ValueError("waiting for what is only captured")
        work, self.streams[stream] = self.streams[stream], []
        for each in work:
            each()
        return OK

    def _cuStreamDestroy(self, stream: int) -> int:  # noqa: N802
        if self.capturing is not None:
            raise ValueError("still capturing")
        del self.streams[stream]
        return OK

    def _cuStreamBeginCapture(self, stream: int, mode: int) -> int:  # noqa: N802
        if self.capturing is not None or stream not in self.streams:
            raise ValueError("no capture can begin")
        self.capturing, self.capture_broken = [], False
        return OK

    def _cuStreamEndCapture(self, stream: int, out: Any) -> int:  # noqa: N802
        work, self.capturing = self.capturing, None
        assert work is not None
        if self.capture_broken:
            out[0] = None
            return CAPTURE_INVALIDATED
        out[0] = handle = self._handle()
        self.graphs[handle] = work
        return OK

    def _cuGraphInstantiateWithFlags(self, out: Any, graph: int, flags: int) -> int:  # noqa: N802
        out[0] = handle = self._handle()
        self.graphs[handle] = self.graphs[graph]
        return OK

    def _cuGraphLaunch(self, ready: int, stream: int) -> int:  # noqa: N802
        self.streams[stream] += self.graphs[ready]
        return OK

    def _cuGraphExecDestroy(self, ready: int) -> int:  # noqa: N802
        del self.graphs[ready]
        return OK

    def _cuGraphDestroy(self, graph: int) -> int:  # noqa: N802
        del self.graphs[graph]
        return OK
