"""Whose signatures a user trusts, and whether a bundle without one may be used at all.

The list is a file of public keys in the user's settings. Nothing else decides: no bundle brings a key, none is fetched.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .atomic import atomic_file
from .errors import BundleError, OutputError, RequestError
from .json_fields import Fields, parse_json
from .lock import locked
from .ordinary_file import open_ordinary
from .places import needed, settings_folder
from .signature import decoded, is_signed_by, key_id_of, signature_from_bytes

REQUIRE_VARIABLE = "EDGEWARD_REQUIRE_SIGNATURE"
_FORMAT = "edgeward-trusted-keys-1"
_FILE_NAME = "trusted-keys.json"
_LOCK = ".trusted-keys.lock"
_MAX_BYTES = 2**20
_MAX_NAME = 100


@dataclass(frozen=True)
class TrustedKey:
    """A public key, and whose it is."""

    name: str
    public_key: bytes
    """32 bytes."""

    @property
    def key_id(self) -> str:
        """What signatures call it."""
        return key_id_of(self.public_key)


@dataclass(frozen=True)
class TrustList:
    """The user's settings about signatures."""

    keys: tuple[TrustedKey, ...] = ()
    required: bool = False
    """Whether bundles without a trusted signature are refused."""

    def to_bytes(self) -> bytes:
        """The file's content."""
        keys = [{"name": key.name, "public_key": base64.b64encode(key.public_key).decode()} for key in self.keys]
        value = {"format": _FORMAT, "required": self.required, "keys": keys}
        return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()

    def with_key(self, key: TrustedKey) -> TrustList:
        """The list with one more key.

        Raises:
            RequestError: The name is no name, or it or the key is there already.
        """
        if not key.name.isprintable() or not 1 <= len(key.name) <= _MAX_NAME or key.name != key.name.strip():
            raise RequestError(f"a key's name must be 1 to {_MAX_NAME} printable characters, not {key.name[:40]!r}")
        for other in self.keys:
            if other.name == key.name or other.public_key == key.public_key:
                raise RequestError(f"the trust list has {other.name!r} already, key {other.key_id[:16]}…")
        return TrustList((*self.keys, key), self.required)

    def without(self, name: str) -> TrustList:
        """The list without the key of this name.

        Raises:
            RequestError: There is none.
        """
        if name not in {key.name for key in self.keys}:
            names = ", ".join(key.name for key in self.keys) or "no key"
            raise RequestError(f"the trust list has no key {name!r}; it has {names}")
        return TrustList(tuple(key for key in self.keys if key.name != name), self.required)


@dataclass(frozen=True)
class SignatureState:
    """What is known of a bundle's signature."""

    key_id: str | None
    """Of the key it names; None: the bundle is not signed."""
    signer: str | None
    """As the trust list calls the key, where it is there and did sign."""

    @property
    def text(self) -> str:
        """For people."""
        if self.key_id is None:
            return "not signed"
        if self.signer is None:
            return f"by key {self.key_id[:16]}…, not on your trust list, so it says nothing"
        return f"by {self.signer}, key {self.key_id[:16]}…"


def trust_list_path() -> Path:
    """Where the list lies, if there is one.

    Raises:
        RequestError: This user has no place for it.
    """
    return needed(settings_folder()) / _FILE_NAME


def load_trust_list() -> TrustList:
    """The user's list; an empty one where there is no file.

    Raises:
        RequestError: There is one that cannot be trusted or read. It is never taken for an empty one.
    """
    folder = settings_folder()
    if folder is None:
        return TrustList()
    path = folder / _FILE_NAME
    neither = RequestError(f"{path} is no ordinary file, so it is not to be trusted; remove it, and add the keys again")
    try:
        with open_ordinary(path, neither, follow_links=True) as file:
            _check_own(path, os.fstat(file.fileno()))
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return TrustList()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > _MAX_BYTES:
        raise RequestError(f"{path} is larger than the {_MAX_BYTES} bytes it may have")
    try:
        return trust_list_from_bytes(content, str(path))
    except BundleError as error:
        raise RequestError(
            f"the trust list is damaged: {error}; mend it, or remove it and add the keys again"
        ) from error


