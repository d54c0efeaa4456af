"""Write bundles again: as one file, as a folder, with other contents, for a newer runtime. Whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from .archive import write_archive
from .atomic import atomic_file, atomic_folder, check_output, sync_folder
from .bundle import Bundle, read_bundle
from .errors import BundleError, OutputError, RequestError
from .json_fields import Fields, parse_json
from .manifest import MANIFEST_NAME, SCHEMA_VERSION, SIGNATURE_NAME

Read = Callable[[str], bytes]
"""Gives the content of a bundle's file."""


def names_of(bundle: Bundle) -> list[str]:
    """All files of a bundle, with its manifest and its signature, if it has one."""
    signature = [] if bundle.signature is None else [SIGNATURE_NAME]
    return [MANIFEST_NAME, *signature, *bundle.manifest.files]


def content_of(bundle: Bundle, name: str) -> bytes:
    """The content of any of `names_of`, as it was when the bundle was opened."""
    if name == MANIFEST_NAME:
        return bundle.manifest_bytes
    if name == SIGNATURE_NAME and bundle.signature is not None:
        return bundle.signature
    return bundle.read(name)


def write_file(path: Path, names: Iterable[str], read: Read) -> None:
    """Write a bundle as one file; the same contents give the same bytes.

    Raises:
        OutputError: The system refused to write, or it is too large for one file.
        BundleError: A content could not be read.
    """
    with atomic_file(path) as file:
        write_archive(file, names, read)


def write_folder(path: Path, names: Iterable[str], read: Read) -> None:
    """Write a bundle as a folder; one that is there is replaced.

    Raises:
        OutputError: The system refused to write.
        BundleError: A content could not be read.
    """
    with atomic_folder(path) as folder:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(read(name))


def check_folder(path: Path, *, overwrite: bool, needed_bytes: int = 0) -> None:
    """Refuse a place for a bundle folder before any long work; only another bundle, or an empty folder, is replaced.

    Args:
        path: Where the folder shall go.
        overwrite: Whether a bundle that is there may be replaced.
        needed_bytes: About how large it will be.

    Raises:
        OutputError: The place is taken, cannot be written, or has too little space.
    """
    check_output(path, overwrite=overwrite, folder=True, needed_bytes=needed_bytes)
    try:
        if path.exists() and any(path.iterdir()):
            read_bundle(path.absolute())
    except BundleError as error:  # a manifest.json alone is in many a folder
        raise OutputError(
            f"{path} is a folder, but no bundle, and is not replaced; give another name, or remove it ({error})"
        ) from error


def write_like(bundle: Bundle, path: Path, names: Iterable[str], read: Read) -> None:
    """Write a bundle in the form that another one has."""
    (write_folder if bundle.is_folder else write_file)(path, names, read)


def write_signature(bundle: Bundle, signature: bytes) -> None:
    """Put a signature into a bundle; the one it has is replaced, and nothing else is changed.

    Raises:
        OutputError: The system refused to write.
    """
    place = bundle.path.resolve()  # of a link, what it leads to is signed
    if not bundle.is_folder:
        signed = replace(bundle, signature=signature)
        write_file(place, names_of(signed), lambda name: content_of(signed, name))
        return
    beside = place.with_name(f".{place.name}.{SIGNATURE_NAME}")  # a half-written file inside would spoil the bundle
    with atomic_file(beside) as file:
        file.write(signature)
    try:
        beside.replace(place / SIGNATURE_NAME)
        sync_folder(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(
            f"{place} cannot be signed: {error.strerror or error}; pack it into one file first"
        ) from error


def schema_version_of(bundle: Bundle) -> int:
    """Which version of the format its manifest is written in."""
    return Fields(parse_json(bundle.manifest_bytes, MANIFEST_NAME), MANIFEST_NAME).integer("schema_version")


def migrate(bundle: Bundle, path: Path) -> None:
    """Write a bundle of an older format in this runtime's. Its files stay what they are; its signature is left out.

    Args:
        bundle: The old one.
        path: Where the new one goes, in the form of the old one. Its lineage tells which one it was made of.

    Raises:
        RequestError: It is of this runtime's format already.
        OutputError: The system refused to write.
    """
    version = schema_version_of(bundle)
    if version == SCHEMA_VERSION:
        raise RequestError(f"{bundle.path} is of format version {version} already, the newest this runtime knows")
    earlier = bundle.manifest.lineage.get("migrated_from")
    history = [*(earlier if isinstance(earlier, list) else []), {"schema_version": version, "sha256": bundle.digest}]
    manifest = replace(bundle.manifest, lineage={**bundle.manifest.lineage, "migrated_from": history}).to_bytes()
    names = [MANIFEST_NAME, *bundle.manifest.files]
    write_like(bundle, path, names, lambda name: manifest if name == MANIFEST_NAME else bundle.read(name))
