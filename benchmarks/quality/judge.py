"""Judge generated records against real ones and against the teacher's: every measure, every row, one evidence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError
from ...runtime.schema import SignalSchema, TableSchema
from . import fairness
from .evidence import COPIES, NOISE, REAL, Comparison, Evidence, Finding, PrivacyRecord
from .fidelity.features import Embedded, embed, fit_embedder
from .fidelity.frechet import RealGaussians
from .fidelity.kernel import kernel_distance
from .fidelity.manifold import covered, manifold_figures
from .fidelity.physiology import physiology_figures
from .fidelity.shapes import column_shapes, constraint_violations, missing_categories, pair_correlations
from .fidelity.spectrum import spectrum_difference
from .fidelity.two_sample import two_sample_auc
from .figure import Figure, FloatArray, PatientBootstrap, omitted
from .paired import coverage_change
from .privacy.attack import member_control, membership_figures
from .privacy.lira import complementary_splits, lira_scores
from .privacy.nearest import copied, nearest_record_figures
from .privacy.tables import table_attacks
from .records import Records, Task, check_records, check_task, joined
from .rows import Loss, Source, copies_of, drawn, shuffled, with_mix_of
from .utility.augmentation import augmentation
from .utility.learners import learner_for
from .utility.tstr import Tested, difference, fit, parts_by_class, read_on
from .verdicts import verdicts

TrainShadow = Callable[[Records, int], Loss]
"""Train a generator on these records with this seed, as the judged one was, for a likelihood-ratio attack."""

TEACHER = "teacher"
_FEWEST_RECORDS, _FEWEST_PATIENTS, _FEWEST_OF_PATIENT = 20, 3, 5


_QUICK_NOTE = "A quick judgement: one variant, no augmentation of the rare class, no classifiers trained on copies."


@dataclass(frozen=True)
class Effort:
    """How much work a judgement may be."""

    name: str
    thorough: bool
    """Else only the default variant is judged, no classifier is trained on copies, and nothing is augmented."""
    seeds: int
    """Classifiers a row, each on fresh records of a generator."""
    steps: int
    """Optimiser steps of each classifier and of the feature network."""
    per_class: int
    """Generated records of each class a classifier is trained on."""
    test_records: int
    """Real test records that classifiers are read on, at most."""
    augmented: int
    """Real training records that synthetic ones of the rare class are added to, at most."""
    fidelity_records: int
    """Records of either side whose distances are taken."""
    attacked: int
    """Training records, and as many held-out ones, that are attacked through the weights."""
    descents: int
    """Starts and steps of each attack on the weights: `descents` starts of 25 times as many steps."""
    shadows: int
    """Shadow generators of the likelihood-ratio attack; an even number, 0 leaves it out."""


QUICK = Effort(
    "quick",
    thorough=False,
    seeds=5,
    steps=80,
    per_class=200,
    test_records=4000,
    augmented=4000,
    fidelity_records=500,
    attacked=100,
    descents=1,
    shadows=0,
)
FULL = Effort(
    "full",
    thorough=True,
    seeds=5,
    steps=1500,
    per_class=2000,
    test_records=1_000_000,
    augmented=40_000,
    fidelity_records=4000,
    attacked=300,
    descents=4,
    shadows=0,
)
"""Without shadow generators, each of which is a training of its own: how many is for the user to say."""


def scored_classes(task: Task) -> tuple[list[int], list[str]]:
    """The classes that classifiers are scored on, and why the others are left out.

    A class needs 20 records in train and in test, and in each 3 patients with 5 of them or more: with fewer, what is
    scored is how much two people resemble each other.

    Raises:
        DataError: Fewer than two are left.
    """
    scored, notes = [], []
    for label, name in enumerate(task.classes):
        poor = []
        for split, records in (("train", task.train), ("test", task.test)):
            of_class = records.of_class(label)
            counts = np.unique(of_class.patients, return_counts=True)[1]
            one_each = len(counts) == len(of_class)
            if len(of_class) < _FEWEST_RECORDS or (
                not one_each and (counts >= _FEWEST_OF_PATIENT).sum() < _FEWEST_PATIENTS
            ):
                poor.append(f"{len(of_class)} records of {len(counts)} patients in {split}")
        if poor:
            notes.append(f"Class {name} is not scored by classifiers: {' and '.join(poor)}.")
        else:
            scored.append(label)
    if len(scored) < 2:
        raise DataError(f"fewer than two classes have enough records to be told apart. {' '.join(notes)}")
    return scored, notes


def judge(
    task: Task,
    sources: Sequence[Source],
    effort: Effort,
    *,
    data: Mapping[str, Any],
    allowances: Mapping[str, float] | None = None,
    shadow: TrainShadow | None = None,
    cache: Path | None = None,
    dp: PrivacyRecord | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Evidence:
    """Judge generators.

    Args:
        task: Real data, split by patient.
        sources: What is judged; one called `teacher` is what the others are compared with.
        effort: How much work.
        data: Where the real data come from, for the evidence.
        allowances: Largest loss against the teacher by measure, `tstr` and `coverage`.
        shadow: Trains a shadow generator; None leaves the likelihood-ratio attack out.
        cache: Folder for the feature network.
        dp: How they were trained privately; None where they were not.
        on_progress: Called with (steps done, steps, what comes next).

    Raises:
        DataError: Real or generated records are malformed, or no two classes can be scored.
    """
    check_task(task)
    for source in sources:
        check_records(source.records, task, f"the records of {source.name}")
    judgement = _Judgement(task, sources, effort, shadow, cache)
    steps = judgement.steps()
    for number, (title, take) in enumerate(steps):
        if on_progress:
            on_progress(number, len(steps), title)
        take()
    if on_progress:
        on_progress(len(steps), len(steps), "done")
    comparisons = tuple(judgement.comparisons(allowances or {}))
    evidence = Evidence(
        judged={source.name: source.digest for source in sources},
        data={**data, **judgement.counts()},
        method={
            "effort": asdict(effort),
            "feature_space": {"name": judgement.embedder.name, "sha256": judgement.embedder.digest},
            "scored_classes": [task.classes[label] for label in judgement.scored],
            "rare_class": task.classes[judgement.rare],
            "notes": judgement.notes,
        },
        findings=tuple(judgement.findings),
        comparisons=comparisons,
        verdicts=(),
        dp=dp,
    )
    return Evidence(**{**vars(evidence), "verdicts": tuple(verdicts(evidence))})


class _Judgement:
    """The measures of one judgement, taken step by step."""

    def __init__(
        self, task: Task, sources: Sequence[Source], effort: Effort, shadow: TrainShadow | None, cache: Path | None
    ) -> None:
        self.task, self.sources, self.effort, self.shadow, self.cache = task, sources, effort, shadow, cache
        self.findings: list[Finding] = []
        self.scored, self.notes = scored_classes(task)
        counts = np.bincount(task.train.labels, minlength=len(task.classes))
        self.rare = min(self.scored, key=lambda label: int(counts[label]))
        self.test = drawn(task.test, effort.fidelity_records, seed=1)
        self.read = drawn(task.test, effort.test_records, seed=2).only(self.scored)
        wanted = effort.seeds * effort.per_class * len(task.classes)
        self.rows: dict[str, Records] = {
            REAL: task.train,
            COPIES: copies_of(task.train, max(wanted, len(task.train))),
            NOISE: shuffled(task.train, max(wanted, 4 * effort.fidelity_records)),
            **{source.name: source.records for source in sources},
        }
        self.tested: dict[str, Tested] = {}
        self.reached: dict[str, npt.NDArray[np.bool_]] = {}

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """Titles and what to do, in order."""
        steps: list[tuple[str, Callable[[], None]]] = [("learning the feature space", self._features)]
        for name in self.rows:
            steps.append((f"fidelity of {name}", lambda name=name: self._fidelity(name)))  # type: ignore[misc]
        for name in self.rows:
            if self.effort.thorough or name != COPIES:
                steps.append((f"usefulness of {name}", lambda name=name: self._utility(name)))  # type: ignore[misc]
        if self.effort.thorough:
            steps.append(("augmenting the rare class", self._augmentation))
        else:
            self.notes.append(_QUICK_NOTE)
        for name in self.rows:
            steps.append((f"privacy of {name}", lambda name=name: self._privacy(name)))  # type: ignore[misc]
        for source in self.sources:
            if source.loss:
                steps.append((f"attacking the weights of {source.name}", lambda s=source: self._white_box(s)))  # type: ignore[misc]
        if self.shadow and self.effort.shadows:
            steps += [
                (f"shadow generator {number + 1} of {self.effort.shadows}", lambda n=number: self._shadow(n))  # type: ignore[misc]
                for number in range(self.effort.shadows)
            ]
            steps.append(("likelihood ratios", self._lira))
        steps.append(("fairness", self._fairness))
        return steps

    def counts(self) -> dict[str, Any]:
        """Records and patients of each split, with those of each class."""
        splits = {"train": self.task.train, "validation": self.task.validation, "test": self.task.test}
        return {
            name: {
                "records": len(records),
                "patients": len(np.unique(records.patients)),
                "classes": {
                    class_name: int((records.labels == label).sum())
                    for label, class_name in enumerate(self.task.classes)
                },
            }
            for name, records in splits.items()
        }

    def comparisons(self, allowances: Mapping[str, float]) -> list[Comparison]:
        """What compression cost: each variant against the teacher."""
        if TEACHER not in self.tested:
            return []
        found = []
        for source in self.sources:
            if source.name == TEACHER:
                continue
            lost = difference(self.tested[source.name], self.tested[TEACHER])
            found.append(
                Comparison(source.name, "tstr", lost.value, lost.low, lost.high, lost.bound, allowances.get("tstr"))
            )
            change = coverage_change(self.reached[source.name][None], self.reached[TEACHER][None], self.test.patients)
            found.append(Comparison(source.name, "coverage", *change, allowances.get("coverage")))
        return found

    def _add(self, measure: str, source: str, figure: Figure, group: str = "all") -> None:
        self.findings.append(Finding(measure, group, source, figure))

    def _features(self) -> None:
        self.embedder = fit_embedder(self.task, steps=self.effort.steps, cache=self.cache)
        self.real = embed(self.embedder, self.test)
        self.gaussians = RealGaussians(self.real)
        self.class_gaussians = [
            RealGaussians(self.real.take(self.test.labels == label)) for label in range(len(self.task.classes))
        ]

    # fidelity

    def _fidelity(self, name: str) -> None:
        row = with_mix_of(self.rows[name], self.test.labels)
        vectors = embed(self.embedder, row)
        self._add("frechet_distance", name, self.gaussians.distance(vectors))
        self._add("kernel_distance", name, kernel_distance(self.real, vectors))
        for measure, figure in manifold_figures(self.real, vectors).items():
            self._add(measure, name, figure)
        smooth = not isinstance(self.task.schema, TableSchema)
        self._add("two_sample_auc", name, two_sample_auc(self.real, vectors, smooth=smooth))
        self.reached[name] = covered(self.real, vectors)
        for label, class_name in enumerate(self.task.classes):
            self._class_fidelity(name, row, vectors, label, f"class={class_name}")
        schema = self.task.schema
        if isinstance(schema, SignalSchema):
            self._signal_fidelity(name, row, schema)
        elif isinstance(schema, TableSchema):
            self._table_fidelity(name, row, schema)

    def _class_fidelity(self, name: str, row: Records, vectors: Embedded, label: int, group: str) -> None:
        real, made = self.test.labels == label, row.labels == label
        n = int(real.sum())
        if n < _FEWEST_RECORDS:
            self._add("frechet_distance", name, omitted(f"only {n} real test records", n), group)
            return
        if made.sum() < 2:
            # A class that a generator leaves out is covered nowhere; its distance cannot be told.
            self._add("frechet_distance", name, omitted("no record of this class", 0), group)
            self._add("coverage", name, PatientBootstrap(self.test.patients[real]).mean(np.zeros(n)), group)
            return
        of_class, of_row = self.real.take(real), vectors.take(made)
        self._add("frechet_distance", name, self.class_gaussians[label].distance(of_row), group)
        figures = manifold_figures(of_class, of_row)
        self._add("density", name, figures["density"], group)
        self._add("coverage", name, figures["coverage"], group)

    def _signal_fidelity(self, name: str, row: Records, schema: SignalSchema) -> None:
        for channel, figure in spectrum_difference(self.test, row, schema).items():
            self._add("spectrum", name, figure, f"channel={channel}")
        for key, figure in physiology_figures(self.test, row, schema).items():
            check = key.removeprefix("violations_")
            if check == key:
                self._add("physiology", name, figure, f"measurement={key}")
            else:
                self._add("violations", name, figure, f"check={check}")

    def _table_fidelity(self, name: str, row: Records, schema: TableSchema) -> None:
        for column, figure in column_shapes(self.test, row, schema).items():
            self._add("column_shape", name, figure, "all" if column == "column_shape" else f"column={column}")
        self._add("pair_correlation", name, pair_correlations(self.test, row, schema, len(self.task.classes)))
        self._add("violations", name, constraint_violations(row, self.task.train, schema, self.task.classes))
        self._add("missing_categories", name, missing_categories(self.task.train, row, schema))

    # utility

    def _learner(self, *, balanced: bool) -> Any:
        names = [self.task.classes[label] for label in self.scored]
        return learner_for(self.task.schema, names, steps=self.effort.steps, balanced=balanced)

    def _utility(self, name: str) -> None:
        records, seeds, classes = self.rows[name].only(self.scored), self.effort.seeds, len(self.scored)
        absent = [self.task.classes[label] for label in self.scored if not (self.rows[name].labels == label).any()]
        if len(np.unique(records.labels)) < 2:
            self._add("tstr", name, omitted(f"it makes no {', '.join(absent)}: nothing to tell apart"))
            return
        # Real patients are all there are; a generator gives each classifier records of its own.
        parts = [records] * seeds if name in (REAL, COPIES) else parts_by_class(records, seeds)
        classifiers = fit(self._learner(balanced=True), parts)
        self.tested[name] = tested = read_on(classifiers, self.read, classes)
        self._add("tstr", name, tested.macro_f1())
        for label, class_label in enumerate(self.scored):
            self._add("tstr_class", name, tested.class_f1(label), f"class={self.task.classes[class_label]}")
        if name == REAL:
            self.real_classifiers = classifiers
        if name not in (REAL, COPIES, NOISE):
            made = with_mix_of(records, np.repeat(np.arange(classes), self.effort.per_class))
            self._add("trts", name, read_on(self.real_classifiers, made, classes).macro_f1())

    def _augmentation(self) -> None:
        rare = self.scored.index(self.rare)
        tested = augmentation(
            self._learner(balanced=False),
            drawn(self.task.train, self.effort.augmented, seed=9).only(self.scored),
            self.read,
            {source.name: source.records.only(self.scored) for source in self.sources},
            self.task.schema,
            len(self.scored),
            rare=rare,
            seeds=self.effort.seeds,
        )
        group = f"class={self.task.classes[self.rare]}"
        for way, result in tested.items():
            self._add("rare_recall", way, result.recall(rare), group)
            self._add("rare_macro_f1", way, result.macro_f1(), group)

    # privacy

    def _plain(self, records: Records) -> Embedded:
        """Records as they are, not as a network trained on the training data sees them."""
        if isinstance(self.task.schema, TableSchema):
            return embed(self.embedder, records)
        flat = (records.values / self._spread).reshape(len(records), -1).astype(np.float64)
        return Embedded(flat, records.patients)

    @functools.cached_property
    def _spread(self) -> npt.NDArray[np.float32]:
        """Standard deviation of each channel over the training data, [1, channels, 1, …]."""
        values = self.task.train.values
        spread: npt.NDArray[np.float32] = values.std(axis=(0, *range(2, values.ndim)), keepdims=True)
        return spread.clip(min=1e-6)

    def _privacy(self, name: str) -> None:
        n = self.effort.fidelity_records
        train, holdout = drawn(self.task.train, n, seed=3), drawn(self.task.test, n, seed=4)
        # Real against real: patients that neither trained the generator nor are the holdout.
        row = self.task.validation if name == REAL else self.rows[name]
        if name == COPIES:
            row = copies_of(train, n)
        row = drawn(row, n, seed=5)
        for measure, figure in nearest_record_figures(
            self._plain(train), self._plain(holdout), self._plain(row)
        ).items():
            self._add(measure, name, figure)
        copies = copied(row.values, self.task.train.values).astype(np.float64)
        self._add("exact_copies", name, PatientBootstrap(row.patients).mean(copies))
        if isinstance(self.task.schema, TableSchema):
            for measure, figure in table_attacks(train, holdout, row, self.task.schema).items():
                self._add(measure, name, figure)

    def _attacked(self) -> tuple[Records, Records]:
        n = self.effort.attacked
        return drawn(self.task.train, n, seed=6), drawn(self.task.test, n, seed=7)

    def _white_box(self, source: Source) -> None:
        assert source.loss  # noqa: S101 - the step exists only for those
        members, others = self._attacked()
        losses = source.loss(joined(members, others))
        self.losses = {**getattr(self, "losses", {}), source.name: losses}
        self._add_attack("loss", source.name, -losses)

    def _add_attack(self, attack: str, name: str, scores: FloatArray) -> None:
        members, others = self._attacked()
        inside, outside = scores[: len(members)], scores[len(members) :]
        figures = membership_figures(inside, outside, members.patients, others.patients)
        self._add(f"{attack}_auc", name, figures["auc"])
        self._add(f"{attack}_tpr", name, figures["tpr_at_1_fpr"])
        self._add(f"{attack}_control", name, member_control(inside, members.patients))

    def _shadow(self, number: int) -> None:
        assert self.shadow  # noqa: S101 - the step exists only then
        everyone = joined(self.task.train, self.task.validation, self.task.test)
        if number == 0:
            patients = np.unique(everyone.patients)
            splits = complementary_splits(patients, self.effort.shadows, seed=8)
            self.shadow_patients = [patients[inside] for inside in splits]
            self.shadow_losses: list[FloatArray] = []
        loss = self.shadow(everyone.take(np.isin(everyone.patients, self.shadow_patients[number])), number)
        self.shadow_losses.append(loss(joined(*self._attacked())))

    def _lira(self) -> None:
        attacked = joined(*self._attacked())
        members = np.stack([np.isin(attacked.patients, inside) for inside in self.shadow_patients])
        for name, losses in self.losses.items():
            self._add_attack("lira", name, lira_scores(losses, np.stack(self.shadow_losses), members))

    # fairness

    def _fairness(self) -> None:
        for group, members in fairness.groups(self.task, self.test):
            for name, reached in self.reached.items():
                self._add("group_coverage", name, fairness.group_coverage(self.test, reached, members), group)
        for group, members in fairness.groups(self.task, self.read):
            if group.startswith("class="):
                continue
            for name, tested in self.tested.items():
                self._add("group_accuracy", name, fairness.group_accuracy(self.read, tested, members), group)
        for source in self.sources:
            if source.chooses_classes:
                for label, class_name in enumerate(self.task.classes):
                    for name, records in ((REAL, self.task.train), (source.name, source.records)):
                        share = PatientBootstrap(records.patients).mean((records.labels == label).astype(np.float64))
                        self._add("class_share", name, share, f"class={class_name}")
