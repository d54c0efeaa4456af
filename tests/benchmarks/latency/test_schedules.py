"""An open loop shows a stall to everyone who waited for it; a closed loop hides it. Warm-up ends when calls agree."""

import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
from edgeward.benchmarks.latency import closed_loop
from edgeward.benchmarks.latency.schedules import open_loop, paced, periodic, poisson
from edgeward.benchmarks.latency.warm_up import warm_up


class FakeTime:
    """A clock that calls and sleeps move; a sleep lasts a little longer than asked, as sleeps do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000
        monkeypatch.setattr(time, "perf_counter_ns", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now * 1e-9)
        monkeypatch.setattr(time, "sleep", self.sleep)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1e9) + 50_000

    def takes(self, ns: Callable[[int], int]) -> Callable[[int], None]:
        def call(number: int) -> None:
            self.now += ns(number)

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    return FakeTime(monkeypatch)


def test_a_stall_of_a_second_shows_in_the_response_and_not_in_the_service(clock: FakeTime) -> None:
    """200 calls a second, a thousand of them, each of 150 µs, and one that hangs for a second."""
    stalled = clock.takes(lambda number: 1_000_000_000 if number == 300 else 150_000)
    service, response = open_loop(stalled, 0, periodic(200, 1000))
    assert np.percentile(service, 99) == 150_000
    assert np.percentile(response, 99) > 900e6
    late = (response > 5_000_000).mean()
    assert 0.18 < late < 0.23  # everyone due in the second, and a few after it
    times = np.zeros(1000, np.int64)
    closed_loop.time_block(stalled, 0, times)
    assert np.percentile(times, 99) == 150_000  # what a closed loop tells of the same


def test_without_a_stall_the_response_is_the_service_and_the_lateness_of_waking_up(clock: FakeTime) -> None:
    service, response = open_loop(clock.takes(lambda _: 150_000), 0, periodic(1000, 50))
    assert (service == 150_000).all()
    assert (response == 200_000).all()


def test_calls_are_told_their_numbers_and_lateness_does_not_add_up(clock: FakeTime) -> None:
    told: list[int] = []
    began: list[int] = []

    def call(number: int) -> None:
        told.append(number)
        began.append(clock.now)
        clock.now += 10_000

    open_loop(call, 7, periodic(1000, 20))
    assert told == list(range(7, 27))
    assert {later - sooner for sooner, later in itertools.pairwise(began)} == {1_000_000}


def test_periodic_and_poisson_have_the_rate_they_say() -> None:
    assert periodic(250, 4).tolist() == [0, 4_000_000, 8_000_000, 12_000_000]
    due = poisson(100, 20_000, seed=3)
    assert due[0] == 0
    gaps = np.diff(due)
    assert (gaps >= 0).all()
    assert gaps.mean() == pytest.approx(1e7, rel=0.03)
    assert gaps.std() == pytest.approx(1e7, rel=0.05)  # exponential: as wide as it is long
    assert (due == poisson(100, 20_000, seed=3)).all()
    assert (due[1:] != poisson(100, 20_000, seed=4)[1:]).any()


def test_a_pause_comes_before_every_call_and_is_not_counted(clock: FakeTime) -> None:
    assert paced(clock.takes(lambda number: 1000 * number), 5, 3, 0.02).tolist() == [5000, 6000, 7000]
    assert clock.slept == [0.02] * 3


def test_warm_up_ends_when_three_windows_agree(clock: FakeTime) -> None:
    cold = clock.takes(lambda number: 400_000 if number < 40 else 100_000)
    found = warm_up(cold, 0, most_s=5)
    assert found.settled
    assert found.call_us == 100
    assert 0.1 <= found.seconds < 0.12
    assert found.calls > 40


def test_warm_up_gives_up_on_calls_that_never_agree(clock: FakeTime) -> None:
    found = warm_up(clock.takes(lambda number: 100_000 * (1 + number // 7 % 5)), 0, most_s=0.5)
    assert not found.settled
    assert 0.5 < found.seconds < 0.7


def test_warm_up_of_slow_calls_takes_few_of_them(clock: FakeTime) -> None:
    found = warm_up(clock.takes(lambda _: 10**9), 0, most_s=0.5)
    assert (found.calls, found.settled) == (4, True)
