"""Sign a bundle's manifest, and tell who signed one: Ed25519 (RFC 8032), in a file beside the manifest.

Through the hashes in the manifest, its signature stands for every file. What is signed is the manifest's bytes as they
lie in the file, behind a line that says what they are, so that no signature of something else can be taken for one of a
bundle. A signature names its key by a hash and does not bring it: the trust list alone says who may sign.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .atomic import atomic_file
from .errors import BackendError, BundleError, OutputError, RequestError
from .json_fields import Fields, parse_json
from .manifest import SIGNATURE_NAME
from .ordinary_file import open_ordinary

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_SIGNATURE_BYTES = 4096
FORMAT = "edgeward-signature-1"
_ALGORITHM = "ed25519"
_SIGNED_AS = b"edgeward bundle manifest, signature 1\n"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_MAX_KEY_FILE = 16_384
_MAX_PASSPHRASE = 1023  # what OpenSSL takes
_KEY_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Signature:
    """What the file `signature` says."""

    key_id: str
    """SHA-256 of the public key's 32 bytes, in hexadecimal digits."""
    value: bytes

    def to_bytes(self) -> bytes:
        """The file's content."""
        fields = {
            "format": FORMAT,
            "algorithm": _ALGORITHM,
            "key_id": self.key_id,
            "signature": base64.b64encode(self.value).decode(),
        }
        return (json.dumps(fields, indent=1) + "\n").encode()


def key_id_of(public_key: bytes) -> str:
    """The name of a public key of 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()


def signature_from_bytes(content: bytes) -> Signature:
    """Read an untrusted signature file.

    Raises:
        BundleError: It is none, or one of another algorithm.
    """
    fields = Fields(parse_json(content, SIGNATURE_NAME), SIGNATURE_NAME)
    told, algorithm = fields.text("format"), fields.text("algorithm")
    if (told, algorithm) != (FORMAT, _ALGORITHM):
        raise BundleError(
            f"{SIGNATURE_NAME} is of the format {told[:80]!r} with {algorithm[:80]!r}, this runtime knows {FORMAT!r} "
            f"with {_ALGORITHM!r}; update it with: pip install --upgrade edgeward"
        )
    signature = Signature(fields.text("key_id"), decoded(fields.text("signature"), _SIGNATURE_BYTES, SIGNATURE_NAME))
    fields.end()
    if not _KEY_ID.fullmatch(signature.key_id):
        raise BundleError(f"{SIGNATURE_NAME}: 'key_id' must be 64 hexadecimal digits")
    return signature


def decoded(text: str, size: int, where: str) -> bytes:
    """The bytes behind base64, which must be of this size.

    Raises:
        BundleError: They are not.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != size:
        raise BundleError(f"{where}: {text[:20]!r}… is not the base64 of {size} bytes")
    return value


def is_signed_by(manifest: bytes, signature: Signature, public_key: bytes) -> bool:
    """Whether this key signed these bytes of a manifest.

    Raises:
        BackendError: cryptography is not installed.
    """
    need_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature.value, _SIGNED_AS + manifest)
    except (InvalidSignature, ValueError):  # the second for 32 bytes that are no point of the curve
        return False
    return True


def sign(manifest: bytes, key: Ed25519PrivateKey) -> Signature:
    """Sign the bytes of a manifest."""
    return Signature(key_id_of(key.public_key().public_bytes_raw()), key.sign(_SIGNED_AS + manifest))


def make_key(path: Path, passphrase: bytes | None) -> bytes:
    """Draw a key, and write it to a file that only its owner can read, as PEM (PKCS 8).

    Args:
        path: Of the private key. The public one goes beside it, with `.pub` behind its name.
        passphrase: Encrypts the private key; None: it lies there as it is.

    Returns:
        The public key, 32 bytes.

    Raises:
        RequestError: The passphrase is too long.
        BackendError: cryptography is not installed.
        OutputError: The system refused to write, or one of the two files is there: a key is never replaced.
    """
    if passphrase and len(passphrase) > _MAX_PASSPHRASE:
        raise RequestError(f"a passphrase may have {_MAX_PASSPHRASE} bytes at most, not {len(passphrase)}")
    need_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    locked = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    with _new(path), _new(public_path(path)):
        with atomic_file(public_path(path)) as file:
            file.write(public)
        with atomic_file(path) as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # before there is anything in it
            file.write(private)
    return key.public_key().public_bytes_raw()


@contextlib.contextmanager
def _new(path: Path) -> Iterator[None]:
    """Take the name by an empty file, which whoever else wants it meets; nothing stays if the block fails."""
    try:
        path.open("xb").close()
    except FileExistsError as error:
        raise OutputError(f"{path} is there already, and a key is never replaced; give another name") from error
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def public_path(path: Path) -> Path:
    """Where the public half of a private key goes."""
    return path.with_name(path.name + ".pub")


def is_locked(path: Path) -> bool:
    """Whether a private key wants a passphrase."""
    return b"ENCRYPTED" in _key_file(path)


def private_key(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        RequestError: It is none, others can read it, or the passphrase is missing or wrong.
        BackendError: cryptography is not installed.
    """
    content = _key_file(path)
    if b"PUBLIC KEY" in content:
        raise RequestError(f"{path} is a public key, which anybody may have; sign with the private one beside it")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RequestError(f"{path} can be read by others, so it may be known to them; first: chmod 600 {path}")
    need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if is_locked(path) and not passphrase:
        raise RequestError(f"{path} is locked with a passphrase; give it with --passphrase-file")
    try:
        key = load_pem_private_key(content, passphrase if is_locked(path) else None)
    except Exception:  # whatever is told of it might hold a part of the key
        wrong = ", or the passphrase is wrong" if passphrase else ""
        raise RequestError(
            f"{path} cannot be read as a private key{wrong}; make one with: edgeward bundle keygen"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise RequestError(f"{path} is no Ed25519 key; make one with: edgeward bundle keygen")
    return key


def public_key(path: Path) -> bytes:
    """Read a public key, 32 bytes.

    Raises:
        RequestError: It is none; the message says so where it is a private one.
        BackendError: cryptography is not installed.
    """
    content = _key_file(path)
    if b"PRIVATE KEY" in content:
        raise RequestError(f"{path} is a private key, which stays with its owner; give {public_path(path).name}")
    need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(content)
    except Exception as error:  # cryptography raises several kinds
        raise RequestError(f"{path} cannot be read as a public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise RequestError(f"{path} is no Ed25519 key; one is made with: edgeward bundle keygen")
    return key.public_bytes_raw()


def _key_file(path: Path) -> bytes:
    neither = RequestError(f"{path} is no ordinary file, and so no key; give the file that keygen wrote")
    try:
        with open_ordinary(path, neither, follow_links=True) as file:
            return file.read(_MAX_KEY_FILE)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from error


def need_cryptography() -> None:
    """Do nothing, or raise where the library is missing.

    Raises:
        BackendError: It is; the message gives the command that installs it.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise BackendError(
            f"signatures need cryptography, which cannot be imported ({error}); install it with: "
            "pip install 'edgeward[sign]'"
        ) from error
