"""`edgeward evaluate`: judge a bundle's data against real data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..runtime.bundle import open_bundle
from ..runtime.errors import DataError
from .options import BUNDLE_ARGUMENT, DATA_HELP, JSON_OPTION, SEED_OPTION, drawn_seed
from .server_side import load_data, server_side
from .terminal import Progress, print_json, print_table

if TYPE_CHECKING:
    from ..benchmarks.quality import UtilityScore


@click.command(epilog="Example:  edgeward evaluate ecg-beats.edgeward --against mitdb/ --teacher teacher.pt")
@BUNDLE_ARGUMENT
@click.option("--against", required=True, help=DATA_HELP)
@click.option("--teacher", type=click.Path(path_type=Path), help="Checkpoint the bundle was made from.")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Classifiers per row.")
@click.option("--steps", type=click.IntRange(min=1), default=1500, show_default=True, help="Their training steps.")
@click.option(
    "--per-class",
    type=click.IntRange(min=1),
    default=4000,
    show_default=True,
    help="Synthetic samples per class.",
)
@SEED_OPTION
@JSON_OPTION
@server_side
def command(
    bundle: Path,
    against: str,
    teacher: Path | None,
    seeds: int,
    steps: int,
    per_class: int,
    seed: int | None,
    as_json: bool,
) -> None:
    """Train a small classifier on BUNDLE's synthetic data only, and test it on real held-out patients.

    The same classifier trained on real patients stands beside it. Intervals are 95 %, over test patients
    and classifier seeds. A simulated dataset is judged the same way, and says so.
    """
    from ..training.checkpoint import load_checkpoint
    from ..utility import judge_utility

    opened = open_bundle(bundle)
    checkpoint = load_checkpoint(teacher) if teacher else None
    seed = drawn_seed(seed)
    classes = opened.manifest.data.conditions
    dataset = load_data(against, None, seed)
    if dataset.schema.shape != opened.manifest.data.shape or not classes:
        raise DataError(f"{against} holds {dataset.schema.name}, the bundle makes {opened.manifest.data.name}")
    scores = judge_utility(
        dataset,
        opened,
        checkpoint,
        seed=seed,
        per_class=per_class,
        seeds=seeds,
        steps=steps,
        on_progress=Progress("Training classifiers"),
    )
    if as_json:
        print_json(
            {
                "measure": "train on synthetic, test on real: macro-F1",
                "bundle_sha256": opened.digest,
                "data": dataset.provenance.source,
                "data_simulated": dataset.provenance.synthetic,
                "seed": seed,
                "scores": {name: score.to_json() for name, score in scores.items()},
            }
        )
        return
    print_scores(scores)
    if dataset.provenance.synthetic:
        click.echo("The test patients are simulated: this says nothing about real patients.")


def print_scores(scores: dict[str, UtilityScore]) -> None:
    """The table for people."""
    first = next(iter(scores.values()))
    print_table(
        ["trained on", "macro-F1", "95 % interval", *first.per_class_f1, "samples"],
        [
            [
                name,
                f"{score.macro_f1:.3f}",
                f"{score.low:.3f} to {score.high:.3f}",
                *(f"{f1:.3f}" for f1 in score.per_class_f1.values()),
                f"{score.train_n:,}",
            ]
            for name, score in scores.items()
        ],
    )
    click.echo(
        f"\nTested on {first.test_n:,} beats of {first.test_patients} held-out patients, "
        f"{len(first.per_seed_macro_f1)} classifier(s) each; intervals over patients and classifiers."
    )
