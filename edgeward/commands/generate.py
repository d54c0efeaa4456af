"""`edgeward generate`: make synthetic data with a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.bundle import open_bundle
from ..runtime.choice import AUTO
from ..runtime.errors import OutputError, RequestError
from ..runtime.formats import FORMATS, Format, check_suits, format_for
from ..runtime.formats.folder import remove_folder, seed_of_folder
from ..runtime.generator import load
from ..runtime.provenance import STATEMENT
from ..runtime.violations import CHOICES, OnViolation, Tally
from .choice_table import print_choice
from .options import BUNDLE_ARGUMENT, JSON_OPTION, OVERWRITE_OPTION, REQUIRE_SIGNATURE_OPTION
from .terminal import Progress, print_json, print_table, readable_bytes

_EXAMPLE = "edgeward generate ecg-beats.edgeward -n 100 --condition beat_class=V --seed 7 -o beats.csv"
_SHOWN_RULES = 10


@click.command(epilog=f"Example:  {_EXAMPLE}")
@BUNDLE_ARGUMENT
@click.option("-n", type=int, required=True, help="How many samples.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File or folder to write.")
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    help=f"{', '.join(FORMATS)}. Without it, the suffix decides. The last five hold a sample a file, in a folder.",
)
@click.option("--condition", "conditions", multiple=True, metavar="NAME=VALUE", help="Hold a condition fixed.")
@click.option("--seed", type=int, help="Same seed, same samples. Without it one is drawn and reported.")
@click.option("--first", type=int, default=0, show_default=True, help="Index of the first sample of the seed.")
@click.option(
    "--backend",
    default=AUTO,
    show_default=True,
    help="onnxruntime, openvino, tensorrt, tensorrt-rtx, or the fastest on the processor that is right.",
)
@click.option("--device", help="Where a named engine computes: cpu, cuda, gpu, …; see docs/backends.md.")
@click.option("--precision", default=AUTO, show_default=True, help="fp32, int8, …, or the fastest that is right.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads an operator may use.")
@click.option(
    "--on-violation",
    type=click.Choice(CHOICES),
    default="report",
    show_default=True,
    help="Samples that break a rule of the bundle are counted, drawn anew, or an error.",
)
@click.option("--resume", is_flag=True, help="Go on with a folder: only the samples it lacks are made.")
@click.option("--why", is_flag=True, help="Show why this engine and precision were taken.")
@REQUIRE_SIGNATURE_OPTION
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
    device: str | None,
    precision: str,
    threads: int,
    on_violation: OnViolation,
    resume: bool,
    why: bool,
    require_signature: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make N synthetic samples with BUNDLE and write them to a file, or to a folder with a file a sample.

    Any number of samples is written in constant memory. Every file says that it is synthetic, and from
    which bundle and seed it comes. Every sample is checked against the ranges and rules of the bundle;
    how many broke one, which, and what was done, stands in the provenance. Nothing is clipped. Which
    engine and precision are right and fastest on this machine is measured once and remembered; name both
    to make the same bytes again on another day.

    \b
        edgeward generate ecg-beats.edgeward -n 100 --seed 7 -o beats/ --format wfdb
        edgeward generate chest-xrays.edgeward -n 1 -o scan.dcm
    """  # noqa: D301 - click wants the character, not the two that a raw text has
    file_format = format_for(output, format_name)
    file_format.need_library()
    going_on = resume and _goes_on(file_format, output, overwrite)
    opened = open_bundle(bundle, require_signature=require_signature)
    with load(opened, backend=backend, precision=precision, threads=threads, device=device) as generator:
        check_suits(file_format, generator.source.schema)
        if going_on and seed is None:
            seed = seed_of_folder(output)
        series = generator.series(n, condition=_parsed(conditions), seed=seed, first=first, on_violation=on_violation)
        if not going_on:
            _make_room(file_format, output, overwrite, file_format.estimate_bytes(series))
        progress = Progress("Generating")
        tally = file_format.write(series, output, lambda done: progress(done, n))
    if as_json:
        explained = {"choice": generator.choice.to_json()} if why else {}
        print_json({"file": str(output), "bytes": _bytes(output), **series.provenance_with(tally), **explained})
        return
    if why:
        print_choice(generator.choice)
        click.echo("")
    click.echo(f"{output}: {n:,} samples, {readable_bytes(_bytes(output))}, seed {series.seed}")
    _print_tally(tally, on_violation)
    click.echo(STATEMENT)


def _print_tally(tally: Tally, on_violation: OnViolation) -> None:
    if not tally.violating:
        click.echo(f"Plausible: all {tally.checked:,} keep to the bundle's ranges and rules")
        return
    done = (
        f"drawn anew, {tally.redraws:,} draws more"
        if on_violation == "resample"
        else "kept; --on-violation resample draws anew"
    )
    click.echo(f"Implausible: {tally.violating:,} of {tally.checked:,} broke a rule of the bundle ({done})")
    rules = sorted(tally.by_rule.items(), key=lambda item: -item[1])
    print_table(("rule", "samples"), [(name, f"{count:,}") for name, count in rules[:_SHOWN_RULES]])
    if len(rules) > _SHOWN_RULES:
        click.echo(f"and {len(rules) - _SHOWN_RULES} rules more, see the provenance")


def _goes_on(file_format: Format, output: Path, overwrite: bool) -> bool:
    """Whether there is a folder to go on with."""
    if overwrite:
        raise RequestError("--resume keeps what is there, --overwrite removes it; give one of them")
    if file_format.outputs(output):
        raise RequestError(f"--resume goes on with a folder of records, and {output.name} is one file; leave it out")
    return output.exists()


def _make_room(file_format: Format, output: Path, overwrite: bool, needed_bytes: int) -> None:
    """Check the places of all files that will be written; a folder that is to be replaced goes first."""
    files = file_format.outputs(output)
    if not files and output.is_dir() and not overwrite:
        raise OutputError(f"{output} is there already; --resume to go on with it, --overwrite to replace it")
    for file in files or (output,):
        check_output(file, overwrite=overwrite, folder=not files, needed_bytes=needed_bytes)
    if not files and output.exists():
        remove_folder(output)


def _bytes(output: Path) -> int:
    files = output.iterdir() if output.is_dir() else [output]
    return sum(file.stat().st_size for file in files)


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
