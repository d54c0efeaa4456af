"""`edgeward import`: make a teacher of a generator that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.errors import RequestError
from .options import JSON_OPTION, OVERWRITE_OPTION, SEED_OPTION, drawn_seed
from .server_side import server_side
from .terminal import print_json, readable_count


@click.command("import", epilog="Example:  edgeward import generator.onnx --schema gan.toml -o teacher.pt")
@click.argument("model")
@click.option("--schema", type=click.Path(path_type=Path), required=True, help="TOML file that describes the model.")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="A module's state_dict. Without it, as the callable leaves it."
)
@click.option(
    "--path", "folder", type=click.Path(path_type=Path), help="Folder that the module lies in, as . for this one."
)
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
    """Make a teacher of MODEL: an ONNX file, or a callable that builds a torch.nn.Module, named as module:callable.

    A module's code is run: name only what you trust. An ONNX file runs none, and the checkpoint holds none.
    """
    from ..training.checkpoint import save_checkpoint
    from ..training.foreign.read import read_foreign_model

    check_output(output, overwrite=overwrite)
    described = read_foreign_model(schema)
    seed = drawn_seed(seed)
    if model.lower().endswith(".onnx"):
        if weights or folder:
            raise RequestError("--weights and --path are for a torch.nn.Module; an ONNX file holds its weights")
        from ..training.foreign.onnx_model import import_onnx

        checkpoint, notes = import_onnx(Path(model), described, seed=seed)
    else:
        from ..training.foreign.torch_model import import_torch

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
