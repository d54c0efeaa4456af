"""Read arrays out of an npz that may be hostile: sizes are checked before memory is taken, nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError

MAX_BYTES = 4 * 2**30
"""Of one array: 128 by 128 RGB pixels of 85 000 images."""


def read_arrays(path: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    """The arrays of these names.

    Raises:
        DataError: The file or a member is missing, damaged, pickled, or larger than is believable.
    """
    if not path.is_file():
        hint = "; name the .npz itself, not its folder" if path.is_dir() else ""
        raise DataError(f"there is no file {path}{hint}")
    try:
        with zipfile.ZipFile(path) as archive:
            return [_member(path, archive, name) for name in names]
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zipfile.LargeZipFile) as error:
        raise DataError(f"{path} is no npz, or is damaged (half a download?): {error}") from error


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(sorted(archive.namelist())[:8]) or "nothing"
        raise DataError(
            f"{path} has no member {name!r}, so it is not in the layout of MedMNIST; it holds {held}"
        ) from None
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(file)
        if dtype.hasobject:
            raise DataError(f"{path}: {name} holds pickled objects, which are never loaded")
        needed = math.prod(shape) * dtype.itemsize
        if needed > MAX_BYTES or needed > info.file_size:
            raise DataError(
                f"{path}: {name} says it is {needed} bytes large, and its member has {info.file_size} "
                f"(at most {MAX_BYTES} are read); the file is damaged or made to mislead"
            )
        content = file.read(needed)
        if len(content) < needed:
            raise DataError(f"{path}: {name} is truncated (half a download?)")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
