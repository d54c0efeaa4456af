"""Numbers, dates and intervals are told by how they are written."""

import math

import pytest
from edgeward.training.datasets.table.entries import as_number, decimals_of, interval_start, is_date, natural_key
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(-1e29, 1e29, allow_nan=False))
def test_a_float_that_python_wrote_is_read_to_the_last_bit(number: float) -> None:
    assert as_number(repr(number)) == (0.0 if abs(number) < 1e-30 else number)


@given(st.text(max_size=8))
def test_what_is_read_as_a_number_is_finite_and_the_same_to_python(text: str) -> None:
    number = as_number(text)
    if number is not None:
        assert math.isfinite(number)
        assert number == (0.0 if abs(float(text)) < 1e-30 else float(text))


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1,5", "1,000", "0x1F", "1e999", "", ".", "٣", "1.2.3", "<5"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert as_number(text) is None


def test_a_decimal_comma_is_read_where_it_is_told_and_a_point_is_then_none() -> None:
    assert as_number("-1,5", ",") == -1.5
    assert as_number("1.234", ",") is None
    assert decimals_of("1,25", ",") == 2


@pytest.mark.parametrize(("text", "decimals"), [("7", 0), ("7.0", 0), ("2.30", 1), ("250.01", 2), ("1e-3", 4)])
def test_decimals_are_those_written_but_for_trailing_zeros(text: str, decimals: int) -> None:
    assert decimals_of(text) == decimals


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-02",
        "2020/1/2",
        "02.01.2020",
        "1/2/99",
        "3-Mar-2021",
        "2020-01-02T03:04:05Z",
        "2020-01-02 03:04",
        "12:30",
    ],
)
def test_dates_are_told(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize("text", ["20200102", "1.5", "30-34", "V57", "1-2-3-4", "2020"])
def test_numbers_intervals_and_codes_are_no_dates(text: str) -> None:
    assert not is_date(text)


def test_intervals_sort_by_where_they_begin() -> None:
    texts = ["80+", "[60-70)", ">=70", "30-39", "<30", "40 to 49"]
    starts = {text: interval_start(text) for text in texts}
    assert None not in starts.values()
    assert sorted(texts, key=lambda text: starts[text] or (0.0, 0)) == [
        "<30", "30-39", "40 to 49", "[60-70)", ">=70", "80+",
    ]  # fmt: skip
    assert interval_start("Norm") is interval_start("V57") is interval_start("") is None


def test_numbers_sort_by_size_and_texts_after_them() -> None:
    assert sorted(["b", "10", "9", "a", "-1"], key=natural_key) == ["-1", "9", "10", "a", "b"]
