"""The model of latency: its arithmetic, its fit, and how it is carried from one core to another."""

import dataclasses

import numpy as np
import pytest
from edgeward.benchmarks.latency.roofline import CoreSpeed, Rates, carried_over, fit_rates, predict_us
from edgeward.benchmarks.latency.work import LayerWork
from hypothesis import given
from hypothesis import strategies as st

RATES = Rates(
    overhead_us={"call": 5.0, "convolution": 2.0, "product": 1.0, "function": 0.7, "other": 0.5},
    compute_us={"convolution float": 3e-5, "product float": 5e-5, "convolution int8": 7e-6, "product int8": 2e-5},
    byte_us={"convolution": 1e-4, "product": 2e-4, "function": 3e-4, "other": 5e-5},
)
HERE = CoreSpeed(fp32_gflops=100.0, vector_bits=256, int8_gops=400.0)
CONVOLUTION = LayerWork("convolution", False, 2_000_000, 10_000, 4_000)
FUNCTION = LayerWork("function", False, 0, 2_000, 0)

layers = st.builds(
    LayerWork,
    st.sampled_from(["convolution", "product"]),
    st.booleans(),
    st.integers(0, 10**8),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
)
networks = st.lists(layers, min_size=1, max_size=6)


def test_a_layer_takes_its_overhead_and_the_slower_of_computing_and_moving() -> None:
    assert predict_us([CONVOLUTION, FUNCTION], RATES) == pytest.approx(5 + 2 + 60 + 0.7 + 0.6)
    moves = dataclasses.replace(CONVOLUTION, bytes_moved=1_000_000)
    assert predict_us([moves], RATES) == pytest.approx(5 + 2 + 100)


def test_weights_beyond_the_last_cache_come_from_memory() -> None:
    large = dataclasses.replace(CONVOLUTION, weight_bytes=10_000_000)
    slow = dataclasses.replace(RATES, memory_us=1e-4, last_cache_bytes=1_000_000)
    assert predict_us([large], slow) == pytest.approx(5 + 2 + 1000)
    roomy = dataclasses.replace(slow, last_cache_bytes=20_000_000)
    assert predict_us([large], roomy) == pytest.approx(5 + 2 + 60)


def random_networks(count: int) -> list[list[LayerWork]]:
    """Layers that multiply so much that moving bytes never decides: the constants can then be told apart."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        network = []
        for _ in range(rng.integers(2, 9)):
            kind = str(rng.choice(["convolution", "product", "function", "other"]))
            adds = int(10 ** rng.uniform(6, 7)) if kind in ("convolution", "product") else 0
            moved = int(10 ** rng.uniform(3, 4.5))
            network.append(LayerWork(kind, bool(adds and rng.random() < 0.5), adds, moved, 0))  # type: ignore[arg-type]
        found.append(network)
    return found


def test_the_fit_finds_the_constants_that_made_the_times() -> None:
    graphs = random_networks(60)
    fitted = fit_rates(graphs, [predict_us(graph, RATES) for graph in graphs])
    for graph in random_networks(90)[60:]:
        assert predict_us(graph, fitted) == pytest.approx(predict_us(graph, RATES), rel=1e-3)
    assert fitted.compute_us == pytest.approx(RATES.compute_us, rel=1e-3)


def test_no_constant_is_negative_however_the_times_scatter() -> None:
    graphs = random_networks(20)
    fitted = fit_rates(graphs, np.random.default_rng(2).uniform(1, 1000, len(graphs)).tolist())
    every = [*fitted.overhead_us.values(), *fitted.compute_us.values(), *fitted.byte_us.values()]
    assert min(every) >= 0


@given(networks)
def test_a_core_like_this_one_is_predicted_like_this_one(network: list[LayerWork]) -> None:
    assert predict_us(network, carried_over(RATES, HERE, HERE)) == pytest.approx(predict_us(network, RATES))


@given(networks, st.floats(1.1, 50))
def test_a_core_slower_by_a_factor_takes_that_much_longer(network: list[LayerWork], factor: float) -> None:
    slower = CoreSpeed(HERE.fp32_gflops / factor, HERE.vector_bits, 400.0 / factor)
    there = carried_over(RATES, HERE, slower)
    assert predict_us(network, there) == pytest.approx(factor * predict_us(network, RATES))


@given(networks)
def test_more_work_is_never_predicted_to_be_faster(network: list[LayerWork]) -> None:
    more = [dataclasses.replace(layer, multiply_adds=2 * layer.multiply_adds) for layer in network]
    assert predict_us(network, RATES) <= predict_us(more, RATES) <= predict_us([*more, FUNCTION], RATES)


def test_where_int8_is_not_known_it_is_taken_to_compute_no_faster_than_float() -> None:
    there = carried_over(RATES, HERE, CoreSpeed(100.0, 256))
    assert there.compute_us["convolution int8"] == there.compute_us["convolution float"]


def test_overhead_goes_by_the_clock_and_the_units_not_by_the_width_of_vectors() -> None:
    narrow = CoreSpeed(fp32_gflops=50.0, vector_bits=128, int8_gops=200.0)
    there = carried_over(RATES, HERE, narrow)
    assert there.overhead_us == RATES.overhead_us
    assert there.compute_us["product float"] == pytest.approx(2 * RATES.compute_us["product float"])
