"""`edgeward bench`: measure how long a bundle takes on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from ..benchmarks.latency.bundle_latency import GENERATE, LatencyReport, measure_bundle
from ..devices import this_host
from ..runtime.atomic import atomic_file, check_output
from ..runtime.backends import BACKENDS, backend_named
from ..runtime.bundle import open_bundle
from ..runtime.provenance import edgeward_version
from .options import BUNDLE_ARGUMENT, JSON_OPTION, OVERWRITE_OPTION
from .server_side import server_side
from .terminal import Progress, microseconds, print_json, print_table

REPORT_SCHEMA = 1


@click.command(epilog="Example:  edgeward bench ecg-beats.edgeward --teacher teacher.pt -o latency.json")
@BUNDLE_ARGUMENT
@click.option("--teacher", type=click.Path(path_type=Path), help="Checkpoint to compare with (needs torch).")
@click.option("--backend", "backends", multiple=True, help="Engine to measure; can be repeated. Default: all.")
@click.option("--calls", type=click.IntRange(min=11), default=3000, show_default=True, help="Calls of each.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write the JSON report to a file.")
@OVERWRITE_OPTION
@JSON_OPTION
def command(
    bundle: Path,
    teacher: Path | None,
    backends: tuple[str, ...],
    calls: int,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure the latency of single samples of BUNDLE: closed loop, one thread, contenders taking turns.

    Each variant runs on each engine present, beside a bare loop over onnxruntime's own session.run with
    prepared inputs, and beside the PyTorch teacher if one is given.
    """
    if output:
        check_output(output, overwrite=overwrite)
    for name in backends:
        backend_named(name)
    opened = open_bundle(bundle)
    if teacher:
        report = _with_teacher(
            teacher,
            lambda call: measure_bundle(
                opened,
                backends=backends or tuple(BACKENDS),
                teacher=call,
                calls=calls,
                on_progress=Progress("Measuring"),
            ),
        )
    else:
        report = measure_bundle(
            opened, backends=backends or tuple(BACKENDS), calls=calls, on_progress=Progress("Measuring")
        )
    document = {
        "schema": REPORT_SCHEMA,
        "edgeward": edgeward_version(),
        "mode": "closed loop, one process, one thread, batch 1",
        "bundle_sha256": opened.digest,
        "host": this_host().to_json(),
        **report.to_json(),
    }
    if output:
        with atomic_file(output) as file:
            file.write((json.dumps(document, indent=1) + "\n").encode())
    if as_json:
        print_json(document)
    else:
        print_report(report)


@server_side
def _with_teacher(path: Path, run: Callable[[Callable[[int], object]], LatencyReport]) -> LatencyReport:
    from ..compression.cost import one_torch_thread, torch_call
    from ..training.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    with one_torch_thread():
        return run(torch_call(checkpoint.generator(), checkpoint.schema))


def print_report(report: LatencyReport) -> None:
    """The table for people, with what a reader must know to trust it."""
    rows = []
    for row in report.rows:
        speed_up, overhead = report.speed_up(row), report.overhead_us(row)
        above = ""
        if overhead is not None and row.latency.p50_us:
            share = overhead / (row.latency.p50_us - overhead)
            above = f"{overhead:+.1f} ({share:+.0%})"
        rows.append(
            [
                row.what,
                row.precision,
                row.backend,
                microseconds(row.latency.p50_us),
                microseconds(row.latency.p90_us),
                microseconds(row.latency.p99_us),
                "" if speed_up is None else f"{speed_up:.1f}x",
                above,
            ]
        )
    print_table(["what", "precision", "engine", "p50 µs", "p90 µs", "p99 µs", "vs teacher", "over bare µs"], rows)
    host = this_host()
    click.echo(f"\n{host.cpu} ({host.cpu_class}), one thread, {report.rows[0].latency.n:,} calls each, in turns")
    for name, reason in report.absent.items():
        click.echo(f"{name}: {reason}")
    lowest = min(row.latency.cpu_share for row in report.rows if row.what == GENERATE)
    if lowest < 0.97:
        click.echo(
            f"Other programs took part of the processor (CPU share down to {lowest:.2f}): "
            "trust the medians and their ratios, not the p99."
        )
