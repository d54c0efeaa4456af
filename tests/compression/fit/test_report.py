"""What a search leaves: a table, a plot, JSON and a recipe, and the truth about what was missed."""

import dataclasses
import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from edgeward.compression import Compressed, load_compression_recipe
from edgeward.compression.fit import search as module
from edgeward.compression.fit.goals import DISTANCE, Budget, Goals, QualityGoal
from edgeward.compression.fit.report import (
    front_rows,
    recipe_of,
    recipe_toml,
    size_text,
    to_json,
    to_markdown,
    to_svg,
    unmet_text,
    write_report,
)
from edgeward.compression.fit.search import Fit, search
from edgeward.compression.fit.target import THIS_MACHINE, Target
from edgeward.training.checkpoint import Checkpoint

from .made_up import MadeUp
from .points import point

HERE = Target(THIS_MACHINE, None, None)


@pytest.fixture(scope="module")
def fit(teacher: Checkpoint, compressed: Compressed, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "compress", MadeUp(compressed))
        work = tmp_path_factory.mktemp("work")
        return search(teacher, HERE, Goals(latency_ms=4.0), work, budget=Budget(trials=30), seed=7)


def with_points(fit: Fit, *points: object, goals: Goals) -> Fit:
    """The same search, had its first trial come to these points."""
    trial = dataclasses.replace(fit.trials[0], points=points)
    nearest = module.best(trial.points, goals)
    return dataclasses.replace(fit, trials=(trial,), goals=goals, taken=nearest, front=module.front(trial.points))


def test_the_recipe_is_read_back_as_it_was_written(fit: Fit, compressed: Compressed, tmp_path: Path) -> None:
    assert fit.taken is not None
    recipe = recipe_of(fit, fit.taken, "found", MadeUp(compressed)(None, recipe_of(fit, fit.taken, "found"), None))
    file = tmp_path / "recipe.toml"
    file.write_text(recipe_toml(recipe, "A comment."))
    again = load_compression_recipe(file)
    assert again == recipe
    assert [step.do for step in again.steps][-2:] == ["export", "quantise"]
    assert [dict(step.options) for step in again.steps] == [dict(s.options) for s in fit.trial(fit.taken).steps]


def test_the_recipe_allows_little_more_than_was_lost(fit: Fit, compressed: Compressed) -> None:
    assert fit.taken is not None
    made = MadeUp(compressed)(None, recipe_of(fit, fit.taken, "found"), None)
    allowance = recipe_of(fit, fit.taken, "found", made).allowance
    assert made.student_relative_l2 < allowance.student_relative_l2 < 1.3 * made.student_relative_l2


def test_a_float_graph_that_was_taken_needs_no_quantisation(fit: Fit) -> None:
    assert "quantise" not in [step.do for step in recipe_of(fit, fit.trials[1].points[0], "found").steps]


def test_what_may_be_lost_on_real_records_stands_in_the_recipe(fit: Fit, compressed: Compressed) -> None:
    goals = Goals(quality=(QualityGoal("tstr", 0.01), QualityGoal(DISTANCE, 0.5)))
    asked = dataclasses.replace(fit, goals=goals)
    assert fit.taken is not None
    made = MadeUp(compressed)(None, recipe_of(asked, fit.taken, "found"), None)
    assert recipe_of(asked, fit.taken, "found", made).allowance.tstr_drop == 0.01


def test_a_ratio_is_allowed_in_units_of_the_teachers_and_read_back(
    fit: Fit, compressed: Compressed, tmp_path: Path
) -> None:
    asked = dataclasses.replace(fit, goals=Goals(quality=(QualityGoal("frechet_distance", 0.5),)))
    assert fit.taken is not None
    recipe = recipe_of(asked, fit.taken, "found", MadeUp(compressed)(None, recipe_of(fit, fit.taken, "found"), None))
    assert recipe.allowance.frechet_ratio == 1.5
    (tmp_path / "recipe.toml").write_text(recipe_toml(recipe, "A comment."))
    assert load_compression_recipe(tmp_path / "recipe.toml") == recipe


def test_a_goal_that_could_not_be_read_is_missed_without_a_number(fit: Fit) -> None:
    asked = with_points(fit, point(1, 1, 0.1), goals=Goals(quality=(QualityGoal("tstr", 0.01),)))
    assert not asked.met
    assert json.loads(json.dumps(to_json(asked), allow_nan=False))["overruns"] == {"tstr": None}
    assert "No single goal, relaxed alone, would do." in unmet_text(asked)


