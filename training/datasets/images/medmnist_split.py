"""The images of one split, read in parts: those of the kept classes, less those that another split holds too."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..dataset import Split
from .definition import LABEL
from .medmnist_layout import SPLITS, Layout
from .npz_reader import NpzReader

_DIGEST_BYTES = 16


@dataclass
class Seen:
    """Which images were met, and which of them more than once. Splits are to be read in the order of their right."""

    first: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    """By digest of the pixels: the split that keeps the image, and its label there."""
    removed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Images left out of the one split as the other keeps them."""
    repeated: Counter[str] = field(default_factory=Counter)
    """Images that a split holds once more; they stay."""
    contradicted: int = 0
    """Of both, those labelled otherwise than where they were met first."""

    def keeps(self, pixels: bytes, split: str, label: int) -> bool:
        """Whether the image stays in this split: no other has it."""
        digest = hashlib.blake2b(pixels, digest_size=_DIGEST_BYTES).digest()
        if digest not in self.first:
            self.first[digest] = (split, label)
            return True
        other, its_label = self.first[digest]
        self.contradicted += its_label != label
        if other == split:
            self.repeated[split] += 1
            return True
        self.removed[split, other] += 1
        return False


def read_split(
    npz: NpzReader,
    split: str,
    layout: Layout,
    *,
    classes: npt.NDArray[np.intp],
    patients: npt.NDArray[np.str_],
    seen: Seen,
    on_images: Callable[[int], None],
) -> Split:
    """Read the images of a split to [n, channels, height, width] from 0 to 1.

    Args:
        npz: The file.
        split: `train`, `validation` or `test`.
        layout: Of the file.
        classes: Of each image in the file [n] the index among the kept classes, or -1.
        patients: Of each image in the file [n], whose it is.
        seen: Images of the splits read before, to which these are added.
        on_images: Told how many more images were read.

    Raises:
        DataError: The array is damaged or incomplete.
    """
    shape = (layout.channels, layout.pixels, layout.pixels)
    samples = np.empty((int((classes >= 0).sum()), *shape), np.float32)
    kept: list[int] = []
    first = 0
    for part in npz.parts(f"{SPLITS[split]}_images"):
        inside = [
            place
            for place in np.flatnonzero(classes[first : first + len(part)] >= 0).tolist()
            if seen.keeps(part[place].tobytes(), split, int(classes[first + place]))
        ]
        pixels = part[inside].reshape(len(inside), *shape[1:], shape[0]).transpose(0, 3, 1, 2)
        np.divide(pixels, np.float32(255), out=samples[len(kept) : len(kept) + len(inside)], dtype=np.float32)
        kept += [first + place for place in inside]
        first += len(part)
        on_images(len(part))
    return Split(samples[: len(kept)], {LABEL: classes[kept].astype(np.float64)}, patients[kept])
