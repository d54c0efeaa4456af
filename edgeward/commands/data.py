"""`edgeward data`: describe a table of patients, so that it can be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..runtime.atomic import atomic_file, check_output
from ..runtime.errors import RequestError
from ..runtime.schema import NumberColumn
from .options import JSON_OPTION, OVERWRITE_OPTION
from .terminal import Progress, print_json, print_table

if TYPE_CHECKING:
    from ..training.datasets.table.infer import Inferred

_SHOWN = 60
"""Columns of the terminal for what a column holds."""


@click.group(epilog="Example:  edgeward data infer heart.csv --label num -o heart.toml")
def command() -> None:
    """Describe your own data, so that they can be trained on."""


@command.command(epilog="Example:  edgeward data infer heart.csv --label num --missing=-9 -o heart.toml")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", required=True, metavar="COLUMN", help="The outcome: a choice among a few classes.")
@click.option("--patient", metavar="COLUMN", help="Says whose row it is. Without it, every row is a patient.")
@click.option("--missing", multiple=True, metavar="TEXT", help="One more entry that means: not known. May be repeated.")
@click.option("--separator", metavar="CHARACTER", help="Between fields, or the word tab. Without it, it is guessed.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of a CSV file: utf-8, latin-1 or cp1252.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="TOML file to write. [default: beside FILE]")
@OVERWRITE_OPTION
@JSON_OPTION
def infer(
    file: Path,
    label: str,
    patient: str | None,
    missing: tuple[str, ...],
    separator: str | None,
    encoding: str,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Describe FILE (CSV or Parquet) in a TOML file to read, mend and train by.

    Columns that could tell who a patient is (numbers of patients, dates, free text) are left out, with the reason.
    """
    from ..training.datasets.table.description import DEFAULT_MISSING, PLACEHOLDER
    from ..training.datasets.table.description_writer import write_description
    from ..training.datasets.table.infer import infer_schema

    output = output or file.with_suffix(".toml")
    if output.suffix != ".toml":
        raise RequestError(f"a description is a TOML file: call it {output.with_suffix('.toml')}, not {output}")
    check_output(output, overwrite=overwrite)
    inferred = infer_schema(
        file,
        label=label,
        patient=patient,
        missing=(*DEFAULT_MISSING, *missing),
        separator="\t" if separator == "tab" else separator,
        encoding=encoding,
        folder=output.parent,
        on_progress=Progress("Reading data"),
    )
    text = write_description(inferred.description, inferred.remarks)
    with atomic_file(output) as written:
        written.write(text.encode("utf-8"))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if f'= "{PLACEHOLDER}' in line]
    if as_json:
        print_json(_as_json(inferred, output, lines))
        return
    _print(inferred)
    columns, classes = inferred.description.columns, inferred.description.label.classes()
    click.echo(
        f"\n{output}: {len(columns)} columns, {len(classes)} classes\n"
        f"Next:  read it, and fill in lines {', '.join(map(str, lines))}. Then:  edgeward train --data {output} "
        "--recipe RECIPE -o teacher.pt"
    )


def _print(inferred: Inferred) -> None:
    description = inferred.description
    print_table(
        ["column", "kind", "missing", "holds"],
        [
            [source.name, _kind(source.schema()), "yes" if source.missing else "", _cut(source.schema().describe())]
            for source in description.columns
        ],
    )
    for column, reason in description.left_out.items():
        click.echo(f"left out: {column}: {reason}")
    label = description.label
    click.echo(f"label: {label.column}: {inferred.remarks[label.column]}")


def _kind(column: Any) -> str:
    if isinstance(column, NumberColumn):
        return "number"
    return "grades" if column.ordered else "category"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _as_json(inferred: Inferred, output: Path, lines: list[int]) -> dict[str, Any]:
    description = inferred.description
    return {
        "description": str(output),
        "file": description.file,
        "rows": inferred.rows,
        "label": {"column": description.label.column, "classes": list(description.label.classes())},
        "patient": description.patient,
        "columns": [
            {"column": source.column, **source.schema().to_json(), "why": inferred.remarks[source.column]}
            for source in description.columns
        ],
        "left_out": dict(description.left_out),
        "lines_to_fill_in": lines,
    }
