"""`edgeward bundle verify`: is a bundle whole, whose is it, and does it compute the same here?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..devices import this_host
from ..runtime.bundle import Bundle, open_bundle
from ..runtime.errors import BackendError, BundleError, GateError
from ..runtime.golden import GoldenResult, check_everywhere
from ..runtime.lineage import check_lineage
from ..runtime.trust import load_trust_list, state_of
from .options import BUNDLE_ARGUMENT, JSON_OPTION, REQUIRE_SIGNATURE_OPTION
from .terminal import print_json, print_table


@click.command(epilog="Example:  edgeward bundle verify ecg-beats.edgeward && echo trustworthy here")
@BUNDLE_ARGUMENT
@REQUIRE_SIGNATURE_OPTION
@JSON_OPTION
def verify(bundle: Path, require_signature: bool, as_json: bool) -> None:
    """Check every file of BUNDLE, its signature and the record of its making, then its golden samples on every engine.

    Ends with exit code 4 if the bundle is damaged or not signed as it must be, 7 if an engine computes something else
    on this machine, 5 if one refuses a variant.
    """
    opened = open_bundle(bundle, require_signature=require_signature)
    state = state_of(opened.manifest_bytes, opened.signature, load_trust_list())
    steps, broken = _steps_on_record(opened)
    results = list(check_everywhere(opened))
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json(
            {
                "sha256": opened.digest,
                "files": len(opened.manifest.files),
                "signature": {"key_id": state.key_id, "signer": state.signer},
                "steps_on_record": steps,
                "cpu_class": this_host().cpu_class,
                "golden": [result.to_json() for result in results],
            }
        )
    else:
        click.echo(f"{opened.manifest.name} {opened.manifest.version}   sha256 {opened.digest}")
        click.echo(f"{len(opened.manifest.files)} files, all as the manifest says")
        click.echo(f"Signature: {state.text}")
        if steps:
            click.echo(f"{steps} steps of compression, whose record leads from the teacher to these graphs")
        click.echo("")
        print_golden(results)
    if failed and failed[0].refusal:
        raise BackendError(f"{failed[0].variant} on {failed[0].backend}: {failed[0].refusal}")
    if failed:
        raise GateError(
            f"{failed[0].backend} computes the {failed[0].variant} variant wrongly on this machine "
            f"({this_host().cpu_class}); use another backend or precision"
        )
    if broken:
        raise broken


def print_golden(results: Sequence[GoldenResult]) -> None:
    """What each engine made of each variant."""
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


def _steps_on_record(bundle: Bundle) -> tuple[int | None, BundleError | None]:
    """How many steps lead from the teacher to the graphs; or what is wrong with the record of them."""
    try:
        return check_lineage(bundle.manifest), None
    except BundleError as error:
        return None, error


COMMANDS: dict[str, click.Command] = {"verify": verify}
