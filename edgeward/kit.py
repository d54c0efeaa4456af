"""Pack bundles and what measures them into one file that a weak machine's Python runs: `python3 kit.pyz`.

In it are the thin floors, the method of latency and the commands; not what trains and compresses, and no library.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .runtime.bundle import Bundle
from .runtime.manifest import MANIFEST_NAME, SIGNATURE_NAME

_INTERPRETER = b"#!/usr/bin/env python3\n"
_FLAT = ("edgeward", "edgeward.benchmarks")
"""Packages of which only the modules are taken; what lies in folders below them is named here, or stays out."""
_WHOLE = ("edgeward.commands", "edgeward.devices", "edgeward.runtime", "edgeward.benchmarks.latency")
_MAIN = "kit_main.py"
_KINDS = (".py", ".toml")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_kit(file: BinaryIO, bundles: Sequence[Bundle]) -> None:
    """Write the kit; the same code and bundles give the same bytes.

    Args:
        file: Open for writing.
        bundles: That it measures, with names that differ.
    """
    file.write(_INTERPRETER)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as kit:
        for name, content in _members(bundles):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            kit.writestr(entry, content)


def _members(bundles: Sequence[Bundle]) -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", (_folder("edgeward") / _MAIN).read_bytes()
    for package in _FLAT:
        yield from _below(_folder(package), package.replace(".", "/"), deep=False)
    for package in _WHOLE:
        yield from _below(_folder(package), package.replace(".", "/"), deep=True)
    # Versions are read from metadata.
    metadata = importlib.metadata.distribution("edgeward")
    yield f"edgeward-{metadata.version}.dist-info/METADATA", (metadata.read_text("METADATA") or "").encode()
    for bundle in bundles:
        yield from _bundle(bundle)


def _bundle(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    """A folder file by file, with its signature if it has one; a bundle that is one file as it is."""
    place = f"bundles/{bundle.path.name}"
    if not bundle.is_folder:
        yield place, bundle.path.read_bytes()
        return
    yield f"{place}/{MANIFEST_NAME}", bundle.manifest_bytes
    if bundle.signature is not None:
        yield f"{place}/{SIGNATURE_NAME}", bundle.signature
    for name in bundle.manifest.files:
        yield f"{place}/{name}", bundle.read(name)


def _folder(package: str) -> Path:
    """Where its modules lie, in an installation as in a source tree."""
    spec = importlib.util.find_spec(package)
    assert spec is not None  # noqa: S101 - they are our own
    assert spec.origin is not None  # noqa: S101 - see above
    return Path(spec.origin).parent


def _below(folder: Path, name: str, *, deep: bool) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_file() and entry.name.endswith(_KINDS):
            yield f"{name}/{entry.name}", entry.read_bytes()
        elif deep and entry.is_dir() and entry.name != "__pycache__":
            yield from _below(entry, f"{name}/{entry.name}", deep=True)
