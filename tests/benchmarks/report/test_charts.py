"""Charts draw to scale, and refuse what cannot be drawn."""

from __future__ import annotations

import math
import re

import pytest
from edgeward.benchmarks.report.charts import Bar, Estimate, bar_chart, estimate_chart
from edgeward.runtime.errors import RequestError


def test_bars_are_as_long_as_their_values_on_one_scale_from_zero():
    chart = bar_chart([Bar("a", 200, "200"), Bar("b", 50, "50", tail=100)])
    assert re.findall(r'class="chart-bar" width="([^"]+)"', chart) == ["100.00%", "25.00%"]
    assert 'x1="25.00%" x2="50.00%"' in chart


def test_the_longest_whisker_still_fits():
    assert 'class="chart-bar" width="10.00%"' in bar_chart([Bar("a", 10, "10", tail=100)])


def test_estimates_lie_where_the_scale_says():
    chart = estimate_chart([Estimate("a", 0.7, 0.65, 0.75, "0.7")], first=0.6, last=0.8)
    assert 'cx="50.00%"' in chart
    assert 'x1="25.00%" x2="75.00%"' in chart
    assert "<span>0.6</span><span>0.8</span>" in chart


def test_words_are_escaped():
    assert "<b>" not in bar_chart([Bar("<b>", 1, "<b>", note="<b>")])


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_bar_that_has_no_length_is_refused(value):
    with pytest.raises(RequestError, match="'a' cannot be drawn"):
        bar_chart([Bar("a", value, "")])


def test_an_estimate_beyond_the_scale_is_refused():
    with pytest.raises(RequestError, match="does not fit a scale from 0 to 1"):
        estimate_chart([Estimate("a", 1.1, 1.0, 1.2, "")])


@pytest.mark.parametrize("chart", [bar_chart, estimate_chart])
def test_an_empty_chart_is_refused(chart):
    with pytest.raises(RequestError, match="at least one"):
        chart([])
