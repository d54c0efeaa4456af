"""Latency of a bundle: every variant on every engine present, beside what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ...runtime.backends import BACKENDS, Options
from ...runtime.backends.onnxruntime import inference_session
from ...runtime.bundle import Bundle
from ...runtime.feed import Feed
from ...runtime.generator import Generator, load
from ...runtime.manifest import Variant
from .closed_loop import Contender, Latency, measure

_INPUTS = 64
_INPUTS_SEED = 1

TEACHER, GENERATE, BARE = "PyTorch teacher", "generate(1)", "bare session.run"


@dataclass(frozen=True)
class LatencyRow:
    """One line of the table: one way to make one sample."""

    what: str
    """`PyTorch teacher`, `generate(1)` of Edgeward, or a `bare session.run` of onnxruntime."""
    precision: str
    backend: str
    latency: Latency

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "precision": self.precision,
            "backend": self.backend,
            **self.latency.to_json(),
        }


@dataclass(frozen=True)
class LatencyReport:
    """All lines, measured in one interleaved run on one thread."""

    rows: tuple[LatencyRow, ...]
    absent: dict[str, str]
    """Engines that could not be measured, and why."""

    def find(self, what: str, precision: str | None = None, backend: str | None = None) -> LatencyRow | None:
        """The first line that fits; None if there is none."""
        for row in self.rows:
            if row.what == what and precision in (None, row.precision) and backend in (None, row.backend):
                return row
        return None

    def speed_up(self, row: LatencyRow) -> float | None:
        """How many times faster than the teacher, by medians; None without a teacher."""
        teacher = self.find(TEACHER)
        if teacher is None or teacher.latency.p50_us is None or row.latency.p50_us is None:
            return None
        return teacher.latency.p50_us / row.latency.p50_us

    def overhead_us(self, row: LatencyRow) -> float | None:
        """How much the median is above that of the bare loop with the same variant; None where there is none."""
        bare = self.find(BARE, row.precision, row.backend)
        if row.what != GENERATE or bare is None or bare.latency.p50_us is None or row.latency.p50_us is None:
            return None
        return row.latency.p50_us - bare.latency.p50_us

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "rows": [
                {**row.to_json(), "speed_up": self.speed_up(row), "overhead_us": self.overhead_us(row)}
                for row in self.rows
            ],
            "absent": self.absent,
        }


def measure_bundle(
    bundle: Bundle,
    *,
    backends: Sequence[str] = tuple(BACKENDS),
    teacher: Callable[[int], object] | None = None,
    calls: int = 2000,
    on_progress: Callable[[int, int], None] | None = None,
) -> LatencyReport:
    """Time one sample of every variant on every engine, on one thread.

    Args:
        bundle: What to measure.
        backends: Engines to try; those absent are listed with the reason.
        teacher: Makes one sample with the full model, called with the number of the call.
        calls: Measured calls of each.
        on_progress: Called with (blocks done, blocks).
    """
    absent = {}
    for name in backends:
        availability = BACKENDS[name].probe()
        if not availability.available:
            absent[name] = availability.reason
    present = [name for name in backends if name not in absent]
    with ExitStack() as stack:
        labels, contenders = [], []
        if teacher is not None:
            labels.append((TEACHER, "fp32", "torch"))
            contenders.append(Contender(TEACHER, teacher))
        for what, precision, backend, call in _ways(bundle, present, stack):
            labels.append((what, precision, backend))
            contenders.append(Contender(f"{what} {precision} {backend}", call))
        latencies = measure(contenders, calls=calls, on_progress=on_progress)
    rows = tuple(LatencyRow(*label, latency) for label, latency in zip(labels, latencies, strict=True))
    return LatencyReport(rows, absent)


def _ways(
    bundle: Bundle, backends: Sequence[str], stack: ExitStack
) -> Iterator[tuple[str, str, str, Callable[[int], object]]]:
    for precision in dict.fromkeys(variant.precision for variant in bundle.manifest.variants):
        for backend in backends:
            if _offered(bundle, precision, backend):
                generator = stack.enter_context(load(bundle, backend=backend, precision=precision))
                yield GENERATE, precision, backend, _single(generator)
        variant = _offered(bundle, precision, "onnxruntime")
        if variant and "onnxruntime" in backends:
            yield BARE, precision, "onnxruntime", _bare_loop(bundle, variant.file)


def _offered(bundle: Bundle, precision: str, backend: str) -> Variant | None:
    """What the bundle has for an engine in this precision."""
    return next((v for v in bundle.manifest.variants_for(backend) if v.precision == precision), None)


def _single(generator: Generator) -> Callable[[int], object]:
    return lambda _: generator.generate(1)


def _bare_loop(bundle: Bundle, file: str) -> Callable[[int], object]:
    """The engine alone, with inputs made beforehand: what nobody can be faster than with this engine."""
    session = inference_session(bundle.read(file), Options())
    inputs = Feed(_INPUTS_SEED, bundle.manifest.noise_shape, bundle.manifest.data.conditions, {}).take(0, _INPUTS)
    feeds = [
        {"noise": inputs.noise[i : i + 1].copy(), "condition": inputs.condition[i : i + 1].copy()}
        for i in range(_INPUTS)
    ]
    return lambda number: session.run(["sample"], feeds[number % _INPUTS])
