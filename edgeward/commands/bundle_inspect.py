"""`edgeward bundle inspect`: what a bundle is, for people and programs. Runs nothing of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from ..runtime.backends import BACKENDS
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.manifest import Manifest, Variant
from ..runtime.provenance import STATEMENT
from ..runtime.rewrite import schema_version_of
from ..runtime.schema import ImageSchema, SignalSchema, TableSchema
from ..runtime.trust import load_trust_list, state_of
from .options import BUNDLE_ARGUMENT, JSON_OPTION
from .terminal import plain, print_json, print_table, readable_bytes, readable_count

_PART = {SignalSchema: "Channel", ImageSchema: "Channel", TableSchema: "Column"}
_MAX_PARTS = 40
_MAX_WIDTH = 120


@click.command(epilog="Example:  edgeward bundle inspect ecg-beats.edgeward")
@BUNDLE_ARGUMENT
@JSON_OPTION
def inspect(bundle: Path, as_json: bool) -> None:
    """Show what BUNDLE makes, where it comes from and who signed it. Checks every file's hash; runs nothing."""
    opened = read_bundle(bundle)
    state = state_of(opened.manifest_bytes, opened.signature, load_trust_list())
    manifest, data = opened.manifest, opened.manifest.data
    if as_json:
        print_json(
            {
                "path": str(opened.path),
                "sha256": opened.digest,
                "bytes": opened.size,
                "form": "folder" if opened.is_folder else "file",
                "schema_version": schema_version_of(opened),
                "signature": {"key_id": state.key_id, "signer": state.signer},
                "manifest": json.loads(opened.manifest_bytes),
            }
        )
        return
    click.echo(f"{manifest.name} {manifest.version}   sha256 {opened.digest}")
    click.echo(f"{STATEMENT}\n")
    _line("Makes", data.description)
    _line("", data.describe())
    parts = list(data.parts())
    for name, unit, domain in parts[:_MAX_PARTS]:
        _line(_PART[type(data)], f"{name}, {domain} {unit}".rstrip())
    if len(parts) > _MAX_PARTS:
        _line("", f"and {len(parts) - _MAX_PARTS} more; see --json")
    for condition in data.conditions:
        _line("Condition", f"{condition.name}: {condition.describe()}")
    for rule in data.rules:
        _line("Rule", rule.describe())
    click.echo("")
    for label, text in _origin(manifest):
        _line(label, text)
    _line("Licence", manifest.licence)
    _line("For", "; ".join(manifest.intended_use))
    _line("Never for", "; ".join(manifest.forbidden_use))
    click.echo("")
    _line("Signed", state.text)
    _line("Size", _size(opened))
    click.echo("")
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


def _line(label: str, text: str) -> None:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    wrapped = click.wrap_text(plain(text), width, f"{label:<11} ", " " * 12)
    click.echo(wrapped if text else label)


def _size(bundle: Bundle) -> str:
    form = "a folder" if bundle.is_folder else "one file"
    return (
        f"{readable_bytes(bundle.size)} in {len(bundle.manifest.files)} files, as {form}, format version "
        f"{schema_version_of(bundle)}"
    )


def _origin(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Data, teacher, steps and maker, as far as the lineage tells them."""
    lineage = manifest.lineage
    yield "Data", _told(lineage, "data", "source") or "not told"
    family, recipe = _told(lineage, "teacher", "recipe", "family"), _told(lineage, "teacher", "recipe", "name")
    if family:
        yield "Teacher", f"{family}, recipe {recipe or 'not told'}"
    compression = lineage.get("compression")
    steps = compression.get("steps") if isinstance(compression, Mapping) else None
    if isinstance(steps, list):
        names = [step.get("step") or step.get("name") or step.get("do") for step in steps if isinstance(step, Mapping)]
        yield "Steps", " → ".join(str(name) for name in names if name) or f"{len(steps)}"
    maker = _told(lineage, "made_with", "edgeward")
    if maker:
        yield "Made with", f"Edgeward {maker} on {_told(lineage, 'made_with', 'cpu') or 'an unnamed machine'}"
    migrated = lineage.get("migrated_from")
    if isinstance(migrated, list):
        for one in migrated:
            if isinstance(one, Mapping):
                yield (
                    "Migrated",
                    f"from format version {one.get('schema_version')}, sha256 {str(one.get('sha256'))[:16]}…",
                )


def _told(value: object, *path: str) -> str:
    """A text deep in the lineage; '' where it is not there."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _default_on(manifest: Manifest, variant: Variant) -> str:
    """Of which engines it is the default: in words, '' if of none."""
    offered = [engine for engine in BACKENDS if manifest.variants_for(engine)]
    engines = [engine for engine in offered if manifest.variant(None, engine) == variant]
    return "default" if len(engines) == len(BACKENDS) else f"default on {', '.join(engines)}" if engines else ""


COMMANDS: dict[str, click.Command] = {"inspect": inspect}
