"""The commands that sign, trust, pack, migrate and install, as a person types them."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, open_bundle
from edgeward.runtime.archive import is_archive
from edgeward.runtime.golden import check_everywhere
from edgeward.runtime.installed import store_folder
from edgeward.runtime.manifest import SCHEMA_VERSION

from edgeward.commands.terminal import print_table

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def key(edgeward_here: Run, tmp_path: Path) -> Path:
    path = tmp_path / "clinic.key"
    assert edgeward_here("bundle", "keygen", "-o", path).returncode == 0
    return path


def test_the_whole_way_from_a_key_to_a_trusted_installed_bundle(
    edgeward_here: Run, refused: Refused, bundle: Bundle, key: Path, tmp_path: Path, out: Path
) -> None:
    packed = tmp_path / "packed.edgeward"
    assert f"sha256 {bundle.digest}" in edgeward_here("bundle", "pack", bundle.path, "-o", packed).stdout
    refused(edgeward_here("bundle", "install", packed, "--require-signature"), 4, "it is not signed")
    signed = edgeward_here("bundle", "sign", packed, "--key", key)
    assert re.search(r"signed by key [0-9a-f]{64}$", signed.stdout.strip())
    refused(edgeward_here("bundle", "install", packed, "--require-signature"), 4, "is not on your trust list")
    added = edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    assert "Compare the key id with its owner" in added.stdout
    assert "Heart Clinic" in edgeward_here("bundle", "trust", "list").stdout
    installed = edgeward_here("bundle", "install", packed, "--require-signature", "--json")
    assert json.loads(installed.stdout)["installed"] == "tiny@1.2.3"
    listed = json.loads(edgeward_here("bundle", "list", "--json").stdout)["bundles"]
    assert [(one["name"], one["sha256"]) for one in listed] == [("tiny", bundle.digest)]
    assert "by Heart Clinic" in edgeward_here("bundle", "list").stdout
    made = edgeward_here("generate", "tiny", "-n", "2", "-o", out / "a.csv", "--require-signature", "--json")
    assert made.returncode == 0, made.stderr
    assert bundle.digest in made.stdout
    assert edgeward_here("bundle", "remove", "tiny").stdout == "tiny@1.2.3 is removed\n"
    assert "No bundle is installed" in edgeward_here("bundle", "list").stdout


def test_verify_and_inspect_say_who_signed(edgeward_here: Run, copied: Path, key: Path) -> None:
    assert "Signed      not signed" in edgeward_here("bundle", "inspect", copied).stdout
    edgeward_here("bundle", "sign", copied, "--key", key)
    assert "not on your trust list, so it says nothing" in edgeward_here("bundle", "inspect", copied).stdout
    edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    assert "Signature: by Heart Clinic, key " in edgeward_here("bundle", "verify", copied, "--require-signature").stdout
    told = json.loads(edgeward_here("bundle", "inspect", copied, "--json").stdout)
    assert told["signature"]["signer"] == "Heart Clinic"
    assert (told["form"], told["bytes"], told["schema_version"]) == ("folder", open_bundle(copied).size, SCHEMA_VERSION)


def test_inspect_shows_a_bundle_that_may_not_be_run(edgeward_here: Run, refused: Refused, copied: Path) -> None:
    assert edgeward_here("bundle", "trust", "require", "yes").returncode == 0
    refused(edgeward_here("bundle", "verify", copied), 4, "it is not signed")
    refused(edgeward_here("bench", copied), 4, "it is not signed")
    refused(edgeward_here("generate", copied, "-n", "1", "-o", copied.parent / "a.csv"), 4, "it is not signed")
    assert edgeward_here("bundle", "inspect", copied).returncode == 0
    assert edgeward_here("bundle", "trust", "require", "no").returncode == 0
    assert edgeward_here("bundle", "verify", copied).returncode == 0


def test_inspect_tells_where_a_bundle_comes_from_within_the_width_of_a_page(edgeward_here: Run, bundle: Bundle) -> None:
    told = edgeward_here("bundle", "inspect", bundle.path).stdout
    assert "Steps       prune → distil → export → quantise" in told
    assert "Teacher     vae, recipe tiny" in told
    assert re.search(rf"Size        \d+ kB in 4 files, as a folder, format version {SCHEMA_VERSION}", told)
    assert max(map(len, told.splitlines())) <= 120


def test_inspect_shows_a_bundle_for_one_engine(edgeward_here: Run, copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    for variant in manifest["variants"]:
        variant["engine"] = "onnxruntime"
    (copied / "manifest.json").write_text(json.dumps({**manifest, "default_precision_on": {}}))
    told = edgeward_here("bundle", "inspect", copied)
    assert told.returncode == 0, told.stderr
    assert re.search(r"-onnxruntime .* default on onnxruntime\n", told.stdout)


def test_a_strangers_words_cannot_move_the_cursor_or_fake_a_line(
    edgeward_here: Run, refused: Refused, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)  # as on a terminal
    hostile = "\x1b[2J\x1b]0;owned\x07\r\u202e"
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["licence"] = f"MIT{hostile}\nSigned      by Heart Clinic"
    manifest["data"]["channels"][0]["name"] = hostile
    manifest["data"]["rules"] = []
    (copied / "manifest.json").write_text(json.dumps(manifest))
    told = edgeward_here("bundle", "inspect", copied)
    (copied / f"odd{hostile}").touch()
    unlisted = edgeward_here("bundle", "inspect", copied)
    refused(unlisted, 4, "is not listed")
    for text in (told.stdout, unlisted.stderr):
        assert all(character.isprintable() or character == "\n" for character in text)
    assert [line for line in told.stdout.splitlines() if line.startswith("Signed")] == ["Signed      not signed"]


def test_what_an_engine_says_cannot_move_the_cursor_either(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["engine", "says"], [["onnxruntime", "node '\x1b[31mred'\nfails"]])
    assert capsys.readouterr().out.splitlines()[2] == "onnxruntime  node '\N{REPLACEMENT CHARACTER}[31mred' fails"


@pytest.mark.parametrize("order", [["pack"], ["unpack"], ["pack", "unpack"], ["unpack", "pack"]])
def test_packing_and_unpacking_keep_digest_and_signature(
    edgeward_here: Run, copied: Path, key: Path, tmp_path: Path, order: list[str]
) -> None:
    edgeward_here("bundle", "sign", copied, "--key", key)
    path = copied
    for number, verb in enumerate(order):
        made = edgeward_here("bundle", verb, path, "-o", tmp_path / f"{number}")
        assert made.returncode == 0, made.stderr
        path = tmp_path / f"{number}"
    before, after = open_bundle(copied), open_bundle(path)
    assert (after.digest, after.signature) == (before.digest, before.signature)
    assert after.is_folder == (order[-1] == "unpack")
    assert all(result.passed for result in check_everywhere(after))


def test_a_packed_bundle_is_not_taken_for_a_checkpoint_nor_the_other_way_round(
    edgeward_here: Run, bundle: Bundle, teacher_path: Path, tmp_path: Path
) -> None:
    edgeward_here("bundle", "pack", bundle.path, "-o", tmp_path / "packed")
    assert is_archive(tmp_path / "packed")
    assert not is_archive(teacher_path)  # which is a zip too
    assert not is_archive(bundle.path)
    assert not is_archive(tmp_path / "absent")


def test_outputs_that_are_taken_are_refused(
    edgeward_here: Run, refused: Refused, copied: Path, key: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    shutil.copytree(copied, tmp_path / "annotated")
    (tmp_path / "annotated" / "notes").touch()
    refused(edgeward_here("bundle", "pack", copied, "-o", tmp_path / "taken"), 6, "is there already")
    refused(edgeward_here("bundle", "unpack", copied, "-o", tmp_path / "full"), 6, "is there already")
    refused(edgeward_here("bundle", "unpack", copied, "-o", tmp_path / "full", "--overwrite"), 6, "but no bundle")
    (tmp_path / "full" / "manifest.json").write_text('{"name": "a page for the telephone"}')
    refused(edgeward_here("bundle", "unpack", copied, "-o", tmp_path / "full", "--overwrite"), 6, "but no bundle")
    refused(edgeward_here("bundle", "unpack", copied, "-o", tmp_path / "annotated", "--overwrite"), 6, "notes is not")
    refused(edgeward_here("bundle", "pack", copied, "-o", tmp_path / "full", "--overwrite"), 6, "no ordinary file")
    refused(edgeward_here("bundle", "keygen", "-o", key), 6, "is there already")
    assert (tmp_path / "taken").read_text() == "precious"
    assert (tmp_path / "full" / "precious").exists()
    edgeward_here("bundle", "sign", copied, "--key", key)
    refused(edgeward_here("bundle", "sign", copied, "--key", key), 6, "is signed already; --overwrite")
    assert edgeward_here("bundle", "sign", copied, "--key", key, "--overwrite").returncode == 0


def test_a_damaged_bundle_is_not_signed_packed_or_installed(
    edgeward_here: Run,
    refused: Refused,
    copied: Path,
    key: Path,
    damage: dict[str, Callable[[Path], object]],
    out: Path,
) -> None:
    damage["flipped golden"](copied)
    for arguments in (["sign", copied, "--key", key], ["pack", copied, "-o", out / "x"], ["install", copied]):
        refused(edgeward_here("bundle", *arguments), 4, "golden.npz has been changed or damaged")
    assert not (copied / "signature").exists()
    assert list(out.iterdir()) == []


def test_a_passphrase_is_asked_for_or_read_from_a_file_and_never_told(
    run_edgeward: Run, edgeward_here: Run, refused: Refused, copied: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\nsecond line\n")
    path = tmp_path / "locked.key"
    made = edgeward_here("bundle", "keygen", "-o", path, "--passphrase-file", secret)
    assert made.returncode == 0, made.stderr
    assert b"ENCRYPTED" in path.read_bytes()
    asked = run_edgeward("bundle", "sign", copied, "--key", path, input="correct horse\n")
    assert asked.returncode == 0, asked.stderr
    good = edgeward_here("bundle", "sign", copied, "--key", path, "--passphrase-file", secret, "--overwrite")
    assert good.returncode == 0
    for result in (made, asked, good):
        assert "correct horse" not in result.stdout + result.stderr
    secret.write_text("wrong\n")
    wrong = edgeward_here("bundle", "sign", copied, "--key", path, "--passphrase-file", secret, "--overwrite")
    refused(wrong, 2, "or the passphrase is wrong")
    secret.write_text("")
    empty = edgeward_here("bundle", "sign", copied, "--key", path, "--passphrase-file", secret, "--overwrite")
    refused(empty, 2, "holds no passphrase")


@pytest.mark.skipif(os.name != "posix", reason="files have other permissions on Windows")
def test_a_private_key_is_the_owners_alone_and_is_not_shown(edgeward_here: Run, tmp_path: Path) -> None:
    result = edgeward_here("bundle", "keygen", "-o", tmp_path / "k")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    body = (tmp_path / "k").read_text().splitlines()[1]
    assert body not in result.stdout + result.stderr


def test_without_cryptography_the_commands_say_what_to_install(
    edgeward_here: Run, refused: Refused, copied: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edgeward_here("bundle", "sign", copied, "--key", key)
    edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for arguments in (
        ["keygen", "-o", tmp_path / "other.key"],
        ["sign", copied, "--key", key],
        ["trust", "add", "Other", f"{key}.pub"],
        ["verify", copied],
        ["install", copied],
    ):
        refused(edgeward_here("bundle", *arguments), 5, "pip install 'edgeward[sign]'")


def test_migrate_writes_this_version_and_says_that_the_signature_is_gone(
    edgeward_here: Run, refused: Refused, copied: Path, key: Path, tmp_path: Path
) -> None:
    refused(edgeward_here("bundle", "migrate", copied, "-o", tmp_path / "new"), 2, "already")
    manifest = json.loads((copied / "manifest.json").read_text())
    for variant in manifest["variants"]:
        del variant["engine"]
    del manifest["default_precision_on"]
    manifest["data"].pop("rules", None)
    (copied / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 2}))
    edgeward_here("bundle", "sign", copied, "--key", key)
    old = open_bundle(copied)
    made = edgeward_here("bundle", "migrate", copied, "-o", tmp_path / "new")
    assert made.returncode == 0, made.stderr
    assert "The old signature does not hold for it" in made.stdout
    told = edgeward_here("bundle", "inspect", tmp_path / "new").stdout
    assert f"Migrated    from format version 2, sha256 {old.digest[:16]}…" in told
    assert edgeward_here("bundle", "verify", tmp_path / "new").returncode == 0


def test_list_names_a_damaged_bundle_and_goes_on(edgeward_here: Run, bundle: Bundle) -> None:
    edgeward_here("bundle", "install", bundle.path)
    shutil.copy(store_folder() / "tiny@1.2.3.edgeward", store_folder() / "tiny@2.edgeward")
    (store_folder() / "tiny@2.edgeward").write_bytes(b"PK")
    result = edgeward_here("bundle", "list")
    assert result.returncode == 0
    assert re.search(r"tiny@1\.2\.3 .*not signed", result.stdout)
    assert re.search(r"tiny@2 .*CANNOT BE USED: .* is no bundle", result.stdout)


def test_list_goes_on_where_a_signature_cannot_be_checked(
    edgeward_here: Run, copied: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edgeward_here("bundle", "sign", copied, "--key", key)
    edgeward_here("bundle", "install", copied)
    edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    result = edgeward_here("bundle", "list")
    assert result.returncode == 0
    assert re.search(r"tiny@1\.2\.3 .*CANNOT BE USED: signatures need cryptography", result.stdout)


def test_the_trust_list_says_what_is_refused(edgeward_here: Run, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule() -> str:
        return edgeward_here("bundle", "trust", "list").stdout.splitlines()[-1]

    assert rule() == "Bundles are used, whoever signed them or not."
    monkeypatch.setenv("EDGEWARD_REQUIRE_SIGNATURE", "1")
    assert rule() == "Bundles without a trusted signature are refused."
    assert json.loads(edgeward_here("bundle", "trust", "list", "--json").stdout)["required"]
    monkeypatch.delenv("EDGEWARD_REQUIRE_SIGNATURE")
    edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    assert rule() == "Bundles without a signature are used; those signed by any other key are refused."
    assert "without a trusted signature are refused" in edgeward_here("bundle", "trust", "require", "yes").stdout
    assert rule() == "Bundles without a trusted signature are refused."


def test_trust_commands_refuse_what_makes_no_sense(
    edgeward_here: Run, refused: Refused, copied: Path, key: Path
) -> None:
    refused(
        edgeward_here("bundle", "trust", "add", "Heart Clinic", key), 2, "is a private key, which stays with its owner"
    )
    refused(edgeward_here("bundle", "trust", "remove", "nobody"), 2, "no key 'nobody'; it has no key")
    refused(edgeward_here("bundle", "sign", copied, "--key", f"{key}.pub"), 2, "is a public key")
    edgeward_here("bundle", "trust", "add", "Heart Clinic", f"{key}.pub")
    refused(edgeward_here("bundle", "trust", "add", "Again", f"{key}.pub"), 2, "has 'Heart Clinic' already")
    assert edgeward_here("bundle", "trust", "remove", "Heart Clinic").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"], ["verify"], ["install"], ["list"], ["remove"], ["pack"], ["unpack"], ["migrate"], ["keygen"],
        ["sign"], ["trust"], ["trust", "add"], ["trust", "list"], ["trust", "remove"], ["trust", "require"],
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example(edgeward_here: Run, arguments: list[str]) -> None:
    result = edgeward_here("bundle", *arguments, "--help")
    assert result.returncode == 0
    assert f"Example:  edgeward bundle {' '.join(arguments)}" in " ".join(result.stdout.split()).replace(
        "Example: ", "Example:  "
    )
