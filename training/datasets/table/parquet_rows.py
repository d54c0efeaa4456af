"""Read Parquet batch by batch, each entry as the text that CSV would have; pyarrow comes with an extra."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....runtime.errors import BackendError, DataError
from .rows import MAX_BYTES, MAX_FIELD, MAX_ROWS, Rows, check_header

_BATCH_ROWS = 4096
_MAX_UNPACKED_BYTES = 4 * MAX_BYTES


class ParquetRows(Rows):
    """The rows of a Parquet file; a position is the row's number, from 1.

    Args:
        path: The file.
    """

    place = "row"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pyarrow = _import_pyarrow()
        with self._wrapped() as file:
            metadata, schema = file.metadata, file.schema_arrow
        self.total, self.done = int(metadata.num_rows), 0
        # Counted before anything is unpacked: a small file can hold a very large table.
        unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
        if self.total > MAX_ROWS or unpacked > _MAX_UNPACKED_BYTES:
            raise DataError(
                f"{path} holds {self.total} rows of {unpacked} bytes, and at most {MAX_ROWS} of "
                f"{_MAX_UNPACKED_BYTES} are read; give a part of them"
            )
        self.header = check_header(path, [name.strip() for name in schema.names])
        for name, kind in zip(self.header, schema.types, strict=True):
            if not self._one_value(kind):
                raise DataError(f"{path}: column {name!r} holds {kind}, not one value a row; drop it, or write it so")

    def _one_value(self, kind: Any) -> bool:
        types = self._pyarrow.types
        bytes_of = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
        return not types.is_nested(kind) and not any(is_bytes(kind) for is_bytes in bytes_of)

    def _wrapped(self) -> Any:
        try:
            return self._pyarrow.parquet.ParquetFile(self.path)
        except (self._pyarrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{self.path} is no Parquet file, or is damaged: {_first_line(error)}") from error

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        with self._wrapped() as file:
            batches = file.iter_batches(batch_size=_BATCH_ROWS)
            while True:
                try:
                    batch = next(batches, None)
                    columns = [] if batch is None else [self._plain(column) for column in batch.columns]
                except (self._pyarrow.ArrowException, OSError, ValueError) as error:
                    raise DataError(
                        f"{self.path} is damaged after row {self.done}: {_first_line(error)}; write it again"
                    ) from error
                if batch is None:
                    return
                for entries in zip(*columns, strict=True):
                    self.done += 1
                    yield self.done, [self._text(entry) for entry in entries]

    def _plain(self, column: Any) -> list[object]:
        types = self._pyarrow.types
        # Of these Arrow knows the shortest text that means the same; Python has no type as narrow, or as fine.
        if types.is_float16(column.type) or types.is_float32(column.type) or types.is_temporal(column.type):
            column = column.cast(self._pyarrow.string())
        entries: list[object] = column.to_pylist()
        return entries

    def _text(self, entry: object) -> str:
        text = _text_of(entry)
        if len(text) > MAX_FIELD:
            raise DataError(f"{self.path}, row {self.done}: an entry has {len(text)} characters; it is no category")
        return text


def _text_of(entry: object) -> str:
    if entry is None or entry != entry:  # NaN, which pandas writes for missing
        return ""
    if isinstance(entry, bool):
        return "true" if entry else "false"
    # pandas makes floats of whole numbers where some are missing.
    text = (repr(entry) if isinstance(entry, float) else str(entry)).strip()
    return text.removesuffix(".0") if isinstance(entry, float) else text


def _import_pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
        import pyarrow.types
    except ImportError as error:
        raise BackendError(
            f"a Parquet file needs pyarrow ({error}); install it with: pip install 'edgeward[parquet]'"
        ) from error
    return pyarrow


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
