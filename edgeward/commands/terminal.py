"""How commands talk to people: progress on standard error, tables and JSON on standard output."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

_LINE_EVERY_S = 10.0


def plain(text: str) -> str:
    """The text in one line, without what could move the cursor or change colours: words of bundles are a stranger's."""
    characters = text.replace("\n", " ")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in characters)


class Progress:
    """One line that is rewritten on a terminal, and now and then a line elsewhere.

    Args:
        label: What is going on.
        vanish: Whether the line is wiped off the terminal when all is done, for something that takes its place.
    """

    def __init__(self, label: str, *, vanish: bool = False) -> None:
        self._label, self._vanish = label, vanish
        self._started = self._shown = time.monotonic()
        self._on_terminal = sys.stderr.isatty()

    def __call__(self, done: int, of: int, note: str = "") -> None:
        """Show that `done` of `of` parts are done."""
        now = time.monotonic()
        finished = done >= of
        if not finished and not self._on_terminal and now - self._shown < _LINE_EVERY_S:
            return
        self._shown = now
        elapsed = now - self._started
        left = elapsed / done * (of - done) if done else 0.0
        clock = f"{elapsed:.0f} s" if finished else f"{left:.0f} s left"
        text = f"{self._label:<28} {100 * done // of:3d} %  {clock:<12} {note}".rstrip()
        if self._on_terminal:
            text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be rewritten
            wiped = finished and self._vanish
            click.echo("\r\x1b[2K" + ("" if wiped else text), err=True, nl=finished and not wiped)
        else:
            click.echo(text, err=True)


def announce(text: str) -> None:
    """Say on a terminal what is going on, in the line that a progress or a row then takes; nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{text}", err=True, nl=False)


@dataclass(frozen=True)
class Column:
    """One column of a table whose rows are not known yet."""

    head: str
    width: int
    right: bool = True
    """Whether its cells stand right, as numbers do."""


class GrowingTable:
    """A table on standard output that is printed row by row, its head with the first one.

    Args:
        columns: A cell that is wider than its column moves those right of it.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns, self._begun = columns, False

    def row(self, cells: Sequence[str], colours: Sequence[str | None] | None = None) -> None:
        """Print one more row.

        Args:
            cells: One for each column.
            colours: Of the cells, on a terminal; None: as they are.
        """
        announce("")
        if not self._begun:
            self._begun = True
            self._print([column.head for column in self._columns], None)
            click.echo("  ".join("─" * column.width for column in self._columns))
        self._print(cells, colours)

    def _print(self, cells: Sequence[str], colours: Sequence[str | None] | None) -> None:
        words = [
            f"{cell:>{column.width}}" if column.right else f"{cell:<{column.width}}"
            for column, cell in zip(self._columns, cells, strict=True)
        ]
        # Blanks at the end of a line are no part of it.
        last = max((number for number, cell in enumerate(cells) if cell), default=-1)
        words = [*words[:last], words[last].rstrip()] if last >= 0 else []
        if colours:
            words = [
                click.style(word, fg=colour) if colour else word for word, colour in zip(words, colours, strict=False)
            ]
        click.echo("  ".join(words))


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output; columns whose cells are all numbers or empty stand right."""
    lines = [headers, *([plain(cell) for cell in row] for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [all(cell[:1] in "0123456789-+<≈" for cell in column[1:]) for column in columns]
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
        if number == 0:
            click.echo("  ".join("─" * width for width in widths))


def readable_bytes(size: float) -> str:
    """E.g. `72 kB`."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def readable_count(count: float) -> str:
    """E.g. `1.99 M`."""
    for unit in ("", " k", " M"):
        if count < 1000:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:.3g} G"


def microseconds(value: float | None) -> str:
    """E.g. `68.3`; `-` for a percentile that the number of calls does not carry."""
    return "-" if value is None else f"{value:,.1f}"
