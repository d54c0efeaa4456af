"""A signature holds for one manifest and one key, and keys stay what and where they are."""

import base64
import dataclasses
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeward.runtime import BackendError, BundleError, OutputError, RequestError
from edgeward.runtime.signature import (
    Signature,
    is_locked,
    is_signed_by,
    key_id_of,
    make_key,
    private_key,
    public_key,
    public_path,
    sign,
    signature_from_bytes,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MANIFEST = b'{"schema_version": 3}\n'
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
FAST = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
posix = pytest.mark.skipif(os.name != "posix", reason="files have other permissions on Windows")


def test_a_signature_holds_for_its_manifest_and_its_key_only() -> None:
    signature = sign(MANIFEST, KEY)
    assert is_signed_by(MANIFEST, signature, PUBLIC)
    assert not is_signed_by(MANIFEST + b" ", signature, PUBLIC)
    assert not is_signed_by(MANIFEST, signature, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    assert not is_signed_by(MANIFEST, signature, b"\xff" * 32)  # no point of the curve
    for place in range(64):
        value = bytearray(signature.value)
        value[place] ^= 1
        assert not is_signed_by(MANIFEST, dataclasses.replace(signature, value=bytes(value)), PUBLIC)


def test_what_is_signed_is_pinned_and_no_bare_manifest() -> None:
    # RFC 8032 makes signatures of nothing but the key and the message, so other implementations give these bytes, too.
    assert sign(MANIFEST, KEY).value == KEY.sign(b"edgeward bundle manifest, signature 1\n" + MANIFEST)
    assert not is_signed_by(MANIFEST, Signature(key_id_of(PUBLIC), KEY.sign(MANIFEST)), PUBLIC)
    assert key_id_of(PUBLIC) == "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c"


def test_a_signature_file_reads_back_and_is_a_small_json_document() -> None:
    signature = sign(MANIFEST, KEY)
    content = signature.to_bytes()
    assert signature_from_bytes(content) == signature
    assert json.loads(content) == {
        "format": "edgeward-signature-1",
        "algorithm": "ed25519",
        "key_id": key_id_of(PUBLIC),
        "signature": base64.b64encode(signature.value).decode(),
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "edgeward-signature-2"}, "pip install --upgrade edgeward"),
        ({"algorithm": "none"}, "with 'none', this runtime knows"),
        ({"key_id": "0"}, "'key_id' must be 64"),
        ({"key_id": "G" * 64}, "'key_id' must be 64"),
        ({"signature": ""}, "not the base64 of 64 bytes"),
        ({"signature": "AAAA"}, "not the base64 of 64 bytes"),
        ({"signature": "ä" * 88}, "not the base64 of 64 bytes"),
        ({"signature": base64.b64encode(bytes(64)).decode() + "\n"}, "not the base64 of 64 bytes"),
        ({"public_key": "x"}, "does not know: 'public_key'"),
    ],
)
def test_a_signature_file_of_another_kind_is_refused(change: dict[str, str], told: str) -> None:
    value = json.loads(sign(MANIFEST, KEY).to_bytes())
    with pytest.raises(BundleError, match=told):
        signature_from_bytes(json.dumps(value | change).encode())


@FAST
@given(data=st.data())
def test_a_mutated_signature_file_is_refused_or_does_not_hold(data: st.DataObject) -> None:
    good = sign(MANIFEST, KEY)
    content = bytearray(good.to_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=6))
    try:
        found = signature_from_bytes(bytes(content))
    except BundleError:
        return
    assert found == good or found.key_id != good.key_id or not is_signed_by(MANIFEST, found, PUBLIC)


@FAST
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_signature_file_or_refused(content: bytes) -> None:
    try:
        signature_from_bytes(content)
    except BundleError:
        pass