def test_the_table_marks_what_was_taken_and_says_that_it_was_measured(fit: Fit) -> None:
    head, rows = front_rows(fit)
    assert "ms (measured)" in head
    assert len(rows) == len(fit.front)
    (taken,) = (row for row in rows if row[0] == "→")
    assert taken[3] == fit.taken.variant  # type: ignore[union-attr]


def test_the_page_holds_every_trial_and_how_everything_was_told(fit: Fit) -> None:
    page = to_markdown(fit)
    assert "Asked: 4 ms. Met by" in page
    assert "No real records were looked at" in page
    assert "measured on this machine" in page
    lines = page.partition("## Everything that was tried")[2].strip().splitlines()
    assert len(lines) == len(fit.trials) + 2


def test_json_holds_what_another_program_needs(fit: Fit) -> None:
    told = json.loads(json.dumps(to_json(fit), allow_nan=False))
    assert (told["schema"], told["met"], told["seed"]) == (1, True, 7)
    assert told["target"]["latency"] == "measured"
    assert len(told["trials"]) == len(fit.trials)
    assert told["taken"] in told["front"]


def test_the_files_are_written_together(fit: Fit, tmp_path: Path) -> None:
    assert fit.taken is not None
    write_report(tmp_path / "x.fit", fit, recipe_of(fit, fit.taken, "found"))
    assert sorted(file.name for file in (tmp_path / "x.fit").iterdir()) == [
        "front.json",
        "front.md",
        "front.svg",
        "recipe.toml",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "x.fit"]


def test_the_plot_shows_every_graph(fit: Fit) -> None:
    root = ET.fromstring(to_svg(fit))  # noqa: S314 - our own
    marks = [e for e in root.iter("{http://www.w3.org/2000/svg}path") if e.get("transform", "").count("scale")]
    assert len(marks) == sum(len(trial.points) for trial in fit.trials)


@pytest.mark.parametrize(
    ("points", "goals", "told"),
    [
        ([point(10, 500, 0.1)], Goals(latency_ms=5.0), ["a latency of 10 ms (by the model), 2 times what was asked"]),
        ([point(10, 500, 0.1)], Goals(latency_ms=5.0), ["With --latency 10ms the rest would be kept"]),
        ([point(1, 5000, 0.1)], Goals(bytes=1000), ["a size of 5 kB, 5 times what was asked", "With --size 5kB"]),
        (
            [point(1, 5, 0.3)],
            Goals(quality=(QualityGoal(DISTANCE, 0.1),)),
            ["distance 0.300, 3 times what was asked", "With --quality 'distance 0.3'"],
        ),
        (
            [point(1, 5, 0.3), point(9, 5, 0.05)],
            Goals(latency_ms=5.0, quality=(QualityGoal(DISTANCE, 0.1),)),
            ["nearest, number 1", "a latency of 9 ms", "With --latency 9ms the rest would be kept"],
        ),
        (
            [point(1, 5, 0.5)],
            Goals(latency_ms=0.5, bytes=1),
            ["a latency of 1 ms", "and a size of 5 B", "No single goal, relaxed alone, would do"],
        ),
    ],
)
def test_what_is_missed_is_told_with_by_how_much_and_what_would_do(
    fit: Fit, points: list[object], goals: Goals, told: list[str]
) -> None:
    text = unmet_text(with_points(fit, *points, goals=goals))
    for words in told:
        assert words in text


def test_what_would_do_does(fit: Fit) -> None:
    """The relaxed goal that is told is one that is met."""
    goals = Goals(latency_ms=5.0, quality=(QualityGoal(DISTANCE, 0.1),))
    missed = with_points(fit, point(9.1234, 5, 0.05), goals=goals)
    words = unmet_text(missed).partition("--latency ")[2].split("ms")[0]
    assert 9.1234 <= float(words) < 9.3


def test_where_nothing_could_be_made_the_reasons_are_told(fit: Fit) -> None:
    trial = dataclasses.replace(fit.trials[0], points=(), note="the pruner refuses")
    empty = dataclasses.replace(fit, trials=(trial, trial), taken=None, front=())
    assert unmet_text(empty) == "none of 2 candidates could be made (the pruner refuses)."
    assert "No candidate could be made" in to_markdown(empty)


@pytest.mark.parametrize(("size", "text"), [(999, "999 B"), (72_140, "72.1 kB"), (1_500_000, "1.5 MB"), (2e9, "2 GB")])
def test_sizes_are_told_in_three_digits(size: float, text: str) -> None:
    assert size_text(size) == text


def test_numbers_that_are_none_do_not_reach_json(fit: Fit) -> None:
    assert math.isfinite(sum(p.distance for t in fit.trials for p in t.points))
