"""Which candidate comes next: few steps for many, many for the best, and the same again from the same findings."""

from edgeward.compression.fit.halving import ETA, Score, next_candidate
from edgeward.compression.fit.space import LADDER, Candidate, Shape, distillation_steps, shapes, steps_of
from edgeward.compression.recipe import StepPlan
from hypothesis import given
from hypothesis import strategies as st

Done = dict[Candidate, Score | None]
SPACE = tuple(Shape(str(n), (StepPlan("distil", {"steps": 1}),), learns=n > 0) for n in range(10))


def run(scores: list[float | None], limit: int = 100) -> list[Candidate]:
    """The order in which a search tries shapes whose scores do not change by rung."""
    done: Done = {}
    order = []
    while len(order) < limit and (candidate := next_candidate(SPACE, done)) is not None:
        order.append(candidate)
        score = scores[candidate.shape]
        done[candidate] = None if score is None else (score,)
    return order


def test_every_shape_is_tried_once_at_least_and_none_twice_on_a_rung() -> None:
    order = run([float(n) for n in range(10)])
    assert {candidate.shape for candidate in order} == set(range(10))
    assert len(set(order)) == len(order)


def test_one_in_so_many_climbs_and_it_is_the_best() -> None:
    order = run([5, 3, 8, 1, 9, 2, 7, 4, 6, 0])
    rungs = [[candidate.shape for candidate in order if candidate.rung == rung] for rung in range(len(LADDER))]
    assert len(rungs[0]) == 10
    assert len(rungs[1]) <= 10 // ETA + 1
    assert 9 in rungs[1], "the best of all"
    assert rungs[2] == [9], "and only the best of these learns longest"


def test_the_promising_are_not_kept_waiting_until_all_are_tried() -> None:
    order = run([9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    first_climb = next(number for number, candidate in enumerate(order) if candidate.rung)
    assert first_climb < 6


def test_what_failed_does_not_climb_and_a_model_left_as_it_is_does_not_learn() -> None:
    order = run([0.0, None, None, None, None, None, None, None, None, 5.0])
    assert [candidate for candidate in order if candidate.rung] == [Candidate(9, 1), Candidate(9, 2)]
    assert all(run([None] * 10)[number] == Candidate(number, 0) for number in range(10))


@given(st.lists(st.one_of(st.none(), st.floats(0, 10)), min_size=10, max_size=10), st.integers(0, 25))
def test_an_interrupted_search_goes_on_as_it_would_have(scores: list[float | None], cut: int) -> None:
    whole = run(scores)
    assert run(scores, limit=cut) == whole[:cut]


def test_the_space_begins_with_the_teacher_as_it_is() -> None:
    first, *others = shapes()
    assert (first.name, first.steps, first.learns) == ("as it is", (), False)
    assert all(shape.learns for shape in others)
    assert len({shape.name for shape in shapes()}) == len(shapes())


def test_every_shape_can_follow_every_start() -> None:
    few = StepPlan("distil", {"steps": 7, "batch_size": 8, "learning_rate": 1e-3})
    space = shapes((("", ()), ("one step", (few,))))
    assert len(space) == 2 * len(shapes())
    named = {shape.name: shape for shape in space}
    assert named["one step"].steps == (few,)
    assert named["one step"].learns
    assert named["one step, prune 50%"].steps[0] == few


def test_a_rung_adds_to_what_the_rung_below_it_did() -> None:
    space = shapes()
    for number, shape in enumerate(space):
        if shape.learns:
            for rung in range(1, len(LADDER)):
                below, above = (steps_of(Candidate(number, r), space, quantised=False) for r in (rung - 1, rung))
                assert above[: len(below) - 1] == below[:-1], "what was learnt is not thrown away"
                assert distillation_steps(above) - distillation_steps(below) == LADDER[rung]


def test_many_shapes_begin_like_one_before_them() -> None:
    space = shapes()
    begun = [
        any(steps and steps == shape.steps[: len(steps)] for steps in (other.steps for other in space[:number]))
        for number, shape in enumerate(space)
    ]
    assert sum(begun) >= 3
