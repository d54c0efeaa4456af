"""A fingerprint of a dataset's arrays: the same data give the same digest on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .dataset import Split


def dataset_digest(splits: Mapping[str, Split]) -> str:
    """SHA-256 in hex over the samples, columns and patients of all splits, by name.

    Every array enters with its name, type and shape, so no two different datasets can feed the same bytes.
    """
    digest = hashlib.sha256()
    for split_name, split in sorted(splits.items()):
        _update(digest, f"{split_name}/samples", split.samples.astype("<f4", copy=False))
        for column_name, column in sorted(split.columns.items()):
            _update(digest, f"{split_name}/columns/{column_name}", column.astype("<f8", copy=False))
        # numpy's own text layout depends on the longest name and on the byte order of the machine.
        patients = "\n".join(split.patients.tolist()).encode("utf-8")
        _update(digest, f"{split_name}/patients", np.frombuffer(patients, dtype=np.uint8))
    return digest.hexdigest()


def _update(digest: hashlib._Hash, name: str, array: npt.NDArray[np.generic]) -> None:
    digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).data)
