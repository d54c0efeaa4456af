"""A bundle opens only if every file in it is what the manifest says."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, BundleError, open_bundle
from edgeward.runtime.bundle_files import FolderFiles


@pytest.fixture
def copied(small_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(small_bundle.path, tmp_path / "copy.edgeward"))


def graph_of(folder: Path) -> Path:
    (graph,) = (folder / "variants").iterdir()
    return graph


def test_an_untouched_copy_opens_with_the_same_digest(small_bundle: Bundle, copied: Path) -> None:
    bundle = open_bundle(str(copied))
    assert bundle.digest == small_bundle.digest
    assert bundle.manifest == small_bundle.manifest
    assert bundle.size == sum(file.stat().st_size for file in copied.rglob("*") if file.is_file())
    assert bundle.read("CARD.md") == (copied / "CARD.md").read_bytes()


@pytest.mark.parametrize("name", ["golden.npz", "CARD.md", "graph"])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_bit_in_a_file_is_found(copied: Path, name: str, place: str) -> None:
    file = graph_of(copied) if name == "graph" else copied / name
    content = bytearray(file.read_bytes())
    content[{"first": 0, "middle": len(content) // 2, "last": -1}[place]] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=f"{file.name} has been changed or damaged"):
        open_bundle(copied)


def test_a_flipped_bit_in_the_manifest_is_refused_or_makes_it_another_bundle(
    copied: Path, small_bundle: Bundle
) -> None:
    manifest = copied / "manifest.json"
    good = manifest.read_bytes()
    refused = 0
    for place in range(0, len(good), 5):
        manifest.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            assert open_bundle(copied).digest != small_bundle.digest
        except BundleError:
            refused += 1
    assert refused > len(good) / 5 / 4  # hashes, numbers, field names; prose may change, and the digest with it


@pytest.mark.parametrize("name", ["golden.npz", "CARD.md", "graph"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    file = graph_of(copied) if name == "graph" else copied / name
    file.unlink()
    with pytest.raises(BundleError, match=f"{file.name} is missing"):
        open_bundle(copied)


@pytest.mark.parametrize("name", ["extra.txt", "variants/extra.onnx", "deep/er/extra"])
def test_a_file_the_manifest_does_not_list_is_named(copied: Path, name: str) -> None:
    (copied / name).parent.mkdir(parents=True, exist_ok=True)
    (copied / name).write_bytes(b"")
    with pytest.raises(BundleError, match=f"{name} is not listed"):
        open_bundle(copied)


def test_a_flood_of_files_is_refused(copied: Path) -> None:
    for number in range(200):
        (copied / f"{number}").mkdir()
    with pytest.raises(BundleError, match="far more files"):
        open_bundle(copied)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\0", lambda content: b""])
def test_a_file_of_another_size_is_named(copied: Path, change: Callable[[bytes], bytes]) -> None:
    golden = copied / "golden.npz"
    golden.write_bytes(change(golden.read_bytes()))
    with pytest.raises(BundleError, match=r"golden\.npz has \d+ bytes"):
        open_bundle(copied)


@pytest.mark.parametrize("name", ["golden.npz", "manifest.json"])
def test_a_link_is_refused_even_to_the_right_file(copied: Path, tmp_path: Path, name: str) -> None:
    (copied / name).rename(tmp_path / name)
    (copied / name).symlink_to(tmp_path / name)
    with pytest.raises(BundleError, match=name):
        open_bundle(copied)


def test_a_link_to_a_folder_is_refused(copied: Path, tmp_path: Path) -> None:
    (copied / "variants").rename(tmp_path / "variants")
    (copied / "variants").symlink_to(tmp_path / "variants")
    with pytest.raises(BundleError, match="variants is a link"):
        open_bundle(copied)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["golden.npz", "manifest.json"])
def test_a_pipe_is_refused_and_not_waited_for(copied: Path, name: str) -> None:
    (copied / name).unlink()
    os.mkfifo(copied / name)
    with pytest.raises(BundleError, match=f"{name} is .*no ordinary file"):
        open_bundle(copied)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(20)
def test_a_file_swapped_for_a_pipe_after_the_check_is_not_waited_for(copied: Path) -> None:
    bundle = open_bundle(copied)
    (copied / "CARD.md").unlink()
    os.mkfifo(copied / "CARD.md")
    with pytest.raises(BundleError, match="no ordinary file"):
        bundle.read("CARD.md")


def test_a_file_changed_after_the_check_is_found_when_it_is_read(copied: Path) -> None:
    bundle = open_bundle(copied)
    graph = graph_of(copied)
    content = bytearray(graph.read_bytes())
    content[100] ^= 1
    graph.write_bytes(content)
    with pytest.raises(BundleError, match="changed or damaged"):
        bundle.read(f"variants/{graph.name}")
    (copied / "CARD.md").unlink()
    with pytest.raises(BundleError, match=r"CARD\.md cannot be read"):
        bundle.read("CARD.md")


def test_a_place_that_is_no_bundle_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange" / "manifest.json").mkdir(parents=True)
    for name, told in [
        ("file", "is no bundle: it has 2 bytes"),
        ("absent", "does not exist"),
        ("empty", r"has no manifest\.json"),
        ("strange", r"manifest\.json cannot be read"),
        ("x" * 300, "cannot be read"),
    ]:
        with pytest.raises(BundleError, match=told):
            open_bundle(tmp_path / name)


def test_a_folder_that_may_not_be_read_is_refused(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("edgeward.runtime.bundle.os.scandir", forbidden)
    with pytest.raises(BundleError, match="cannot be read: Permission denied"):
        open_bundle(copied)


def test_a_manifest_that_goes_while_the_bundle_is_read_is_no_crash(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_last(files: FolderFiles, limit: int) -> dict[str, int]:
        (copied / "manifest.json").unlink()
        return sizes(files, limit)

    sizes = FolderFiles.sizes
    monkeypatch.setattr(FolderFiles, "sizes", read_last)
    assert open_bundle(copied).manifest.name == "waves"


def test_an_oversized_manifest_is_refused_unread(copied: Path) -> None:
    with (copied / "manifest.json").open("ab") as file:
        file.truncate(5 * 2**20)
    with pytest.raises(BundleError, match=r"manifest\.json is larger than"):
        open_bundle(copied)
