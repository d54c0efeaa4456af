"""Judge generators, as trained or as shipped, against real data: wires the floors below together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .benchmarks.quality import FULL, Effort, Evidence, Loss, Records, Source, Task, TrainShadow, generated, judge
from .benchmarks.quality.evidence import REAL, PrivacyRecord
from .benchmarks.quality.judge import TEACHER, scored_classes
from .benchmarks.quality.records import joined
from .benchmarks.quality.utility.learners import learner_for
from .benchmarks.quality.utility.tstr import Tested, fit, parts_by_class, read_on
from .benchmarks.quality.view import as_judged
from .compression.privacy import privacy_of
from .compression.recipe import QUALITY_ALLOWANCES
from .compression.student import weights_digest
from .makers import Maker, loss_of, maker_of_module, maker_of_variant, own_loss
from .runtime.bundle import Bundle
from .runtime.errors import BundleError, DataError
from .runtime.schema import ClassCondition, Schema, rules_of_classes
from .training.checkpoint import Checkpoint
from .training.datasets.conditions import like_records, vectors_for
from .training.datasets.dataset import Dataset, Split
from .training.datasets.records import task_of
from .training.loop import train
from .training.private.plan import PrivacyPlan
from .training.recipe import TrainingRecipe


@dataclass(frozen=True)
class Judged:
    """What is judged: a bundle, beside the teacher it was made from where that is at hand; or a teacher alone."""

    bundle: Bundle | None
    teacher: Checkpoint | None

    @property
    def name(self) -> str:
        """Of what ships, or else of the recipe it was trained by."""
        if self.bundle:
            return f"{self.bundle.manifest.name} {self.bundle.manifest.version}"
        return self._alone.recipe.name

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's manifest, or else of the teacher's weights."""
        if self.bundle:
            return self.bundle.digest
        return weights_digest(self._alone.generator())

    @property
    def kind(self) -> str:
        """The kind of data it learnt from, so that the real ones are read alike.

        Raises:
            BundleError: The bundle does not say.
        """
        if not self.bundle:
            return self._alone.recipe.data
        data = self.bundle.manifest.lineage.get("data")
        kind = data.get("kind") if isinstance(data, dict) else None
        if not isinstance(kind, str):
            raise BundleError(
                f"{self.bundle.path} does not say which kind of data it learnt from, as bundles of an older version do "
                "not; compress its teacher again"
            )
        return kind

    @property
    def privacy(self) -> PrivacyRecord | None:
        """How it was trained privately; None where it was not.

        Raises:
            BundleError: What the bundle says of it makes no sense.
        """
        if self.bundle:
            return privacy_of(self.bundle)
        return self._alone.privacy.record if self._alone.privacy else None

    @property
    def schemas(self) -> list[Schema]:
        """Of everything that is judged."""
        return [
            *([self.bundle.manifest.data] if self.bundle else []),
            *([self.teacher.schema] if self.teacher else []),
        ]

    @property
    def _alone(self) -> Checkpoint:
        """The teacher, where there is no bundle."""
        assert self.teacher  # noqa: S101 - one of the two is there
        return self.teacher


@dataclass(frozen=True)
class Prepared:
    """Real data and generators' records, ready to be judged."""

    task: Task
    sources: tuple[Source, ...]
    notes: tuple[str, ...]
    """What was left out."""
    dataset: Dataset
    judged: Judged
    seed: int
    """Of the generated records."""


def prepare(dataset: Dataset, judged: Judged, effort: Effort, *, seed: int) -> Prepared:
    """Take the classes that data and generators share, and make records of each.

    Args:
        dataset: Real data.
        judged: Without a teacher, nothing is said of what compression cost.
        effort: How many records of each class to make, and how hard to attack the weights.
        seed: Of the generated records.

    Raises:
        DataError: Data and generators have fewer than two classes in common, or another shape.
    """
    task, notes = task_for(dataset, judged)
    sources = make_sources(task, dataset, judged, effort, seed=seed)
    return Prepared(task, tuple(sources), tuple(notes), dataset, judged, seed)


