"""`edgeward generate`: make synthetic data with a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.errors import RequestError
from ..runtime.formats import format_for
from ..runtime.generator import load
from ..runtime.provenance import STATEMENT
from .options import BUNDLE_ARGUMENT, JSON_OPTION, OVERWRITE_OPTION
from .terminal import Progress, print_json, readable_bytes


@click.command(
    epilog="Example:  edgeward generate ecg-beats.edgeward -n 100 --condition beat_class=V --seed 7 -o beats.csv"
)
@BUNDLE_ARGUMENT
@click.option("-n", type=int, required=True, help="How many samples.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--format", "format_name", help="npz or csv. Without it, the file's suffix decides.")
@click.option("--condition", "conditions", multiple=True, metavar="NAME=VALUE", help="Hold a condition fixed.")
@click.option("--seed", type=int, help="Same seed, same samples. Without it one is drawn and reported.")
@click.option("--first", type=int, default=0, show_default=True, help="Index of the first sample of the seed.")
@click.option("--backend", default="onnxruntime", show_default=True, help="onnxruntime or openvino.")
@click.option("--precision", help="fp32, int8, …  Without it, the bundle's default.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads an operator may use.")
@OVERWRITE_OPTION
@JSON_OPTION
def command(
    bundle: Path,
    n: int,
    output: Path,
    format_name: str | None,
    conditions: tuple[str, ...],
    seed: int | None,
    first: int,
    backend: str,
    precision: str | None,
    threads: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make N synthetic samples with BUNDLE and write them to a file.

    Any number of samples is written in constant memory. Every file says that it is synthetic, and from
    which bundle and seed it comes.
    """
    file_format = format_for(output, format_name)
    with load(bundle, backend=backend, precision=precision, threads=threads) as generator:
        series = generator.series(n, condition=_parsed(conditions), seed=seed, first=first)
        check_output(output, overwrite=overwrite, needed_bytes=file_format.estimate_bytes(series))
        progress = Progress("Generating")
        file_format.write(series, output, lambda done: progress(done, n))
    if as_json:
        print_json({"file": str(output), "bytes": output.stat().st_size, **series.provenance})
        return
    click.echo(f"{output}: {n:,} samples, {readable_bytes(output.stat().st_size)}, seed {series.seed}")
    click.echo(STATEMENT)


def _parsed(conditions: tuple[str, ...]) -> dict[str, str | float]:
    parsed: dict[str, str | float] = {}
    for text in conditions:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--condition {text}: write it as NAME=VALUE, e.g. beat_class=V")
        if name in parsed:
            raise RequestError(f"--condition {name} is given twice")
        parsed[name] = value
    return parsed
