"""MedMNIST's layout: which arrays an npz file of images has to hold, checked before any of them is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....runtime.errors import DataError
from .definition import CHANNELS, FEWEST_PIXELS, MOST_PIXELS
from .npz_reader import Header, NpzReader

SPLITS: Mapping[str, str] = {"train": "train", "validation": "val", "test": "test"}
"""What the file calls the splits."""

_MOST_LABEL = 255
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Layout:
    """What the file says it holds."""

    counts: Mapping[str, int]
    """Images of each split."""
    pixels: int
    """Of a side."""
    channels: int
    names_patients: bool
    unread: tuple[str, ...]
    """Arrays that are none of the layout's."""


def read_layout(npz: NpzReader, name: str) -> Layout:
    """Check the headers of all arrays.

    Raises:
        DataError: An array is missing, of another type or size than the layout's, or the splits differ.
    """
    _check_members(npz, name)
    images = {split: npz.header(f"{prefix}_images") for split, prefix in SPLITS.items()}
    for split, header in images.items():
        _check_images(header, f"{name}: {SPLITS[split]}_images")
    kinds = {header.shape[1:] for header in images.values()}
    if len(kinds) > 1:
        listed = ", ".join(f"{SPLITS[split]} {'x'.join(map(str, h.shape[1:]))}" for split, h in images.items())
        raise DataError(f"{name} holds images of different sizes or colours: {listed}; make them all alike")
    counts = {split: header.shape[0] for split, header in images.items()}
    members = {f"{prefix}_patients" for prefix in SPLITS.values()}
    given = members & set(npz.names)
    if given and given != members:
        raise DataError(
            f"{name} holds {', '.join(sorted(given))} but not {', '.join(sorted(members - given))}; add them"
        )
    for split, prefix in SPLITS.items():
        _check_labels(npz.header(f"{prefix}_labels"), counts[split], f"{name}: {prefix}_labels")
        if given:
            _check_patients(npz.header(f"{prefix}_patients"), counts[split], f"{name}: {prefix}_patients")
    _, height, _, *colours = images["train"].shape
    known = {f"{prefix}_{what}" for prefix in SPLITS.values() for what in ("images", "labels", "patients")}
    unread = tuple(member for member in npz.names if member not in known)
    return Layout(counts, height, colours[0] if colours else 1, bool(given), unread)


def read_labels(npz: NpzReader, split: str, name: str) -> npt.NDArray[np.intp]:
    """The labels [n] of a split.

    Raises:
        DataError: A label is negative or above 255, or the array is damaged.
    """
    member = f"{SPLITS[split]}_labels"
    labels = npz.array(member).reshape(-1).astype(np.int64)
    outside = np.flatnonzero((labels < 0) | (labels > _MOST_LABEL))
    if len(outside):
        raise DataError(
            f"{name}: {member} holds {labels[outside[0]]} at image {outside[0]}; labels count from 0, and "
            f"{_MOST_LABEL} is the highest taken"
        )
    return labels.astype(np.intp)


def read_patients(npz: NpzReader, split: str, name: str) -> npt.NDArray[np.str_]:
    """Whose each image of a split is [n], where the file says so.

    Raises:
        DataError: A name is empty or holds what is no letter, or the array is damaged.
    """
    member = f"{SPLITS[split]}_patients"
    patients = npz.array(member).reshape(-1).astype(np.str_)
    try:
        bad = next((number for number, one in enumerate(patients.tolist()) if not one or not one.isprintable()), None)
    except (ValueError, SystemError) as error:  # numbers that stand for no letter
        raise DataError(f"{name}: {member} holds what is no text: {error}") from error
    if bad is not None:
        raise DataError(f"{name}: {member} has no plain name at image {bad}; name every image's patient")
    return patients


def _check_members(npz: NpzReader, name: str) -> None:
    wanted = [f"{prefix}_{what}" for prefix in SPLITS.values() for what in ("images", "labels")]
    missing = [member for member in wanted if member not in npz.names]
    if missing:
        raise DataError(
            f"{name} lacks {', '.join(missing)}; images are read in MedMNIST's layout, with the arrays "
            f"{', '.join(wanted)}"
        )


def _check_images(header: Header, where: str) -> None:
    shape = header.shape
    if header.dtype != np.uint8:
        remedy = "; multiply by 255, round, and save as uint8" if header.dtype.kind == "f" else "; save them as uint8"
        raise DataError(f"{where} are of type {header.dtype}, and pixels are whole numbers from 0 to 255{remedy}")
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in CHANNELS):
        raise DataError(
            f"{where} are of shape {shape}; grey images are [n, height, width], colour ones [n, height, width, 3]"
        )
    if not shape[0]:
        raise DataError(f"{where} are none; every split needs images")
    if shape[1] != shape[2]:
        raise DataError(f"{where} are {shape[1]} by {shape[2]} pixels; crop or pad them to squares")
    if not FEWEST_PIXELS <= shape[1] <= MOST_PIXELS:
        raise DataError(
            f"{where} are {shape[1]} by {shape[2]} pixels, and {FEWEST_PIXELS} to {MOST_PIXELS} are taken; scale them"
        )


def _check_labels(header: Header, images: int, where: str) -> None:
    if header.shape[0] != images:
        raise DataError(f"{where} are {header.shape[0]} for {images} images; give every image one label")
    if math.prod(header.shape[1:]) != 1:
        raise DataError(
            f"{where} are of shape {header.shape}: several labels an image, as in ChestMNIST; a generator is asked for "
            "one class, so choose one label and save it as [n]"
        )
    if header.dtype.kind not in "iu":
        raise DataError(f"{where} are of type {header.dtype}, and labels are whole numbers; save them as uint8")


def _check_patients(header: Header, images: int, where: str) -> None:
    if math.prod(header.shape) != images or header.shape[0] != images:
        raise DataError(f"{where} are of shape {header.shape} for {images} images; name one patient an image")
    if header.dtype.kind not in "iuU" or (header.dtype.kind == "U" and header.dtype.itemsize > 4 * _LONGEST_NAME):
        raise DataError(
            f"{where} are of type {header.dtype}; give numbers, or texts of at most {_LONGEST_NAME} letters"
        )
