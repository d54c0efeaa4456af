"""`edgeward train`: train a full generator."""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..runtime.atomic import check_output
from ..runtime.errors import RequestError
from .options import DATA_HELP, JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION, drawn_seed
from .server_side import load_data, server_side
from .terminal import Progress, print_json, readable_count

if TYPE_CHECKING:
    from ..training.loop import TrainingProgress
    from ..training.recipe import Size


@click.command(epilog="Example:  edgeward train --data mitdb/ --recipe ecg-beats-vae -o teacher.pt --seed 1")
@click.option("--data", default="simulated", show_default=True, help=DATA_HELP)
@click.option("--classes", help="Classes to learn, e.g. N,S,V. Without it, those the data have enough of.")
@click.option("--recipe", default="ecg-beats-vae", show_default=True, help="Name of a recipe, or a TOML file.")
@click.option(
    "--size",
    type=click.Choice(["cpu", "gpu"]),
    default="cpu",
    show_default=True,
    help="Of the recipe: for minutes on a CPU, or the larger model that a GPU trains.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Checkpoint to write.")
@click.option("--resume", is_flag=True, help="Go on from an unfinished checkpoint, bit for bit.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for losses and scores (CSV; TensorBoard where installed) and pictures of samples.",
)
@click.option(
    "--dp",
    metavar="epsilon=E[,delta=D][,clip=C][,unit=U]",
    help="Train with differential privacy, e.g. epsilon=3; see docs/guide.md.",
)
@click.option("--device", help="Where to compute, e.g. cuda or cpu.  [default: a GPU if there is one]")
@SEED_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
@server_side
def command(
    data: str,
    classes: str | None,
    recipe: str,
    size: Size,
    output: Path,
    resume: bool,
    log: Path | None,
    dp: str | None,
    device: str | None,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a full generator on a server, and save it as a checkpoint that `edgeward compress` takes.

    Interrupt it at any time; --resume goes on where it was, with the same data, recipe and seed.

    With --dp the weights tell little of any one patient, whatever is done with them; it needs a recipe made for it,
    such as table-vae-private. Its noise comes from the system, not from --seed: two runs are never alike.

    Several processes train the same model together, on one machine or many:

    \b
        torchrun --nproc-per-node 4 -m edgeward train … --seed 1
    """  # noqa: D301 - click wants the character, not the two that a raw text has
    from ..training.checkpoint import load_checkpoint
    from ..training.journal import Journal
    from ..training.loop import train
    from ..training.private.plan import parse_plan
    from ..training.private.refusals import check_recipe
    from ..training.processes import join_processes, leave_processes, rank, world_size
    from ..training.recipe import load_training_recipe

    join_processes()
    first = rank() == 0
    if first:
        check_output(output, overwrite=overwrite or resume)
    if world_size() > 1 and seed is None:
        raise RequestError("processes that train together need the same seed: give --seed")
    plan = load_training_recipe(recipe, size)
    privacy = parse_plan(dp) if dp is not None else None
    if privacy:
        check_recipe(plan)
        import_module("opacus.accountants")  # missed now, and not after the data are read
        if log:
            raise RequestError("--log would keep losses of real records, which have no noise; leave it out with --dp")
    if resume and output.exists() and seed is None:
        seed = load_checkpoint(output).seed
    seed = drawn_seed(seed)
    dataset = load_data(plan.data, data, classes, seed)
    if first:
        for note in dataset.provenance.notes:
            click.echo(f"note: {note}", err=True)
    progress = Progress("Training")

    def show(p: TrainingProgress) -> None:
        losses = "  ".join(f"{name} {loss:.3f}" for name, loss in p.losses.items())
        score = f"  Fréchet {p.score.frechet_distance:.3g}, coverage {p.score.coverage:.2f}" if p.score else ""
        if p.score and p.score.by_heart:
            score += ", learns by heart"
        progress(p.step, p.steps, losses + score)

    checkpoint = train(
        dataset,
        plan,
        output,
        seed=seed,
        resume=resume,
        device=device,
        journal=Journal(log) if log and first else None,
        dp=privacy,
        on_progress=show if first else None,
    )
    leave_processes()
    if not first:
        return
    parameters = sum(p.numel() for p in checkpoint.generator().parameters())
    if as_json:
        print_json(
            {
                "file": str(output),
                "recipe": checkpoint.recipe.to_json(),
                "seed": checkpoint.seed,
                "generator_parameters": parameters,
                "losses": checkpoint.history[-1] if checkpoint.history else {},
            }
            | ({"differential_privacy": asdict(checkpoint.privacy.record)} if checkpoint.privacy else {})
        )
        return
    click.echo(f"{output}: {plan.family}, generator of {readable_count(parameters)} parameters, seed {seed}")
    if checkpoint.privacy:
        record = checkpoint.privacy.record
        click.echo(
            f"(ε = {record.epsilon:.4g}, δ = {record.delta:.3g})-differential privacy of each {record.unit}: "
            f"{record.method()}"
        )
        for what in record.entered:
            click.echo(f"Lost for what ships: the schema holds real {what}.")
    click.echo(f"Next:  edgeward compress {output} -o {dataset.schema.name}.edgeward")
