"""Images in the layout of MedMNIST: one npz with images and labels of train, val and test (Yang et al., Sci Data 2023).

Members `train_images` [n, height, width] or [n, height, width, 3], uint8, `train_labels` [n, 1], and the same of `val`
and `test`. Known sets are in `medmnist_sets`; any other one needs a TOML of the same name beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError, RequestError
from ...runtime.schema import ClassCondition, ImageSchema
from .dataset import Dataset, Provenance, Split
from .digest import dataset_digest
from .medmnist_file import read_arrays
from .medmnist_sets import ImageSet, set_of

CONDITION = "finding"
"""Name of the class condition of every image set."""

MINIMUM_TRAIN_IMAGES = 20
"""A class with fewer images to train on is refused."""

_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}

Progress = Callable[[int, int, str], None]
"""Called as (steps done, steps in all, what was just done)."""


@dataclass(frozen=True)
class _Part:
    """The images of one split as they lie in the file."""

    images: npt.NDArray[np.uint8]
    """[n, channels, height, width]."""
    labels: npt.NDArray[np.intp]


def load_images(path: Path, *, classes: Sequence[str] | None = None, on_progress: Progress | None = None) -> Dataset:
    """Read an npz of images into pixels from 0 to 1, with the split that the file makes.

    Args:
        path: The npz.
        classes: Classes to keep; `None` keeps all.
        on_progress: Told after every split.

    Raises:
        RequestError: A class is unknown, or fewer than two are asked for.
        DataError: The file is missing, damaged, foreign, or holds too few images of a class.
    """
    known = set_of(path)
    parts: dict[str, _Part] = {}
    for number, (name, prefix) in enumerate(_SPLITS.items()):
        parts[name] = _part(path, prefix)
        if on_progress is not None:
            on_progress(number + 1, len(_SPLITS), f"{name} images")
    shapes = {part.images.shape[1:] for part in parts.values()}
    if len(shapes) != 1:
        raise DataError(f"{path} holds images of several sizes, {sorted(shapes)}; bring them to one size first")
    _check_labels(path, parts, known)
    notes = []
    parts["train"], dropped = _without_those_of(parts["train"], parts["validation"], parts["test"])
    if dropped:
        notes.append(f"{dropped} train images are the same as one of validation or test, and are left out.")
    kept = _chosen(known, classes)
    for name in kept:
        count = int((parts["train"].labels == known.classes.index(name)).sum())
        if count < MINIMUM_TRAIN_IMAGES:
            raise DataError(
                f"{path}: class {name} has {count} train images, and at least {MINIMUM_TRAIN_IMAGES} are needed to "
                "learn it; leave it out with --classes"
            )
    left_out = [name for name in known.classes if name not in kept]
    if left_out:
        notes.append(f"Classes left out as asked: {', '.join(left_out)}.")
    notes.append("The file does not say whose an image is: each counts as a patient of its own.")
    notes.append("The split is the file's own.")
    index = np.array([kept.index(name) if name in kept else -1 for name in known.classes])
    splits = {name: _split(name, part, index) for name, part in parts.items()}
    provenance = Provenance(
        kind="images",
        source=known.source,
        licence=known.licence,
        attribution=known.attribution,
        synthetic=False,
        digest=dataset_digest(splits),
        notes=tuple(notes),
    )
    shape = splits["train"].samples.shape[1:]
    schema = ImageSchema(
        name=known.name,
        description=known.description,
        channels=_CHANNELS[shape[0]],
        height=shape[1],
        width=shape[2],
        conditions=(
            ClassCondition(CONDITION, kept, tuple(known.meanings[known.classes.index(name)] for name in kept)),
        ),
    )
    return Dataset(schema, splits["train"], splits["validation"], splits["test"], provenance)


def _part(path: Path, prefix: str) -> _Part:
    images, labels = read_arrays(path, (f"{prefix}_images", f"{prefix}_labels"))
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise DataError(
            f"{path}: {prefix}_images are {images.dtype} of shape {images.shape}; "
            "they must be uint8, [n, height, width] or [n, height, width, 3]"
        )
    if labels.ndim == 2 and labels.shape[1] != 1:
        raise DataError(f"{path}: {prefix}_labels hold {labels.shape[1]} labels an image; only one is understood")
    flat = labels.reshape(-1)
    if flat.dtype.kind not in "iu" or len(flat) != len(images) or not len(images):
        raise DataError(f"{path}: {prefix} holds {len(images)} images and {len(flat)} labels of type {labels.dtype}")
    channels_first = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return _Part(channels_first, flat.astype(np.intp))


def _check_labels(path: Path, parts: dict[str, _Part], known: ImageSet) -> None:
    for name, part in parts.items():
        if part.labels.min() < 0 or part.labels.max() >= len(known.classes):
            raise DataError(
                f"{path}: the {name} labels run from {part.labels.min()} to {part.labels.max()}, and {known.name} has "
                f"{len(known.classes)} classes"
            )
    if len(np.unique(parts["train"].labels)) < 2:
        raise DataError(f"{path}: all train images are of one class; there is nothing to tell apart")


def _without_those_of(train: _Part, *others: _Part) -> tuple[_Part, int]:
    """The train images that no other split holds byte for byte, and how many were dropped."""
    elsewhere = {image.tobytes() for part in others for image in part.images}
    keep = np.array([image.tobytes() not in elsewhere for image in train.images])
    return _Part(train.images[keep], train.labels[keep]), int((~keep).sum())


def _chosen(known: ImageSet, classes: Sequence[str] | None) -> tuple[str, ...]:
    wanted = known.classes if classes is None else tuple(classes)
    unknown = [name for name in wanted if name not in known.classes]
    if unknown or len(set(wanted)) < 2:
        what = f"there is no class {unknown[0]!r}" if unknown else "two classes at least are needed"
        raise RequestError(f"{what}; give some of {','.join(known.classes)}")
    return tuple(name for name in known.classes if name in wanted)


def _split(name: str, part: _Part, index: npt.NDArray[np.intp]) -> Split:
    labels = index[part.labels]
    keep = labels >= 0
    return Split(
        samples=part.images[keep].astype(np.float32) / np.float32(255.0),
        columns={CONDITION: labels[keep].astype(np.float64)},
        patients=np.array([f"{name}-{number}" for number in np.flatnonzero(keep)]),
    )
