"""Images in MedMNIST's layout: one npz file with images and labels of train, validation and test.

Source: Yang J et al., Sci Data 10:41, 2023. Any set in this layout is read, with 28 to 128 pixels a side, grey or RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError, RequestError
from ....runtime.schema import ClassCondition
from ..dataset import Dataset, Provenance, Split
from ..digest import dataset_digest
from ..label_classes import chosen_values, narrowed
from ..occurrence import as_they_occur
from .definition import image_schema
from .image_set import ImageSet, unknown_set
from .known_sets import known_set
from .medmnist_layout import Layout, read_labels, read_layout, read_patients
from .medmnist_notes import notes
from .medmnist_split import Seen, read_split
from .npz_reader import open_npz
from .sidecar import described_set

MINIMUM_TRAIN_IMAGES = 20
"""A class with fewer images to train on is refused."""
MOST_NUMBERS = 2**30
"""Of all kept images: 4 GiB as they are trained on."""

_READ_ORDER = ("test", "validation", "train")
"""An image in two splits stays in the first of these."""

Labels = Mapping[str, npt.NDArray[np.intp]]
"""Per split the labels [n] of the file."""

Progress = Callable[[int, int, str], None]
"""Called as (images read, images in all, of which split)."""


def load_images(path: Path, *, classes: Sequence[str] | None = None, on_progress: Progress | None = None) -> Dataset:
    """Read a set of images [n, channels, height, width] from 0 to 1, with their class as the label.

    The set is known by its sidecar (the file's name with `.toml`), or by its name; else its classes are called by
    number and its licence is not stated. An image that is in two splits stays in test before validation before train.

    Args:
        path: The npz file; only it and its sidecar are read.
        classes: Values of the label to keep; `None` keeps those with enough images to train on.
        on_progress: Told after every few megabytes.

    Raises:
        RequestError: A class is unknown, or fewer than two are asked for.
        DataError: The file is missing, incomplete, damaged, foreign or too large, it is another set than its name or
            sidecar say, or a class has too few images.
    """
    _check_path(path)
    with open_npz(path) as npz:
        layout = read_layout(npz, path.name)
        labels = {split: read_labels(npz, split, path.name) for split in layout.counts}
        patients = {
            split: read_patients(npz, split, path.name) if layout.names_patients else _own_names(split, count)
            for split, count in layout.counts.items()
        }
        _check_patients(patients, path.name)
        what = _set_of(path, layout, labels)
        whole = image_schema(what.name, what.description, what.classes, channels=layout.channels, pixels=layout.pixels)
        chosen = _chosen(whole.label, classes, labels["train"], path.name)
        index = np.array([chosen.index(value) if value in chosen else -1 for value in whole.label.values])
        _check_memory(layout, {split: index[of_split] for split, of_split in labels.items()}, path.name)
        splits: dict[str, Split] = {}
        seen, total, done = Seen(), sum(layout.counts.values()), 0
        for split in _READ_ORDER:

            def more(count: int, split: str = split) -> None:
                nonlocal done
                done += count
                if on_progress is not None:
                    on_progress(done, total, f"{split} images")

            splits[split] = read_split(
                npz,
                split,
                layout,
                classes=index[labels[split]],
                patients=patients[split],
                seen=seen,
                on_images=more,
            )
    label = narrowed(whole.label, chosen)
    _check_remaining(splits, label, seen, path.name)
    provenance = Provenance(
        kind="images",
        source=f"{what.source} ({path.name}, {layout.pixels} pixels a side)",
        licence=what.licence,
        attribution=what.attribution,
        synthetic=False,
        digest=dataset_digest(splits),
        notes=notes(what, layout, whole.label, chosen, labels, seen),
    )
    schema = replace(whole, conditions=as_they_occur((label,), splits["train"].columns))
    return Dataset(schema, splits["train"], splits["validation"], splits["test"], provenance)


def _check_path(path: Path) -> None:
    if path.is_dir():
        inner = sorted(path.glob("*.npz"))
        remedy = f"name {inner[0]} instead" if inner else "name an npz file in MedMNIST's layout"
        raise DataError(f"{path} is a folder; {remedy}")
    if not path.is_file():
        raise DataError(
            f"there is no file {path}; name an npz file in MedMNIST's layout, as https://medmnist.com gives them, "
            "or use the data 'simulated'"
        )


def _own_names(split: str, count: int) -> npt.NDArray[np.str_]:
    """Each image a patient of its own, named by its place in the file."""
    return np.array([f"{split}-{number:06d}" for number in range(count)])


def _check_patients(patients: Mapping[str, npt.NDArray[np.str_]], name: str) -> None:
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = np.intersect1d(patients[first], patients[second])
        if len(shared):
            raise DataError(f"{name} has images of patient {shared[0]} in {first} and in {second}; split by patient")


def _set_of(path: Path, layout: Layout, labels: Labels) -> ImageSet:
    """What the file holds, checked against what it says of itself.

    Raises:
        DataError: It holds other labels or colours than the set, or one class alone.
    """
    highest = {split: int(of_split.max()) for split, of_split in labels.items()}
    if len(np.unique(labels["train"])) < 2:
        raise DataError(f"all train images of {path.name} have label {labels['train'][0]}; two classes are needed")
    what = described_set(path.with_suffix(".toml")) or known_set(path.stem)
    if what is None:
        return unknown_set(path.stem, max(highest.values()) + 1)
    for split, label in highest.items():
        if label >= len(what.classes):
            raise DataError(
                f"{path.name} has label {label} in {split}, and {what.source} has {len(what.classes)} classes, 0 to "
                f"{len(what.classes) - 1}; describe it in {path.stem}.toml, or rename it if it is another set"
            )
    if what.channels not in (None, layout.channels):
        raise DataError(
            f"{path.name} holds images of {layout.channels} channel(s), and {what.source} has {what.channels}; rename "
            "it if it is another set"
        )
    return what


def _chosen(
    label: ClassCondition, classes: Sequence[str] | None, train: npt.NDArray[np.intp], name: str
) -> tuple[str, ...]:
    counts = dict(zip(label.values, np.bincount(train, minlength=len(label.values)).tolist(), strict=True))
    enough = [value for value, count in counts.items() if count >= MINIMUM_TRAIN_IMAGES]
    if classes is None and len(enough) < 2:
        listed = ", ".join(f"{value} {count}" for value, count in counts.items())
        raise DataError(
            f"{name} has fewer than two classes of at least {MINIMUM_TRAIN_IMAGES} train images ({listed}); add images"
        )
    chosen = chosen_values(label, enough if classes is None else classes)
    if len(chosen) < 2:
        raise RequestError(f"two classes at least are needed; give some of {','.join(label.values)}")
    for value in chosen:
        if counts[value] < MINIMUM_TRAIN_IMAGES:
            remedy = f"leave it out with --classes {','.join(enough)}" if enough else "add images"
            raise DataError(
                f"{label.name} {value} has {counts[value]} images in the train split, and at least "
                f"{MINIMUM_TRAIN_IMAGES} are needed to learn it; {remedy}"
            )
    return chosen


def _check_memory(layout: Layout, classes: Labels, name: str) -> None:
    kept = sum(int((of_split >= 0).sum()) for of_split in classes.values())
    numbers = kept * layout.channels * layout.pixels**2
    if numbers > MOST_NUMBERS:
        raise DataError(
            f"{kept} images of {name} are {4 * numbers / 2**30:.1f} GiB to train on, and at most "
            f"{4 * MOST_NUMBERS / 2**30:g} GiB are taken; keep fewer classes with --classes, or take smaller images"
        )


def _check_remaining(splits: Mapping[str, Split], label: ClassCondition, seen: Seen, name: str) -> None:
    """What is left once images that are in two splits are out of one of them."""
    removed = sum(seen.removed.values())
    for split, found in splits.items():
        if not len(found):
            raise DataError(
                f"{name} has no {split} images of {', '.join(label.values)} ({removed} images were in two splits and "
                "left out of one); split it anew"
            )
    counts = np.bincount(splits["train"].columns[label.name].astype(np.intp), minlength=len(label.values))
    for value, count in zip(label.values, counts.tolist(), strict=True):
        if count < MINIMUM_TRAIN_IMAGES:
            raise DataError(
                f"{label.name} {value} has {count} train images that are in no other split, and at least "
                f"{MINIMUM_TRAIN_IMAGES} are needed to learn it; split {name} anew"
            )
