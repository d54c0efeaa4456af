"""Deviations count an entry that is missing on one side, and let none that may not be missing pass."""

import numpy as np
from edgeward.runtime.deviation import deviations

NAN = np.nan


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_they_are_differences_in_units_of_the_scale() -> None:
    found = deviations(rows([1.0, 30.0], [2.0, 10.0]), rows([1.0, 10.0], [1.0, 10.0]), np.array([0.5, 10.0]))
    assert found.tolist() == [[0.0, 2.0], [2.0, 0.0]]


def test_an_entry_missing_on_both_sides_is_none_and_on_one_side_is_1() -> None:
    found = deviations(rows([NAN, NAN, 7.0, 7.0]), rows([NAN, 7.0, NAN, 7.0]), np.ones(1))
    assert found.tolist() == [[0.0, 1.0, 1.0, 0.0]]


def test_where_nothing_may_be_missing_a_nan_stays_one() -> None:
    found = deviations(rows([NAN, 1.0]), rows([0.0, 1.0]), np.ones(1))
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 0.0
