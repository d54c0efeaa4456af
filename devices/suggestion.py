"""Which engine, precision and number of threads suit a machine, and why: from its profile, so a judgement.

Only measuring decides: `edgeward bench BUNDLE` on that machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .profile import DeviceProfile

BASIS = "judgement until measured"

_MUCH, _LITTLE = 2.5, 1.5
"""How many times faster than float int8 must compute to be worth it for sure, and to be worth a try."""
_FAST_INT8 = ("dotprod", "i8mm", "vnni")
_ONE_THREAD = "one thread: nets of a few milliseconds gain little by more; make several records at once by processes"


@dataclass(frozen=True)
class Suggestion:
    """What to take for one size of net."""

    nets: str
    """For which: `small`, of a few milliseconds on a processor, or `large`."""
    engines: tuple[str, ...]
    """By the names of backends; several: measure which."""
    precisions: tuple[str, ...]
    threads: int | None
    """None: of no importance, as nothing computes on the processor."""
    reason: str
    basis: str = BASIS

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def suggestions(profile: DeviceProfile) -> tuple[Suggestion, ...]:
    """What suits the machine: its processor for small nets, and for large ones its GPU where TensorRT runs on it."""
    return tuple(_suggestions(profile))


def _suggestions(profile: DeviceProfile) -> Iterator[Suggestion]:
    engines, engine_reason = _engines(profile)
    precisions, precision_reason = _precisions(profile)
    yield Suggestion("small", engines, precisions, 1, f"{precision_reason}; {engine_reason}; {_ONE_THREAD}")
    if profile.value("gpu_sparse_int8_tops"):
        yield Suggestion(
            "large",
            ("tensorrt",),
            ("fp16", "int8"),
            None,
            "the GPU computes much more than the processor, once a net outweighs the start of its kernels",
        )


def _engines(profile: DeviceProfile) -> tuple[tuple[str, ...], str]:
    if profile.cpu_class.startswith("x86_64"):
        return ("openvino", "onnxruntime"), "on x86 now the one, now the other is faster"
    return ("onnxruntime",), "OpenVINO got 1-D transposed convolutions wrong on ARM, under emulation"


def _precisions(profile: DeviceProfile) -> tuple[tuple[str, ...], str]:
    int8, fp32 = profile.value("int8_gops_core"), profile.value("fp32_gflops_core")
    if int8 and fp32:
        told = f"a core multiplies int8 {int8 / fp32:.1f} times as fast as float"
        if int8 / fp32 >= _MUCH:
            return ("int8",), told
        return (("int8", "fp32") if int8 / fp32 >= _LITTLE else ("fp32",)), told
    if profile.cpu_class.endswith(_FAST_INT8):
        return ("int8",), f"{profile.cpu_class} has products of int8"
    return ("fp32",), f"{profile.cpu_class} has no fast products of int8: it saves space, measure whether it saves time"
