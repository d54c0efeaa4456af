"""`edgeward bundle pack|unpack|migrate`: the same bundle as a file, as a folder, in this version's format."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.bundle import read_bundle
from ..runtime.rewrite import check_folder, content_of, migrate, names_of, write_file, write_folder
from .options import BUNDLE_ARGUMENT, OVERWRITE_OPTION
from .terminal import readable_bytes

_OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where to write it.")


@click.command(epilog="Example:  edgeward bundle pack ecg-beats.edgeward -o ecg-beats-file.edgeward")
@BUNDLE_ARGUMENT
@_OUTPUT
@OVERWRITE_OPTION
def pack(bundle: Path, output: Path, overwrite: bool) -> None:
    """Write BUNDLE as one file, which everything takes as it takes the folder.

    The same bundle always gives the same bytes. The signature goes with it.
    """
    opened = read_bundle(bundle)
    check_output(output, overwrite=overwrite, needed_bytes=opened.size)
    write_file(output, names_of(opened), lambda name: content_of(opened, name))
    _tell(output)


@click.command(epilog="Example:  edgeward bundle unpack ecg-beats-file.edgeward -o ecg-beats.edgeward")
@BUNDLE_ARGUMENT
@_OUTPUT
@OVERWRITE_OPTION
def unpack(bundle: Path, output: Path, overwrite: bool) -> None:
    """Write BUNDLE as a folder. The signature goes with it."""
    opened = read_bundle(bundle)
    check_folder(output, overwrite=overwrite, needed_bytes=opened.size)
    write_folder(output, names_of(opened), lambda name: content_of(opened, name))
    _tell(output)


@click.command(name="migrate", epilog="Example:  edgeward bundle migrate old.edgeward -o new.edgeward")
@BUNDLE_ARGUMENT
@_OUTPUT
@OVERWRITE_OPTION
def migrate_bundle(bundle: Path, output: Path, overwrite: bool) -> None:
    """Write BUNDLE, of an older format, in this version's; the old one stays as it is.

    Old formats go on being read: a bundle is migrated to be changed or handed on. Its files stay the same; its digest
    does not, and the lineage tells the old one.
    """
    opened = read_bundle(bundle)
    (check_folder if opened.is_folder else check_output)(output, overwrite=overwrite, needed_bytes=opened.size)
    migrate(opened, output)
    _tell(output)
    if opened.signature is not None:
        click.echo("The old signature does not hold for it and is left out; sign it again: edgeward bundle sign --help")


def _tell(output: Path) -> None:
    written = read_bundle(output.absolute())
    click.echo(f"{output}: {written.manifest.name} {written.manifest.version}, {readable_bytes(written.size)}")
    click.echo(f"sha256 {written.digest}")


COMMANDS: dict[str, click.Command] = {"pack": pack, "unpack": unpack, "migrate": migrate_bundle}
