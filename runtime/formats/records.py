"""Formats that hold one sample a file: a folder of records that can be gone on with, or a single record."""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..atomic import atomic_file
from ..batch import Batch, make_provenance
from ..errors import RequestError
from ..generator import Series
from ..provenance import provenance_text
from ..schema import Schema
from ..violations import Tally, Violations, tally_of
from .base import Progress, need_place, no_library
from .folder import RECORD_NAME, RecordFolder

_COMMIT_EVERY = 1024  # files made durable at once: more would be lost to a power cut, fewer cost time


@dataclass(frozen=True)
class Record:
    """One sample with its meaning, as an encoder of a format is given it."""

    name: str
    """Of its files, without their suffix."""
    values: npt.NDArray[np.float32]
    """[*schema.shape]."""
    conditions: Mapping[str, str | float]
    """Class names, and numbers in the condition's unit."""
    provenance: Mapping[str, Any]
    """Of this one sample: `first` is its index, `n` is 1."""
    schema: Schema
    tally: Tally
    """What the guard found in this one sample."""

    @functools.cached_property
    def identity(self) -> uuid.UUID:
        """The same for the same sample of the same bundle, engine, seed and conditions, another for any other.

        Whether the sample was checked makes no difference, whether it was drawn anew does.
        """
        origin = {name: value for name, value in self.provenance.items() if name not in ("on_violation", "breaks")}
        return uuid.uuid5(uuid.NAMESPACE_OID, provenance_text({"conditions": dict(self.conditions), **origin}))

    @property
    def index(self) -> int:
        """Index of the sample."""
        return int(self.provenance["first"])


def any_name(name: str) -> None:
    """The check of a format whose records can be called anything."""


@dataclass(frozen=True)
class RecordFormat:
    """One sample a record, of one file or a few."""

    name: str
    suffixes: tuple[str, ...]
    """Of the files of a record, the one by which the format is told last: it completes the record."""
    refuse: Callable[[Schema], str]
    encode: Callable[[Record], tuple[bytes, ...]]
    """The files' contents, in the order of the suffixes; the same record gives the same bytes."""
    bytes_of: Callable[[Schema], int]
    """About how large a record is."""
    library: Callable[[], None] = no_library
    check_name: Callable[[str], None] = any_name
    """Raises RequestError for a record's name that the format has no place for."""
    listing: str = ""
    """A file of the folder that lists the records' names, where the format has such a custom."""

    @property
    def suffix(self) -> str:
        """The suffix by which the format is told."""
        return self.suffixes[-1]

    def refusal(self, schema: Schema) -> str:
        """Why these data have no place in it."""
        return self.refuse(schema)

    def need_library(self) -> None:
        """Raise where its library is missing."""
        self.library()

    def outputs(self, path: Path) -> tuple[Path, ...]:
        """The files of a single record; none where the path becomes a folder."""
        if path.suffix.lower() != self.suffix:
            return ()
        return tuple(path if suffix == self.suffix else path.with_suffix(suffix) for suffix in self.suffixes)

    def estimate_bytes(self, series: Series) -> int:
        """About how large all records will be."""
        return series.n * self.bytes_of(series.generator.source.schema)

    def write(self, series: Series, path: Path, on_progress: Progress) -> Tally:
        """Write a folder, or go on with the one there; a path with the format's suffix is a single record."""
        need_place(self, series.generator.source.schema)
        if files := self.outputs(path):
            tally = self._write_single(series, path, files)
            on_progress(1)
            return tally
        return self._write_folder(series, path, on_progress)

    def _write_single(self, series: Series, path: Path, files: tuple[Path, ...]) -> Tally:
        if series.n != 1:
            raise RequestError(
                f"{path.name} has room for one sample, as {self.name} holds one a file, and {series.n:,} are asked "
                f"for; give a folder: -o {path.stem} --format {self.name}"
            )
        self.check_name(path.stem)
        (batch,) = series.batches()
        (record,) = records_of(batch, name=path.stem)
        # What completes the record is entered first and so renamed last.
        with contextlib.ExitStack() as stack:
            for file, content in reversed(list(zip(files, self.encode(record), strict=True))):
                stack.enter_context(atomic_file(file)).write(content)
        return record.tally

    def _write_folder(self, series: Series, path: Path, on_progress: Progress) -> Tally:
        with RecordFolder(series, path, self.name, self.listing) as folder:
            missing = folder.missing(series.first, series.n)
            done = series.n - sum(stop - first for first, stop in missing)
            on_progress(done)
            for first, stop in missing:
                for batch in replace(series, first=first, n=stop - first).batches():
                    for record in records_of(batch):
                        files = zip(self.suffixes, self.encode(record), strict=True)
                        folder.put(record.index, files, record.tally)
                    if folder.waiting >= _COMMIT_EVERY:
                        folder.commit()
                    done += len(batch)
                    on_progress(done)
                folder.commit()
            return folder.tally


def records_of(batch: Batch, name: str | None = None) -> Iterator[Record]:
    """The samples of a batch one by one, called by their index where no name is given."""
    conditions = {key: values.tolist() for key, values in batch.conditions.items()}
    for position, values in enumerate(batch.samples):
        index = batch.first + position
        violations = batch.violations.of_sample(index) if batch.violations else None
        yield Record(
            name or RECORD_NAME.format(index=index),
            values,
            {key: column[position] for key, column in conditions.items()},
            make_provenance(batch.source, batch.seed, index, 1) | _told_of_sample(violations, index),
            batch.schema,
            tally_of(violations),
        )


def _told_of_sample(violations: Violations | None, index: int) -> dict[str, Any]:
    """What the provenance of one sample says of the guard, in a few plain values."""
    if violations is None:
        return {}
    told: dict[str, Any] = {"on_violation": violations.on_violation}
    if index in violations.broken:
        broken = violations.broken[index]
        told |= {"redraws": broken.redraws} if broken.redraws else {"breaks": ", ".join(broken.rules)}
    return told
