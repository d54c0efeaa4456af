"""The ratio of two contenders is that of their times, and its interval says whether it is sure."""

import time

import numpy as np
import pytest
from edgeward.benchmarks.latency import Contender, measure_ratios
from edgeward.benchmarks.latency import ratio as ratio_module
from scipy.stats import binom


class FakeClock:
    """A clock that only contenders move."""

    def __init__(self) -> None:
        self.now = 0

    def takes(self, name: str, *durations: int) -> Contender:
        """A contender whose calls take these nanoseconds in turn."""

        def call(number: int) -> None:
            self.now += durations[number % len(durations)]

        return Contender(name, call)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(time, "perf_counter_ns", lambda: fake.now)
    return fake


def test_twice_as_fast_is_twice_as_fast(clock: FakeClock) -> None:
    reference, fast, slow = measure_ratios(
        [clock.takes("one", 1000), clock.takes("fast", 500), clock.takes("slow", 4000)], turns=6, turn_s=1e-5
    )
    assert (reference.times_faster, reference.low, reference.high) == (1.0, 1.0, 1.0)
    assert (fast.times_faster, fast.faster, fast.slower) == (2.0, True, False)
    assert (slow.times_faster, slow.faster, slow.slower) == (0.25, False, True)
    assert (fast.p50_us, fast.name) == (0.5, "fast")


def test_what_is_sometimes_faster_and_sometimes_slower_is_neither(clock: FakeClock) -> None:
    times = np.random.default_rng(1).integers(500, 2000, 997).tolist()
    _, same = measure_ratios([clock.takes("one", 1000), clock.takes("other", *times)], turns=21, turn_s=1e-6)
    assert not same.faster
    assert not same.slower
    assert same.low < same.times_faster < same.high


@pytest.mark.parametrize("turns", range(6, 60))
def test_the_interval_is_the_narrowest_of_order_statistics_with_95_percent(turns: int) -> None:
    low, high = ratio_module._places_of_interval(turns)
    outside = 2 * binom.cdf(low, turns, 0.5)
    assert high == turns - 1 - low
    assert outside <= 0.05 < 2 * binom.cdf(low + 1, turns, 0.5)


def test_too_few_turns_for_an_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="5 turns have no interval"):
        measure_ratios([Contender("x", lambda _: None)], turns=5)
