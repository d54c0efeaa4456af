"""`edgeward bundle pack|unpack|migrate`: the same bundle as a file, as a folder, in this version's format."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.errors import OutputError
from ..runtime.manifest import MANIFEST_NAME
from ..runtime.rewrite import content_of, migrate, names_of, write_file, write_folder
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
    _check_folder(output, opened, overwrite)
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
    if opened.is_folder:
        _check_folder(output, opened, overwrite)
    else:
        check_output(output, overwrite=overwrite, needed_bytes=opened.size)
    migrate(opened, output)
    _tell(output)
    if opened.signature is not None:
        click.echo("The old signature does not hold for it and is left out; sign it again: edgeward bundle sign --help")


def _check_folder(output: Path, bundle: Bundle, overwrite: bool) -> None:
    check_output(output, overwrite=overwrite, folder=True, needed_bytes=bundle.size)
    if output.exists() and any(output.iterdir()) and not (output / MANIFEST_NAME).exists():
        raise OutputError(f"{output} is a folder, but no bundle, and is not replaced; give another name")


def _tell(output: Path) -> None:
    written = read_bundle(output)
    click.echo(f"{output}: {written.manifest.name} {written.manifest.version}, {readable_bytes(written.size)}")
    click.echo(f"sha256 {written.digest}")


COMMANDS: dict[str, click.Command] = {"pack": pack, "unpack": unpack, "migrate": migrate_bundle}
