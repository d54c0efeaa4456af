"""`edgeward demo`: the whole chain in about three minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..runtime.atomic import check_output
from .options import DATA_HELP, OVERWRITE_OPTION, SEED_OPTION, drawn_seed
from .server_side import load_data, server_side
from .terminal import Progress, readable_bytes

if TYPE_CHECKING:
    from ..demo import Demo


@click.command(epilog="Example:  edgeward demo --data mitdb/ -o demo-real")
@click.option("--data", default="simulated", show_default=True, help=DATA_HELP)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder to fill.",
)
@SEED_OPTION
@OVERWRITE_OPTION
@server_side
def command(data: str, output: Path, seed: int | None, overwrite: bool) -> None:
    """Train a small ECG-beat generator, compress it, run it, measure it, and show it on a page.

    Needs no data: the embedded simulator makes them. Takes about three minutes on two cores.
    """
    from ..demo import run_demo

    check_output(output, overwrite=overwrite, folder=True)
    seed = drawn_seed(seed)
    number = 0

    def step(title: str) -> Callable[..., None]:
        nonlocal number
        number += 1
        return Progress(f"{number}/5 {title}")

    demo = run_demo(lambda: load_data("ecg-beats", data, None, seed), output, seed=seed, step=step)
    _print_summary(demo, seed)


def _print_summary(demo: Demo, seed: int) -> None:
    """What came of it, in words a newcomer understands."""
    from ..benchmarks.latency.bundle_latency import GENERATE

    precision = demo.bundle.manifest.default_precision
    teacher, small = demo.compressed.teacher_cost, demo.compressed.steps[-1].cost
    row = demo.latency.find(GENERATE, precision, "onnxruntime")
    assert row is not None  # noqa: S101 - onnxruntime is part of the core
    speed_up = demo.latency.speed_up(row)
    quality = {name: tested.macro_f1() for name, tested in demo.quality.items()}
    click.echo("")
    click.echo(
        f"Size      {readable_bytes(teacher.bytes)} as trained, {readable_bytes(small.bytes)} in 8 bits: "
        f"{teacher.bytes / small.bytes:.1f} times smaller"
    )
    if speed_up and row.latency.p50_us:
        click.echo(
            f"Speed     {row.latency.p50_us:.0f} µs a beat on one core: {speed_up:.1f} times faster than PyTorch"
        )
    click.echo(
        "Use       macro-F1 on held-out beats of a classifier trained on\n"
        + "\n".join(
            f"          {label:<24} {quality[name].value:.2f}  ({quality[name].low:.2f} to {quality[name].high:.2f})"
            for name, label in (
                ("real", "simulated beats" if demo.simulated else "real beats"),
                ("teacher", "the full model's"),
                (precision, "the small generator's"),
            )
        )
    )
    if demo.simulated:
        click.echo("          The data were simulated: this says nothing about real patients.")
    click.echo(f"\n{demo.seconds:.0f} s, seed {seed}. Synthetic data, not for clinical use.")
    click.echo(f"Look at it:  {demo.page.resolve().as_uri()}")
    click.echo(f"Then try:    edgeward generate {demo.bundle.path} -n 100 --condition beat_class=V -o beats.csv")
