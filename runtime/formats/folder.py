"""A folder of records that survives being stopped: which are there stands in its `index.json`, the rest is made again.

A record's file is renamed into place whole. The index names ranges of samples only after their files were flushed to
the disk, and is itself replaced as a whole: whatever stops the writing, what the index names is there. One process at a
time may write to a folder.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from ..atomic import atomic_file, sync, sync_folder
from ..errors import BundleError, OutputError
from ..generator import Series
from ..json_fields import Fields, parse_json
from ..provenance import MARK, STATEMENT
from ..schema import ClassCondition
from ..violations import Tally, tally_from_json

INDEX_NAME = "index.json"
RECORD_NAME = "synthetic_{index:09d}"
"""Of a record: it says what it is even where somebody takes the metadata out, and names sort."""

Range = tuple[int, int]
"""First sample, and the one after the last."""

_MAX_INDEX_BYTES = 2**24
_FLUSHES_AT_ONCE = 32  # the journal takes them together: 768 files in 0.5 s where one by one took 7 s
_PARTIAL = ".{name}.partial"
_OURS = re.compile(r"\.?(synthetic_\d+\.\w+|index\.json|RECORDS)(\.\w+)?(\.partial)?")


class RecordFolder:
    """The folder while it is written; use it in a `with` block, whose end makes everything durable.

    Args:
        series: Whose samples the records are. A folder that is there already must be of the same bundle, engine, seed
            and conditions.
        path: The folder; made if it is not there.
        format_name: Which format the records are in.
        listing: A file that lists the records' names, one a line; empty: none.

    Raises:
        OutputError: Something else is there, or the system refused to write.
    """

    def __init__(self, series: Series, path: Path, format_name: str, listing: str = "") -> None:
        self.path = path
        self._listing = listing
        self._head = _head(series, format_name)
        self._done: list[Range] = []
        self.tally = Tally()
        """What the guard found in the samples that are there."""
        self._waiting_tally = Tally()
        self._waiting: list[Path] = []
        self._waiting_range: Range | None = None
        with self._told():
            if path.exists():
                head, self._done, self.tally = _read_index(path)
                _check_same(path, head, self._head)
                for leftover in path.glob(".*.partial"):
                    leftover.unlink()
            else:
                path.mkdir()
            # Written before any record, so that a folder without a word about its origin never stands.
            self._write_index()

    @property
    def waiting(self) -> int:
        """How many files are not durable yet."""
        return len(self._waiting)

    def missing(self, first: int, n: int) -> list[Range]:
        """The ranges of these samples whose records are not there yet."""
        return gaps(self._done, (first, first + n))

    def put(self, index: int, files: Iterable[tuple[str, bytes]], tally: Tally) -> None:
        """Write a record: suffixes and contents of its files, the one that completes it last; what was found in it."""
        name = RECORD_NAME.format(index=index)
        with self._told():
            for suffix, content in files:
                file = self.path / (name + suffix)
                partial = self.path / _PARTIAL.format(name=file.name)
                partial.write_bytes(content)
                partial.replace(file)
                self._waiting.append(file)
        first = self._waiting_range[0] if self._waiting_range else index
        self._waiting_range = (first, index + 1)
        self._waiting_tally = self._waiting_tally.plus(tally)

    def commit(self) -> None:
        """Flush the records put since the last time, and enter them in the index."""
        if self._waiting_range is None:
            return
        # It brings logging and more with it, which the start of a command need not wait for.
        from concurrent.futures import ThreadPoolExecutor

        with self._told():
            with ThreadPoolExecutor(_FLUSHES_AT_ONCE) as pool:
                list(pool.map(sync, self._waiting))
            sync_folder(self.path)
            self._done = joined([*self._done, self._waiting_range])
            self._waiting, self._waiting_range = [], None
            self.tally, self._waiting_tally = self.tally.plus(self._waiting_tally), Tally()
            self._write_index()

    def __enter__(self) -> RecordFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is whole is kept, also where the next record could not be written.
        with contextlib.suppress(OutputError) if error else contextlib.nullcontext():
            self.commit()
            self._write_listing()

    def _write_index(self) -> None:
        checked = "on_violation" in self._head["provenance"]
        index = {**self._head, **({"violations": self.tally.to_json()} if checked else {}), "done": self._done}
        with atomic_file(self.path / INDEX_NAME) as file:
            file.write(json.dumps(index, indent=1, ensure_ascii=False).encode() + b"\n")

    def _write_listing(self) -> None:
        if self._listing:
            with atomic_file(self.path / self._listing) as file:
                for first, stop in self._done:
                    file.writelines(f"{RECORD_NAME.format(index=index)}\n".encode() for index in range(first, stop))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self.path} could not be written to: {error.strerror or error}; "
                "whole records stay there, go on with --resume"
            ) from error


def seed_of_folder(path: Path) -> int:
    """The seed of a folder that is to be gone on with.

    Raises:
        OutputError: It is no folder of records, or a damaged one.
    """
    head, *_ = _read_index(path)
    return int(head["provenance"]["seed"])


def remove_folder(path: Path) -> None:
    """Remove a folder of records, to be written anew.

    Raises:
        OutputError: It is none, or other files are in it.
    """
    _read_index(path)
    files = sorted(path.iterdir())
    for file in files:
        if not _OURS.fullmatch(file.name):
            raise OutputError(
                f"{path} also holds {file.name}, which is none of its records; move it, or remove {path} yourself"
            )
    # The index goes last: until then a rest of the folder can be told for what it is.
    for file in sorted(files, key=lambda file: file.name == INDEX_NAME):
        file.unlink()
    path.rmdir()


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same samples in as few ranges as possible, in order."""
    result: list[Range] = []
    for first, stop in sorted(ranges):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((first, stop))
    return result


