"""`edgeward compare`: several judgements side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..runtime.errors import RequestError
from .options import JSON_OPTION
from .server_side import server_side
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from ..benchmarks.quality.figure import Figure

_SHOWN = ("coverage", "two_sample_auc", "frechet_distance", "tstr", "loss_auc", "lira_auc")


@click.command(epilog="Example:  edgeward compare judged-vae judged-gan judged-diffusion --markdown")
@click.argument("judged", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--measure", "measures", multiple=True, help=f"Measure to show; may be repeated.  [default: {', '.join(_SHOWN)}]"
)
@click.option("--markdown", is_flag=True, help="Answer as a Markdown table.")
@JSON_OPTION
@server_side
def command(judged: tuple[Path, ...], measures: tuple[str, ...], markdown: bool, as_json: bool) -> None:
    """Show the figures of several judgements, each a folder of `edgeward evaluate -o`, in one table.

    Judgements against the same data with the same effort stand together, below what real records reach there.
    """
    from ..benchmarks.quality.measures import MEASURES
    from ..benchmarks.quality.side_by_side import read_side_by_side

    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        raise RequestError(f"there is no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    rows = read_side_by_side(judged)
    shown = [name for name in measures or _SHOWN if any(name in row.figures for row in rows)]
    if as_json:
        print_json(
            {
                "rows": [
                    {
                        "data": row.data,
                        "name": row.name,
                        **{name: row.figures[name].to_json() for name in shown if name in row.figures},
                    }
                    for row in rows
                ]
            }
        )
        return
    headers = ["generator", *(MEASURES[name].title for name in shown)]
    blocks: dict[str, list[list[str]]] = {}
    for row in rows:
        blocks.setdefault(row.data, []).append([row.name, *(_cell(row.figures.get(name)) for name in shown)])
    for data, lines in blocks.items():
        if markdown:
            click.echo(f"\n**{data}**\n\n| {' | '.join(headers)} |\n|---|{'---|' * len(shown)}")
            for line in lines:
                click.echo(f"| {' | '.join(line)} |")
        else:
            click.secho(f"\n{data}", bold=True)
            print_table(headers, lines)


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return ""
    return figure.text(2 if abs(figure.value) < 10 else 0, " to ")
