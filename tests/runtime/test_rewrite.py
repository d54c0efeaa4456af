"""Bundles of every older format open and run, and can be written in this one; none of it loses a byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, BundleError, Generator, OutputError, RequestError, load, open_bundle
from edgeward.runtime.bundle import read_bundle
from edgeward.runtime.manifest import SCHEMA_VERSION, manifest_from_bytes
from edgeward.runtime.rewrite import (
    content_of,
    migrate,
    names_of,
    schema_version_of,
    write_file,
    write_folder,
    write_like,
    write_signature,
)

OLD = sorted((Path(__file__).parent / "manifests").glob("version_*.json"))
"""Written by the runtimes of their time, and never changed: what they describe must go on being read."""
by_version = pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)


@pytest.fixture
def old_bundle(small_bundle: Bundle, tmp_path: Path) -> Callable[[Path], Path]:
    """A bundle with an old manifest, whose files are the small bundle's of today."""

    def make(old: Path) -> Path:
        value = json.loads(old.read_text())
        (graph,) = small_bundle.manifest.variants
        entries = json.loads(small_bundle.manifest_bytes)["files"]
        value["variants"] = [variant for variant in value["variants"] if variant["precision"] == "fp32"]
        value["variants"][0]["file"] = graph.file
        value["files"] = entries
        if "default_precision_on" in value:
            value["default_precision_on"] = {}
        folder = tmp_path / old.stem
        write_folder(
            folder,
            names_of(small_bundle),
            lambda name: json.dumps(value).encode() if name == "manifest.json" else content_of(small_bundle, name),
        )
        return folder

    return make


def opened(bundle: Bundle | Path) -> Generator:
    """On a named engine: `auto` would compare golden samples, whose conditions the old manifests draw otherwise."""
    return load(bundle, backend="onnxruntime", precision="fp32")


def test_there_is_a_manifest_of_every_older_version() -> None:
    versions = [json.loads(path.read_text())["schema_version"] for path in OLD]
    assert versions[: SCHEMA_VERSION - 1] == list(range(1, SCHEMA_VERSION))


@by_version
def test_an_old_manifest_reads_and_says_what_it_said(old: Path) -> None:
    manifest = manifest_from_bytes(old.read_bytes())
    value = json.loads(old.read_text())
    assert manifest.name == "waves"
    assert manifest.data.shape == (2, 8)
    assert {path: (entry.sha256, entry.size) for path, entry in manifest.files.items()} == {
        path: (entry["sha256"], entry["bytes"]) for path, entry in value["files"].items()
    }
    assert [variant.precision for variant in manifest.variants] == [v["precision"] for v in value["variants"]]
    assert manifest.data.to_json() == value["data"]


@by_version
def test_a_field_of_a_newer_version_is_refused_in_an_old_manifest(old: Path) -> None:
    value = json.loads(old.read_text())
    with pytest.raises(BundleError, match="does not know: 'from_the_future'"):
        manifest_from_bytes(json.dumps({**value, "from_the_future": 1}).encode())


@by_version
def test_an_old_bundle_generates_what_it_always_did(
    old: Path, old_bundle: Callable[[Path], Path], small_bundle: Bundle
) -> None:
    with opened(old_bundle(old)) as generator, opened(small_bundle) as today:
        condition = {"rhythm": "AF", "heart_rate": 90.0}
        samples = generator.generate(3, seed=7, condition=condition).samples
        assert (samples == today.generate(3, seed=7, condition=condition).samples).all()


@by_version
def test_a_migrated_bundle_is_of_this_version_and_tells_what_it_was(
    old: Path, old_bundle: Callable[[Path], Path], tmp_path: Path
) -> None:
    before = open_bundle(old_bundle(old))
    if schema_version_of(before) == SCHEMA_VERSION:
        pytest.skip("this is the version of today")
    migrate(before, tmp_path / "new.edgeward")
    after = open_bundle(tmp_path / "new.edgeward")
    assert schema_version_of(after) == SCHEMA_VERSION
    assert after.manifest.lineage["migrated_from"] == [
        {"schema_version": schema_version_of(before), "sha256": before.digest}
    ]
    assert after.manifest.files == before.manifest.files
    assert after.manifest.data == before.manifest.data
    assert after.manifest_bytes == after.manifest.to_bytes()
    assert open_bundle(before.path).digest == before.digest
    with opened(before) as one, opened(after) as other:
        assert (one.generate(3, seed=7).samples == other.generate(3, seed=7).samples).all()