def gaps(done: Iterable[Range], wanted: Range) -> list[Range]:
    """The parts of `wanted` that are not in `done`."""
    result: list[Range] = []
    start, end = wanted
    for first, stop in joined(done):
        if first >= end:
            break
        if first > start:
            result.append((start, first))
        start = max(start, stop)
    if start < end:
        result.append((start, end))
    return result


def _head(series: Series, format_name: str) -> dict[str, Any]:
    source = series.generator.source
    shared = {key: value for key, value in series.provenance.items() if key not in ("first", "n")}
    fixed = {
        condition.name: condition.values[int(series.fixed[condition.name])]
        if isinstance(condition, ClassCondition)
        else series.fixed[condition.name]
        for condition in source.schema.conditions
        if condition.name in series.fixed
    }
    head = {
        "synthetic": MARK,
        "statement": STATEMENT,
        "format": format_name,
        "provenance": shared,
        "condition": fixed,
        "schema": source.schema.to_json(),
    }
    # As it reads back, so that the two can be compared.
    return dict(json.loads(json.dumps(head)))


def _read_index(path: Path) -> tuple[dict[str, Any], list[Range], Tally]:
    """What the folder's index says of its origin, which samples it names, and what was found in them."""
    place = path / INDEX_NAME
    try:
        with place.open("rb") as file:
            content = file.read(_MAX_INDEX_BYTES)
    except OSError as error:
        raise OutputError(
            f"{path} is no folder of records: its {INDEX_NAME} cannot be read ({error.strerror or error}); "
            "give another name"
        ) from error
    try:
        fields = Fields(parse_json(content, str(place)), str(place))
        head = {name: fields.anything(name) for name in ("synthetic", "statement", "format", "condition", "schema")}
        provenance = fields.fields("provenance")
        seed = provenance.integer("seed", maximum=2**64 - 1)
        head["provenance"] = {name: provenance.anything(name) for name in provenance.names()} | {"seed": seed}
        tally = tally_from_json(fields.fields("violations")) if "violations" in fields.names() else Tally()
        done = [_range(item, str(place)) for item in _items(fields.anything("done"), str(place))]
        fields.end()
    except BundleError as error:
        raise OutputError(f"{error}; give another name, or remove the folder") from error
    return head, joined(done), tally


def _items(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise BundleError(f"{where}: 'done' must be a list of ranges")
    return value


def _range(value: object, where: str) -> Range:
    match value:
        case [int() as first, int() as stop] if 0 <= first < stop < 2**63:
            return first, stop
    raise BundleError(f"{where}: 'done' must hold ranges [first, stop]")


def _check_same(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name in wanted:
        if name != "provenance" and found[name] != wanted[name]:
            raise OutputError(_differs(path, name, found[name], wanted[name]))
    origin = wanted["provenance"]
    for name in (*origin, "on_violation"):  # the last stands there only where samples were checked
        if (there := found["provenance"].get(name)) != origin.get(name):
            raise OutputError(_differs(path, name, there, origin.get(name)))


def _differs(path: Path, name: str, found: object, wanted: object) -> str:
    shown = "" if name == "schema" else f" ({found}, now {wanted})"
    return f"{path} cannot be gone on with: it is of another {name}{shown}; give another name, or --overwrite"
