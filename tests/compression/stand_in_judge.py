"""A judge that says what a test wants, without looking at any record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeward.benchmarks.quality.paired import PAIRED, Paired
from edgeward.compression.quality import JudgedOn, Quality, Say
from edgeward.training.families import Generative

ABOUT = JudgedOn(
    source="a test's records",
    digest="ab" * 32,
    split="validation",
    records=60,
    patients=60,
    simulated=False,
    seeds=5,
    glance_seeds=2,
    seed=1,
    effort={"name": "none"},
    feature_space="cd" * 32,
)


class StandInJudge:
    """Gives each model it is shown the changes that are asked for.

    Args:
        changes: Called with the number of the model, from 0; gives by measure its change and bound.
        measures: What it says that it can tell.
    """

    about = ABOUT

    def __init__(
        self,
        changes: Callable[[int], Mapping[str, tuple[float, float]]],
        measures: frozenset[str] = frozenset(PAIRED),
        key: str = "0" * 64,
    ) -> None:
        self._changes, self.measures, self.key = changes, measures, key
        self.asked: list[tuple[str, bool]] = []
        """What it was shown, and whether something was decided by it."""

    def __call__(self, model: Generative | bytes, *, decide: bool, say: Say | None = None) -> Quality:
        changes = self._changes(len(self.asked))
        self.asked.append(("graph" if isinstance(model, bytes) else "model", decide))
        if say:
            say(1, 1, "done")
        return Quality(
            tuple(
                Paired(measure, 0.7, 0.7, change, change - 0.01, change + 0.01, bound, seeds=5, n=60, patients=60)
                for measure, (change, bound) in changes.items()
            )
        )
