"""Every class that can be drawn must have been."""

import numpy as np
import pytest
from edgeward.compression.drawn_classes import check_every_class
from edgeward.runtime.errors import GateError
from edgeward.runtime.schema import ClassCondition, NumberCondition

RHYTHM = ClassCondition("rhythm", ("SR", "AF", "VT"), ("", "", ""))
AGE = NumberCondition("age", "a", 18.0, 90.0)


def columns(*rhythms: int) -> dict[str, np.ndarray]:
    return {"rhythm": np.array(rhythms, float), "age": np.full(len(rhythms), 50.0)}


def test_all_classes_will_do_and_numbers_are_no_classes() -> None:
    check_every_class((RHYTHM, AGE), columns(2, 0, 1, 0), "calibration")


def test_a_missing_class_is_named_with_the_number_of_samples() -> None:
    with pytest.raises(GateError, match="calibration drew 3 samples, and none of rhythm AF, VT: it would know nothing"):
        check_every_class((RHYTHM, AGE), columns(0, 0, 0), "calibration")


def test_a_class_that_is_never_drawn_is_not_missed() -> None:
    never = ClassCondition("rhythm", ("SR", "AF", "VT"), ("", "", ""), shares=(0.5, 0.5, 0.0))
    check_every_class((never,), columns(0, 1), "calibration")
