"""Read the annotations of any WFDB record, trusting nothing. Format: annot(5) of the WFDB Applications Guide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wfdb

from ....runtime.errors import DataError
from .record import Origin, bytes_of, wrapped


@dataclass(frozen=True)
class Annotations:
    """What an annotator marked in a record, in order of time."""

    samples: npt.NDArray[np.int64]
    """[annotations], each inside the record."""
    symbols: npt.NDArray[np.str_]
    """[annotations], of WFDB's table: beats, and more."""
    notes: tuple[str, ...]
    """[annotations], free text, e.g. `(AFIB`; mostly empty."""


def read_annotations(path: Path, length: int, origin: Origin) -> Annotations:
    """Read an annotation file, e.g. `100.atr`, of a record of `length` samples.

    Raises:
        DataError: It is missing, damaged, empty, or marks samples outside the record; the message names the file, the
            cause and the remedy.
    """
    content = bytes_of(path, origin)
    # 16-bit words, the last one zero. wfdb drops the last word unseen, whatever it is.
    if len(content) % 2 or content[-2:] != b"\0\0":
        raise DataError(f"{path} is truncated or no annotation file: it has no end mark; {origin.remedy}")
    found = wrapped(
        lambda: wfdb.rdann(str(path.with_suffix("")), path.suffix[1:]),
        f"{path} is no WFDB annotation file, or is damaged",
        origin,
    )
    samples = np.asarray(found.sample, dtype=np.int64)
    if len(samples) == 0:
        raise DataError(f"{path} holds no annotations, so no beat can be found; {origin.remedy}")
    if np.any(np.diff(samples) < 0) or samples[0] < 0:
        raise DataError(f"{path} is damaged: its annotations run backwards in time; {origin.remedy}")
    if samples[-1] >= length:
        raise DataError(
            f"{path} does not belong to its record or is damaged: it has an annotation at sample "
            f"{samples[-1]}, and the record ends at {length - 1}; {origin.remedy}"
        )
    notes = tuple(str(note or "").strip("\0 \t\r\n") for note in found.aux_note or [""] * len(samples))
    return Annotations(samples, np.array(found.symbol, dtype=np.str_), notes)
