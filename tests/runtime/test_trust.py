"""Who may sign is said by the user's list alone, and what it cannot vouch for is refused where it must be."""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeward.runtime import BackendError, Bundle, BundleError, RequestError, open_bundle
from edgeward.runtime.bundle import read_bundle
from edgeward.runtime.rewrite import content_of, names_of, write_file
from edgeward.runtime.signature import sign
from edgeward.runtime.trust import (
    REQUIRE_VARIABLE,
    SignatureState,
    TrustedKey,
    TrustList,
    change_trust_list,
    check_policy,
    load_trust_list,
    state_of,
    trust_list_from_bytes,
    trust_list_path,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CLINIC, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
TRUSTED = TrustedKey("Heart Clinic", CLINIC.public_key().public_bytes_raw())
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=20)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def copied(small_bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_bundle.path, tmp_path / "copy.edgeward"))


def saved(trust: TrustList) -> None:
    change_trust_list(lambda _: trust)


def signed(folder: Path, key: Ed25519PrivateKey = CLINIC) -> Path:
    (folder / "signature").write_bytes(sign((folder / "manifest.json").read_bytes(), key).to_bytes())
    return folder


def packed(folder: Path) -> Path:
    bundle = read_bundle(folder)
    path = folder.with_name("packed.edgeward")
    write_file(path, names_of(bundle), lambda name: content_of(bundle, name))
    return path


def test_without_a_list_bundles_open_signed_or_not(copied: Path) -> None:
    assert open_bundle(copied).signature is None
    assert open_bundle(signed(copied)).signature is not None


def test_a_signature_changes_neither_digest_nor_manifest(copied: Path, small_bundle: Bundle) -> None:
    assert open_bundle(signed(copied)).digest == small_bundle.digest
    assert open_bundle(packed(copied)).digest == small_bundle.digest


@pytest.mark.parametrize("form", [lambda path: path, packed])
def test_with_a_list_a_trusted_signature_opens_and_a_strangers_does_not(copied: Path, form: object) -> None:
    assert callable(form)
    saved(TrustList((TRUSTED,)))
    opened = open_bundle(form(signed(copied)), require_signature=True)
    state = state_of(opened.manifest_bytes, opened.signature, load_trust_list())
    assert state == SignatureState(TRUSTED.key_id, "Heart Clinic")
    assert state.text == f"by Heart Clinic, key {TRUSTED.key_id[:16]}…"
    with pytest.raises(BundleError, match="not on your trust list.*trust add NAME KEY.pub"):
        open_bundle(form(signed(copied, STRANGER)))


def test_a_strangers_signature_is_no_better_than_none_where_one_is_required(copied: Path) -> None:
    with pytest.raises(BundleError, match="it is not signed, and only signed bundles may be used here"):
        open_bundle(copied, require_signature=True)
    with pytest.raises(BundleError, match="not on your trust list"):
        open_bundle(signed(copied, STRANGER), require_signature=True)


def test_an_unsigned_bundle_opens_beside_a_list_unless_one_requires_a_signature(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(TrustList((TRUSTED,)))
    open_bundle(copied)
    saved(TrustList((TRUSTED,), required=True))
    with pytest.raises(BundleError, match=r"copy\.edgeward: it is not signed"):
        open_bundle(copied)
    saved(TrustList((TRUSTED,)))
    monkeypatch.setenv(REQUIRE_VARIABLE, "1")
    with pytest.raises(BundleError, match="it is not signed"):
        open_bundle(copied)
    open_bundle(signed(copied))
    monkeypatch.setenv(REQUIRE_VARIABLE, "perhaps")
    with pytest.raises(RequestError, match="EDGEWARD_REQUIRE_SIGNATURE must be 1 or 0, not 'perhaps'"):
        open_bundle(copied)


def test_a_manifest_changed_after_signing_is_refused(copied: Path) -> None:
    signed(copied)
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps({**manifest, "licence": "another"}))
    saved(TrustList((TRUSTED,)))
    with pytest.raises(BundleError, match="the signature is not Heart Clinic's .* has been changed since"):
        open_bundle(copied)


def test_a_signature_under_the_name_of_another_key_is_refused(copied: Path) -> None:
    forged = json.loads(sign((copied / "manifest.json").read_bytes(), STRANGER).to_bytes())
    (copied / "signature").write_text(json.dumps(forged | {"key_id": TRUSTED.key_id}))
    saved(TrustList((TRUSTED,)))
    with pytest.raises(BundleError, match="the signature is not Heart Clinic's"):
        open_bundle(copied)


def test_a_broken_signature_is_refused_with_or_without_a_list(copied: Path) -> None:
    (copied / "signature").write_bytes(b"{}")
    with pytest.raises(BundleError, match="signature has no field 'format'"):
        open_bundle(copied)
    (copied / "signature").write_bytes(b" " * 5000)
    with pytest.raises(BundleError, match="signature is larger than the 4096 bytes"):
        open_bundle(copied)


def test_a_signature_that_is_a_link_is_refused(copied: Path, tmp_path: Path) -> None:
    signed(copied)
    (copied / "signature").rename(tmp_path / "elsewhere")
    (copied / "signature").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="signature is a link"):
        open_bundle(copied)


