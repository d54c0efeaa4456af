"""Train on synthetic, test on real, for a teacher and its bundle: wires the floors below together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import torch

from .benchmarks.quality import LabelledSignals, UtilityScore, compare_sources
from .benchmarks.quality.sources import Generate
from .runtime.bundle import Bundle
from .runtime.condition import check_request
from .runtime.feed import Feed
from .runtime.generator import Generator, load
from .training.checkpoint import Checkpoint
from .training.datasets.dataset import Dataset, Split

SCORED_CLASSES = ("N", "S", "V")
"""The AAMI classes with enough beats in every split to be scored."""
_BATCH = 256


def judge_utility(
    dataset: Dataset,
    bundle: Bundle,
    teacher: Checkpoint | None,
    *,
    seed: int,
    per_class: int,
    seeds: int,
    steps: int,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, UtilityScore]:
    """Score classifiers trained on real data, on the teacher's, and on each variant's, on held-out patients.

    The same seed gives teacher and variants the same noise and conditions.

    Args:
        dataset: Real data; its test split is used for scoring only.
        bundle: The bundle to judge.
        teacher: What it was made from; None: left out.
        seed: Of the generated samples.
        per_class: Generated samples of each class.
        seeds: Classifiers per source.
        steps: Optimiser steps of each classifier.
        on_progress: Called with (classifiers done, classifiers, source).
    """
    label = dataset.label
    classes = [name for name in SCORED_CLASSES if name in label.values]

    def labelled(split: Split) -> LabelledSignals:
        labels = split.columns[label.name].astype(np.intp)
        return LabelledSignals(split.samples, labels, split.patients).only(label.values, classes)

    sources: dict[str, Generate] = {}
    if teacher is not None:
        sources["teacher"] = _teacher_source(teacher, label.name, seed)
    with ExitStack() as stack:
        for variant in bundle.manifest.variants:
            generator = stack.enter_context(load(bundle, precision=variant.precision))
            sources[variant.precision] = _bundle_source(generator, label.name, seed)
        return compare_sources(
            labelled(dataset.train),
            labelled(dataset.test),
            classes,
            sources,
            per_class=per_class,
            seeds=seeds,
            steps=steps,
            on_progress=on_progress,
        )


def _bundle_source(generator: Generator, label: str, seed: int) -> Generate:
    return lambda name, n: generator.generate(n, condition={label: name}, seed=seed).samples


def _teacher_source(teacher: Checkpoint, label: str, seed: int) -> Generate:
    model, schema = teacher.generator(), teacher.schema

    def generate(name: str, n: int) -> npt.NDArray[np.float32]:
        feed = Feed(seed, model.noise_shape, schema.conditions, check_request(schema, {label: name}))
        parts = []
        with torch.inference_mode():
            for first in range(0, n, _BATCH):
                inputs = feed.take(first, min(_BATCH, n - first))
                samples = model(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition))
                parts.append(samples.numpy())
        return np.concatenate(parts)

    return generate
