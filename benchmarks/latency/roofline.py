"""A model of latency: how long a graph takes on one core, from what its layers have to do.

A layer takes a moment to start, and then as long as the slower of computing and moving bytes (Williams, Waterman &
Patterson 2009). A model, not a measurement: every prediction carries the range its errors were found in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .work import LayerKind, LayerWork

KINDS: tuple[LayerKind, ...] = ("convolution", "product", "function", "other")
_CALL = "call"


@dataclass(frozen=True)
class CoreSpeed:
    """What of a core the model needs to carry rates over from another core."""

    fp32_gflops: float
    """Float multiply-adds, counted as two operations."""
    vector_bits: int
    """Width of its unit that multiplies and adds."""
    int8_gops: float | None = None
    """None: not known, and int8 is taken to compute no faster than float."""
    memory_gb_s: float | None = None
    last_cache_bytes: float | None = None

    @property
    def scalar(self) -> float:
        """How fast it is at what is no vector work: the clock times the units that multiply and add."""
        return self.fp32_gflops / (self.vector_bits / 32)


@dataclass(frozen=True)
class Rates:
    """The model's constants for one core, in microseconds."""

    overhead_us: Mapping[str, float]
    """By kind of layer, and `call` once a call."""
    compute_us: Mapping[str, float]
    """Of a multiply-add, by `compute_name`."""
    byte_us: Mapping[str, float]
    """Of a byte read or written, by kind of layer."""
    memory_us: float = 0.0
    """Of a byte of weights, where they do not fit the last cache."""
    last_cache_bytes: float | None = None


@dataclass(frozen=True)
class Prediction:
    """A latency that a model gives."""

    ms: float
    low_ms: float
    """From here to `high_ms` lie 80 of 100, by the errors of the model that are known and those that are assumed."""
    high_ms: float


def compute_name(layer: LayerWork) -> str:
    """Which rate of computing a layer has, e.g. `convolution int8`."""
    return f"{layer.kind} {'int8' if layer.int8 else 'float'}"


def predict_us(layers: Iterable[LayerWork], rates: Rates) -> float:
    """Microseconds of one call with one sample."""
    layers = tuple(layers)
    weights = sum(layer.weight_bytes for layer in layers)
    spilt = rates.last_cache_bytes is not None and weights > rates.last_cache_bytes
    total = rates.overhead_us[_CALL]
    for layer in layers:
        total += rates.overhead_us[layer.kind] + max(
            layer.multiply_adds * rates.compute_us.get(compute_name(layer), 0.0),
            layer.bytes_moved * rates.byte_us[layer.kind],
            layer.weight_bytes * rates.memory_us if spilt else 0.0,
        )
    return total


def carried_over(rates: Rates, here: CoreSpeed, there: CoreSpeed) -> Rates:
    """The rates of another core, by the ratios of what is known of both."""
    vector = here.fp32_gflops / there.fp32_gflops
    scalar = here.scalar / there.scalar
    compute = {}
    for name, rate in rates.compute_us.items():
        if not name.endswith(" int8"):
            compute[name] = rate * vector
        elif there.int8_gops is None or here.int8_gops is None:
            compute[name] = rates.compute_us[name.replace(" int8", " float")] * vector
        else:
            compute[name] = rate * here.int8_gops / there.int8_gops
    return Rates(
        overhead_us={name: rate * scalar for name, rate in rates.overhead_us.items()},
        compute_us=compute,
        byte_us={name: rate * vector for name, rate in rates.byte_us.items()},
        memory_us=0.0 if there.memory_gb_s is None else 1e-3 / there.memory_gb_s,
        last_cache_bytes=there.last_cache_bytes if there.memory_gb_s is not None else None,
    )


def fit_rates(graphs: Sequence[Sequence[LayerWork]], measured_us: Sequence[float]) -> Rates:
    """The constants that come nearest to the measurements, in their relative squared errors; none is negative.

    Whether a layer computes or moves bytes depends on the constants, and these on that: both are found in turns.
    """
    import numpy as np
    from scipy.optimize import nnls

    times = np.asarray(measured_us, dtype=np.float64)
    names = sorted({compute_name(layer) for layers in graphs for layer in layers if layer.multiply_adds})
    columns = [_CALL, *KINDS, *names, *(f"byte {kind}" for kind in KINDS)]
    place = {name: number for number, name in enumerate(columns)}
    rates: Rates | None = None
    found: list[tuple[float, Rates]] = []
    for _ in range(_ROUNDS):
        table = np.zeros((len(graphs), len(columns)))
        for row, layers in zip(table, graphs, strict=True):
            row[place[_CALL]] = 1.0
            for layer in layers:
                row[place[layer.kind]] += 1.0
                if _computes(layer, rates):
                    row[place[compute_name(layer)]] += layer.multiply_adds
                else:
                    row[place[f"byte {layer.kind}"]] += layer.bytes_moved
        # Columns differ by orders of magnitude: the solver sees them all at one height.
        height = np.maximum(np.abs(table / times[:, None]).max(axis=0), 1e-300)
        solution, _residual = nnls(table / times[:, None] / height, np.ones(len(times)))
        constants = dict(zip(columns, (solution / height).tolist(), strict=True))
        before, rates = (
            rates,
            Rates(
                overhead_us={name: constants[name] for name in (_CALL, *KINDS)},
                compute_us={name: constants[name] for name in names},
                byte_us={kind: constants[f"byte {kind}"] for kind in KINDS},
            ),
        )
        if rates == before:
            break
        predicted = np.array([predict_us(layers, rates) for layers in graphs])
        found.append((float(np.square(predicted / times - 1).sum()), rates))
    return min(found, key=lambda pair: pair[0])[1]


_ROUNDS = 12


def _computes(layer: LayerWork, rates: Rates | None) -> bool:
    if not layer.multiply_adds:
        return False
    if rates is None:
        return True
    return layer.multiply_adds * rates.compute_us[compute_name(layer)] >= layer.bytes_moved * rates.byte_us[layer.kind]
