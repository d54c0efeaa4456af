"""`edgeward bundle`: look into a bundle, or verify it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..devices import this_host
from ..runtime.backends import BACKENDS
from ..runtime.bundle import Bundle, open_bundle
from ..runtime.errors import BackendError, BundleError, GateError
from ..runtime.golden import check_everywhere
from ..runtime.lineage import check_lineage
from ..runtime.manifest import Manifest, Variant
from ..runtime.provenance import STATEMENT
from ..runtime.schema import ImageSchema, SignalSchema, TableSchema
from .options import BUNDLE_ARGUMENT, JSON_OPTION
from .terminal import print_json, print_table, readable_bytes, readable_count

_PART = {SignalSchema: "Channel", ImageSchema: "Channel", TableSchema: "Column"}


@click.group(epilog="Example:  edgeward bundle verify ecg-beats.edgeward")
def command() -> None:
    """Look into a bundle, or verify it."""


@command.command(epilog="Example:  edgeward bundle inspect ecg-beats.edgeward")
@BUNDLE_ARGUMENT
@JSON_OPTION
def inspect(bundle: Path, as_json: bool) -> None:
    """Show what BUNDLE makes and where it comes from. Checks every file's hash; runs nothing."""
    opened = open_bundle(bundle)
    manifest, data = opened.manifest, opened.manifest.data
    if as_json:
        print_json({"sha256": opened.digest, "manifest": json.loads(manifest.to_bytes())})
        return
    click.echo(f"{manifest.name} {manifest.version}   sha256 {opened.digest}")
    click.echo(f"{STATEMENT}\n")
    click.echo(f"Makes       {data.description}")
    click.echo(f"            {data.describe()}")
    for name, unit, domain in data.parts():
        click.echo(f"{_PART[type(data)]:<11} {name}, {domain} {unit}".rstrip())
    for condition in data.conditions:
        click.echo(f"Condition   {condition.name}: {condition.describe()}")
    for rule in data.rules:
        click.echo(f"Rule        {rule.describe()}")
    click.echo(f"Data        {manifest.lineage.get('data', {}).get('source', 'not told')}")
    click.echo(f"Licence     {manifest.licence}\n")
    print_table(
        ["variant", "parameters", "multiply-adds", "size", ""],
        [
            [
                variant.name,
                readable_count(variant.parameters),
                readable_count(variant.multiply_adds),
                readable_bytes(sum(manifest.files[file].size for file in variant.files)),
                _default_on(manifest, variant),
            ]
            for variant in manifest.variants
        ],
    )


def _default_on(manifest: Manifest, variant: Variant) -> str:
    """Of which engines it is the default: in words, '' if of none."""
    engines = [engine for engine in BACKENDS if manifest.variant(None, engine) == variant]
    return "default" if len(engines) == len(BACKENDS) else f"default on {', '.join(engines)}" if engines else ""


@command.command(epilog="Example:  edgeward bundle verify ecg-beats.edgeward && echo trustworthy here")
@BUNDLE_ARGUMENT
@JSON_OPTION
def verify(bundle: Path, as_json: bool) -> None:
    """Check every file of BUNDLE and the record of its making, then run its golden samples on every engine present.

    Ends with exit code 4 if the bundle is damaged, 7 if an engine computes something else on this machine.
    """
    opened = open_bundle(bundle)
    steps, broken = _steps_on_record(opened)
    results = list(check_everywhere(opened))
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json(
            {
                "sha256": opened.digest,
                "files": len(opened.manifest.files),
                "steps_on_record": steps,
                "cpu_class": this_host().cpu_class,
                "golden": [result.to_json() for result in results],
            }
        )
    else:
        click.echo(f"{opened.manifest.name} {opened.manifest.version}   sha256 {opened.digest}")
        click.echo(f"{len(opened.manifest.files)} files, all as the manifest says")
        if steps:
            click.echo(f"{steps} steps of compression, whose record leads from the teacher to these graphs")
        click.echo("")
        print_table(
            ["golden samples", "engine", "error", "allowed", ""],
            [
                [
                    result.variant,
                    result.backend,
                    f"{result.error:.1e}",
                    f"{result.tolerance:.1e}",
                    "right" if result.passed else f"REFUSED: {result.refusal}" if result.refusal else "WRONG",
                ]
                for result in results
            ],
        )
    if failed and failed[0].refusal:
        raise BackendError(f"{failed[0].variant} on {failed[0].backend}: {failed[0].refusal}")
    if failed:
        raise GateError(
            f"{failed[0].backend} computes the {failed[0].variant} variant wrongly on this machine "
            f"({this_host().cpu_class}); use another backend or precision"
        )
    if broken:
        raise broken


def _steps_on_record(bundle: Bundle) -> tuple[int | None, BundleError | None]:
    """How many steps lead from the teacher to the graphs; or what is wrong with the record of them."""
    try:
        return check_lineage(bundle.manifest), None
    except BundleError as error:
        return None, error
