"""A reader never meets a half-written file or folder, whatever goes wrong while it is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from edgeward.runtime import OutputError
from edgeward.runtime.atomic import atomic_file, atomic_folder, check_output


class Interrupted(BaseException):
    """As a signal would raise it."""


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_file(path) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, Interrupted])
def test_a_failure_inside_leaves_no_file(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure), atomic_file(tmp_path / "file") as file:
        file.write(b"half")
        file.flush()
        raise failure
    assert os.listdir(tmp_path) == []


def test_a_failure_inside_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(ValueError, match="stop"), atomic_file(tmp_path / "file") as file:
        file.write(b"half of the new")
        raise ValueError("stop")
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_was_there_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a longer old content")
    with atomic_file(tmp_path / "file") as file:
        file.write(b"new")
        assert (tmp_path / "file").read_text() == "a longer old content"
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, Interrupted])
def test_a_failure_inside_leaves_no_folder(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure), atomic_folder(tmp_path / "folder") as folder:
        (folder / "half").write_text("half")
        raise failure
    assert os.listdir(tmp_path) == []


def test_a_folder_appears_whole_and_replaces_the_old_one_whole(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    with atomic_folder(place) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text("a")
        assert not place.exists()
    with pytest.raises(ValueError, match="stop"), atomic_folder(place) as folder:
        (folder / "b").write_text("b")
        raise ValueError("stop")
    assert (place / "deep" / "a").read_text() == "a"
    with atomic_folder(place) as folder:
        (folder / "b").write_text("b")
    assert os.listdir(place) == ["b"]
    assert os.listdir(tmp_path) == ["folder"]


def test_a_link_to_a_folder_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    with atomic_folder(tmp_path / "link") as folder:
        (folder / "new").touch()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["elsewhere", "link"]
    assert [file.name for file in (tmp_path / "link").iterdir()] == ["new"]
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_the_old_folder_is_put_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "folder"
    place.mkdir()
    (place / "old").write_text("old")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if (self / "new").exists():
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="No space left"), atomic_folder(place) as folder:
        (folder / "new").write_text("new")
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(place) == ["old"]


@pytest.mark.parametrize("write", ["atomic_file(path)", "atomic_folder(path)"])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path, write: str) -> None:
    pytest.importorskip("resource")
    program = f"""
import resource, sys
from pathlib import Path
from edgeward.runtime import OutputError
from edgeward.runtime.atomic import atomic_file, atomic_folder
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
path = Path(sys.argv[1], "output")
try:
    with {write} as place:
        place.write(bytes(20_000)) if hasattr(place, "write") else (place / "x").write_bytes(bytes(20_000))
except OutputError as error:
    print(error)
    sys.exit(6)
"""
    result = subprocess.run(
        [sys.executable, "-B", "-c", program, tmp_path], capture_output=True, text=True, check=False
    )
    assert result.returncode == 6, result.stderr
    assert "output could not be written" in result.stdout
    assert os.listdir(tmp_path) == []


def test_a_free_place_is_accepted(tmp_path: Path) -> None:
    check_output(tmp_path / "new", overwrite=False)
    check_output(tmp_path / "new", overwrite=True, folder=True, needed_bytes=1000)


def test_what_is_there_is_replaced_only_when_asked_and_only_by_its_like(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "dangling"):
        with pytest.raises(OutputError, match="is there already.*--overwrite"):
            check_output(tmp_path / name, overwrite=False)
    check_output(tmp_path / "file", overwrite=True)
    check_output(tmp_path / "folder", overwrite=True, folder=True)
    with pytest.raises(OutputError, match="folder is no ordinary file"):
        check_output(tmp_path / "folder", overwrite=True)
    with pytest.raises(OutputError, match="file is no folder"):
        check_output(tmp_path / "file", overwrite=True, folder=True)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no device files on this system")  # noqa: PTH110
def test_a_device_is_never_replaced() -> None:
    with pytest.raises(OutputError, match="no ordinary file"):
        check_output(Path("/dev/null"), overwrite=True)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for path, told in [
        (tmp_path / "absent" / "x", "absent is not a folder"),
        (tmp_path / "file" / "x", "file is not a folder"),
        (tmp_path / ("x" * 300), "could not be written: File name too long"),
        (Path(), "names no file"),
        (tmp_path / "..", "names no file"),
    ]:
        with pytest.raises(OutputError, match=told):
            check_output(path, overwrite=False)
    monkeypatch.setattr("edgeward.runtime.atomic.os.access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written to"):
        check_output(tmp_path / "x", overwrite=False)


def test_too_little_space_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"needs about 1,000\.0 TB, and .* free"):
        check_output(tmp_path / "x", overwrite=False, needed_bytes=10**15)
