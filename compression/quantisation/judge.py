"""Measure quantised graphs while layers are chosen: on samples that neither calibrate nor judge the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...benchmarks.latency import Contender, Ratio, measure_ratios
from ...runtime.backends import Options, backend_named
from ...runtime.feed import Feed, GraphInputs
from ...runtime.schema import Schema
from ..error import relative_l2

_SAMPLES = 128
_FIRST = 2**40
"""Far behind those that calibrate; the probe has a seed of its own."""
_TURNS_A_LAYER = 9
_TURN_S = 0.004


class Judge:
    """Compares graphs with the float one, same noise and conditions.

    Args:
        model: The float graph.
        noise_shape: Shape of one sample's noise.
        schema: The data's schema.
        seed: Of the noise and conditions.
    """

    def __init__(self, model: bytes, noise_shape: tuple[int, ...], schema: Schema, seed: int) -> None:
        self._inputs = Feed(seed, noise_shape, schema.conditions, {}).take(_FIRST, _SAMPLES)
        self._wanted = samples_of(model, self._inputs)

    def error(self, model: bytes, weights: bytes | None = None) -> float:
        """Relative L2 of a graph's samples against the float graph's; an IR has weights apart."""
        return relative_l2(samples_of(model, self._inputs, weights), self._wanted)

    def saved_us(self, whole: bytes, without: Mapping[str, bytes]) -> dict[str, float]:
        """Microseconds that each layer saves, by what the graph takes longer with just that layer in float.

        Args:
            whole: The graph with all chosen layers in 8 bits.
            without: By layer, the graph in which it is in float.
        """
        contenders = [contender("whole", whole, self._inputs)]
        contenders += [contender(layer, model, self._inputs) for layer, model in without.items()]
        reference, *others = measure_ratios(contenders, turns=_TURNS_A_LAYER, turn_s=_TURN_S)
        return {ratio.name: round(reference.p50_us * (1 / ratio.times_faster - 1), 1) for ratio in others}

    def compare(
        self, models: Sequence[tuple[str, bytes, bytes | None]], *, backend: str, samples: int = 1
    ) -> list[Ratio]:
        """How much faster each graph makes so many samples at once than the first, on one thread of an engine."""
        return measure_ratios(
            [
                contender(name, model, self._inputs, samples=samples, backend=backend, weights=weights)
                for name, model, weights in models
            ]
        )


def contender(
    name: str,
    model: bytes,
    inputs: GraphInputs,
    *,
    samples: int = 1,
    backend: str = "onnxruntime",
    weights: bytes | None = None,
) -> Contender:
    """Makes so many samples at once, on one thread of an engine, from inputs that vary from call to call."""
    session = backend_named(backend).open(model, Options(), weights)
    portions = len(inputs.noise) // samples

    def call(number: int) -> object:
        first = number % portions * samples
        return session.run((inputs.noise[first : first + samples], inputs.condition[first : first + samples]))

    return Contender(name, call)


def samples_of(model: bytes, inputs: GraphInputs, weights: bytes | None = None) -> npt.NDArray[np.float32]:
    """Samples [n, *shape] of an ONNX graph by onnxruntime, or of an IR, with its weights, by OpenVINO."""
    backend = "onnxruntime" if weights is None else "openvino"
    with backend_named(backend).open(model, Options(), weights) as session:
        return session.run((inputs.noise, inputs.condition))[0]
