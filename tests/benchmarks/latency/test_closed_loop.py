"""The closed loop reports the times of exactly the calls it promises, checked against contenders of known duration."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from edgeward.benchmarks.latency import Contender, closed_loop, measure
from scipy.stats import binom


@dataclass
class FakeTime:
    """Stands in for the module `time`: it passes only when a contender says so."""

    elapsed_ns: int = 0
    cpu_ns: float = 0.0

    def spend(self, ns: int, cpu_share: float = 1.0) -> None:
        self.elapsed_ns += ns
        self.cpu_ns += ns * cpu_share

    def perf_counter_ns(self) -> int:
        return self.elapsed_ns

    def monotonic(self) -> float:
        return self.elapsed_ns * 1e-9

    def process_time(self) -> float:
        return self.cpu_ns * 1e-9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(closed_loop, "time", fake)
    return fake


@dataclass
class Cold:
    """Slow for the first three calls after another one ran, as with caches that it has to itself again."""

    name: str
    clock: FakeTime
    ran: list[str] = field(default_factory=list)
    """Names of all calls made so far; shared between contenders."""

    def __call__(self, number: int) -> None:
        self.clock.spend(1_000 if self.ran[-3:] == [self.name] * 3 else 1_000_000_000)
        self.ran.append(self.name)


def constant(clock: FakeTime, ns: int = 1_000_000) -> Callable[[int], None]:
    return lambda number: clock.spend(ns)


@pytest.mark.parametrize("calls", [700, 701, 749, 750])
def test_percentiles_are_those_of_the_raw_times_of_all_calls(clock: FakeTime, calls: int) -> None:
    durations = np.random.default_rng(3).lognormal(12.0, 1.0, calls).astype(np.int64)
    (latency,) = measure([Contender("x", lambda number: clock.spend(int(durations[number % calls])))], calls=calls)
    assert latency.n == calls
    for percent, found in ((50, latency.p50_us), (90, latency.p90_us), (99, latency.p99_us)):
        assert found == pytest.approx(np.percentile(durations, percent) / 1000, rel=1e-12)
    assert latency.min_us == durations.min() / 1000


def test_each_contender_gets_its_own_times(clock: FakeTime) -> None:
    contenders = [Contender(str(us), constant(clock, us * 1000)) for us in (300, 100, 200)]
    found = measure(contenders, calls=120)
    assert [(row.name, row.min_us, row.p50_us, row.p90_us) for row in found] == [
        ("300", 300, 300, 300),
        ("100", 100, 100, 100),
        ("200", 200, 200, 200),
    ]


@pytest.mark.parametrize("percent", [50, 90, 99])
def test_a_percentile_is_told_only_where_the_calls_carry_it(clock: FakeTime, percent: int) -> None:
    def carried(n: int) -> bool:  # at most one call beyond the percentile, and that in less than one run of a hundred
        return bool(binom.cdf(1, n, 1 - percent / 100) <= 0.01)

    fewest = next(n for n in range(1, 10_000) if carried(n))
    for calls in (fewest - 1, fewest):
        (latency,) = measure([Contender("x", constant(clock))], calls=calls)
        assert (getattr(latency, f"p{percent}_us") is not None) == (calls == fewest)
        assert latency.min_us == 1000


def test_contenders_take_turns_whose_order_alternates(clock: FakeTime) -> None:
    blocks: list[tuple[int, str]] = []

    def noted(name: str) -> Callable[[int], None]:
        def call(number: int) -> None:
            if number >= 10 and (number // 10, name) not in blocks:  # lower numbers warm up, too
                blocks.append((number // 10, name))
            clock.spend(100_000_000)

        return call

    measure([Contender(name, noted(name)) for name in "ABC"], calls=40, block=10)
    assert blocks == [(turn, name) for turn, order in ((1, "CBA"), (2, "ABC"), (3, "CBA")) for name in order]


def test_calls_that_warm_up_are_not_counted(clock: FakeTime) -> None:
    ran: list[str] = []
    found = measure([Contender(name, Cold(name, clock, ran)) for name in "AB"], calls=700)
    for latency in found:
        assert (latency.min_us, latency.p50_us, latency.p99_us) == (1, 1, 1)
        assert latency.cpu_share == pytest.approx(1.0)
    assert ran.count("A") > 700  # it did warm up


def test_a_quick_contender_is_first_warmed_up_for_a_fifth_of_a_second(clock: FakeTime) -> None:
    def call(number: int) -> None:  # slow until the processor has sped up
        clock.spend(10_000 if clock.elapsed_ns >= 200_000_000 else 50_000)

    (latency,) = measure([Contender("x", call)], calls=100)
    assert (latency.min_us, latency.p90_us) == (10, 10)


def test_every_measured_call_is_told_its_own_number(clock: FakeTime) -> None:
    told: list[int] = []

    def call(number: int) -> None:
        told.append(number)
        clock.spend(100_000_000)  # so that the first warm-up takes three calls

    measure([Contender("x", call)], calls=25, block=10)
    warm_up = [0, 1, 2]
    assert told == [*warm_up, *warm_up, *range(10), 10, 11, 12, *range(10, 20), 20, 21, 22, *range(20, 25)]


@pytest.mark.parametrize(("calls", "rounds"), [(1, 1), (50, 1), (51, 2), (200, 4)])
def test_progress_is_told_after_every_round(clock: FakeTime, calls: int, rounds: int) -> None:
    told: list[tuple[int, int]] = []
    contenders = [Contender(name, constant(clock)) for name in "AB"]
    measure(contenders, calls=calls, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(done, rounds) for done in range(1, rounds + 1)]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_cpu_share_is_processor_time_over_elapsed_time(clock: FakeTime, share: float) -> None:
    other = Contender("other", lambda number: clock.spend(7_000_000, 0.5))
    (latency, _) = measure([Contender("x", lambda number: clock.spend(1_000_000, share)), other], calls=100)
    assert latency.cpu_share == pytest.approx(share)


def test_a_sleeping_contender_leaves_the_processor_and_a_spinning_one_takes_it() -> None:
    def spin(_: int) -> None:
        end = time.process_time() + 0.003  # its own processor time, so that a busy machine cannot cut it short
        while time.process_time() < end:
            pass

    sleeping, spinning = measure(
        [Contender("sleeping", lambda _: time.sleep(0.003)), Contender("spinning", spin)], calls=33, block=11
    )
    assert sleeping.cpu_share < 0.3 < spinning.cpu_share < 1.1
    for latency in (sleeping, spinning):
        assert latency.p50_us is not None
        assert 3000 <= latency.min_us <= latency.p50_us


def test_json_holds_what_is_known_and_null_for_what_is_not(clock: FakeTime) -> None:
    (latency,) = measure([Contender("x", constant(clock))], calls=12)
    assert latency.to_json() == {
        "name": "x",
        "n": 12,
        "p50_us": 1000.0,
        "p90_us": None,
        "p99_us": None,
        "min_us": 1000.0,
        "cpu_share": pytest.approx(1.0),
    }
