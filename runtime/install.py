"""Put bundles into the user's store, sign them, take them out: checked, whole or not at all, whoever does so too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .archive import write_archive
from .atomic import atomic_file, check_output, sync_folder
from .bundle import Bundle, read_bundle
from .choosing import CPU_ENGINES
from .errors import BackendError, BundleError, GateError, OutputError, RequestError
from .golden import GoldenResult, check_everywhere
from .installed import Installed, place_of, store_folder, versions_of
from .lock import locked
from .manifest import NewerBundleError
from .places import data_folder
from .rewrite import content_of, names_of, write_signature

_LOCK = ".lock"


@dataclass(frozen=True)
class Installation:
    """What became of a bundle that was to be installed."""

    place: Installed
    was_there: bool
    """Whether the very same bundle was installed already; then nothing was changed."""
    golden: tuple[GoldenResult, ...]
    """What each engine on this machine made of each variant."""


def install(bundle: Bundle, *, overwrite: bool = False) -> Installation:
    """Install a bundle for this user, if it computes here what it computed where it was made.

    Args:
        bundle: From `open_bundle`, which has checked its signature.
        overwrite: Whether another bundle of the same name and version may be replaced. It stays until the new one is
            there and checked. The same bundle with another signature is not another one, and is replaced anyway.

    Raises:
        GateError: No engine that `auto` looks at computes on this machine what was recorded.
        OutputError: The store cannot be written, or has another bundle of this name and version.
        BundleError: The bundle changed meanwhile, or its name is no name for a file.
        BackendError: No engine that `auto` looks at takes it.
    """
    place = place_of(bundle.manifest.name, bundle.manifest.version)
    golden = tuple(check_everywhere(bundle))
    _check_runs(bundle, golden)
    with _changing_store():
        there = _bundle_at(place)
        was_there = there is not None and _is_same(there, bundle)
        if not was_there:
            _write(bundle, place.path, there, overwrite=overwrite)
    return Installation(place, was_there, golden)


def _check_runs(bundle: Bundle, golden: Iterable[GoldenResult]) -> None:
    """That there is something right for `auto` to take; what is wrong it does not take."""
    tried = [result for result in golden if result.backend in CPU_ENGINES]
    if any(result.passed for result in tried):
        return
    told = "; ".join(f"{result.backend} {result.variant}: {result.told}" for result in tried)
    if all(result.refusal for result in tried):
        raise BackendError(f"{bundle.manifest.name} does not run here and is not installed: {told or 'no engine'}")
    raise GateError(
        f"no engine here computes what {bundle.manifest.name} was recorded to give, so it is not installed: {told}"
    )


def _is_same(there: Bundle, bundle: Bundle) -> bool:
    """Whether nothing would be gained by writing it: what has a signature is not replaced by the same without."""
    return there.digest == bundle.digest and bundle.signature in (None, there.signature)


def remove(named: str) -> Installed:
    """Take one bundle out of the store.

    Args:
        named: `NAME`, or `NAME@VERSION` where there are several.

    Raises:
        RequestError: None or several are meant.
        OutputError: The store cannot be written.
    """
    with _changing_store():
        found = versions_of(named)
        if not found:
            raise RequestError(f"no bundle {named!r} is installed; see: edgeward bundle list")
        if len(found) > 1:
            raise RequestError(
                f"several are installed, name one: {', '.join(f'{one.name}@{one.version}' for one in found)}"
            )
        found[0].path.unlink(missing_ok=True)
        sync_folder(store_folder())
    return found[0]


def put_signature(bundle: Bundle, signature: bytes) -> None:
    """Put a signature into a bundle, wherever it lies; in the store, nobody else changes it meanwhile.

    Args:
        bundle: The one that the signature is of, as it was read. If it has a signature, that one is replaced.
        signature: The content of the signature's file.

    Raises:
        BundleError: The bundle is not what it was when it was read, or not there any more.
        OutputError: The system refused to write.
    """
    with _changing_store() if _is_installed(bundle) else contextlib.nullcontext():
        now = read_bundle(bundle.path)
        if (now.digest, now.signature) != (bundle.digest, bundle.signature):
            raise BundleError(f"{bundle.path} was changed while it was being signed; look at it, and sign it again")
        write_signature(now, signature)


def _is_installed(bundle: Bundle) -> bool:
    data = data_folder()
    return data is not None and bundle.path.resolve().parent == store_folder().resolve()


def _write(bundle: Bundle, path: Path, there: Bundle | None, *, overwrite: bool) -> None:
    replaced = overwrite or there is None or there.digest == bundle.digest
    check_output(path, overwrite=replaced, needed_bytes=bundle.size)
    with atomic_file(path) as file:
        write_archive(file, names_of(bundle), lambda name: content_of(bundle, name))
        file.flush()
        if read_bundle(Path(file.name)).digest != bundle.digest:  # before it takes its place
            raise BundleError(f"{path} did not arrive as it was sent; try again")


def _bundle_at(place: Installed) -> Bundle | None:
    """The bundle that is installed there; None where there is none, or a damaged one."""
    try:
        return read_bundle(place.path)
    except NewerBundleError as error:  # it may be whole, and this runtime cannot tell
        raise OutputError(
            f"{place.path} is there already, for a newer runtime; take it out with: "
            f"edgeward bundle remove {place.name}@{place.version}"
        ) from error
    except BundleError:
        return None


@contextlib.contextmanager
def _changing_store() -> Iterator[None]:
    """Hold the store alone, and rid it of what a process left that died in the middle.

    What is half-written while one holds the lock, nobody is writing any more.
    """
    folder = store_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / _LOCK):
            for left in folder.glob(".*.partial"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be changed: {error.strerror or error}; make room or change its permissions, or set "
            "EDGEWARD_HOME to another folder"
        ) from error
