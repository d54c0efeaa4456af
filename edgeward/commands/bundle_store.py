"""`edgeward bundle install|list|remove`: the bundles installed for this user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..runtime.bundle import open_bundle, read_bundle
from ..runtime.errors import BackendError, BundleError
from ..runtime.install import install as install_bundle
from ..runtime.install import remove as remove_bundle
from ..runtime.installed import Installed, installed, store_folder
from ..runtime.trust import load_trust_list, state_of
from .bundle_verify import print_golden
from .options import BUNDLE_ARGUMENT, JSON_OPTION, OVERWRITE_OPTION, REQUIRE_SIGNATURE_OPTION
from .terminal import print_json, print_table, readable_bytes


@click.command(
    epilog="Example:  edgeward bundle install ecg-beats.edgeward && edgeward generate ecg-beats -n 10 -o a.csv"
)
@BUNDLE_ARGUMENT
@REQUIRE_SIGNATURE_OPTION
@OVERWRITE_OPTION
@JSON_OPTION
def install(bundle: Path, require_signature: bool, overwrite: bool, as_json: bool) -> None:
    """Check BUNDLE on this machine and install it for this user; it can then be named instead of its path.

    Several versions live side by side: NAME means the newest, NAME@VERSION another. Nothing is installed, and what is
    there stays, unless the bundle is whole, signed as it must be, and something in it is right on this machine.
    """
    done = install_bundle(open_bundle(bundle, require_signature=require_signature), overwrite=overwrite)
    named = f"{done.place.name}@{done.place.version}"
    if as_json:
        place = {"installed": named, "path": str(done.place.path), "was_there": done.was_there}
        print_json({**place, "golden": [result.to_json() for result in done.golden]})
        return
    print_golden(done.golden)
    click.echo(f"\n{named} {'was installed already' if done.was_there else 'is installed'}: {done.place.path}")
    for result in (result for result in done.golden if not result.passed and not result.refusal):
        click.echo(
            f"Do not use {result.variant} with --backend {result.backend} on this machine: it computes wrongly here."
        )
    click.echo(f"Next:  edgeward generate {done.place.name} -n 100 -o samples.npz")


@click.command(name="list", epilog="Example:  edgeward bundle list")
@JSON_OPTION
def list_installed(as_json: bool) -> None:
    """Show the installed bundles, checked for damage; runs nothing."""
    found = [_told(one) for one in installed()]
    if as_json:
        print_json({"store": str(store_folder()), "bundles": found})
        return
    if not found:
        click.echo(f"No bundle is installed in {store_folder()}; see: edgeward bundle install --help")
        return
    print_table(
        ["bundle", "size", "signed", "sha256"],
        [
            [
                f"{one['name']}@{one['version']}",
                readable_bytes(one["bytes"]) if "bytes" in one else "-",
                one.get("signed") or f"CANNOT BE USED: {one['problem']}",
                f"{one['sha256'][:16]}…" if "sha256" in one else "-",
            ]
            for one in found
        ],
    )


def _told(one: Installed) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "version": one.version, "path": str(one.path)}
    try:
        bundle = read_bundle(one.path)
        state = state_of(bundle.manifest_bytes, bundle.signature, load_trust_list())
    except (BackendError, BundleError) as error:
        return {**told, "problem": str(error)}
    return {**told, "sha256": bundle.digest, "bytes": bundle.size, "signed": state.text}


@click.command(epilog="Example:  edgeward bundle remove ecg-beats@0.1.0")
@click.argument("name")
def remove(name: str) -> None:
    """Take the installed bundle NAME (or NAME@VERSION, where there are several) out."""
    gone = remove_bundle(name)
    click.echo(f"{gone.name}@{gone.version} is removed")


COMMANDS: dict[str, click.Command] = {"install": install, "list": list_installed, "remove": remove}
