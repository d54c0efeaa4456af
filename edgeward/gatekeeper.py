"""The judge that compression is held to: what a model lost against its teacher, on validation records only."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .benchmarks.quality import Effort, Records, generated
from .benchmarks.quality.held_out import HeldOut, decided_on_validation
from .benchmarks.quality.paired import Reading, compared
from .compression.quality import FEWEST_SEEDS, JudgedOn, Quality, Say
from .compression.student import weights_digest
from .judgement import Judged, task_for
from .makers import Maker, loss_of, maker_of_graph, maker_of_module
from .runtime.errors import RequestError
from .training.checkpoint import Checkpoint
from .training.datasets.conditions import like_records, vectors_for
from .training.datasets.dataset import Dataset
from .training.families import Generative
from .training.recipe import IMPORTED

GATE = Effort(
    "gate",
    thorough=False,
    seeds=FEWEST_SEEDS,
    steps=300,
    per_class=400,
    test_records=4000,
    augmented=0,
    fidelity_records=400,
    attacked=100,
    descents=1,
    shadows=0,
)
"""Enough to tell a loss of a point of macro-F1 where there are some hundred patients; a minute or two a variant."""
GLANCE_SEEDS = 2
"""For the steps on the way, which decide nothing."""


class ValidationJudge:
    """Judges models of one teacher on the validation records of a dataset; the test records stay unread.

    The teacher, the feature space and the classifiers of real records are worked out once, when they are first needed:
    a search judges all its candidates with one.

    Args:
        teacher: What is compressed.
        dataset: Real data of the teacher's kind.
        seed: Of the noise that teacher and models are sampled with.
        effort: How much work a decision is.
        cache: Folder for the feature network; None keeps nothing.

    Raises:
        DataError: The data are of another kind, or too few.
        RequestError: The effort has fewer than five seeds.
    """

    def __init__(
        self,
        teacher: Checkpoint,
        dataset: Dataset,
        *,
        seed: int,
        effort: Effort = GATE,
        cache: Path | None = None,
    ) -> None:
        if effort.seeds < FEWEST_SEEDS:
            raise RequestError(f"a gate needs {FEWEST_SEEDS} seeds or more, not {effort.seeds}: fewer show nothing")
        task, self._left_out = task_for(dataset, Judged(None, teacher))
        self._teacher, self._dataset, self._seed, self._effort, self._cache = teacher, dataset, seed, effort, cache
        self._task = decided_on_validation(task)
        self._of_teacher: Reading | None = None

    @functools.cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut(self._task, self._effort, cache=self._cache)

    @functools.cached_property
    def key(self) -> str:
        """SHA-256 of all that decides a figure, but the model."""
        source = self._dataset.provenance
        parts = [source.digest, weights_digest(self._teacher.generator()), self._seed, asdict(self._effort)]
        return hashlib.sha256(json.dumps([*parts, GLANCE_SEEDS, self._task.classes]).encode()).hexdigest()

    @functools.cached_property
    def about(self) -> JudgedOn:
        """Which records, and how much work."""
        source, held_out = self._dataset.provenance, self._task.test
        return JudgedOn(
            source=source.source,
            digest=source.digest,
            split="validation",
            records=len(held_out),
            patients=len(np.unique(held_out.patients)),
            simulated=source.synthetic,
            seeds=self._effort.seeds,
            glance_seeds=GLANCE_SEEDS,
            seed=self._seed,
            effort=asdict(self._effort),
            feature_space=self._held_out.feature_space,
            notes=(*self._left_out, *self._held_out.notes, *self._of_other_data()),
        )

    def _of_other_data(self) -> tuple[str, ...]:
        learnt = self._teacher.provenance.digest
        if learnt == self._dataset.provenance.digest or self._teacher.recipe.family == IMPORTED:
            return ()
        return (
            "These are not the records the teacher learnt from, or they are split otherwise: it may have learnt from "
            "validation patients, and what its weights tell of members is not known.",
        )

    @functools.cached_property
    def measures(self) -> frozenset[str]:
        """What it can tell on these records."""
        return frozenset(self._held_out.measures() | {"loss_auc"})

    def __call__(self, model: Generative | bytes, *, decide: bool, say: Say | None = None) -> Quality:
        """Judge a model in PyTorch, or an ONNX graph, against the teacher with the same noise."""
        seeds = self._effort.seeds
        mine = 2 * (seeds if decide else GLANCE_SEEDS) + 1 + decide
        of, done = mine + (2 * seeds + 2 if self._of_teacher is None else 0), 0

        def tell(what: str) -> None:
            nonlocal done
            if say:
                say(done, of, what)
            done += 1

        if self._of_teacher is None:
            own = maker_of_module(self._teacher.generator(), self._teacher.schema, self._seed)
            self._of_teacher = self._read(own, decide=True, say=lambda what: tell(f"teacher: {what}"))
        schema = self._teacher.schema
        if isinstance(model, bytes):
            maker = maker_of_graph(model, schema, self._teacher.generator().noise_shape, self._seed)
        else:
            maker = maker_of_module(model.eval(), schema, self._seed)
        quality = Quality(compared(self._read(maker, decide=decide, say=tell), self._of_teacher))
        if say:
            say(of, of, "done")
        return quality

    def _read(self, maker: Maker, *, decide: bool, say: Callable[[str], None]) -> Reading:
        effort, schema = self._effort, self._dataset.schema
        parts = []
        for number in range(effort.seeds if decide else GLANCE_SEEDS):
            say(f"sampling, seed {number + 1}")
            parts.append(self._made(maker, number))
        loss = loss_of(maker, self._task, schema, effort.descents) if decide else None
        return self._held_out.read(parts, loss=loss, say=say)

    def _made(self, maker: Maker, number: int) -> Records:
        """One draw of the noise: as many records of each class as the effort says, asked for like training records."""
        classes, per_class = len(self._task.classes), self._effort.per_class
        labels = np.repeat(np.arange(classes), per_class)
        asked = like_records(self._task.train, per_class, classes, self._seed + number)
        condition = vectors_for(maker.schema, self._dataset.schema, asked, len(labels))
        return generated(maker.sample(condition, number * len(labels)), labels)
