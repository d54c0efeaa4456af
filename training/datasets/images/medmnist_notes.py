"""What was decided and left out while reading a set of images, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ....runtime.schema import ClassCondition
from .image_set import ImageSet
from .medmnist_layout import Layout
from .medmnist_split import Seen


def notes(
    what: ImageSet,
    layout: Layout,
    label: ClassCondition,
    chosen: Sequence[str],
    labels: Mapping[str, npt.NDArray[np.intp]],
    seen: Seen,
) -> tuple[str, ...]:
    """The visible decisions, one sentence each; `label` and `labels` [n] with every class of the file."""
    found = [*what.notes, *_listed(what, layout)]
    if not layout.names_patients:
        found.append(
            "The file names no patients, so each image counts as one: images of one person may be in two splits, and "
            "intervals may be narrower than they should be."
        )
    found += _left_out(label, chosen, labels)
    found += _absent(label, chosen, labels)
    found += _met_again(seen)
    if layout.unread:
        found.append(f"Arrays of the file that are not read: {', '.join(layout.unread)}.")
    return tuple(found)


def _listed(what: ImageSet, layout: Layout) -> list[str]:
    held = tuple(layout.counts.values())
    if what.listed in (None, held):
        return []
    published = ", ".join(f"{count} {split}" for split, count in zip(layout.counts, what.listed or (), strict=True))
    here = ", ".join(f"{count} {split}" for split, count in layout.counts.items())
    return [f"The publishers list {published} images of {what.source}; this file holds {here}."]


def _counts(labels: Mapping[str, npt.NDArray[np.intp]], index: int) -> dict[str, int]:
    return {split: int((of_split == index).sum()) for split, of_split in labels.items()}


def _left_out(label: ClassCondition, chosen: Sequence[str], labels: Mapping[str, npt.NDArray[np.intp]]) -> list[str]:
    found = []
    for index, value in enumerate(label.values):
        counts = _counts(labels, index)
        if value not in chosen and any(counts.values()):
            listed = ", ".join(f"{count} images in {split}" for split, count in counts.items())
            found.append(f"Class {value} is left out: {listed}.")
    return found


def _absent(label: ClassCondition, chosen: Sequence[str], labels: Mapping[str, npt.NDArray[np.intp]]) -> list[str]:
    return [
        f"{split.capitalize()} holds no image of class {value}."
        for index, value in enumerate(label.values)
        for split, count in _counts(labels, index).items()
        if value in chosen and not count
    ]


def _met_again(seen: Seen) -> list[str]:
    found = [
        f"{count} images of {split} are in {other} too, pixel by pixel, and are left out of {split}."
        for (split, other), count in seen.removed.items()
    ]
    found += [
        f"{count} images of {split} repeat another of {split}, pixel by pixel, and stay."
        for split, count in seen.repeated.items()
    ]
    if seen.contradicted:
        found.append(f"{seen.contradicted} of the images met again are labelled otherwise than the first time.")
    return found or ["No image is there twice, pixel by pixel."]
