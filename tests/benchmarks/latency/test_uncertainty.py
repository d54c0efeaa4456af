"""Intervals are of processes, not of calls; the same code is not called slower, and slower code is."""

import numpy as np
import pytest
from edgeward.benchmarks.latency.uncertainty import (
    aa_floor,
    difference,
    hierarchical_interval,
    mann_whitney,
    process_medians_us,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

Rng = np.random.Generator


def noisy_run(rng: Rng, *, processes: int, speed: float = 1.0, slow_share: float = 0.2) -> list[float]:
    """Medians of processes on a bad machine: the hour has its own speed, and some processes are slow throughout."""
    hour = rng.normal(0, 0.01)
    own = rng.normal(0, 0.02, processes)
    slow = np.where(rng.random(processes) < slow_share, np.log(1.45), 0.0)
    stolen = rng.exponential(0.01, processes)
    return (145.0 * speed * np.exp(hour + own + slow + stolen)).tolist()


@pytest.mark.parametrize("processes", [5, 10])
@pytest.mark.parametrize("slow_share", [0.0, 0.2, 0.5])
def test_the_same_code_is_called_different_in_at_most_one_of_a_hundred_runs(processes: int, slow_share: float) -> None:
    rng = np.random.default_rng(processes + int(10 * slow_share))
    findings = [
        difference(
            noisy_run(rng, processes=processes, slow_share=slow_share),
            noisy_run(rng, processes=processes, slow_share=slow_share),
        ).finding
        for _ in range(400)
    ]
    assert sum(finding in ("faster", "slower") for finding in findings) <= 4


@pytest.mark.parametrize(("speed", "finding"), [(1.3, "slower"), (1 / 1.3, "faster")])
def test_what_is_a_third_slower_or_faster_is_found(speed: float, finding: str) -> None:
    rng = np.random.default_rng(7)
    found = [
        difference(
            noisy_run(rng, processes=8, slow_share=0.0), noisy_run(rng, processes=8, slow_share=0.0, speed=speed)
        ).finding
        for _ in range(50)
    ]
    assert found.count(finding) >= 48


def test_a_sure_but_small_change_is_no_change() -> None:
    before = [100.0, 100.01, 100.02, 100.03, 100.04, 100.05]
    found = difference(before, [value * 1.04 for value in before])
    assert found.low is not None
    assert (found.p_value < 0.01, found.low > 1) == (True, True)
    assert found.finding == "same"
    assert difference(before, [value * 1.04 for value in before], least_effect=0.02).finding == "slower"


def test_a_slow_mode_that_caught_more_processes_of_one_run_is_no_change() -> None:
    before = [145.0, 145.1, 145.2, 145.3, 145.4, 145.5, 145.6, 145.7, 145.8, 145.9]
    after = [145.45, 145.55, 145.65, *(211.0 + n for n in range(7))]
    found = difference(before, after, least_effect=0.0)
    assert mann_whitney(np.array(before), np.array(after)) == found.p_value < 0.008
    assert (found.ratio > 1.4, found.finding) == (True, "cannot tell")


def test_a_change_within_the_floor_is_no_change() -> None:
    before = [100.0, 104.0, 108.0, 112.0, 116.0, 120.0]
    after = [value * 1.21 for value in before]
    found = difference(before, after)
    assert found.floor is not None
    assert found.p_value < 0.01
    assert (found.finding == "slower") == (found.ratio - 1 > found.floor)
    assert difference(before, [value * 1.9 for value in before]).finding == "slower"


def test_what_could_hide_a_change_that_counts_is_not_called_the_same() -> None:
    noisy = [100.0, 101.0, 130.0, 150.0, 151.0]
    found = difference(noisy, [value * 1.2 for value in noisy], least_effect=0.02)
    assert found.low is not None
    assert found.high is not None
    assert (found.low < 1 < found.high, found.finding) == (True, "cannot tell")


def test_too_few_processes_cannot_tell() -> None:
    found = difference([100.0] * 4, [300.0] * 4)
    assert (found.finding, found.floor, found.low, found.high) == ("cannot tell", None, None, None)
    assert aa_floor([100.0] * 4) is None


def test_two_modes_have_a_floor_as_wide_as_their_distance() -> None:
    floor = aa_floor([145.0, 211.0, 145.0, 211.0, 145.0, 211.0])
    assert floor == pytest.approx((211 / 145) ** (6 / 5) ** 0.5 - 1)
    assert aa_floor([145.0] * 6) == 0.0


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=20, unique=True),
    st.integers(1, 19),
)
def test_the_test_without_ties_is_that_of_scipy(values: list[int], cut: int) -> None:
    cut = min(cut, len(values) - 1)
    one, other = np.array(values[:cut], float), np.array(values[cut:], float)
    assert mann_whitney(one, other) == pytest.approx(mannwhitneyu(one, other, method="exact").pvalue, rel=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=6, max_size=20), st.integers(2, 18))
def test_the_test_with_ties_is_that_of_scipy(values: list[int], cut: int) -> None:
    cut = min(cut, len(values) - 2)
    one, other = np.array(values[:cut], float), np.array(values[cut:], float)
    if len(set(values)) == len(values):
        return
    expected = mannwhitneyu(one, other, method="asymptotic").pvalue if len(set(values)) > 1 else 1.0
    assert mann_whitney(one, other) == pytest.approx(min(1.0, expected), rel=1e-9)


def test_the_interval_covers_the_truth_where_one_of_calls_would_not() -> None:
    """Processes differ by 3 %, calls by 0.3 %: an interval over calls alone would miss the truth nearly always."""
    rng, runs, covered, naive = np.random.default_rng(5), 20, 0, 0
    for _ in range(runs):
        levels = 145_000 * np.exp(rng.normal(0, 0.03, 12))
        processes = [
            [(level * np.exp(rng.normal(0, 0.003, 30))).astype(np.int64) for _ in range(2)] for level in levels
        ]
        interval = hierarchical_interval(processes)
        assert interval is not None
        covered += interval.low_us <= 145.0 <= interval.high_us
        one = hierarchical_interval([[block] for block in processes[0]])
        assert one is not None
        naive += one.low_us <= 145.0 <= one.high_us
    assert covered / runs >= 0.85  # a bootstrap of twelve is a little narrow
    assert naive / runs < 0.3


def test_one_process_has_no_interval() -> None:
    assert hierarchical_interval([[np.arange(100)]]) is None


def test_the_interval_is_the_same_each_time_and_in_microseconds() -> None:
    blocks = [[np.full(50, level * 1000)] for level in (100, 110, 120)]
    interval = hierarchical_interval(blocks)
    assert interval == hierarchical_interval(blocks)
    assert interval is not None
    assert 100 <= interval.low_us <= interval.high_us <= 120


def test_a_process_counts_by_the_median_of_all_its_calls() -> None:
    assert process_medians_us([[np.array([1000, 9000]), np.array([3000])], [np.array([5000])]]) == [3.0, 5.0]
