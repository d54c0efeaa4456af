"""`edgeward evaluate`: judge a generator's data against real data, and its weights for privacy."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..runtime.archive import is_archive
from ..runtime.atomic import atomic_folder, check_output
from ..runtime.bundle import open_bundle
from ..runtime.errors import RequestError, TrainingError
from .options import DATA_HELP, JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION, drawn_seed
from .server_side import load_data, server_side
from .terminal import Progress, print_json, print_table

if TYPE_CHECKING:
    from ..benchmarks.quality import Evidence

_SHOWN = ("frechet_distance", "coverage", "density", "two_sample_auc", "tstr", "dcr_share", "loss_auc", "lira_auc")
_LIGHTS = {"green": ("green", "●"), "amber": ("yellow", "◐"), "red": ("red", "○"), "grey": ("bright_black", "·")}


@click.command(
    epilog="Example:  edgeward evaluate ecg-beats.edgeward --against mitdb/ --teacher teacher.pt -o judged --attach"
)
@click.argument("generator", type=click.Path(path_type=Path))
@click.option("--against", required=True, help=DATA_HELP)
@click.option("--teacher", type=click.Path(path_type=Path), help="Checkpoint the bundle was made from.")
@click.option("--quick", is_flag=True, help="Under a minute: fewer records and shorter training, wider intervals.")
@click.option("--seeds", type=click.IntRange(min=1), help="Classifiers per row.  [default: 5]")
@click.option("--steps", type=click.IntRange(min=1), help="Their training steps.  [default: 1500, quick 80]")
@click.option("--per-class", type=click.IntRange(min=1), help="Synthetic samples of a class for each classifier.")
@click.option(
    "--shadows",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Shadow generators for the likelihood-ratio attack, an even number; each is a training of its own.",
)
@click.option("--shadow-recipe", help="How these are trained.  [default: the teacher's recipe]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the report and evidence.json.")
@click.option("--attach", is_flag=True, help="Put evidence.json and its section of CARD.md into the bundle.")
@SEED_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
@server_side
def command(
    generator: Path,
    against: str,
    teacher: Path | None,
    quick: bool,
    seeds: int | None,
    steps: int | None,
    per_class: int | None,
    shadows: int,
    shadow_recipe: str | None,
    output: Path | None,
    attach: bool,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Judge GENERATOR's data against real, held-out patients: fidelity, utility, privacy, fairness.

    GENERATOR is a bundle, or the checkpoint of a model that is not compressed yet.

    Beside every variant stand real training patients (the ceiling), copies of them (a memoriser, whose privacy must
    fail), shuffled records (the floor), and the teacher, if given. Intervals are 95 %, over patients.
    """
    from ..benchmarks.quality import EVIDENCE_NAME, FULL, QUICK
    from ..judgement import Judged, judge_prepared, prepare
    from ..training.checkpoint import load_checkpoint
    from ..training.private.refusals import check_recipe
    from ..training.recipe import load_training_recipe

    if shadows % 2:
        raise RequestError(f"--shadows come in pairs, one half of the patients each: an even number, not {shadows}")
    if output:
        import_module("jinja2")  # only a report needs it: missed now, and not after the judging
        check_output(output, overwrite=overwrite, folder=True)
    if generator.is_file() and not is_archive(generator):
        if teacher or attach:
            raise RequestError(f"{generator} is a checkpoint: it is judged alone, and evidence is attached to bundles")
        judged = Judged(None, load_checkpoint(generator))
        if judged.teacher and not judged.teacher.complete:
            raise TrainingError(f"{generator} is not trained to its end; finish it with: edgeward train --resume")
    else:
        judged = Judged(open_bundle(generator), load_checkpoint(teacher) if teacher else None)
    checkpoint = judged.teacher
    if shadow_recipe:
        recipe = load_training_recipe(shadow_recipe)
    elif shadows and checkpoint:
        recipe = checkpoint.recipe
    elif shadows:
        raise RequestError("--shadows need a recipe to train by: give --teacher or --shadow-recipe")
    else:
        recipe = None
    privacy = judged.privacy
    if privacy and recipe and shadows:
        # An attacker trains shadows as the generator was; without its noise they would be no likeness of it.
        check_recipe(dataclasses.replace(recipe, evaluations=0))
    changes: dict[str, Any] = {"seeds": seeds, "steps": steps, "per_class": per_class, "shadows": shadows}
    effort = dataclasses.replace(
        QUICK if quick else FULL, **{name: value for name, value in changes.items() if value is not None}
    )
    seed = drawn_seed(seed)
    dataset = load_data(judged.kind, against, None, seed)
    prepared = prepare(dataset, judged, effort, seed=seed)
    evidence = judge_prepared(
        prepared,
        effort,
        shadow_recipe=recipe if shadows else None,
        work=output.with_name(f"{output.name}.work") if output else None,
        dp=privacy,
        on_progress=Progress("Judging"),
    )
    if output:
        from ..benchmarks.report.evidence_page import render_evidence_page
        from ..evidence_page import page_content

        page = render_evidence_page(evidence, page_content(prepared))
        with atomic_folder(output) as folder:
            (folder / EVIDENCE_NAME).write_bytes(evidence.to_bytes())
            (folder / "index.html").write_text(page, encoding="utf-8")
    attached = None
    if attach and judged.bundle:
        from ..compression.evidence import attach_evidence

        attached = attach_evidence(judged.bundle, evidence)
    if as_json:
        print_json(evidence.to_json())
        return
    print_evidence(evidence)
    if dataset.provenance.synthetic:
        click.echo("The test patients are simulated: this says nothing about real patients.")
    if output:
        click.echo(f"Look at it:  {(output / 'index.html').resolve().as_uri()}")
    if attached:
        click.echo(f"Attached to {attached.path}, now sha256 {attached.digest[:16]}…")
        if judged.bundle and judged.bundle.signature:
            click.echo("Its signature was of the bundle without the evidence and is gone; sign it again.")


def print_evidence(evidence: Evidence) -> None:
    """The lights, and a table of the measures people ask for first."""
    from ..benchmarks.quality.measures import MEASURES

    rows = []
    for name in _SHOWN:
        figures = [evidence.figure(name, source) for source in evidence.sources()]
        if any(figures):
            cells = [figure.text(2, "-") if figure else "" for figure in figures]
            rows.append([MEASURES[name].title, *cells])
    print_table(["", *evidence.sources()], rows)
    click.echo("")
    for verdict in evidence.verdicts:
        colour, sign = _LIGHTS[verdict.light]
        light = click.style(f"{sign} {verdict.light:<5}", fg=colour)
        click.echo(f"{light}  {verdict.source:<8} {verdict.axis:<12} {verdict.text}")
