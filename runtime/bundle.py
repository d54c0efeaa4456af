"""Open a bundle, a folder or one file: every path, size and hash is checked before any engine sees a byte.

Layout: `manifest.json`, `variants/<sha256>.onnx` (or `.xml` and `.bin`), `golden.npz`, `CARD.md`, all but the first
listed in it, and maybe `signature`, which is made of the manifest.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from .bundle_files import BundleFiles, FolderFiles
from .errors import BundleError
from .installed import locate
from .manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry, Manifest, manifest_from_bytes
from .onnx_check import check_onnx
from .signature import MAX_SIGNATURE_BYTES
from .trust import SignatureState, check_policy, load_trust_list, state_of

_MAX_MANIFEST_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every file was found to be what its manifest says."""

    path: Path
    manifest: Manifest
    digest: str
    """SHA-256 of the manifest, and through the hashes in it, of the whole bundle."""
    manifest_bytes: bytes = field(repr=False)
    """The manifest as it lies there: what is hashed and signed."""
    signature: bytes | None = field(repr=False)
    """The content of its signature's file; None: it is not signed."""
    files: BundleFiles = field(repr=False, compare=False)

    def read(self, name: str) -> bytes:
        """The content of one listed file, hashed again as it is read, so that it cannot change in between.

        An ONNX graph is also checked for what no generator needs, as no hash can.

        Raises:
            BundleError: The file is not what the manifest says any more, or holds what may not be run.
        """
        content = self.files.read(name, self.manifest.files[name].size)
        _check_hash(name, self.manifest.files[name], hashlib.sha256(content).hexdigest())
        if any(variant.file == name and variant.weights is None for variant in self.manifest.variants):
            try:
                check_onnx(content)
            except BundleError as error:
                raise BundleError(f"{self.path}: {name}: {error}") from error
        return content

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and not one file."""
        return isinstance(self.files, FolderFiles)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.manifest.files.values()) + len(self.manifest_bytes)


def open_bundle(path: str | os.PathLike[str], *, require_signature: bool = False) -> Bundle:
    """Read and check a bundle, and its signature against the user's trust list. No engine is loaded.

    Args:
        path: A bundle folder, a bundle as one file, or the name of an installed bundle (`NAME` or `NAME@VERSION`); what
            lies at the path comes before what is installed.
        require_signature: Refuse a bundle without a trusted signature. The user's settings can require one too.

    Raises:
        BundleError: Something is missing, damaged, not listed, for a newer runtime, or not signed as it must be; the
            message names it.
        BackendError: The signature cannot be checked, as cryptography is not installed.
        RequestError: The user's trust list cannot be read.
    """
    bundle = read_bundle(path)
    check_signature(bundle, required=require_signature)
    return bundle


def check_signature(bundle: Bundle, *, required: bool = False) -> SignatureState:
    """Who signed a bundle, if it may be used as the user's settings have it.

    Args:
        bundle: As it was read.
        required: Refuse one without a trusted signature, whatever the settings say.

    Raises:
        BundleError: It is not signed as it must be.
        BackendError: The signature cannot be checked, as cryptography is not installed.
        RequestError: The user's trust list cannot be read.
    """
    trust = load_trust_list()
    try:
        state = state_of(bundle.manifest_bytes, bundle.signature, trust)
        check_policy(state, trust, required=required)
    except BundleError as error:
        raise BundleError(f"{bundle.path}: {error}") from error
    return state


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read and check a bundle, whoever signed it: for those that look at it or made it, and do not run it.

    Args:
        path: As in `open_bundle`.

    Raises:
        BundleError: Something is missing, damaged, not listed, or for a newer runtime; the message names it.
    """
    try:
        files = _files_at(locate(path))
        content = files.read(MANIFEST_NAME, _MAX_MANIFEST_BYTES)
        manifest = manifest_from_bytes(content)
        signed = _check_files(files, manifest)
        signature = files.read(SIGNATURE_NAME, MAX_SIGNATURE_BYTES) if signed else None
    except OSError as error:
        raise BundleError(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from error
    return Bundle(files.path, manifest, hashlib.sha256(content).hexdigest(), content, signature, files)


def _files_at(path: Path) -> BundleFiles:
    if not path.is_dir():
        from .archive import ArchiveFiles  # a folder can do without, and a start counts in milliseconds

        return ArchiveFiles(path)
    if not (path / MANIFEST_NAME).exists():
        raise BundleError(f"{path} has no {MANIFEST_NAME}; it is not a bundle, or not a whole one")
    return FolderFiles(path)


def _check_files(files: BundleFiles, manifest: Manifest) -> bool:
    """Whether there is a signature, if all else is as the manifest says."""
    found = files.sizes(limit=len(manifest.files) + 2)
    found.pop(MANIFEST_NAME, None)  # it may have gone since it was read
    signed = found.pop(SIGNATURE_NAME, None) is not None
    missing = sorted(set(manifest.files) - set(found))
    if missing:
        raise BundleError(f"{files.path}: {missing[0]} is missing; copy the bundle again")
    unlisted = sorted(set(found) - set(manifest.files))
    if unlisted:
        raise BundleError(
            f"{files.path}: {unlisted[0]} is not listed in {MANIFEST_NAME}; remove it, or do not trust this bundle"
        )
    for name, entry in manifest.files.items():
        if found[name] != entry.size:
            raise BundleError(f"{files.path}: {name} has {found[name]} bytes, not {entry.size}; copy the bundle again")
        _check_hash(f"{files.path}: {name}", entry, files.sha256(name))
    return signed


def _check_hash(name: str, entry: FileEntry, found: str) -> None:
    if found != entry.sha256:
        raise BundleError(
            f"{name} has been changed or damaged: its SHA-256 is {found[:16]}…, the manifest says "
            f"{entry.sha256[:16]}…; copy the bundle again, and do not run this one"
        )
