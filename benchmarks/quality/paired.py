"""What a compressed generator loses against the one it was made from: same noise, same records, seed by seed.

A judgement of one generator alone says how good it is; this says what changed, which takes far fewer records to tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import t as students_t

from .figure import FloatArray, PatientBootstrap
from .privacy.attack import drawn_auc
from .utility.tstr import Tested, difference

Worse = Literal["lower", "higher", "either"]

_SEED = 20170608
_TWO_SIDED, _ONE_SIDED = (0.025, 0.975), 0.05


@dataclass(frozen=True)
class PairedMeasure:
    """How a measure of two generators is compared."""

    title: str
    short: str
    """For the head of a column."""
    worse: Worse
    """Which way of the change is a loss."""
    as_ratio: bool = False
    """Whether the change is the generator's figure over the teacher's; else their difference."""
    unit: str = ""
    method: str = ""


_MORE = "one-sided bound over seeds (Student's t)"
PAIRED: dict[str, PairedMeasure] = {
    "tstr": PairedMeasure(
        "Train on it, test on real", "TSTR", "lower", method="macro-F1; bootstrap over patients and classifiers"
    ),
    "coverage": PairedMeasure("Coverage", "coverage", "lower", method="bootstrap over patients and seeds"),
    "frechet_distance": PairedMeasure("Fréchet distance", "Fréchet", "higher", as_ratio=True, method=_MORE),
    "within_class_variance": PairedMeasure(
        "Within-class variance",
        "variance",
        "lower",
        as_ratio=True,
        method=f"mean over classes, in the feature space; {_MORE}",
    ),
    "two_sample_auc": PairedMeasure("Two-sample test", "C2ST", "higher", method=f"AUC; {_MORE}"),
    "rare_share": PairedMeasure(
        "Rare-class share",
        "rare",
        "either",
        as_ratio=True,
        method=f"records that a classifier of real ones takes for the rarest class; {_MORE}",
    ),
    "spectrum": PairedMeasure("Power spectrum", "spectrum", "higher", unit="dB", method=f"worst channel; {_MORE}"),
    "physiology": PairedMeasure(
        "Physiology", "physiol.", "higher", method=f"Kolmogorov-Smirnov distance, worst measurement; {_MORE}"
    ),
    "violations": PairedMeasure("Violations", "violat.", "higher", method=f"share of records, worst rule; {_MORE}"),
    "loss_auc": PairedMeasure(
        "Membership from weights", "attack", "higher", method="AUC of the white-box attack; bootstrap over patients"
    ),
}
"""By measure, in the order of reports."""


@dataclass(frozen=True)
class Paired:
    """One measure of a generator beside its teacher's."""

    measure: str
    """One of `PAIRED`."""
    mine: float | None
    """Its figure, mean over the seeds; None where it could not be found, and `note` says why."""
    teacher: float | None
    change: float | None
    """Difference, or ratio, from the teacher's."""
    low: float | None = None
    """Lower end of the two-sided 95 % interval of the change; None where one seed tells none."""
    high: float | None = None
    bound: float | None = None
    """One-sided 95 % bound on the unfavourable side: the change is no worse than this."""
    group: str = "all"
    """Of a measure with parts, such as `check=range`, the one that changed worst."""
    seeds: int = 1
    n: int = 0
    """Held-out records it was read on."""
    patients: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `paired_from_json` reads them back."""
        return asdict(self)


def change_text(measure: str, change: float | None) -> str:
    """A change from the teacher in words: `+0.012`, or `1.08 times`; `?` where it is not known."""
    if change is None:
        return "?"
    return f"{change:.3g} times" if PAIRED[measure].as_ratio else f"{change:+.3f}"


def paired_from_json(values: Mapping[str, Any]) -> Paired:
    """What `Paired.to_json` gave.

    Raises:
        TypeError: It is something else.
    """
    return Paired(**values)


@dataclass(frozen=True)
class Reading:
    """What was read of one generator on held-out records, over independent draws of its noise."""

    patients: npt.NDArray[np.str_]
    """[n], of the held-out records whose coverage is read."""
    reached: npt.NDArray[np.bool_]
    """[seeds, n], which of them a record of each draw comes near to."""
    by_seed: Mapping[tuple[str, str], FloatArray]
    """By (measure, group), its value for each draw [seeds]."""
    tested: Tested | None = None
    """What classifiers make of held-out records, one trained on each draw; None where no two classes can be scored."""
    scores: FloatArray | None = None
    """Of the white-box attack [members + others], higher: taken for a member; None where it was not run."""
    attacked: tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]] | None = None
    """Patients of the members, and of the others."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """By measure, why it could not be found."""

    @property
    def seeds(self) -> int:
        """How many draws were read."""
        return len(self.reached)

    def first(self, seeds: int) -> Reading:
        """The same of the first draws only."""
        if seeds >= self.seeds:
            return self
        tested = Tested(self.tested.confusions[:seeds], self.tested.bootstrap) if self.tested else None
        by_seed = {key: values[:seeds] for key, values in self.by_seed.items()}
        return Reading(self.patients, self.reached[:seeds], by_seed, tested, self.scores, self.attacked, self.missing)


def compared(mine: Reading, teacher: Reading) -> tuple[Paired, ...]:
    """Every measure that both were read by, in the order of `PAIRED`; of one with parts the worst.

    Args:
        mine: Of the compressed generator.
        teacher: Of what it was made from, from the same noise and on the same records; it may hold more draws.
    """
    teacher = teacher.first(mine.seeds)
    found = []
    for measure in PAIRED:
        if measure in mine.missing:
            found.append(Paired(measure, None, None, None, note=mine.missing[measure]))
        elif measure == "tstr":
            if mine.tested and teacher.tested:
                found.append(_tstr(mine.tested, teacher.tested))
        elif measure == "coverage":
            found.append(_coverage(mine, teacher))
        elif measure == "loss_auc":
            if mine.scores is not None and teacher.scores is not None and mine.attacked:
                found.append(_attack(mine.scores, teacher.scores, *mine.attacked))
        else:
            parts = [
                _over_seeds(measure, group, values, teacher.by_seed[name, group], len(mine.reached.T))
                for (name, group), values in mine.by_seed.items()
                if name == measure and (name, group) in teacher.by_seed
            ]
            if parts:
                found.append(max(parts, key=_badness))
    return tuple(found)


def _badness(paired: Paired) -> float:
    change = paired.bound if paired.bound is not None else paired.change
    if change is None:
        return -np.inf
    worse = PAIRED[paired.measure].worse
    return -change if worse == "lower" else change


def _tstr(mine: Tested, teacher: Tested) -> Paired:
    lost = difference(mine, teacher)
    value, reference = mine.macro_f1().value, teacher.macro_f1().value
    return Paired(
        "tstr",
        value,
        reference,
        lost.value,
        lost.low,
        lost.high,
        lost.bound,
        seeds=len(mine.confusions),
        n=mine.bootstrap.n,
        patients=mine.bootstrap.patients,
    )


def _coverage(mine: Reading, teacher: Reading) -> Paired:
    value, low, high, bound = coverage_change(mine.reached, teacher.reached, mine.patients)
    return Paired(
        "coverage",
        float(mine.reached.mean()),
        float(teacher.reached.mean()),
        value,
        low,
        high,
        bound,
        seeds=mine.seeds,
        n=len(mine.patients),
        patients=len(np.unique(mine.patients)),
    )


def coverage_change(
    reached: npt.NDArray[np.bool_], reference: npt.NDArray[np.bool_], patients: npt.NDArray[np.str_]
) -> tuple[float, float, float, float]:
    """Coverage minus a reference's, the ends of its 95 % interval, and the one-sided 95 % lower bound.

    Args:
        reached: [seeds, n], which held-out records a record comes near to.
        reference: [seeds, n], the same of what it is compared with.
        patients: [n], whose record each is.
    """
    gap = (reached.astype(np.float64) - reference).T  # [n, seeds]
    bootstrap = PatientBootstrap(patients)
    weights = bootstrap.weights()
    by_seed = (weights @ bootstrap.totals(gap)) / (weights @ bootstrap.totals(np.ones(len(gap))))[:, None]
    rng = np.random.Generator(np.random.Philox(key=[_SEED, gap.shape[1]]))
    chosen = rng.integers(0, gap.shape[1], by_seed.shape)
    drawn = np.take_along_axis(by_seed, chosen, axis=1).mean(axis=1)
    low, bound, high = np.quantile(drawn, [_TWO_SIDED[0], _ONE_SIDED, _TWO_SIDED[1]])
    return float(gap.mean()), float(low), float(high), float(bound)


def _attack(
    mine: FloatArray, teacher: FloatArray, members: npt.NDArray[np.str_], others: npt.NDArray[np.str_]
) -> Paired:
    m = len(members)
    areas = [drawn_auc(scores[:m], scores[m:], members, others) for scores in (mine, teacher)]
    change = areas[0] - areas[1]
    low, bound, high = np.quantile(change[1:], [_TWO_SIDED[0], 1 - _ONE_SIDED, _TWO_SIDED[1]])
    return Paired(
        "loss_auc",
        float(areas[0][0]),
        float(areas[1][0]),
        float(change[0]),
        float(low),
        float(high),
        float(bound),
        n=m + len(others),
        patients=len(np.unique(members)) + len(np.unique(others)),
    )


def _over_seeds(measure: str, group: str, mine: FloatArray, teacher: FloatArray, n: int) -> Paired:
    how = PAIRED[measure]
    found = Paired(measure, float(mine.mean()), float(teacher.mean()), None, group=group, seeds=len(mine), n=n)
    if how.as_ratio and min(mine.min(), teacher.min()) <= 0:
        return replace(found, note="a ratio to zero says nothing")
    changes = np.log(mine / teacher) if how.as_ratio else mine - teacher
    back = math.exp if how.as_ratio else float
    change, low, high, bound = (None if end is None else back(end) for end in seeds_interval(changes, how.worse))
    return replace(found, change=change, low=low, high=high, bound=bound)


def seeds_interval(changes: FloatArray, worse: Worse) -> tuple[float, float | None, float | None, float | None]:
    """Mean of paired changes [seeds], the ends of its 95 % interval, and the one-sided 95 % bound on the worse side.

    Student's t; one seed has no interval. Where either way is worse, the bound is the one further from 0.
    """
    value, n = float(changes.mean()), len(changes)
    if n < 2:
        return value, None, None, None
    error = float(changes.std(ddof=1)) / np.sqrt(n)
    half, reach = (float(students_t.ppf(1 - tail, n - 1)) * error for tail in (_TWO_SIDED[0], _ONE_SIDED))
    ends = value - reach, value + reach
    bound = {"lower": ends[0], "higher": ends[1], "either": max(ends, key=abs)}[worse]
    return value, value - half, value + half, bound
