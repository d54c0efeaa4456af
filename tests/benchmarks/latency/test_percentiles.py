"""Percentiles are told only where the calls carry them, and their bounds hold as often as they say."""

import numpy as np
import pytest
from edgeward.benchmarks.latency.percentiles import (
    binomial_cdf,
    calls_above_bound,
    fewest_calls,
    percentile_of,
    percentiles_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

# MLPerf LoadGen's early stopping at 99 %: calls that are needed where t of them may exceed the bound.
TABLE = {
    50: {0: 7, 1: 11, 5: 22, 20: 59},
    90: {0: 44, 1: 64, 5: 127, 20: 325},
    95: {0: 90, 1: 130, 5: 259, 20: 656},
    99: {0: 459, 1: 662, 5: 1_307, 20: 3_304},
    99.9: {0: 4_603, 1: 6_636, 5: 13_105, 20: 33_097},
    99.99: {0: 46_050, 1: 66_381, 5: 131_081, 20: 331_025},
}


@pytest.mark.parametrize(("percent", "row"), TABLE.items(), ids=str)
def test_the_fewest_calls_are_those_of_mlperf(percent: float, row: dict[int, int]) -> None:
    assert {exceeding: fewest_calls(percent, exceeding) for exceeding in row} == row


def test_loadgen_discards_363_of_4087_calls_for_p90() -> None:
    # LoadGen's estimate is sorted[n - t]; it prints t - 1 = 363 discarded.
    assert calls_above_bound(4087, 90) == 364


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.001, 0.999), st.data())
def test_the_binomial_sum_is_that_of_scipy(n: int, probability: float, data: st.DataObject) -> None:
    at_most = data.draw(st.integers(0, n))
    assert binomial_cdf(at_most, n, probability) == pytest.approx(binom.cdf(at_most, n, probability), abs=1e-10)


@settings(deadline=None)
@given(st.integers(7, 20_000), st.sampled_from([50.0, 90.0, 95.0, 99.0, 99.9]))
def test_as_many_calls_as_possible_lie_above_the_bound_and_no_more(n: int, percent: float) -> None:
    above = calls_above_bound(n, percent)
    if above is None:
        assert binom.cdf(0, n, 1 - percent / 100) > 0.01
    else:
        assert binom.cdf(above, n, 1 - percent / 100) <= 0.01 * (1 + 1e-9)
        assert binom.cdf(above + 1, n, 1 - percent / 100) > 0.01 * (1 - 1e-9)


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0])
def test_one_call_too_few_gives_no_value_but_the_reason(percent: float) -> None:
    needs = fewest_calls(percent)
    calls = np.arange(needs, dtype=np.int64)
    missing = percentile_of(calls[:-1], percent)
    assert (missing.value_us, missing.upper_us) == (None, None)
    assert f"needs {needs:,}" in (missing.reason or "")
    told = percentile_of(calls, percent)
    assert told.reason is None
    assert told.value_us == np.percentile(calls, percent) / 1000


def test_the_order_of_calls_does_not_matter() -> None:
    calls = np.random.default_rng(1).permutation(1000)
    assert percentiles_of(calls) == percentiles_of(np.sort(calls))
    assert percentiles_of(calls)["p99.9"].value_us is None


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0])
@pytest.mark.parametrize("n", [700, 2500])
def test_the_bound_covers_the_truth_of_heavy_tails_as_often_as_it_says(percent: float, n: int) -> None:
    """Log-normal calls, one in two hundred of them stalled: 99 of 100 runs must have the truth below the bound."""
    runs, rng = 1500, np.random.default_rng(int(percent) + n)

    def calls(size: tuple[int, ...]) -> np.ndarray:
        stall = np.where(rng.random(size) < 0.005, rng.pareto(1.1, size) * 4e6, 0)
        return (rng.lognormal(np.log(145_000), 0.1, size) + stall).astype(np.int64)

    truth = np.percentile(calls((2_000_000,)), percent)
    above = calls_above_bound(n, percent)
    assert above is not None
    bounds = np.sort(calls((runs, n)), axis=1)[:, n - above - 1]
    covered = float((bounds >= truth).mean())
    # The interval of the simulation itself: 1500 runs cannot tell 0.990 from 0.983.
    assert covered >= 0.983
    assert covered < 1 or n == 700  # and it is not simply huge