def test_without_the_library_a_signature_that_counts_is_not_taken_on_trust(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(copied)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    open_bundle(copied)  # nobody's signature counts: nothing to check
    saved(TrustList((TRUSTED,)))
    with pytest.raises(BackendError, match=r"pip install 'edgeward\[sign\]'"):
        open_bundle(copied)


def test_a_list_reads_back_and_keeps_names_and_keys_apart() -> None:
    assert load_trust_list() == TrustList()
    other = TrustedKey("Müller & Söhne", STRANGER.public_key().public_bytes_raw())
    trust = TrustList(required=True).with_key(TRUSTED).with_key(other)
    saved(trust)
    assert load_trust_list() == trust
    assert trust.without("Heart Clinic").keys == (other,)
    with pytest.raises(RequestError, match="has 'Heart Clinic' already"):
        trust.with_key(TrustedKey("Heart Clinic", bytes(32)))
    with pytest.raises(RequestError, match="has 'Heart Clinic' already"):
        trust.with_key(TrustedKey("another name", TRUSTED.public_key))
    with pytest.raises(RequestError, match="no key 'nobody'; it has Heart Clinic, Müller"):
        trust.without("nobody")
    for name in ("", " x", "x\n", "\x1b[31m", "x" * 101):
        with pytest.raises(RequestError, match="printable characters"):
            trust.with_key(TrustedKey(name, bytes(32)))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "other"}', b"\xff", b" " * (2**20 + 1)])
def test_a_damaged_list_is_told_and_never_taken_for_an_empty_one(copied: Path, content: bytes) -> None:
    saved(TrustList((TRUSTED,), required=True))
    trust_list_path().write_bytes(content)
    with pytest.raises(RequestError, match="the trust list is damaged|larger than"):
        open_bundle(copied)


posix = pytest.mark.skipif(os.name != "posix", reason="files have other permissions on Windows")


@posix
@pytest.mark.parametrize("mode", [0o666, 0o664, 0o602])
def test_a_list_that_others_can_write_is_not_trusted(copied: Path, mode: int) -> None:
    saved(TrustList((TRUSTED,)))
    trust_list_path().chmod(mode)
    with pytest.raises(RequestError, match="can be written by others.*chmod go-w"):
        open_bundle(copied)


@posix
def test_a_list_that_another_user_put_there_is_not_trusted(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(TrustList((TRUSTED,)))
    if os.getuid() == 0:
        os.chown(trust_list_path(), 54_321, -1)
        assert load_trust_list().keys  # root takes the list of the home it was given
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(RequestError, match="belongs to another user"):
        open_bundle(copied)


@posix
def test_a_list_is_the_owners_to_write_whatever_the_umask(copied: Path) -> None:
    before = os.umask(0)
    try:
        saved(TrustList((TRUSTED,)))
    finally:
        os.umask(before)
    assert load_trust_list().keys == (TRUSTED,)


def test_no_change_is_lost_where_two_make_one_at_the_same_time() -> None:
    """The second waits until the first has written, however long that takes it."""
    keys = [TrustedKey(f"{number}", bytes([number]) * 32) for number in range(2)]
    reading = threading.Event()

    def slowly(known: TrustList) -> TrustList:
        reading.set()
        time.sleep(0.3)
        return known.with_key(keys[0])

    first = threading.Thread(target=change_trust_list, args=(slowly,))
    first.start()
    reading.wait(10)
    change_trust_list(lambda known: known.with_key(keys[1]))
    first.join(10)
    assert load_trust_list().keys == tuple(keys)


def test_a_list_that_is_a_folder_is_told(copied: Path) -> None:
    trust_list_path().mkdir(parents=True)
    with pytest.raises(RequestError, match="cannot be read: Is a directory|cannot be read: Permission denied"):
        open_bundle(copied)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(10)
def test_a_list_that_is_a_pipe_is_refused_and_not_waited_for(copied: Path) -> None:
    trust_list_path().parent.mkdir(parents=True)
    os.mkfifo(trust_list_path(), 0o600)
    with pytest.raises(RequestError, match="is no ordinary file, so it is not to be trusted"):
        open_bundle(copied)


@pytest.mark.parametrize("signer", [None, "Heart Clinic"])
@pytest.mark.parametrize("key_id", [None, "0" * 64])
@pytest.mark.parametrize("keys", [(), (TRUSTED,)])
@pytest.mark.parametrize("by_list", [False, True])
@pytest.mark.parametrize("by_argument", [False, True])
def test_the_rule_is_the_same_table_everywhere(
    signer: str | None, key_id: str | None, keys: tuple[TrustedKey, ...], by_list: bool, by_argument: bool
) -> None:
    if signer and key_id is None:
        return  # there is no such state
    required = by_list or by_argument
    allowed = bool(signer) or (not required and (key_id is None or not keys))
    try:
        check_policy(SignatureState(key_id, signer), TrustList(keys, by_list), required=by_argument)
    except BundleError:
        assert not allowed
    else:
        assert allowed


@settings(max_examples=200, deadline=None)
@given(names=st.lists(NAMES, max_size=4, unique=True), required=st.booleans())
def test_any_list_reads_back(names: list[str], required: bool) -> None:
    keys = tuple(TrustedKey(name, bytes([number]) * 32) for number, name in enumerate(names) if name.isprintable())
    trust = TrustList(keys, required)
    assert trust_list_from_bytes(trust.to_bytes(), "here") == trust


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_list_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(TrustList((TRUSTED,), required=True).to_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        trust_list_from_bytes(bytes(content), "here")
    except (BundleError, RequestError):
        pass
