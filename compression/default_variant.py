"""Which variant an engine is given when nothing is asked for: the fastest, if it is measurably faster than fp32.

All variants of an engine are timed in turns in one run; what is not faster is shipped, told, and not chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..benchmarks.latency import Ratio, measure_ratios
from ..runtime.backends import BACKENDS
from ..runtime.choosing import CPU_ENGINES
from ..runtime.feed import Feed
from ..runtime.manifest import ANY_ENGINE, ENGINES, given_to
from ..runtime.schema import Schema
from .quantisation.judge import contender

FLOAT = "fp32"
_INPUTS_SEED = 1
_INPUTS = 64


@dataclass(frozen=True)
class Speed:
    """One variant on one engine."""

    engine: str
    variant: str
    precision: str
    ratio: Ratio
    """Of fp32's time to its own, single samples, one thread."""

    def told(self) -> str:
        """A sentence for people where it is no gain; '' where it is one."""
        ratio = self.ratio
        if ratio.faster or self.variant == FLOAT:
            return ""
        verdict = "slower than" if ratio.slower else "not measurably faster than"
        return (
            f"{self.variant} is {verdict} fp32 on {self.engine} ({ratio.times_faster:.2f} times as fast, "
            f"{ratio.low:.2f} to {ratio.high:.2f}); it is not the default there"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"engine": self.engine, "variant": self.variant, **self.ratio.to_json()}


def split_name(variant: str) -> tuple[str, str]:
    """Precision and engine of a variant's name: `int8` is for any engine, `int8-openvino` for one."""
    precision, _, engine = variant.rpartition("-")
    return (precision, engine) if engine in ENGINES else (variant, ANY_ENGINE)


def measure_variants(
    graphs: Mapping[str, bytes], weights: Mapping[str, bytes], noise_shape: tuple[int, ...], schema: Schema
) -> tuple[Speed, ...]:
    """Time the variants that each engine of the processor would be given, if it is present.

    Not TensorRT's: they are built for a GPU that has nothing to do with the one that the bundle will run on.

    Args:
        graphs: By name of the variant; `fp32` is what the others are compared with.
        weights: Of those that are OpenVINO IRs.
        noise_shape: Shape of one sample's noise.
        schema: The data's schema.
    """
    inputs = Feed(_INPUTS_SEED, noise_shape, schema.conditions, {}).take(0, _INPUTS)
    speeds: list[Speed] = []
    for engine in CPU_ENGINES:
        if not BACKENDS[engine].probe().available:
            continue
        names = sorted(given_to(engine, graphs, split_name), key=lambda name: name != FLOAT)
        contenders = [
            contender(name, graphs[name], inputs, backend=engine, weights=weights.get(name)) for name in names
        ]
        ratios = measure_ratios(contenders)
        speeds += [Speed(engine, name, split_name(name)[0], r) for name, r in zip(names, ratios, strict=True)]
    return tuple(speeds)


def default_precision(speeds: Sequence[Speed], engine: str) -> str:
    """The fastest on an engine of those measurably faster than fp32; fp32 where none is, or where it is not known."""
    faster = [speed for speed in speeds if speed.engine == engine and speed.ratio.faster]
    return min(faster, key=lambda speed: speed.ratio.p50_us).precision if faster else FLOAT