def judge_prepared(
    prepared: Prepared,
    effort: Effort,
    *,
    shadow_recipe: TrainingRecipe | None = None,
    work: Path | None = None,
    dp: PrivacyRecord | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Evidence:
    """Judge every generator there is.

    Args:
        prepared: What is judged, and against what.
        effort: How much work.
        shadow_recipe: How shadow generators are trained; None leaves the likelihood-ratio attack out.
        work: Folder that keeps the shadow generators and the feature network; None keeps nothing.
        dp: How the teacher was trained privately, and what else entered the bundle; None where it was not. Shadow
            generators are trained likewise.
        on_progress: Called with (steps done, steps, what comes next).
    """
    task, dataset, bundle = prepared.task, prepared.dataset, prepared.judged.bundle
    recipe = bundle.manifest.lineage.get("compression", {}).get("recipe", {}) if bundle else {}
    allowance = recipe.get("allowance", {}) if isinstance(recipe, dict) else {}
    source = dataset.provenance
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return judge(
            task,
            prepared.sources,
            effort,
            data={
                "source": source.source,
                "sha256": source.digest,
                "simulated": source.synthetic,
                "licence": source.licence,
                "attribution": source.attribution,
                "notes": [*prepared.notes, *source.notes],
                "schema": task.schema.name,
                "seed": prepared.seed,
                "shadow_recipe": shadow_recipe.name if shadow_recipe else None,
            },
            allowances={measure: allowance[name] for name, measure in QUALITY_ALLOWANCES.items() if name in allowance},
            shadow=_shadow_trainer(prepared, shadow_recipe, folder, effort, dp) if shadow_recipe else None,
            cache=folder,
            dp=dp,
            on_progress=on_progress,
        )


def compare_usefulness(
    dataset: Dataset,
    bundle: Bundle,
    teacher: Checkpoint,
    *,
    seed: int,
    seeds: int,
    steps: int,
    per_class: int,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> tuple[dict[str, Tested], list[str]]:
    """The shortest judgement: classifiers trained on real, the teacher's and each variant's records.

    Args:
        dataset: Real data.
        bundle: What ships.
        teacher: What it was made from.
        seed: Of the generated records.
        seeds: Classifiers per row.
        steps: Optimiser steps of each.
        per_class: Generated records of each class for each classifier.
        on_progress: Called with (classifiers done, classifiers, row).

    Returns:
        Per row, `real` first, what its classifiers make of the real test records; and the classes scored.
    """
    judged = Judged(bundle, teacher)
    task, _ = task_for(dataset, judged)
    scored, _ = scored_classes(task)
    classes = [task.classes[label] for label in scored]
    learner, test = learner_for(task.schema, classes, steps=steps), task.test.only(scored)
    effort = replace(FULL, seeds=seeds, steps=steps, per_class=per_class)
    sources = make_sources(task, dataset, judged, effort, seed=seed)
    rows = {REAL: [task.train.only(scored)] * seeds}
    rows |= {source.name: parts_by_class(source.records.only(scored), seeds) for source in sources}
    tested, done = {}, 0
    for name, parts in rows.items():

        def one_more(name: str = name) -> None:
            nonlocal done
            done += 1
            if on_progress:
                on_progress(done, len(rows) * seeds, name)

        tested[name] = read_on(fit(learner, parts, one_more), test, len(classes))
    return tested, classes


def task_for(dataset: Dataset, judged: Judged) -> tuple[Task, list[str]]:
    """The real data as a task, of the classes that data and generators share, and what was left out."""
    schema, label = dataset.schema, dataset.label
    makers = judged.schemas
    for maker in makers:
        if type(maker) is not type(schema) or (maker.shape, maker.describe()) != (schema.shape, schema.describe()):
            raise DataError(
                f"the data hold {schema.name}, {schema.describe()}, shape {schema.shape}; the generator makes "
                f"{maker.name}, {maker.describe()}, shape {maker.shape}; judge against data it learnt from"
            )
    classes = [name for name in label.values if all(name in _values(maker, label.name) for maker in makers)]
    if len(classes) < 2:
        raise DataError(
            f"to judge, data and generators must have two values of {label.name} in common, and they have "
            f"{', '.join(classes) or 'none'}; judge against data like those it learnt from"
        )
    left_out = [name for name in label.values if name not in classes]
    notes = [f"Class {name} is in the data, but the generator does not make it." for name in left_out]
    task = task_of(dataset, classes)
    test = task.test
    also_trained = np.isin(test.patients, np.concatenate([task.train.patients, task.validation.patients]))
    if also_trained.any():
        names = ", ".join(np.unique(test.patients[also_trained]))
        notes.append(f"{int(also_trained.sum())} test records of patients who are in train too ({names}) are left out.")
        task = replace(task, test=test.take(~also_trained))
    return as_judged(task), notes


def _values(schema: Schema, label: str) -> tuple[str, ...]:
    return next((c.values for c in schema.conditions if isinstance(c, ClassCondition) and c.name == label), ())


def make_sources(task: Task, dataset: Dataset, judged: Judged, effort: Effort, *, seed: int) -> Iterator[Source]:
    """The teacher's and every variant's records from the same noise and conditions."""
    per_class, classes = effort.per_class * effort.seeds, len(task.classes)
    asked = like_records(task.train, per_class, classes, seed)
    labels = np.repeat(np.arange(classes), per_class)

    def source(name: str, digest: str, maker: Maker, loss: Loss) -> Source:
        condition = vectors_for(maker.schema, dataset.schema, asked, len(labels))
        return Source(name, digest, generated(maker.sample(condition, 0), labels), loss)

    bundle, teacher = judged.bundle, judged.teacher
    if teacher:
        model = teacher.generator()
        maker = maker_of_module(model, teacher.schema, seed)
        yield source(TEACHER, weights_digest(model), maker, _attack_on(teacher, maker, judged, task, dataset, effort))
    if not bundle:
        return
    manifest = bundle.manifest
    graphs = [variant for variant in manifest.variants if variant.weights is None]  # an IR cannot be read into PyTorch
    for variant in graphs if effort.thorough else [manifest.variant(None)]:
        maker = maker_of_variant(bundle, variant, seed)
        loss = loss_of(maker, task, dataset.schema, effort.descents)
        yield source(variant.name, manifest.files[variant.file].sha256, maker, loss)


def _attack_on(model: Checkpoint, maker: Maker, judged: Judged, task: Task, dataset: Dataset, effort: Effort) -> Loss:
    """What is read of a model's weights: as of the variants, if there are any, so that the figures can be compared."""
    own = None if judged.bundle else own_loss(model, dataset.schema, effort.descents)
    return own or loss_of(maker, task, dataset.schema, effort.descents)


def _shadow_trainer(
    prepared: Prepared, recipe: TrainingRecipe, work: Path, effort: Effort, dp: PrivacyRecord | None
) -> TrainShadow:
    """Train generators like the judged one on other patients; what was trained before is taken up again.

    Privately where that one was, within the same budget: they are to be its likeness.
    """
    task, dataset = prepared.task, prepared.dataset
    label = dataset.label
    # A shadow is kept as it is at its end: validation patients, whom it may have been trained on, choose nothing.
    recipe = replace(recipe, evaluations=0)
    plan = PrivacyPlan(dp.epsilon, dp.delta, dp.clip, dp.unit) if dp else None

    # As they were recorded: the judge may look at summaries of them.
    recorded = task_of(dataset, task.classes)
    recorded_all = joined(recorded.train, recorded.validation, recorded.test)

    def train_shadow(records: Records, number: int) -> Loss:
        of_patients = recorded_all.take(np.isin(recorded_all.patients, np.unique(records.patients)))
        columns = {**of_patients.columns, label.name: of_patients.labels.astype(np.float64)}
        everything = Split(of_patients.values, columns, of_patients.patients)
        conditions = tuple(_only(c, task.classes) if c == label else c for c in dataset.schema.conditions)
        rules = rules_of_classes(dataset.schema.rules, label.name, task.classes)
        schema = replace(dataset.schema, conditions=conditions, rules=rules)
        own = Dataset(schema, everything, everything, everything, dataset.provenance)
        work.mkdir(parents=True, exist_ok=True)
        model = train(own, recipe, work / f"shadow-{number}.pt", seed=number, resume=True, dp=plan)
        maker = maker_of_module(model.generator(), model.schema, number)
        return _attack_on(model, maker, prepared.judged, task, dataset, effort)

    return train_shadow


def _only(label: ClassCondition, classes: Sequence[str]) -> ClassCondition:
    meanings = tuple(label.meanings[label.values.index(name)] for name in classes)
    return ClassCondition(label.name, tuple(classes), meanings)
