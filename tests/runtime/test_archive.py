"""A bundle as one file: the same as the folder, always the same bytes, and no other zip is taken for one."""

import io
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, BundleError, OutputError, load, open_bundle
from edgeward.runtime.archive import ArchiveFiles, archive_order, is_archive, write_archive
from edgeward.runtime.bundle import read_bundle
from edgeward.runtime.manifest import is_safe_path
from edgeward.runtime.rewrite import content_of, names_of, write_file, write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG = settings(FAST, max_examples=5000)


@pytest.fixture(scope="session")
def archive(small_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bundle as one file. Shared: copy it before changing anything."""
    path = tmp_path_factory.mktemp("archive") / "waves.edgeward"
    write_file(path, names_of(small_bundle), lambda name: content_of(small_bundle, name))
    return path


def members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(contents: dict[str, bytes], change: Callable[[zipfile.ZipInfo], object] = lambda info: None) -> bytes:
    """A zip by another writer, as near to ours as it can be, but for the change."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in archive_order(contents):
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.create_system = 3
            change(info)
            archive.writestr(info, contents[name])
    return file.getvalue()


def test_a_file_is_the_same_bundle_as_the_folder(archive: Path, small_bundle: Bundle) -> None:
    opened = open_bundle(archive)
    assert (opened.digest, opened.manifest, opened.size) == (
        small_bundle.digest,
        small_bundle.manifest,
        small_bundle.size,
    )
    assert all(opened.read(name) == small_bundle.read(name) for name in opened.manifest.files)
    assert not opened.is_folder
    assert is_archive(archive)
    with load(archive) as one, load(small_bundle) as other:
        assert (one.generate(3, seed=7).samples == other.generate(3, seed=7).samples).all()


def test_other_tools_read_it_and_find_nothing_wrong(archive: Path, small_bundle: Bundle) -> None:
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        assert file.namelist() == archive_order(file.namelist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())
        assert {stat.S_IFMT(info.external_attr >> 16) for info in file.infolist()} == {stat.S_IFREG}
        assert {name: file.read(name) for name in small_bundle.manifest.files} == {
            name: small_bundle.read(name) for name in small_bundle.manifest.files
        }


def test_packing_unpacking_and_packing_again_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    opened = open_bundle(archive)
    write_folder(tmp_path / "folder.edgeward", names_of(opened), lambda name: content_of(opened, name))
    os.utime(tmp_path / "folder.edgeward" / "CARD.md", (1, 1))
    again = open_bundle(tmp_path / "folder.edgeward")
    write_file(tmp_path / "again.edgeward", reversed(names_of(again)), lambda name: content_of(again, name))
    assert (tmp_path / "again.edgeward").read_bytes() == archive.read_bytes()


def test_the_standard_library_writes_the_same_bytes_if_it_is_asked_for_our_form(archive: Path) -> None:
    assert zipped(members(archive)) == archive.read_bytes()


HEADER_CHANGES: dict[str, tuple[Callable[[zipfile.ZipInfo], object], str]] = {
    "compressed": (lambda info: setattr(info, "compress_type", zipfile.ZIP_DEFLATED), "is compressed"),
    "a link": (lambda info: setattr(info, "external_attr", (stat.S_IFLNK | 0o777) << 16), "as a link, a folder"),
    "a folder": (lambda info: setattr(info, "external_attr", 0x10), "as a link, a folder"),
    "a note": (lambda info: setattr(info, "comment", b"hello"), "or a note"),
    "an extra field": (lambda info: setattr(info, "extra", b"\x99\x99\x02\x00ab"), "or a note"),
    "another time": (lambda info: setattr(info, "date_time", (2026, 1, 1, 0, 0, 0)), "or a note"),
    "another system": (lambda info: setattr(info, "create_system", 0), "or a note"),
}


@pytest.mark.parametrize("name", HEADER_CHANGES)
def test_a_zip_that_leaves_anything_to_choose_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    change, told = HEADER_CHANGES[name]
    path = tmp_path / "other.edgeward"
    path.write_bytes(zipped(members(archive), change))
    with pytest.raises(BundleError, match=told):
        open_bundle(path)


def patched(content: bytes, **places: tuple[int, bytes]) -> bytes:
    changed = bytearray(content)
    for place, new in places.values():
        changed[place : place + len(new)] = new
    return bytes(changed)


def end_of(content: bytes) -> int:
    return len(content) - 22


def directory_of(content: bytes) -> int:
    return int.from_bytes(content[end_of(content) + 16 : end_of(content) + 20], "little")


BYTE_CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "bytes before": (lambda c: b"#!/bin/sh\n" + c, "not where it should be"),
    "bytes behind": (lambda c: c + b"\0", "something behind its end"),
    "cut short": (lambda c: c[:-1], "cut short"),
    "twice": (lambda c: c + c, "not where it should be"),
    "an archive comment": (lambda c: c[:-2] + b"\x01\x00x", "something behind its end"),
    "encrypted": (lambda c: patched(c, flags=(directory_of(c) + 8, b"\x01")), "is encrypted"),
    "local header of another name": (lambda c: patched(c, name=(30, b"M")), "do not agree"),
    "local header of another size": (lambda c: patched(c, size=(18, b"\x01\x00\x00\x00")), "do not agree"),
    "local header that is compressed": (lambda c: patched(c, method=(8, b"\x08")), "do not agree"),
    "a size beyond the file": (
        lambda c: patched(c, sizes=(directory_of(c) + 20, b"\xfe\xff\xff\x7f" * 2)),
        "do not agree|elsewhere",
    ),
    "an offset beyond the file": (
        lambda c: patched(c, offset=(directory_of(c) + 42, b"\xf0\xff\xff\x7f")),
        "elsewhere",
    ),
    "sizes that differ": (lambda c: patched(c, size=(directory_of(c) + 20, b"\x01\x00\x00\x00")), "or a note"),
    "more members told": (lambda c: patched(c, counts=(end_of(c) + 8, b"\x09\x00\x09\x00")), "cut short"),
    "fewer members told": (lambda c: patched(c, counts=(end_of(c) + 8, b"\x01\x00\x01\x00")), "belong to no member"),
    "counts that differ": (lambda c: patched(c, count=(end_of(c) + 8, b"\x01\x00")), "no bundle"),
    "zip64 markers": (lambda c: patched(c, counts=(end_of(c) + 8, b"\xff" * 12)), "not where it should be"),
    "another disk": (lambda c: patched(c, disk=(end_of(c) + 4, b"\x01")), "no bundle"),
    "a path upwards": (lambda c: c.replace(b"CARD.md", b"../x.md"), "not a plain path"),
    "an absolute path": (lambda c: c.replace(b"CARD.md", b"/ARD.md"), "not a plain path"),
    "a device of Windows": (lambda c: c.replace(b"CARD.md", b"aux.txt"), "not a plain path"),
    "a name that is no ASCII": (lambda c: c.replace(b"CARD.md", b"C\xc3\xa4D.md"), "not a plain path"),
    "an unlisted name": (
        lambda c: c.replace(b"CARD.md#", b"CARE.md#").replace(b"CARD.mdPK", b"CARE.mdPK"),
        r"CARD\.md is missing",
    ),
    "no manifest": (lambda c: c.replace(b"manifest.json", b"manifest.jsom"), "order|no manifest"),
}


