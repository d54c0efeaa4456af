"""Which points are on the front, which meets the goals, and how far the others are from them."""

import itertools
import json
import math

import pytest
from edgeward.compression.fit.goals import DISTANCE, Goals, QualityGoal
from edgeward.compression.fit.point import Point, best, front, overruns, point_from_json, rank
from hypothesis import given
from hypothesis import strategies as st

from .points import point

small = st.integers(1, 4)
points = st.lists(st.builds(point, small, small, small, trial=small), max_size=12)


def coordinates(one: Point) -> tuple[float, ...]:
    return (one.latency.ms, one.bytes, one.distance)


def as_good(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


@given(points)
def test_the_front_is_that_of_a_search_through_all_pairs(found: list[Point]) -> None:
    """Brute force: a place is on the front if no other place is at least as good in everything."""
    places = {coordinates(one) for one in found}
    wanted = {mine for mine in places if not any(other != mine and as_good(other, mine) for other in places)}
    told = [coordinates(one) for one in front(found)]
    assert set(told) == wanted
    assert len(told) == len(wanted), "of equals, one is enough"
    assert told == sorted(told)


@given(points)
def test_the_front_does_not_depend_on_the_order(found: list[Point]) -> None:
    assert [coordinates(one) for one in front(found)] == [coordinates(one) for one in front(found[::-1])]


def test_losses_on_real_records_count_too() -> None:
    faithful, useful = point(1, 1, 0.1, tstr=0.05), point(1, 1, 0.2, tstr=0.01)
    assert front([faithful, useful, point(1, 1, 0.2, tstr=0.05)]) == (faithful, useful)


def test_a_loss_that_could_not_be_read_counts_as_the_worst() -> None:
    read, unread = point(1, 1, 0.1, tstr=0.05), point(1, 1, 0.1)
    assert front([unread, read]) == (read,)
    assert front([unread, point(2, 1, 0.1, tstr=0.05)]) == (unread, point(2, 1, 0.1, tstr=0.05))


def test_what_is_exactly_what_was_asked_is_enough() -> None:
    assert overruns(point(5.0, 1000, 0.1), Goals(5.0, 1000, (QualityGoal(DISTANCE, 0.1),))) == {}


def test_every_goal_that_is_missed_is_told_with_its_factor() -> None:
    goals = Goals(5.0, 1000, (QualityGoal(DISTANCE, 0.1), QualityGoal("tstr", 0.01)))
    missed = overruns(point(10.0, 3000, 0.2, tstr=0.02), goals)
    assert missed == pytest.approx({"latency": 2.0, "size": 3.0, DISTANCE: 2.0, "tstr": 2.0})
    assert overruns(point(10.0, 3000, 0.2), goals)["tstr"] == math.inf, "what was not judged is not met"
    assert "tstr" not in overruns(point(1, 1, 0, tstr=-0.2), goals), "better than the teacher"


def test_where_size_or_latency_is_limited_the_most_faithful_is_taken() -> None:
    fast, faithful, large = point(1, 10, 0.3), point(4, 10, 0.1), point(4, 99, 0.0)
    assert best([fast, faithful, large], Goals(latency_ms=5.0, bytes=50)) == faithful


def test_where_only_quality_is_limited_the_fastest_is_taken() -> None:
    fast, faithful, wrong = point(2, 10, 0.3), point(4, 10, 0.1), point(1, 10, 0.5)
    assert best([fast, faithful, wrong], Goals(quality=(QualityGoal(DISTANCE, 0.4),))) == fast


@given(points, st.floats(0.5, 5), st.integers(1, 4))
def test_nothing_is_taken_that_misses_a_goal_while_another_meets_all(
    found: list[Point], latency_ms: float, size: int
) -> None:
    goals = Goals(latency_ms, size)
    taken = best(found, goals)
    if any(not overruns(one, goals) for one in found):
        assert taken is not None
        assert not overruns(taken, goals)
        others = [one.distance for one in found if not overruns(one, goals)]
        assert taken.distance == min(others)
    elif found:
        assert taken is not None
        factors = [math.prod(overruns(one, goals).values()) for one in found]
        assert math.prod(overruns(taken, goals).values()) == pytest.approx(min(factors))


def test_of_two_that_are_as_faithful_the_faster_is_taken() -> None:
    slow, fast = point(4, 10, 0.1), point(2, 10, 0.1)
    assert best([slow, fast], Goals(latency_ms=5.0)) == fast


@given(points, st.floats(0.5, 5))
def test_what_is_taken_is_on_the_front(found: list[Point], latency_ms: float) -> None:
    for goals in (Goals(latency_ms=latency_ms), Goals(bytes=2), Goals(quality=(QualityGoal(DISTANCE, 2.0),))):
        taken = best(found, goals)
        assert (taken is None) == (not found)
        assert taken is None or coordinates(taken) in {coordinates(one) for one in front(found)}


def test_of_nothing_nothing_is_taken() -> None:
    assert best([], Goals(latency_ms=1)) is None
    assert front([]) == ()


def test_ranks_order_by_shortfall_first() -> None:
    goals = Goals(latency_ms=5.0)
    ranked = sorted([point(5, 1, 0.9), point(50, 1, 0.0), point(6, 1, 0.0)], key=lambda one: rank(one, goals))
    assert [one.latency.ms for one in ranked] == [5, 6, 50]
    assert all(rank(a, goals) <= rank(b, goals) for a, b in itertools.pairwise(ranked))


def test_json_gives_the_point_back() -> None:
    one = point(1.5, 1000, 0.25, tstr=0.01)
    assert point_from_json(json.loads(json.dumps(one.to_json()))) == one