def _check_own(path: Path, found: os.stat_result) -> None:
    if os.name != "posix":
        return
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RequestError(f"{path} can be written by others, so it is not to be trusted; first: chmod go-w {path}")
    # Whoever is root, in a container say, uses the list of the home that was given.
    if os.getuid() not in (0, found.st_uid) and found.st_uid != 0:
        raise RequestError(f"{path} belongs to another user, so it is not to be trusted; remove it, or chown it")


def trust_list_from_bytes(content: bytes, where: str) -> TrustList:
    """Read a trust list.

    Raises:
        BundleError: It is none.
        RequestError: Two of its keys have one name, or are one.
    """
    fields = Fields(parse_json(content, where), where)
    if fields.text("format") != _FORMAT:
        raise BundleError(f"{where}: 'format' must be {_FORMAT!r}")
    result = TrustList(required=fields.flag("required"))
    for key in fields.objects("keys"):
        result = result.with_key(TrustedKey(key.text("name"), decoded(key.text("public_key"), 32, key.where)))
        key.end()
    fields.end()
    return result


def change_trust_list(change: Callable[[TrustList], TrustList]) -> TrustList:
    """Change the user's list; who changes it at the same time waits, so that no change is lost.

    Args:
        change: From the list as it is to what it shall be.

    Returns:
        The new list.

    Raises:
        RequestError: As `load_trust_list` and `change` raise it.
        OutputError: The system refused to write.
    """
    path = trust_list_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(_LOCK)):
            changed = change(load_trust_list())
            with atomic_file(path) as file:
                if os.name == "posix":
                    os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # whatever the umask lets others do
                file.write(changed.to_bytes())
    except OSError as error:
        raise OutputError(f"{path} cannot be changed: {error.strerror or error}") from error
    return changed


def state_of(manifest: bytes, signature: bytes | None, trust: TrustList) -> SignatureState:
    """Who signed a manifest.

    Args:
        manifest: The bytes of the file.
        signature: The bytes of the signature's file; None: there is none.
        trust: The keys that count.

    Raises:
        BundleError: The signature is no signature, or not of this manifest.
        BackendError: It is by a key on the list, and cryptography is not installed.
    """
    if signature is None:
        return SignatureState(None, None)
    told = signature_from_bytes(signature)
    for key in trust.keys:
        if key.key_id == told.key_id:
            if not is_signed_by(manifest, told, key.public_key):
                raise BundleError(
                    f"the signature is not {key.name}'s (key {key.key_id[:16]}…) of this manifest: it or the bundle "
                    "has been changed since; do not trust this one, and get it again from who signed it"
                )
            return SignatureState(told.key_id, key.name)
    return SignatureState(told.key_id, None)


def check_policy(state: SignatureState, trust: TrustList, *, required: bool) -> None:
    """Refuse a bundle that the user's settings do not allow.

    Args:
        state: Of its signature.
        trust: The user's settings.
        required: Whether a trusted signature is asked for this time, whatever the settings say.

    Raises:
        BundleError: It has no signature where one is required, or one by a key that is not on a list that is there.
    """
    required = required or is_required(trust)
    if state.key_id is None and required:
        raise BundleError(
            "it is not signed, and only signed bundles may be used here; ask its maker for one "
            "(edgeward bundle sign), or take back the rule (edgeward bundle trust --help)"
        )
    if state.key_id is not None and state.signer is None and (required or trust.keys):
        raise BundleError(
            f"it is signed by key {state.key_id}, which is not on your trust list; if you know whose it is, get the "
            "public key from them and add it with: edgeward bundle trust add NAME KEY.pub"
        )


def is_required(trust: TrustList) -> bool:
    """Whether the user's settings, in the list or the environment, refuse bundles without a trusted signature.

    Raises:
        RequestError: The environment says neither 1 nor 0.
    """
    value = os.environ.get(REQUIRE_VARIABLE, "")
    if value not in ("", "0", "1"):
        raise RequestError(f"{REQUIRE_VARIABLE} must be 1 or 0, not {value[:40]!r}")
    return trust.required or value == "1"
