"""What a user asks for becomes condition vectors, and what makes no sense is refused with what would."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from edgeward.runtime import RequestError
from edgeward.runtime.condition import check_request, draw_columns, encode_columns, readable_columns
from edgeward.runtime.schema import ClassCondition, NumberCondition, SignalSchema
from hypothesis import given
from hypothesis import strategies as st

RHYTHM = ClassCondition("rhythm", ("SR", "AF", "VT"), ("sinus", "fibrillation", "tachycardia"))
HEART_RATE = NumberCondition("heart_rate", "/min", 30.0, 200.0)


@pytest.mark.parametrize(
    ("request_", "checked"),
    [
        ({}, {}),
        ({"rhythm": "AF"}, {"rhythm": 1.0}),
        ({"heart_rate": "61.5"}, {"heart_rate": 61.5}),  # as the command line gives it
        ({"heart_rate": 30, "rhythm": "SR"}, {"heart_rate": 30.0, "rhythm": 0.0}),
        ({"heart_rate": 200.0}, {"heart_rate": 200.0}),
    ],
)
def test_a_possible_request_becomes_column_values(
    schema: SignalSchema, request_: dict[str, Any], checked: dict[str, float]
) -> None:
    assert check_request(schema, request_) == checked


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"rythm": "AF"}, ["'rythm'", "rhythm, heart_rate"]),
        ({"rhythm": "VT"}, ["rhythm=VT", "one of SR, AF"]),
        ({"rhythm": "af"}, ["one of SR, AF"]),
        ({"rhythm": 1}, ["one of SR, AF"]),
        ({"rhythm": None}, ["one of SR, AF"]),
        ({"rhythm": np.array(["AF", "SR"])}, ["one of SR, AF"]),
        ("rhythm=AF", ["by name", "'rhythm=AF'"]),
        ({"heart_rate": 29.999}, ["heart_rate=29.999", "a number from 30 to 200 /min"]),
        ({"heart_rate": 200.001}, ["from 30 to 200"]),
        ({"heart_rate": "fast"}, ["heart_rate=fast"]),
        ({"heart_rate": math.nan}, ["from 30 to 200"]),
        ({"heart_rate": "inf"}, ["from 30 to 200"]),
        ({"heart_rate": None}, ["from 30 to 200"]),
        ({"heart_rate": [60]}, ["from 30 to 200"]),
        ({"heart_rate": 10**400}, ["from 30 to 200"]),
    ],
)
def test_an_impossible_request_is_refused_with_what_is_possible(
    schema: SignalSchema, request_: Any, told: list[str]
) -> None:
    with pytest.raises(RequestError) as caught:
        check_request(schema, request_)
    assert all(text in str(caught.value) for text in told)


def test_open_conditions_are_drawn_evenly_from_their_whole_domain() -> None:
    columns = draw_columns((RHYTHM, HEART_RATE), {}, seed=1, first=0, n=30_000)
    counts = np.bincount(columns["rhythm"].astype(int), minlength=3)
    assert len(counts) == 3
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    assert scipy.stats.kstest(columns["heart_rate"], "uniform", args=(30.0, 170.0)).pvalue > 0.01
    assert abs(np.corrcoef(columns["rhythm"], columns["heart_rate"])[0, 1]) < 0.02


def test_fixing_one_condition_leaves_the_draws_of_the_others_as_they_were() -> None:
    free = draw_columns((RHYTHM, HEART_RATE), {}, seed=1, first=10, n=50)
    held = draw_columns((RHYTHM, HEART_RATE), {"rhythm": 2.0}, seed=1, first=10, n=50)
    assert (held["rhythm"] == 2.0).all()
    np.testing.assert_array_equal(held["heart_rate"], free["heart_rate"])


@given(first=st.integers(0, 2**62), cut=st.integers(1, 49))
def test_draws_do_not_depend_on_the_batch(first: int, cut: int) -> None:
    whole = draw_columns((RHYTHM, HEART_RATE), {}, 3, first, 50)
    parts = [
        draw_columns((RHYTHM, HEART_RATE), {}, 3, first, cut),
        draw_columns((RHYTHM, HEART_RATE), {}, 3, first + cut, 50 - cut),
    ]
    for name in whole:
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name])


@pytest.mark.parametrize("classes", [1, 2, 3, 7, 10, 9_999])
def test_the_largest_uniform_number_still_draws_a_class_that_exists(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Largest:
        def __init__(self, seed: int, size: int) -> None:
            self._size = size

        def take(self, first: int, n: int) -> np.ndarray:
            return np.full((n, self._size), 1.0 - 2.0**-53)

    monkeypatch.setattr("edgeward.runtime.condition.UniformStream", Largest)
    condition = ClassCondition("c", tuple(map(str, range(classes))), ("",) * classes)
    assert draw_columns((condition,), {}, 1, 0, 1)["c"][0] == classes - 1


def test_a_class_takes_one_column_per_value_and_a_number_one_in_its_unit() -> None:
    columns = {"heart_rate": np.array([61.5, 120.0]), "rhythm": np.array([2.0, 0.0])}
    encoded = encode_columns((RHYTHM, HEART_RATE), columns, 2)
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[0, 0, 1, 61.5], [1, 0, 0, 120.0]]
    swapped = encode_columns((HEART_RATE, RHYTHM), columns, 2)
    assert swapped.tolist() == [[61.5, 0, 0, 1], [120.0, 1, 0, 0]]


def test_columns_read_back_as_class_names_and_numbers() -> None:
    columns = {"heart_rate": np.array([61.5, 120.0]), "rhythm": np.array([2.0, 0.0])}
    readable = readable_columns((RHYTHM, HEART_RATE), columns)
    assert readable["rhythm"].tolist() == ["VT", "SR"]
    assert readable["heart_rate"].tolist() == [61.5, 120.0]
