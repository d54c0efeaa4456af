"""The accountant: Opacus's own figure for the same run, and noise that just keeps the budget."""

import pytest
from edgeward.runtime.errors import TrainingError
from edgeward.training.private.accountant import Mechanism, epsilon_of, noise_multiplier_for
from opacus.accountants import PRVAccountant, RDPAccountant


def test_epsilon_is_what_opacus_says_of_the_same_steps_taken_one_by_one() -> None:
    theirs = PRVAccountant()
    for _ in range(50):
        theirs.step(noise_multiplier=1.3, sample_rate=0.1)
    assert epsilon_of((Mechanism(1.3, 0.1, 50),), 1e-5) == pytest.approx(theirs.get_epsilon(1e-5), abs=0.02)


def test_epsilon_is_below_renyi_s_bound_and_not_far_below() -> None:
    looser = RDPAccountant()
    looser.history = [(1.3, 0.1, 50)]
    spent = epsilon_of((Mechanism(1.3, 0.1, 50),), 1e-5)
    assert 0.6 * looser.get_epsilon(1e-5) < spent < looser.get_epsilon(1e-5)


def test_no_step_costs_nothing() -> None:
    assert epsilon_of((Mechanism(1.0, 0.1, 0),), 1e-5) == 0.0


def test_what_else_looks_at_the_data_is_added_up_too() -> None:
    steps, counts = Mechanism(1.3, 0.1, 50), Mechanism(5.0, 1.0, 1)
    assert epsilon_of((counts, steps), 1e-5) > epsilon_of((steps,), 1e-5)


@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_the_noise_found_keeps_the_budget_and_a_twentieth_less_of_it_would_not(epsilon: float) -> None:
    others = (Mechanism(30.0 / epsilon, 1.0, 1),)
    noise = noise_multiplier_for(epsilon, 1e-5, 0.1, 40, others)
    assert epsilon_of((*others, Mechanism(noise, 0.1, 40)), 1e-5) <= epsilon
    assert epsilon_of((*others, Mechanism(0.95 * noise, 0.1, 40)), 1e-5) > epsilon


def test_a_budget_that_other_mechanisms_have_spent_is_refused() -> None:
    with pytest.raises(TrainingError, match="ask for a larger epsilon"):
        noise_multiplier_for(0.5, 1e-5, 0.1, 10, (Mechanism(1.0, 1.0, 1),))
