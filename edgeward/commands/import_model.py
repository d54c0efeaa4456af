"""`edgeward import`: make a teacher of a generator that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from .options import JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION, drawn_seed
from .server_side import server_side
from .terminal import print_json, readable_count


@click.command(
    "import", epilog="Example:  edgeward import my_gan:make --path . --weights g.pt --schema gan.toml -o teacher.pt"
)
@click.argument("model")
@click.option("--schema", type=click.Path(path_type=Path), required=True, help="TOML file that describes the model.")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Its state_dict. Without it, as the callable leaves it."
)
@click.option("--path", "folder", type=click.Path(path_type=Path), help="Folder that the module lies in.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Checkpoint to write.")
@SEED_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
@server_side
def command(
    model: str,
    schema: Path,
    weights: Path | None,
    folder: Path | None,
    output: Path,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a teacher of MODEL, a callable that builds a torch.nn.Module, named as module:callable.

    This runs the code of that module: name only what you trust. The checkpoint holds no code and needs none.
    """
    from ..training.checkpoint import save_checkpoint
    from ..training.foreign.read import read_foreign_model
    from ..training.foreign.teacher import import_torch

    check_output(output, overwrite=overwrite)
    described = read_foreign_model(schema)
    seed = drawn_seed(seed)
    checkpoint, notes = import_torch(model, described, folder=folder, weights=weights, seed=seed)
    save_checkpoint(checkpoint, output)
    parameters = sum(p.numel() for p in checkpoint.generator().parameters())
    if as_json:
        print_json({"file": str(output), "seed": seed, "generator_parameters": parameters, "notes": notes})
        return
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{output}: imported, generator of {readable_count(parameters)} parameters, seed {seed}")
    click.echo(f"Next:  edgeward compress {output} --recipe RECIPE -o {described.schema.name}.edgeward")
