"""`edgeward compress`: turn a trained generator into a small bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.errors import OutputError, TrainingError
from ..runtime.manifest import MANIFEST_NAME
from .options import JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION
from .server_side import server_side
from .terminal import Progress, print_json, print_table, readable_bytes, readable_count


@click.command(epilog="Example:  edgeward compress teacher.pt --recipe ecg-beats -o ecg-beats.edgeward --seed 1")
@click.argument("teacher", type=click.Path(path_type=Path))
@click.option("--recipe", default="ecg-beats", show_default=True, help="Name of a recipe, or a TOML file.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Bundle folder to write.")
@click.option("--name", help="Name of the bundle. Without it, that of the data.")
@click.option("--bundle-version", default="0.1.0", show_default=True, help="Version of the bundle.")
@SEED_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
@server_side
def command(
    teacher: Path,
    recipe: str,
    output: Path,
    name: str | None,
    bundle_version: str,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Prune, distil, quantise and export the checkpoint TEACHER into a bundle.

    Every step reports what it cost. A result that costs more quality than the recipe allows is not written.
    An interrupted run goes on where it was: what its steps left is kept beside the bundle until it is done.
    """
    from ..compression import compress, load_compression_recipe, pack
    from ..training.checkpoint import load_checkpoint

    check_output(output, overwrite=overwrite, folder=True)
    if output.exists() and any(output.iterdir()) and not (output / MANIFEST_NAME).exists():
        raise OutputError(f"{output} is a folder, but no bundle, and is not replaced; give another name")
    work = output.with_name(output.name + ".work")
    check_output(work, overwrite=True, folder=True)
    plan = load_compression_recipe(recipe)
    checkpoint = load_checkpoint(teacher)
    if not checkpoint.complete:
        raise TrainingError(f"{teacher} is not trained to its end; finish it with: edgeward train --resume")
    # Without a seed the teacher's is used, so that a run resumed without one is the same run.
    seed = checkpoint.seed if seed is None else seed
    labels: dict[str, Progress] = {}
    compressed = compress(
        checkpoint,
        plan,
        work,
        seed=seed,
        on_progress=lambda do, done, of: labels.setdefault(f"{do}{of}", Progress(do.capitalize()))(done, of),
    )
    bundle = pack(
        output,
        checkpoint,
        compressed,
        plan,
        name=name or checkpoint.schema.name,
        version=bundle_version,
        seed=seed,
    )
    shutil.rmtree(work, ignore_errors=True)
    if as_json:
        print_json(
            {
                "bundle": str(output),
                "sha256": bundle.digest,
                "seed": seed,
                "teacher": compressed.teacher_cost.to_json(),
                "steps": [step.to_json() for step in compressed.steps],
                "student_relative_l2": compressed.student_relative_l2,
                "speed": [speed.to_json() for speed in compressed.speeds],
            }
        )
        return
    print_table(
        ["step", "parameters", "multiply-adds", "size", "ms a sample", "change"],
        [
            [
                row.step,
                readable_count(row.cost.parameters),
                readable_count(row.cost.multiply_adds),
                readable_bytes(row.cost.bytes),
                f"{row.cost.latency_ms:.3f}",
                "" if row.error is None else f"{row.error:.3f}",
            ]
            for row in compressed.rows()
        ],
    )
    click.echo("change: relative L2 of the samples against the model before the step, same noise (median)")
    for told in compressed.notes():
        click.echo(told)
    click.echo(
        f"teacher to float student: {compressed.student_relative_l2:.3f}, seed {seed}\n\n"
        f"{output}: {readable_bytes(bundle.size)} in all, default {bundle.manifest.default_precision}\n"
        f"Next:  edgeward generate {output} -n 100 -o beats.npz"
    )