@pytest.mark.parametrize("name", BYTE_CHANGES)
def test_an_archive_with_changed_bytes_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    change, told = BYTE_CHANGES[name]
    path = tmp_path / "changed.edgeward"
    content = change(archive.read_bytes())
    assert content != archive.read_bytes()
    path.write_bytes(content)
    with pytest.raises(BundleError, match=told):
        open_bundle(path)


def test_a_member_that_comes_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.edgeward"
    first, *rest = archive_order(members(archive))
    ours = [first, *rest, rest[-1]]
    with path.open("wb") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgeward.runtime.archive.archive_order", list)
        write_archive(file, ours, members(archive).__getitem__)
    with pytest.raises(BundleError, match="comes twice"):
        open_bundle(path)


def test_members_that_share_bytes_are_refused(archive: Path, tmp_path: Path) -> None:
    # A zip bomb of the kind that needs no compression: many members, one content.
    content = archive.read_bytes()
    second = content.index(b"PK\x01\x02", directory_of(content) + 4)
    path = tmp_path / "overlap.edgeward"
    path.write_bytes(patched(content, offset=(second + 42, b"\x00\x00\x00\x00")))
    with pytest.raises(BundleError, match="do not agree, or it lies elsewhere"):
        open_bundle(path)


@pytest.mark.timeout(20)
def test_a_zip_bomb_is_refused_without_unpacking_it(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.edgeward"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("manifest.json", "w") as member:
        for _ in range(200):
            member.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(BundleError, match="is compressed"):
        open_bundle(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_large_member_is_not_taken_into_memory_to_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "large.edgeward"
    with path.open("wb") as file:
        write_archive(file, ["large"], lambda _: bytes(30 * 2**20))
    files = ArchiveFiles(path)
    tracemalloc.start()
    files.sha256("large")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_flipped_bit_in_a_member_is_found(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    path = tmp_path / "flipped.edgeward"
    path.write_bytes(patched(content, bit=(content.index(b"# waves"), b"$")))
    with pytest.raises(BundleError, match=r"CARD\.md has been changed or damaged"):
        open_bundle(path)


@pytest.mark.parametrize("member", ["manifest.json", "signature"])
def test_a_flipped_bit_is_found_where_no_hash_tells_of_it(archive: Path, tmp_path: Path, member: str) -> None:
    contents = {**members(archive), "signature": b"{}"}
    content = zipped(contents)
    path = tmp_path / "flipped.edgeward"
    bit = {"manifest.json": (content.index(b"CC0-1.0"), b"B"), "signature": (content.index(b"{}PK"), b"z")}[member]
    path.write_bytes(patched(content, bit=bit))
    with pytest.raises(BundleError, match=rf"{member} has been changed or damaged"):
        read_bundle(path)


def test_a_member_changed_after_the_check_is_found_when_it_is_read(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "later.edgeward"
    content = archive.read_bytes()
    path.write_bytes(content)
    opened = open_bundle(path)
    path.write_bytes(patched(content, bit=(content.index(b"# waves"), b"$")))
    with pytest.raises(BundleError, match="changed or damaged"):
        opened.read("CARD.md")
    path.write_bytes(content[:100])
    with pytest.raises(BundleError, match="changed or damaged"):
        opened.read("CARD.md")
    path.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        opened.read("CARD.md")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_an_archive_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.edgeward")
    with pytest.raises(BundleError, match="no ordinary file"):
        open_bundle(tmp_path / "pipe.edgeward")


def test_a_bundle_too_large_for_one_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeward.runtime.archive._MAX_BYTES", 1000)
    with pytest.raises(OutputError, match="too large for one file of at most 1000 bytes; keep it as a folder"):
        write_archive(io.BytesIO(), ["a", "b"], lambda _: bytes(600))


def check_mutation(archive: Path, folder: Path, data: st.DataObject) -> None:
    """Flip, cut, double or insert; only the untouched bundle, or one with another manifest, may open."""
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, max(0, len(content) - 1)))
        length = data.draw(st.integers(1, 40))
        action = data.draw(st.sampled_from(["flip", "cut", "double", "insert", "end"]))
        if action == "flip" and content:
            content[start] ^= 1 << data.draw(st.integers(0, 7))
        elif action == "cut":
            del content[start : start + length]
        elif action == "double":
            content[start:start] = content[start : start + length]
        elif action == "insert":
            content[start:start] = data.draw(st.binary(max_size=30))
        else:
            del content[start:]
    path = folder / "mutated.edgeward"
    path.write_bytes(content)
    try:
        opened = open_bundle(path)
        assert bytes(content) == archive.read_bytes() or opened.manifest_bytes not in archive.read_bytes()
    except BundleError:
        pass
    assert os.listdir(folder) == ["mutated.edgeward"]


@FAST
@given(data=st.data())
def test_mutated_archives_are_read_or_refused(archive: Path, tmp_path: Path, data: st.DataObject) -> None:
    check_mutation(archive, tmp_path, data)


@pytest.mark.slow
@LONG
@given(data=st.data())
def test_many_mutated_archives_are_read_or_refused(archive: Path, tmp_path: Path, data: st.DataObject) -> None:
    check_mutation(archive, tmp_path, data)


NAMES = st.lists(
    st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6})?", fullmatch=True).filter(is_safe_path), max_size=5, unique=True
)


@FAST
@given(contents=NAMES.flatmap(lambda names: st.fixed_dictionaries({name: st.binary(max_size=50) for name in names})))
def test_any_contents_come_back_as_they_were(tmp_path: Path, contents: dict[str, bytes]) -> None:
    path = tmp_path / "any.zip"
    with path.open("wb") as file:
        write_archive(file, contents, contents.__getitem__)
    files = ArchiveFiles(path)
    assert {name: files.read(name, 50) for name in files.sizes(9)} == contents
    assert members(path) == contents


@FAST
@given(content=st.binary(max_size=200) | st.binary(max_size=60).map(lambda end: b"PK\x05\x06" + end))
def test_any_bytes_are_an_archive_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.zip"
    path.write_bytes(content)
    try:
        ArchiveFiles(path)
    except BundleError:
        pass
