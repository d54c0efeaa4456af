"""The search: it finds what fits, decides alike from the same findings, and goes on where it was interrupted."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest
from edgeward.compression import Compressed
from edgeward.compression.fit import search as module
from edgeward.compression.fit.goals import DISTANCE, Budget, Goals, QualityGoal
from edgeward.compression.fit.point import overruns
from edgeward.compression.fit.search import Fit, search
from edgeward.compression.fit.target import THIS_MACHINE, Target
from edgeward.runtime.errors import OutputError
from edgeward.training.checkpoint import Checkpoint

from .made_up import MadeUp

HERE = Target(THIS_MACHINE, None, None)
GOALS = Goals(latency_ms=2.0, bytes=40_000)


@pytest.fixture
def made_up(compressed: Compressed, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    stand_in = MadeUp(compressed)
    monkeypatch.setattr(module, "compress", stand_in)
    return stand_in


def searched(teacher: Checkpoint, work: Path, goals: Goals = GOALS, **options: Any) -> Fit:
    work.mkdir(exist_ok=True)
    return search(teacher, HERE, goals, work, **{"budget": Budget(trials=30), "seed": 1, **options})


def decisions(fit: Fit) -> list[object]:
    """Everything but the time it took."""
    return [dataclasses.replace(trial, seconds=0.0) for trial in fit.trials]


def test_the_most_faithful_candidate_that_fits_is_taken(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    fit = searched(teacher, tmp_path)
    assert fit.met
    assert fit.complete
    assert fit.taken is not None
    fitting = [p for trial in fit.trials for p in trial.points if p.latency.ms <= 2.0 and p.bytes <= 40_000]
    assert fit.taken.distance == min(p.distance for p in fitting)
    assert fit.taken in fit.front
    assert fit.trial(fit.taken).candidate.rung > 0, "what fits has learnt for longer"


def test_the_promising_learn_for_long_and_the_others_for_a_moment(
    teacher: Checkpoint, made_up: MadeUp, tmp_path: Path
) -> None:
    fit = searched(teacher, tmp_path)
    by_rung = [[trial for trial in fit.trials if trial.candidate.rung == rung] for rung in range(3)]
    assert len(by_rung[0]) > len(by_rung[1]) >= len(by_rung[2]) == 1
    assert overruns(by_rung[2][0].points[-1], GOALS) == {}


def test_same_seed_and_budget_give_the_same_trials(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    assert decisions(searched(teacher, tmp_path / "a")) == decisions(searched(teacher, tmp_path / "b"))


@pytest.mark.parametrize("cut", [0, 1, 4])
def test_an_interrupted_search_goes_on_and_ends_as_it_would_have(
    teacher: Checkpoint, made_up: MadeUp, tmp_path: Path, cut: int
) -> None:
    whole = searched(teacher, tmp_path / "whole")

    def interrupt(number: int) -> None:
        if number == len(whole.trials) + cut:
            raise KeyboardInterrupt

    made_up.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        searched(teacher, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("search-*.json"))) == (1 if cut else 0)
    made_up.before = lambda _: None
    done = len(made_up.recipes)
    again = searched(teacher, tmp_path / "cut")
    assert len(made_up.recipes) - done == len(whole.trials) - cut, "no trial is done twice"
    assert decisions(again) == decisions(whole)
    assert (again.taken, again.front) == (whole.taken, whole.front)


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(
    teacher: Checkpoint, made_up: MadeUp, tmp_path: Path
) -> None:
    first = searched(teacher, tmp_path, budget=Budget(trials=2))
    assert (len(first.trials), first.complete) == (2, False)
    more = searched(teacher, tmp_path, budget=Budget(trials=3))
    assert decisions(more)[:2] == decisions(first)
    assert len(made_up.recipes) == 3


def test_trials_serve_other_goals_too(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    searched(teacher, tmp_path)
    done = len(made_up.recipes)
    other = searched(teacher, tmp_path, Goals(quality=(QualityGoal(DISTANCE, 1e3),)), budget=Budget(trials=1))
    assert len(made_up.recipes) == done
    assert other.taken is not None
    assert other.taken.latency.ms == min(p.latency.ms for trial in other.trials for p in trial.points)


def test_a_budget_of_time_ends_the_search_before_a_trial_that_would_overrun_it(
    teacher: Checkpoint, made_up: MadeUp, tmp_path: Path
) -> None:
    fit = searched(teacher, tmp_path, budget=Budget(seconds=1e-6))
    assert len(fit.trials) == 1, "the first is always run, to have anything to show"
    assert not fit.complete


def test_a_candidate_that_cannot_be_made_is_told_and_the_search_goes_on(
    teacher: Checkpoint, compressed: Compressed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "compress", MadeUp(compressed, refuse="prune"))
    fit = searched(teacher, tmp_path)
    assert [trial.name for trial in fit.trials if trial.points] == ["as it is"]
    assert {trial.note for trial in fit.trials if not trial.points} == {"the pruner refuses"}
    assert fit.complete
    assert not fit.met
    assert fit.taken is not None
    assert overruns(fit.taken, GOALS).keys() == {"latency"}


def test_a_graph_that_cannot_be_quantised_stays_in_float(
    teacher: Checkpoint, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = made_up

    def no_int8(teacher: object, recipe: Any, work: object, **options: object) -> Compressed:
        if any(step.do == "quantise" for step in recipe.steps):
            from edgeward.runtime.errors import GateError

            raise GateError("nothing in the graph can be quantised")
        return whole(teacher, recipe, work, **options)

    monkeypatch.setattr(module, "compress", no_int8)
    fit = searched(teacher, tmp_path, budget=Budget(trials=2))
    assert [[point.variant for point in trial.points] for trial in fit.trials] == [["fp32"], ["fp32"]]
    assert fit.trials[0].note == "nothing in the graph can be quantised"
    assert "quantise" not in [step.do for step in fit.trials[0].steps]


def test_what_a_judge_says_is_a_goal_like_the_others(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    def judge(compressed: Compressed, variant: str) -> dict[str, float]:
        return {"tstr": 0.05 if variant == "int8" else 0.0}

    goals = Goals(quality=(QualityGoal("tstr", 0.01),))
    fit = searched(teacher, tmp_path, goals, judge=judge)
    assert fit.judged
    assert fit.taken is not None
    assert fit.taken.variant == "fp32"
    assert fit.taken.losses["tstr"] == 0.0
    assert fit.taken.latency.ms == min(p.latency.ms for t in fit.trials for p in t.points if p.variant == "fp32")


def test_another_seed_is_another_search(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    searched(teacher, tmp_path, budget=Budget(trials=1))
    searched(teacher, tmp_path, budget=Budget(trials=1), seed=2)
    assert len(list(tmp_path.glob("search-*.json"))) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", '{"schema": 99, "trials": []}', '{"schema": 1, "trials": [{"number": 1}]}']
)
def test_a_damaged_journal_is_begun_anew(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path, damage: str) -> None:
    first = searched(teacher, tmp_path, budget=Budget(trials=2))
    (journal,) = tmp_path.glob("search-*.json")
    assert len(json.loads(journal.read_text())["trials"]) == 2
    journal.write_text(damage)
    assert decisions(searched(teacher, tmp_path, budget=Budget(trials=2))) == decisions(first)


def test_a_work_folder_that_cannot_be_written_is_told(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        search(teacher, HERE, GOALS, tmp_path / "absent", budget=Budget(trials=1), seed=1)


def test_progress_tells_what_is_tried_and_what_is_spent(teacher: Checkpoint, made_up: MadeUp, tmp_path: Path) -> None:
    said: list[tuple[float, float, str]] = []
    searched(teacher, tmp_path, budget=Budget(trials=3), say=lambda *what: said.append(what))
    assert [(spent, of) for spent, of, _ in said] == [(0, 3), (1, 3), (2, 3)]
    assert said[0][2] == "trial 1, as it is"
    assert said[1][2].startswith("trial 2, prune")


def test_a_budget_that_is_spent_in_the_middle_of_a_trial_ends_it(
    teacher: Checkpoint, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def slow(teacher: object, recipe: Any, work: object, *, on_progress: Any, **_: object) -> Compressed:
        result = made_up(teacher, recipe, work)
        if len(made_up.recipes) == 2:
            time.sleep(0.3)
            on_progress("distil", 1, 300)
        return result

    monkeypatch.setattr(module, "compress", slow)
    monkeypatch.setattr(module, "_expected_s", lambda *_: 0.0)
    first = searched(teacher, tmp_path, budget=Budget(trials=1))
    fit = searched(teacher, tmp_path, budget=Budget(seconds=first.trials[0].seconds + 0.2))
    assert decisions(fit) == decisions(first)
    assert not fit.complete