def test_a_migration_leaves_the_signature_out_and_keeps_the_form_and_what_was_told(
    old_bundle: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = old_bundle(OLD[0])
    value = json.loads((folder / "manifest.json").read_text())
    value["lineage"]["migrated_from"] = [{"schema_version": 0, "sha256": "f" * 64}]
    (folder / "manifest.json").write_text(json.dumps(value))
    (folder / "signature").write_text(
        json.dumps(
            {"format": "edgeward-signature-1", "algorithm": "ed25519", "key_id": "0" * 64, "signature": "A" * 86 + "=="}
        )
    )
    before = open_bundle(folder)
    assert before.signature is not None
    write_file(tmp_path / "old.edgeward", names_of(before), lambda name: content_of(before, name))
    packed = open_bundle(tmp_path / "old.edgeward")
    assert packed.signature == before.signature
    migrate(packed, tmp_path / "new.edgeward")
    after = open_bundle(tmp_path / "new.edgeward")
    assert after.signature is None
    assert not after.is_folder
    assert [one["schema_version"] for one in after.manifest.lineage["migrated_from"]] == [0, 1]


def test_a_bundle_of_today_is_not_migrated(small_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=f"is of format version {SCHEMA_VERSION} already"):
        migrate(small_bundle, tmp_path / "new.edgeward")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_folder, write_file])
def test_a_content_that_cannot_be_read_leaves_nothing_behind(
    small_bundle: Bundle, tmp_path: Path, write: Callable[..., None]
) -> None:
    def broken(name: str) -> bytes:
        if name == "golden.npz":
            raise BundleError("it is gone")
        return content_of(small_bundle, name)

    with pytest.raises(BundleError, match="it is gone"):
        write(tmp_path / "new.edgeward", names_of(small_bundle), broken)
    assert list(tmp_path.iterdir()) == []


def test_signing_changes_the_signature_and_leaves_nothing_else(small_bundle: Bundle, tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    write_folder(folder, names_of(small_bundle), lambda name: content_of(small_bundle, name))
    write_file(file, names_of(small_bundle), lambda name: content_of(small_bundle, name))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for signature in (b"one", b"another"):
        for path in (folder, file):
            write_signature(read_bundle(path), signature)
            assert read_bundle(path).signature == signature
            assert read_bundle(path).digest == small_bundle.digest
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == {
        **before,
        folder / "signature": b"another",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_signing_by_a_link_signs_what_it_leads_to(
    small_bundle: Bundle, tmp_path: Path, write: Callable[..., None]
) -> None:
    write(tmp_path / "bundle", names_of(small_bundle), lambda name: content_of(small_bundle, name))
    (tmp_path / "link").symlink_to("bundle")
    write_signature(read_bundle(tmp_path / "link"), b"{}")
    assert (tmp_path / "link").is_symlink()
    assert read_bundle(tmp_path / "bundle").signature == b"{}"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle", "link"]


def test_a_folder_that_cannot_take_a_signature_stays_as_it_was(
    small_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    write_folder(folder, names_of(small_bundle), lambda name: content_of(small_bundle, name))
    replace = Path.replace

    def elsewhere(self: Path, target: Path) -> Path:
        if target.parent == folder:
            raise OSError(18, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", elsewhere)
    with pytest.raises(OutputError, match="cannot be signed: Invalid cross-device link; pack it into one file first"):
        write_signature(open_bundle(folder), b"signature")
    assert open_bundle(folder).signature is None
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_bundle_is_written_again_in_its_own_form(small_bundle: Bundle, tmp_path: Path) -> None:
    write_file(tmp_path / "file", names_of(small_bundle), lambda name: content_of(small_bundle, name))
    for number, bundle in enumerate((small_bundle, open_bundle(tmp_path / "file"))):
        contents = {name: content_of(bundle, name) for name in names_of(bundle)}
        write_like(bundle, tmp_path / f"{number}", contents, contents.__getitem__)
        again = open_bundle(tmp_path / f"{number}")
        assert (again.is_folder, again.digest) == (bundle.is_folder, bundle.digest)
