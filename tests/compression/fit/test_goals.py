"""Goals as a user writes them: what is understood means what it says, the rest is refused by name."""

import pytest
from edgeward.benchmarks.quality.measures import MEASURES
from edgeward.compression.fit.goals import (
    DISTANCE,
    Budget,
    Goals,
    QualityGoal,
    parse_budget,
    parse_latency,
    parse_quality,
    parse_size,
)
from edgeward.runtime.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

numbers = st.decimals(min_value="0.001", max_value="9999", places=3, allow_nan=False, allow_infinity=False)


@given(
    numbers,
    st.sampled_from([("us", 1e-3), ("µs", 1e-3), ("μs", 1e-3), ("ms", 1), ("s", 1000)]),
    st.sampled_from(["", " "]),
)
def test_a_latency_is_its_number_times_its_unit(number: object, unit: tuple[str, float], space: str) -> None:
    assert parse_latency(f"{number}{space}{unit[0]}") == pytest.approx(float(str(number)) * unit[1])


@given(st.integers(1, 9999), st.sampled_from([("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 10**6), ("MiB", 2**20)]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    assert parse_size(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("30min", Budget(seconds=1800)),
        ("1.5 h", Budget(seconds=5400)),
        ("90s", Budget(seconds=90)),
        ("12trials", Budget(trials=12)),
        ("1 trial", Budget(trials=1)),
    ],
)
def test_a_budget_is_a_time_or_a_number_of_trials(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


def test_a_budget_is_told_as_it_was_given() -> None:
    assert [parse_budget(text).text() for text in ("30min", "45s", "7trials")] == ["30 min", "45 s", "7 trials"]


@pytest.mark.parametrize(
    ("text", "goals"),
    [
        ("tstr-1pt", (QualityGoal("tstr", 0.01),)),
        ("tstr - 2.5 pts", (QualityGoal("tstr", 0.025),)),
        ("coverage-0.03", (QualityGoal("coverage", 0.03),)),
        ("spectrum+0.5", (QualityGoal("spectrum", 0.5),)),
        ("two_sample_auc+0.02", (QualityGoal("two_sample_auc", 0.02),)),
        ("distance 0.1", (QualityGoal(DISTANCE, 0.1),)),
        ("distance<=0.1", (QualityGoal(DISTANCE, 0.1),)),
        ("distance = 0.1", (QualityGoal(DISTANCE, 0.1),)),
        (
            "tstr-1pt, coverage-0.03,distance 0.2",
            tuple(QualityGoal(*pair) for pair in (("tstr", 0.01), ("coverage", 0.03), (DISTANCE, 0.2))),
        ),
    ],
)
def test_a_quality_names_a_measure_and_what_it_may_lose(text: str, goals: tuple[QualityGoal, ...]) -> None:
    assert [(g.measure, pytest.approx(g.allowed)) for g in parse_quality(text)] == [
        (g.measure, g.allowed) for g in goals
    ]


@given(st.sampled_from(sorted(MEASURES)), numbers)
def test_a_goal_is_told_in_words_that_are_understood_again(measure: str, number: object) -> None:
    goal = QualityGoal(measure, float(f"{float(str(number)):g}"))
    (again,) = parse_quality(goal.text())
    assert again == goal
    (distance,) = parse_quality(QualityGoal(DISTANCE, goal.allowed).text())
    assert distance.allowed == goal.allowed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tstr", "'tstr' is not understood; write a measure and what it may lose, such as tstr-1pt"),
        ("", "is not understood"),
        ("tstr-1pt,", "'' is not understood"),
        ("tstr-1%", "is not understood"),
        ("tstr--1", "is not understood"),
        ("tstr-nan", "is not understood"),
        ("tstr+1pt", "of tstr, worse is below the teacher's; write tstr-1"),
        ("spectrum-0.5", "of spectrum, worse is above the teacher's; write spectrum\\+0.5"),
        ("f1-1pt", "f1 is no measure"),
        ("beauty-1pt", "beauty is no measure; it is distance, or one of frechet_distance"),
        ("distance-0.1", "a distance has an upper end, not a change; write distance 0.1"),
        ("tstr-0", "must allow something above 0"),
        ("tstr-1pt, tstr-2pt", "tstr is asked for twice"),
    ],
)
def test_a_quality_that_is_not_understood_is_refused(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        parse_quality(text)


@pytest.mark.parametrize(
    ("parse", "option", "right"),
    [(parse_latency, "--latency", "5ms"), (parse_size, "--size", "1MB"), (parse_budget, "--budget", "30min")],
)
@pytest.mark.parametrize(
    "text", ["", "5", "ms", "-5ms", "5 parsecs", "5ms5", "nan ms", "1e999999MB", "0ms", "0MB", "0h"]
)
def test_a_quantity_that_is_none_is_refused_with_one_that_is(parse: object, option: str, right: str, text: str) -> None:
    with pytest.raises(RequestError, match=f"^{option}.*{right}"):
        parse(text)  # type: ignore[operator]


@given(st.text(max_size=12))
def test_whatever_is_written_is_understood_or_refused(text: str) -> None:
    for parse in (parse_latency, parse_size, parse_budget, parse_quality):
        try:
            parse(text)  # type: ignore[operator]
        except RequestError as error:
            assert str(error).startswith("--")


def test_goals_that_need_real_data_are_told_from_the_distance() -> None:
    goals = Goals(quality=parse_quality("tstr-1pt, distance 0.1"))
    assert [goal.measure for goal in goals.of_real_data] == ["tstr"]
    assert goals.to_json() == {"latency_ms": None, "bytes": None, "quality": {"tstr": 0.01, "distance": 0.1}}
