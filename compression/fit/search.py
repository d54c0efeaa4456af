"""Search for the bundle that fits a device: many candidates learn for a moment, the promising ones for long.

What was found is written down after each trial, and what each step left is kept, so that an interrupted search goes
on where it was and ends as it would have.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.atomic import atomic_file
from ...training.checkpoint import Checkpoint
from ..pipeline import compress
from ..recipe import CompressionRecipe
from ..record import Compressed
from ..student import weights_digest
from .goals import Budget, Goals
from .halving import Score, next_candidate
from .point import Point, best, front, overruns, rank
from .space import LADDER, Candidate, Shape, distillation_steps, shapes, starts_for, steps_of
from .target import Target
from .trial import Bench, Judge, Trial, run_trial, trial_from_json

_JOURNAL_SCHEMA = 1

Say = Callable[[float, float, str], None]
"""Called with (spent, of the budget, what is going on), in seconds or in trials as the budget is."""


@dataclass(frozen=True)
class Fit:
    """What a search found."""

    target: Target
    goals: Goals
    budget: Budget
    seed: int
    trials: tuple[Trial, ...]
    front: tuple[Point, ...]
    taken: Point | None
    """The point that meets the goals best, or is nearest to them; None where no candidate could be made."""
    complete: bool
    """Whether the search ended by itself, and not at the end of its budget."""
    judged: bool
    """Whether quality was judged on real data, and not by the distance from the teacher's samples alone."""

    @property
    def met(self) -> bool:
        """Whether every goal is met."""
        return self.taken is not None and not overruns(self.taken, self.goals)

    def trial(self, point: Point) -> Trial:
        """The trial a point came of."""
        return self.trials[point.trial - 1]


def search(
    teacher: Checkpoint,
    target: Target,
    goals: Goals,
    work: Path,
    *,
    budget: Budget,
    seed: int,
    judge: Judge | None = None,
    judge_key: str = "",
    space: tuple[Shape, ...] | None = None,
    say: Say | None = None,
) -> Fit:
    """Try candidates until the budget is spent or none is left that is worth it.

    Args:
        teacher: A complete checkpoint.
        target: Where the bundle shall run.
        goals: What it shall keep to.
        work: Folder for what steps leave and for the journal; made if absent.
        budget: When to stop at the latest; the first candidate is finished in any case, to have something to show.
            Trials that were done before count.
        seed: Of noise and conditions, as in `compress`. Same seed and budget in trials, same decisions.
        judge: Says what a candidate lost on real records; None: only the distance from the teacher's samples is known.
        judge_key: Stands for the judge: what another found is not taken for its own.
        space: What to try; None: everything this release knows for such a teacher.
        say: Told what is going on.

    Raises:
        OutputError: The work folder cannot be written.
    """
    generator = teacher.generator()
    space = shapes(starts_for(generator)) if space is None else space
    journal = work / f"search-{_key(teacher, target, space, seed, judge_key if judge else None)[:16]}.json"
    trials = _read(journal)
    clock = _Clock(budget, trials, say)

    def run(recipe: CompressionRecipe) -> Compressed:
        return compress(
            teacher,
            recipe,
            work,
            seed=seed,
            enforce=False,
            on_progress=lambda do, done, of: clock.tell(f"{recipe.name}: {do} {done:,} of {of:,}"),
        )

    bench = Bench(space, run, target, judge)
    while True:
        scores = {trial.candidate: _score(trial, goals) for trial in trials}
        candidate = next_candidate(space, scores)
        if candidate is None or clock.is_over(_expected_s(candidate, space, trials)):
            break
        clock.tell(space[candidate.shape].name)
        try:
            trials.append(run_trial(len(trials) + 1, candidate, bench))
        except _BudgetSpentError:
            break
        _write(journal, trials)
        clock.count(trials[-1])
    points = [point for trial in trials for point in trial.points]
    return Fit(
        target,
        goals,
        budget,
        seed,
        tuple(trials),
        front(points),
        best(points, goals),
        candidate is None,
        judge is not None,
    )


def _score(trial: Trial, goals: Goals) -> Score | None:
    return min((rank(point, goals) for point in trial.points), default=None)


def _expected_s(candidate: Candidate, space: Sequence[Shape], trials: Sequence[Trial]) -> float:
    """How long a trial may take, by how long those before it took; what other trials did already takes no time."""
    paces = [trial.distil_s for trial in trials if trial.distil_s is not None]
    pace = statistics.median(paces) if paces else 0.0
    steps = steps_of(candidate, space)
    shared = 0
    for trial in trials:
        alike = 0
        while alike < min(len(steps), len(trial.steps)) and steps[alike] == trial.steps[alike]:
            alike += 1
        shared = max(shared, distillation_steps(steps[:alike]))
    rest = [trial.seconds for trial in trials[1:] if trial.points]  # the first also loads what all of them need
    fixed = min(rest) if rest else 0.0
    return fixed + pace * (distillation_steps(steps) - shared)


class _BudgetSpentError(Exception):
    """In the middle of a trial: the step at hand is given up, those before it are kept."""


class _Clock:
    """What is spent of a budget, with the trials of an earlier, interrupted search."""

    def __init__(self, budget: Budget, trials: Sequence[Trial], say: Say | None) -> None:
        self._budget, self._say = budget, say
        self._spent_s, self._trials = sum(trial.seconds for trial in trials), len(trials)
        self._started = time.monotonic()

    def count(self, trial: Trial) -> None:
        self._spent_s += trial.seconds
        self._trials += 1
        self._started = time.monotonic()

    def is_over(self, expected_s: float) -> bool:
        """Whether the next trial would not fit; the first always does."""
        if self._budget.trials is not None:
            return self._trials >= self._budget.trials
        assert self._budget.seconds is not None  # noqa: S101 - one of the two is given
        return self._trials > 0 and self._spent_s + expected_s > self._budget.seconds

    def tell(self, text: str) -> None:
        """Tell what is going on, and end it where the time is spent and there is something to show.

        Raises:
            _BudgetSpentError: It is.
        """
        spent, of = float(self._trials), float(self._budget.trials or 0)
        if self._budget.seconds is not None:
            spent, of = self._spent_s + time.monotonic() - self._started, self._budget.seconds
            if spent > of and self._trials:
                raise _BudgetSpentError
        if self._say:
            self._say(min(spent, of), of, f"trial {self._trials + 1}, {text}")


def _key(teacher: Checkpoint, target: Target, space: Sequence[Shape], seed: int, judged: str | None) -> str:
    """Of everything that decides what a trial finds. Not of the goals: what was found serves others too."""
    parts: list[Any] = [
        weights_digest(teacher.generator()),
        teacher.schema.to_json(),
        [[shape.name, [[step.do, dict(step.options)] for step in shape.steps]] for shape in space],
        LADDER,
        target.name,
        target.calibration.to_json() if target.calibration else None,
        target.device.to_json() if target.device else None,
        seed,
        judged,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read(journal: Path) -> list[Trial]:
    """The trials of an earlier run of the same search; none where there was none, or its journal is damaged."""
    try:
        content = json.loads(journal.read_text(encoding="utf-8"))
        if content["schema"] == _JOURNAL_SCHEMA:
            return [trial_from_json(values) for values in content["trials"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # each step's work is kept beside it: a search that begins anew is still quick
    return []


def _write(journal: Path, trials: Sequence[Trial]) -> None:
    content = {"schema": _JOURNAL_SCHEMA, "trials": [trial.to_json() for trial in trials]}
    with atomic_file(journal) as file:
        file.write(json.dumps(content).encode())
