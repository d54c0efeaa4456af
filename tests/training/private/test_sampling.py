"""Poisson sampling: coins that are all alike, and one record of a patient at most."""

import numpy as np
import pytest
from edgeward.training.datasets.dataset import Split
from edgeward.training.private.sampling import Units
from edgeward.training.private.secret import Secret


def split_of(patients: list[str]) -> Split:
    return Split(np.zeros((len(patients), 1), np.float32), {}, np.array(patients))


OWNERS = ["a", "b", "a", "c", "a", "b", "d"]


def test_a_patient_is_in_a_step_once_at_most_and_with_every_record_in_turn() -> None:
    units = Units(split_of(OWNERS), "patient")
    assert (units.unit, len(units)) == ("patient", 4)
    seen = set()
    for step in range(200):
        drawn = units.draw(0.7, np.random.default_rng(step))
        owners = [OWNERS[place] for place in drawn]
        assert len(set(owners)) == len(owners)
        seen |= set(drawn.tolist())
    assert seen == set(range(len(OWNERS)))


def test_records_are_the_unit_where_they_are_asked_for_or_nobody_has_two() -> None:
    assert (Units(split_of(OWNERS), "record").unit, len(Units(split_of(OWNERS), "record"))) == ("record", 7)
    assert Units(split_of(["a", "b", "c"]), "patient").unit == "record"


def test_everyone_is_drawn_as_often_as_the_rate_says_and_independently() -> None:
    n, rate, times = 40, 0.3, 4000
    units = Units(split_of([f"p{i:02d}" for i in range(n)]), "record")
    present = np.zeros((times, n))
    for step in range(times):
        present[step, units.draw(rate, np.random.default_rng(step))] = 1
    error = np.sqrt(rate * (1 - rate) / times)
    assert np.abs(present.mean(0) - rate).max() < 4.5 * error
    # Batches of a fixed size would not vary; classes or patients drawn together would vary more.
    assert present.sum(1).var() == pytest.approx(n * rate * (1 - rate), rel=0.1)


def test_two_runs_have_other_keys_and_a_key_tells_the_same_numbers_again() -> None:
    one, other = Secret(), Secret()
    assert one.key != other.key
    assert len(one.key) == 32
    again = Secret(one.key)
    np.testing.assert_array_equal(one.noise(5).random(9), again.noise(5).random(9))
    streams = [one.noise(5), one.noise(6), one.chosen(5), one.draws(5), one.counts(), other.noise(5)]
    assert len({float(stream.random()) for stream in streams}) == len(streams)