@pytest.mark.parametrize("passphrase", [None, b"a long one"])
def test_a_key_pair_signs_and_other_tools_read_it(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "clinic.key"
    public = make_key(path, passphrase)
    assert public_key(public_path(path)) == public
    assert is_locked(path) == bool(passphrase)
    assert is_signed_by(MANIFEST, sign(MANIFEST, private_key(path, passphrase)), public)
    by_library = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    assert isinstance(by_library, Ed25519PrivateKey)
    assert by_library.public_key().public_bytes_raw() == public
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clinic.key", "clinic.key.pub"]


@posix
def test_only_its_owner_can_read_a_private_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_key(tmp_path / "clinic.key", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "clinic.key").stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_private_key_that_others_can_reach_is_not_used(tmp_path: Path, mode: int) -> None:
    make_key(tmp_path / "clinic.key", None)
    (tmp_path / "clinic.key").chmod(mode)
    with pytest.raises(RequestError, match="can be read by others.*chmod 600"):
        private_key(tmp_path / "clinic.key", None)


def test_a_locked_key_wants_the_right_passphrase_and_tells_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "clinic.key"
    make_key(path, b"right")
    with pytest.raises(RequestError, match="locked with a passphrase"):
        private_key(path, None)
    with pytest.raises(RequestError, match="or the passphrase is wrong") as error:
        private_key(path, b"wrong")
    assert error.value.__cause__ is None


@pytest.mark.parametrize("taken", ["clinic.key", "clinic.key.pub"])
def test_a_key_is_never_replaced(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("precious")
    with pytest.raises(OutputError, match=f"{taken} is there already, and a key is never replaced"):
        make_key(tmp_path / "clinic.key", None)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(taken, "precious")]


def test_a_full_disk_leaves_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgeward.runtime.atomic.os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        make_key(tmp_path / "clinic.key", None)
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="1023 bytes at most, not 1024"):
        make_key(tmp_path / "clinic.key", b"x" * 1024)
    assert list(tmp_path.iterdir()) == []
    make_key(tmp_path / "clinic.key", b"x" * 1023)
    private_key(tmp_path / "clinic.key", b"x" * 1023)


def test_a_file_that_is_no_key_of_the_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clinic.key"
    make_key(path, None)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    other, garbage = tmp_path / "other", tmp_path / "garbage"
    other.touch(mode=0o600)
    garbage.touch(mode=0o600)
    other.write_bytes(elliptic.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    garbage.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA")
    with pytest.raises(RequestError, match="no Ed25519 key"):
        private_key(other, None)
    with pytest.raises(RequestError, match="cannot be read as a private key"):
        private_key(garbage, None)
    with pytest.raises(RequestError, match="cannot be read: No such file"):
        private_key(tmp_path / "absent", None)
    with pytest.raises(RequestError, match=r"is a private key, which stays with its owner; give clinic\.key\.pub"):
        public_key(path)
    other.write_bytes(elliptic.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(RequestError, match="no Ed25519 key"):
        public_key(other)
    garbage.write_bytes(b"AAAA")
    with pytest.raises(RequestError, match="cannot be read as a public key"):
        public_key(garbage)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(10)
def test_a_pipe_in_the_place_of_a_key_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for use in (is_locked, public_key, lambda path: private_key(path, None)):
        with pytest.raises(RequestError, match="pipe is no ordinary file, and so no key"):
            use(tmp_path / "pipe")


def test_a_key_behind_a_link_is_read(tmp_path: Path) -> None:
    make_key(tmp_path / "clinic.key", None)
    (tmp_path / "link").symlink_to(tmp_path / "clinic.key")
    private_key(tmp_path / "link", None)


def test_without_the_library_every_use_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_key(tmp_path / "clinic.key", None)
    signature = sign(MANIFEST, KEY)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for use in (
        lambda: make_key(tmp_path / "another.key", None),
        lambda: private_key(tmp_path / "clinic.key", None),
        lambda: public_key(tmp_path / "clinic.key.pub"),
        lambda: is_signed_by(MANIFEST, signature, PUBLIC),
    ):
        with pytest.raises(BackendError, match=r"pip install 'edgeward\[sign\]'"):
            use()
    assert not (tmp_path / "another.key").exists()
