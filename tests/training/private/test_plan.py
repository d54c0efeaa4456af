"""What --dp says, and the counts of classes under noise."""

import numpy as np
import pytest
from edgeward.runtime.errors import RequestError
from edgeward.runtime.schema import ClassCondition
from edgeward.training.private.counts import counts_noise_multiplier, with_private_shares
from edgeward.training.private.plan import PrivacyPlan, parse_plan


def test_a_plan_reads_as_it_is_written() -> None:
    assert parse_plan("epsilon=3") == PrivacyPlan(3.0)
    assert parse_plan(" epsilon = 0.5, delta=1e-6,clip=2 ,unit=record") == PrivacyPlan(0.5, 1e-6, 2.0, "record")


def test_delta_is_a_tenth_of_one_patient_s_share_unless_it_is_given() -> None:
    assert PrivacyPlan(1.0).delta_for(500) == pytest.approx(1 / 5000)
    assert PrivacyPlan(1.0, 1e-9).delta_for(500) == 1e-9


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not understood"),
        ("3", "is not understood"),
        ("epsilon", "is not understood"),
        ("epsilon=3,epsilon=4", "is not understood"),
        ("epsilon=3,noise=1", "'noise=1' is not understood"),
        ("epsilon=three", "epsilon must be a number, not 'three'"),
        ("delta=1e-5", "epsilon is missing"),
        ("epsilon=0", "epsilon must be a number above 0"),
        ("epsilon=nan", "epsilon must be a number above 0"),
        ("epsilon=inf", "epsilon must be a number above 0"),
        ("epsilon=3,delta=1", "delta must be above 0, below 1"),
        ("epsilon=3,clip=-1", "clip must be a number above 0"),
        ("epsilon=3,unit=hospital", "unit must be patient or record"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        parse_plan(text)


WARD = ClassCondition("ward", ("a", "b"), ("ward a", "ward b"), shares=(0.9, 0.1))
SEX = ClassCondition("sex", ("f", "m"), ("female", "male"), shares=(0.5, 0.5))
LABEL = ClassCondition("label", ("no", "yes"), ("not ill", "ill"))
COLUMNS = {"ward": np.array([0.0, 0, 0, 1]), "sex": np.array([0.0, 1, 1, 1]), "label": np.zeros(4)}


def test_shares_are_counted_anew_among_one_record_of_everyone_and_hold_none_of_the_old() -> None:
    rng = np.random.default_rng(1)
    ward, label = with_private_shares((WARD, LABEL), COLUMNS, np.array([0, 1, 3]), 1e-9, rng)
    assert isinstance(ward, ClassCondition)
    assert ward.shares == pytest.approx((2 / 3, 1 / 3))
    assert label == LABEL


def test_noise_on_counts_grows_with_the_root_of_how_many_conditions_are_counted() -> None:
    n, found = 10_000, []
    columns = {"ward": np.arange(n) % 2.0, "sex": np.arange(n) % 2.0}
    for seed in range(400):
        ward, _ = with_private_shares((WARD, SEX), columns, np.arange(n), 10.0, np.random.default_rng(seed))
        assert isinstance(ward, ClassCondition)
        found.append(ward.shares[0])
    # A share of two is half of 1 + (noise of one - noise of the other) / n, to first order.
    assert np.std(found) == pytest.approx(10.0 * np.sqrt(2) * np.sqrt(2) / (2 * n), rel=0.15)


def test_nothing_is_spent_on_counts_where_nothing_is_counted() -> None:
    assert counts_noise_multiplier((LABEL,), 3.0) is None
    assert counts_noise_multiplier((LABEL, WARD), 3.0) == pytest.approx(10.0)
