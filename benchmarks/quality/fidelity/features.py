"""The space fidelity is judged in: a frozen classifier's features of signals and images, a table's own columns."""

from __future__ import annotations

import hashlib
import inspect
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from ....runtime.atomic import atomic_file
from ....runtime.errors import DataError
from ....runtime.schema import CategoryColumn, TableSchema
from .. import classifier
from ..classifier import Classifier, new_classifier, pooled_features, train_classifier
from ..figure import FloatArray
from ..records import Records, Task

_Weights = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Embedded:
    """Records as points of a feature space."""

    vectors: FloatArray
    """[n, d], finite, without unit."""
    patients: npt.NDArray[np.str_]
    """[n], whose record it is."""

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Embedded:
        """Those of these indices, or where a mask is true."""
        return Embedded(self.vectors[which], self.patients[which])


class Embedder(Protocol):
    """Maps records to feature vectors; the same for real and generated records."""

    @property
    def name(self) -> str:
        """What kind of space it is."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that was learned: figures compare only where it is equal."""

    def __call__(self, values: npt.NDArray[np.float32]) -> FloatArray:
        """Features [n, d] of the values [n, …] of some records."""


def embed(embedder: Embedder, records: Records) -> Embedded:
    """The records in the embedder's space.

    Raises:
        DataError: A record has no finite features.
    """
    vectors = embedder(records.values)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise DataError(f"record {int(np.argmin(finite))} has features that are not finite; check its values")
    return Embedded(vectors, records.patients)


def fit_embedder(task: Task, *, steps: int, cache: Path | None = None, seed: int = 0) -> Embedder:
    """Learn the feature space from the task's training data alone.

    Signals and images get the penultimate features of the judging classifier (as Heusel et al. 2017 with Inception,
    but of the data's own domain), each feature standardised over the training data; a table gets its columns.

    Args:
        task: The real data; only `train` is looked at.
        steps: Optimiser steps of the classifier; of no matter for tables.
        cache: Folder where fitted networks are kept; None keeps nothing. A damaged file is replaced.
        seed: Decides weights and batches of the classifier.

    Raises:
        OutputError: The network cannot be written to the cache.
    """
    train = task.train
    if isinstance(task.schema, TableSchema):
        return _fit_table(task.schema, train.values)
    present, labels = np.unique(train.labels, return_inverse=True)
    blank = new_classifier(train.values.shape[1:], len(present))
    path = cache / f"{_fingerprint(train.values, labels, blank, steps, seed)}.npz" if cache else None
    if path and (kept := _read(path, blank)):
        return kept
    model = train_classifier(train.values, labels, len(present), steps=steps, seed=seed)
    location, scale = _location_and_scale(pooled_features(model, train.values))
    weights: _Weights = {
        **{f"model.{name}": tensor.numpy() for name, tensor in model.state_dict().items()},
        "location": location,
        "scale": scale,
    }
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            np.savez(file, **weights)  # type: ignore[arg-type]
    return _from_weights(model, weights)


def _location_and_scale(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each column [n, d] without its NaNs; what does not vary is left unscaled."""
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / n
    deviation = np.where(known, values - mean, 0.0)
    sd = np.sqrt((deviation**2).sum(axis=0) / n)
    largest = np.abs(np.where(known, values, 0.0)).max(axis=0)
    return mean, np.where(sd > 1e-6 * largest, sd, 1.0)


@dataclass(frozen=True)
class NetworkEmbedder:
    """Standardised penultimate features of a classifier."""

    model: Classifier
    location: FloatArray
    """[d], mean of each feature over the training data."""
    scale: FloatArray
    """[d], its standard deviation."""
    digest: str

    @property
    def name(self) -> str:
        """The classifier's name."""
        return type(self.model).__name__

    def __call__(self, values: npt.NDArray[np.float32]) -> FloatArray:
        """Features [n, d] of signals or images."""
        return (pooled_features(self.model, values) - self.location) / self.scale


def _fingerprint(
    values: npt.NDArray[np.float32], labels: npt.NDArray[np.intp], blank: Classifier, steps: int, seed: int
) -> str:
    """Of all that decides a fitted network; the classifier's source stands for its layers and its training."""
    recipe = f"{inspect.getsource(classifier)} {blank} {values.shape} {steps} {seed}"
    digest = hashlib.sha256(recipe.encode())
    digest.update(np.ascontiguousarray(values).data)
    digest.update(np.ascontiguousarray(labels, np.int64).data)
    return digest.hexdigest()


def _read(path: Path, blank: Classifier) -> NetworkEmbedder | None:
    """The kept network; None where the file is absent or damaged, which its checksums tell."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip():
                return None
        with np.load(path, allow_pickle=False) as file:
            return _from_weights(blank.eval(), {name: file[name] for name in file.files})
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None


def _from_weights(model: Classifier, weights: _Weights) -> NetworkEmbedder:
    prefix = "model."
    model.load_state_dict(
        {name[len(prefix) :]: torch.from_numpy(w) for name, w in weights.items() if name.startswith(prefix)}
    )
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    location, scale = weights["location"].astype(np.float64), weights["scale"].astype(np.float64)
    return NetworkEmbedder(model, location, scale, digest.hexdigest())


@dataclass(frozen=True)
class _Number:
    """A column of numbers: standardised, the mean where missing, with an indicator if training data miss some."""

    mean: float
    sd: float
    may_miss: bool

    def __call__(self, entries: FloatArray) -> FloatArray:
        missing = np.isnan(entries)
        standardised = np.where(missing, 0.0, (entries - self.mean) / self.sd)
        return np.stack([standardised, missing] if self.may_miss else [standardised], axis=1)


@dataclass(frozen=True)
class _Category:
    """A column of categories: two different ones of the training data lie 1 apart, any other is the origin."""

    seen: tuple[float, ...]

    def __call__(self, entries: FloatArray) -> FloatArray:
        one_hot: FloatArray = (entries[:, None] == np.array(self.seen)) / np.sqrt(2.0)
        return one_hot


@dataclass(frozen=True)
class TableEmbedder:
    """A table's columns on one scale; nothing is learned but means, deviations and which categories there are."""

    columns: tuple[_Number | _Category, ...]
    name: str = "columns"

    @property
    def digest(self) -> str:
        """SHA-256 of the means, deviations and categories."""
        return hashlib.sha256(repr(self.columns).encode()).hexdigest()

    def __call__(self, values: npt.NDArray[np.float32]) -> FloatArray:
        """Features [n, d] of rows."""
        entries = values.T.astype(np.float64)
        return np.concatenate([encode(e) for encode, e in zip(self.columns, entries, strict=True)], axis=1)


def _fit_table(schema: TableSchema, values: npt.NDArray[np.float32]) -> TableEmbedder:
    columns: list[_Number | _Category] = []
    for column, entries in zip(schema.columns, values.T.astype(np.float64), strict=True):
        missing = np.isnan(entries)
        if isinstance(column, CategoryColumn):
            columns.append(_Category(tuple(np.unique(entries[~missing]).tolist())))
        else:
            mean, sd = _location_and_scale(entries[:, None])
            columns.append(_Number(float(mean[0]), float(sd[0]), bool(missing.any())))
    return TableEmbedder(tuple(columns))
