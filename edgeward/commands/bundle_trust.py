"""`edgeward bundle trust`: whose signatures count for this user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ..runtime.signature import public_key
from ..runtime.trust import (
    REQUIRE_VARIABLE,
    TrustedKey,
    TrustList,
    change_trust_list,
    is_required,
    load_trust_list,
    trust_list_path,
)
from .options import JSON_OPTION
from .terminal import print_json, print_table


@click.group(epilog="Example:  edgeward bundle trust add 'Heart Clinic' clinic.key.pub")
def trust() -> None:
    """Say whose signatures you trust.

    With a key on the list, a bundle signed by any other key is refused. Bundles without a signature still run, unless
    'trust require yes' or the variable EDGEWARD_REQUIRE_SIGNATURE=1 says otherwise.
    """


@trust.command(epilog="Example:  edgeward bundle trust add 'Heart Clinic' clinic.key.pub")
@click.argument("name")
@click.argument("key", type=click.Path(path_type=Path))
def add(name: str, key: Path) -> None:
    """Trust the public key in the file KEY, under a NAME of your choice."""
    trusted = TrustedKey(name, public_key(key))
    change_trust_list(lambda known: known.with_key(trusted))
    click.echo(f"{name} is trusted, key {trusted.key_id}")
    click.echo("Compare the key id with its owner, by telephone for example.")


@trust.command(name="list", epilog="Example:  edgeward bundle trust list")
@JSON_OPTION
def list_keys(as_json: bool) -> None:
    """Show the trusted keys, and whether a signature is required."""
    known = load_trust_list()
    if as_json:
        keys = [{"name": key.name, "key_id": key.key_id} for key in known.keys]
        print_json({"path": str(trust_list_path()), "required": is_required(known), "keys": keys})
        return
    if known.keys:
        print_table(["name", "key id"], [[key.name, key.key_id] for key in known.keys])
    else:
        click.echo("No key is trusted.")
    click.echo(_told(known))


@trust.command(epilog="Example:  edgeward bundle trust remove 'Heart Clinic'")
@click.argument("name")
def remove(name: str) -> None:
    """Trust the key under NAME no more."""
    change_trust_list(lambda known: known.without(name))
    click.echo(f"{name} is not trusted any more")


@trust.command(epilog="Example:  edgeward bundle trust require yes")
@click.argument("required", type=click.BOOL)
def require(required: bool) -> None:
    """Say whether bundles without a trusted signature are refused: yes or no."""
    changed = change_trust_list(lambda known: replace(known, required=required))
    click.echo(_told(changed))
    if not required:
        click.echo(f"Where {REQUIRE_VARIABLE}=1 is set, they are refused all the same.")


def _told(trust: TrustList) -> str:
    if is_required(trust):
        return "Bundles without a trusted signature are refused."
    if trust.keys:
        return "Bundles without a signature are used; those signed by any other key are refused."
    return "Bundles are used, whoever signed them or not."


COMMANDS: dict[str, click.Command] = {"trust": trust}
