"""`edgeward bundle keygen|sign`: make a key, sign a bundle with it."""

from __future__ import annotations

from pathlib import Path

import click

from ..runtime.atomic import check_output
from ..runtime.bundle import read_bundle
from ..runtime.errors import OutputError, RequestError
from ..runtime.install import put_signature
from ..runtime.signature import is_locked, key_id_of, make_key, need_cryptography, private_key, public_path
from ..runtime.signature import sign as sign_manifest
from .options import BUNDLE_ARGUMENT, OVERWRITE_OPTION

_PASSPHRASE_FILE = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="File whose first line is the passphrase."
)


@click.command(epilog="Example:  edgeward bundle keygen -o clinic.key --passphrase")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File for the private key.")
@click.option("--passphrase", "asked", is_flag=True, help="Lock the private key; asks for the passphrase.")
@_PASSPHRASE_FILE
def keygen(output: Path, asked: bool, passphrase_file: Path | None) -> None:
    """Make an Ed25519 key to sign bundles with: OUTPUT, which stays with you, and OUTPUT.pub, which you hand out.

    The private key is readable by you alone, and never replaced.
    """
    need_cryptography()
    if asked and passphrase_file:
        raise RequestError("--passphrase asks for what --passphrase-file gives; leave one of them out")
    for path in (output, public_path(output)):
        check_output(path, overwrite=False)
    passphrase = _from_file(passphrase_file) if passphrase_file else _asked(confirm=True) if asked else None
    public = make_key(output, passphrase)
    click.echo(f"{output}: the private key; keep it where nobody else comes")
    click.echo(f"{public_path(output)}: the public key; hand it out, on a way that cannot be tampered with")
    click.echo(f"key id {key_id_of(public)}")


@click.command(epilog="Example:  edgeward bundle sign ecg-beats.edgeward --key clinic.key")
@BUNDLE_ARGUMENT
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Private key, from keygen.")
@_PASSPHRASE_FILE
@OVERWRITE_OPTION
def sign(bundle: Path, key: Path, passphrase_file: Path | None, overwrite: bool) -> None:
    """Sign BUNDLE: a file named signature is put beside its manifest, and nothing else is changed.

    With --overwrite, another signature is replaced. You vouch for every byte: verify the bundle first.
    """
    need_cryptography()
    opened = read_bundle(bundle)
    if opened.signature is not None and not overwrite:
        raise OutputError(f"{opened.path} is signed already; --overwrite to replace the signature")
    passphrase = None
    if is_locked(key):
        passphrase = _from_file(passphrase_file) if passphrase_file else _asked(confirm=False)
    signature = sign_manifest(opened.manifest_bytes, private_key(key, passphrase))
    put_signature(opened, signature.to_bytes())
    click.echo(f"{opened.path}: signed by key {signature.key_id}")


def _asked(*, confirm: bool) -> bytes:
    passphrase: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return passphrase.encode()


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            line = file.readline(4096).rstrip(b"\r\n")
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from error
    if not line:
        raise RequestError(f"{path} holds no passphrase in its first line")
    return line


COMMANDS: dict[str, click.Command] = {"keygen": keygen, "sign": sign}
