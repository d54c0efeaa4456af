"""What a file format is to the rest of Edgeward, and the kind that writes all samples to one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import BackendError, RequestError
from ..generator import Series
from ..schema import ImageSchema, Schema, SignalSchema
from ..violations import Tally

Progress = Callable[[int], None]
"""Called with the number of samples done so far."""


class Format(Protocol):
    """How one file format is written. Nothing of its library is imported before `need_library` or `write`."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of a file by which it is told, with its dot."""
        ...

    def refusal(self, schema: Schema) -> str:
        """Why these data have no place in it, to follow "because"; empty where they have one."""
        ...

    def need_library(self) -> None:
        """Do nothing, or raise where the library is missing.

        Raises:
            BackendError: It is; the message gives the command that installs it.
        """
        ...

    def outputs(self, path: Path) -> tuple[Path, ...]:
        """What is asked for by `path`, a file or the files of a record; empty where `path` becomes a folder."""
        ...

    def estimate_bytes(self, series: Series) -> int:
        """About how large the output will be."""
        ...

    def write(self, series: Series, path: Path, on_progress: Progress) -> Tally:
        """Write the series: a file appears whole or not at all, a folder can be gone on with.

        Returns:
            What the guard found in all samples that are there, in a folder also in those that were; empty where it was
            not asked for.

        Raises:
            RequestError: The samples have no place in this format.
            GateError: A value has: it is outside the range the bundle declares, or not finite. Or a sample breaks a
                rule that the series may not break.
            OutputError: The system refused to write.
        """
        ...


def need_place(chosen: Format, schema: Schema) -> None:
    """Do nothing, or raise where a format has no place for these data.

    Raises:
        RequestError: It has none.
    """
    if refusal := chosen.refusal(schema):
        raise RequestError(f"{schema.name} cannot be written as {chosen.name}, because {refusal}")


def no_library() -> None:
    """What a format needs that comes with Edgeward."""


@dataclass(frozen=True)
class FileFormat:
    """All samples in one file."""

    name: str
    suffix: str
    refuse: Callable[[Schema], str]
    write_file: Callable[[Series, Path, Progress], Tally]
    bytes_of: Callable[[Series], int]
    library: Callable[[], None] = no_library

    def refusal(self, schema: Schema) -> str:
        """Why these data have no place in it."""
        return self.refuse(schema)

    def need_library(self) -> None:
        """Raise where its library is missing."""
        self.library()

    def outputs(self, path: Path) -> tuple[Path, ...]:
        """The one file."""
        return (path,)

    def estimate_bytes(self, series: Series) -> int:
        """About how large the file will be."""
        return self.bytes_of(series)

    def write(self, series: Series, path: Path, on_progress: Progress) -> Tally:
        """Write the file; the same series gives the same bytes."""
        need_place(self, series.generator.source.schema)
        return self.write_file(series, path, on_progress)


def anything(schema: Schema) -> str:  # noqa: ARG001 - it refuses none
    """The refusal of a format that holds every kind of data."""
    return ""


OWN_COLUMNS = ("index", "synthetic")
"""What formats with named columns call their own."""


def named_columns(schema: Schema) -> str:
    """The refusal of a format for signals and tables whose columns have names, and two of them its own."""
    if isinstance(schema, ImageSchema):
        return "they are images"
    names = [part[0] for part in schema.parts()]
    taken = next((name for name in OWN_COLUMNS if name in names), "")
    return f"{taken!r} is the name of a column of its own" if taken else ""


def only_signals(schema: Schema) -> str:
    """The refusal of a format for signals."""
    return "" if isinstance(schema, SignalSchema) else "it holds signals"


def missing_library(error: ImportError, extra: str) -> BackendError:
    """The error where a format's library cannot be imported."""
    return BackendError(
        f"{error.name or extra} cannot be imported ({error}); install it with: pip install 'edgeward[{extra}]'"
    )
