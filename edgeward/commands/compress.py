"""`edgeward compress`: turn a trained generator into a small bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..runtime.atomic import atomic_file, check_output
from ..runtime.errors import RequestError, TrainingError
from ..runtime.rewrite import check_folder
from .fit_to_device import Asked, fit_to_device
from .options import DATA_HELP, JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION
from .server_side import load_data, server_side
from .terminal import Progress, announce, print_json

if TYPE_CHECKING:
    from ..compression import Compressed, CompressionRecipe
    from ..gatekeeper import ValidationJudge
    from ..runtime.bundle import Bundle
    from ..training.checkpoint import Checkpoint
    from ..training.datasets.dataset import Dataset

_EXAMPLE = "edgeward compress teacher.pt --recipe ecg-beats --against mitdb/ -o ecg-beats.edgeward --report page.html"


@click.command(epilog=f"Example:  {_EXAMPLE}")
@click.argument("teacher", type=click.Path(path_type=Path))
@click.option("--recipe", help="Name of a recipe, or a TOML file.  [default: ecg-beats]")
@click.option("--for", "device", metavar="DEVICE", help="Search what fits a device: see 'edgeward devices list'.")
@click.option("--latency", metavar="TIME", help="With --for: of one sample there at most, such as 5ms.")
@click.option("--size", metavar="SIZE", help="With --for: of the graph that runs at most, such as 1MB.")
@click.option("--quality", metavar="GOALS", help="With --for: what may be lost, such as 'distance 0.2' or tstr-1pt.")
@click.option("--budget", metavar="TIME", help="With --for: when to stop, such as 2h or 12trials.  [default: 30min]")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Bundle folder to write.")
@click.option(
    "--against",
    metavar="DATA",
    help=f"Judge every step on its validation patients, and hold the result to the recipe's allowances: {DATA_HELP}",
)
@click.option("--seeds", type=click.IntRange(min=5), help="Draws of noise a decision rests on.  [default: 5]")
@click.option(
    "--evaluate",
    type=click.Choice(["quick", "full"]),
    help="Judge the bundle on test patients afterwards, and attach the evidence, as 'edgeward evaluate' does.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Page to write: what each step bought, and cost.")
@click.option("--name", help="Name of the bundle. Without it, that of the data.")
@click.option("--bundle-version", default="0.1.0", show_default=True, help="Version of the bundle.")
@SEED_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
@server_side
def command(
    teacher: Path,
    recipe: str | None,
    device: str | None,
    latency: str | None,
    size: str | None,
    quality: str | None,
    budget: str | None,
    output: Path,
    against: str | None,
    seeds: int | None,
    evaluate: str | None,
    report: Path | None,
    name: str | None,
    bundle_version: str,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Prune, distil, quantise and export the checkpoint TEACHER into a bundle.

    Every step reports what it cost. A result that costs more quality than the recipe allows is not written, and the
    message says which step cost it. With --against, quality is what validation patients show, beside the teacher with
    the same noise; without, only how far samples moved is known, and bundle and card say so.

    An interrupted run goes on where it was: what its steps left is kept beside the bundle until it is done.

    With --for, the steps are searched until size, latency and quality are what was asked on that device. Beside
    the bundle a folder shows the front of what was found, and holds the recipe that makes the bundle again.

    \b
        edgeward compress teacher.pt --recipe mine.toml -o ward.edgeward
        edgeward compress teacher.pt --against simulated -o beats.edgeward --evaluate quick
        edgeward compress teacher.pt --for raspberry-pi-5 --latency 5ms --size 1MB -o beats.edgeward
    """  # noqa: D301 - click wants the character, not the two that a raw text has
    from ..compression import compress, load_compression_recipe, pack
    from ..compression.pipeline import released
    from ..training.checkpoint import load_checkpoint

    if against is None and (seeds or evaluate):
        raise RequestError(f"{'--seeds' if seeds else '--evaluate'} needs real records: say which with --against DATA")
    check_folder(output, overwrite=overwrite)
    work = output.with_name(output.name + ".work")
    check_output(work, overwrite=True, folder=True)
    if report:
        import_module("jinja2")  # only a report needs it: missed now, and not after the work
        check_output(report, overwrite=overwrite)
    asked = Asked(device, latency, size, quality, budget)
    if device is None:
        asked.refuse()
        plan = load_compression_recipe(recipe or "ecg-beats")
    elif recipe is not None:
        raise RequestError("--recipe says what to do, --for searches it; give one of the two")
    elif report or evaluate:
        raise RequestError("--report and --evaluate go with a recipe; a search leaves a report of its own")
    else:
        goals, limit = asked.goals(judged=against is not None), asked.limit()
    checkpoint = load_checkpoint(teacher)
    if not checkpoint.complete:
        raise TrainingError(f"{teacher} is not trained to its end; finish it with: edgeward train --resume")
    # Without a seed the teacher's is used, so that a run resumed without one is the same run.
    seed = checkpoint.seed if seed is None else seed
    # A simulator simulates again what the teacher learnt from.
    dataset = load_data(checkpoint.recipe.data, against, None, checkpoint.seed) if against else None
    judge = _judge(checkpoint, dataset, seed, seeds, work) if dataset else None
    if device is not None:
        fit_to_device(
            checkpoint,
            device,
            goals,
            limit,
            output,
            work,
            judge=judge,
            name=name or checkpoint.schema.name,
            version=bundle_version,
            seed=seed,
            overwrite=overwrite,
            as_json=as_json,
        )
        return
    table = None if as_json else _table(plan, judged=judge is not None)
    compressed = compress(
        checkpoint,
        plan,
        work,
        seed=seed,
        judge=judge,
        enforce=False,
        on_teacher=table.teacher if table else None,
        on_step=table.step if table else None,
        **_progress(),
    )
    announce("")
    if table:
        table.sum_up(compressed)
    try:
        compressed = released(compressed, plan, checkpoint)
    finally:  # of a result that is refused, too: it shows why
        if report:
            _write_report(report, plan, compressed, checkpoint, seed, name or checkpoint.schema.name)
    bundle = pack(
        output,
        checkpoint,
        compressed,
        plan,
        name=name or checkpoint.schema.name,
        version=bundle_version,
        seed=seed,
    )
    if dataset and evaluate:
        bundle = _evaluated(bundle, checkpoint, dataset, evaluate, seed)
    shutil.rmtree(work, ignore_errors=True)
    if as_json:
        print_json(_told(bundle, plan, compressed, seed))
        return
    from .compress_table import print_end

    print_end(bundle, compressed, seed, teacher=teacher, against=against, evaluated=evaluate is not None, report=report)


def _judge(checkpoint: Checkpoint, dataset: Dataset, seed: int, seeds: int | None, work: Path) -> ValidationJudge:
    from ..gatekeeper import GATE, ValidationJudge

    return ValidationJudge(checkpoint, dataset, seed=seed, effort=replace(GATE, seeds=seeds or GATE.seeds), cache=work)


def _table(plan: CompressionRecipe, *, judged: bool) -> Any:
    from .compress_table import CompressionTable

    return CompressionTable(plan, judged=judged, width=shutil.get_terminal_size((120, 24)).columns)


def _progress() -> dict[str, Callable[..., None]]:
    """Callbacks that show how far a step and its judgement are, in a line that the step's row then takes."""
    lines: dict[str, Progress] = {}

    def line(title: str) -> Progress:
        return lines.setdefault(title, Progress(title.capitalize(), vanish=True))

    return {
        "on_progress": lambda do, done, of: line(f"{do}")(done, of),
        "on_judging": lambda do, done, of, note: line(f"judging {do}")(done, of, note),
    }


def _write_report(
    report: Path, plan: CompressionRecipe, compressed: Compressed, checkpoint: Checkpoint, seed: int, name: str
) -> None:
    from ..benchmarks.report.compression_page import render_compression_page
    from ..compression_page import compression_page

    page = render_compression_page(compression_page(plan, compressed, checkpoint, seed, name=name))
    with atomic_file(report) as file:
        file.write(page.encode())


def _evaluated(bundle: Bundle, checkpoint: Checkpoint, dataset: Dataset, how: str, seed: int) -> Bundle:
    """The bundle with the evidence of a judgement on test patients."""
    from ..benchmarks.quality import FULL, QUICK
    from ..compression.evidence import attach_evidence
    from ..compression.privacy import privacy_of
    from ..judgement import Judged, judge_prepared, prepare

    effort = QUICK if how == "quick" else FULL
    prepared = prepare(dataset, Judged(bundle, checkpoint), effort, seed=seed)
    evidence = judge_prepared(
        prepared, effort, dp=privacy_of(bundle), on_progress=Progress("Judging on test", vanish=True)
    )
    return attach_evidence(bundle, evidence)


def _told(bundle: Bundle, plan: CompressionRecipe, compressed: Compressed, seed: int) -> dict[str, Any]:
    from ..compression.gate import held

    return {
        "bundle": str(bundle.path),
        "sha256": bundle.digest,
        "seed": seed,
        "teacher": compressed.teacher_cost.to_json(),
        "steps": [step.to_json() for step in compressed.steps],
        "student_relative_l2": compressed.student_relative_l2,
        "speed": [speed.to_json() for speed in compressed.speeds],
        "judged_on": compressed.judged_on.to_json() if compressed.judged_on else None,
        "held": [one.to_json() for one in held(plan, compressed)],
    }
