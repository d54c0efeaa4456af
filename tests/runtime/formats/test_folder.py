"""A folder of records that was stopped holds whole records only, and going on gives what would have been there."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from edgeward.runtime import Generator, OutputError, RequestError
from edgeward.runtime.formats.folder import gaps, joined, remove_folder, seed_of_folder
from edgeward.runtime.formats.png import PNG
from edgeward.runtime.formats.wfdb import WFDB
from hypothesis import given
from hypothesis import strategies as st

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda p: (p[0], p[0] + p[1])), max_size=6)


def ignore(done: int) -> None:
    pass


def samples_in(ranges: list[tuple[int, int]]) -> set[int]:
    return {sample for first, stop in ranges for sample in range(first, stop)}


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def done(folder: Path) -> list[list[int]]:
    found: list[list[int]] = json.loads((folder / "index.json").read_text())["done"]
    return found


@contextlib.contextmanager
def disk_full_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[None]:
    """Files can be written that many times, and then there is no space left."""
    left = [writes]
    write = Path.write_bytes

    def limited(self: Path, content: bytes) -> int:
        if not left[0]:
            write(self, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return write(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", limited)
        yield


@given(RANGES)
def test_joined_ranges_hold_the_same_samples_apart_and_in_order(ranges: list[tuple[int, int]]) -> None:
    found = joined(ranges)
    assert samples_in(found) == samples_in(ranges)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))


@given(RANGES, st.integers(0, 40), st.integers(0, 20))
def test_gaps_are_what_is_wanted_and_not_done(ranges: list[tuple[int, int]], first: int, n: int) -> None:
    assert samples_in(gaps(ranges, (first, first + n))) == set(range(first, first + n)) - samples_in(ranges)


def test_a_full_disk_keeps_whole_records_and_going_on_makes_the_rest(
    generators: dict[str, Generator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = generators["beats"].series(70, seed=3)
    WFDB.write(series, tmp_path / "whole", ignore)
    with (
        disk_full_after(monkeypatch, writes=100),  # in the middle of record 33
        pytest.raises(OutputError, match="No space left on device; whole records stay there, go on with --resume"),
    ):
        WFDB.write(series, tmp_path / "out", ignore)
    assert done(tmp_path / "out") == [[0, 33]]
    WFDB.write(series, tmp_path / "out", ignore)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_keeps_whole_records_and_only_the_missing_are_made(
    generators: dict[str, Generator], tmp_path: Path, failure: type[BaseException]
) -> None:
    def interrupt(made: int) -> None:
        if made >= 1:
            raise failure

    batch = generators["scans"].batch_size
    series = generators["scans"].series(2 * batch + 6, seed=3)
    with pytest.raises(failure):
        PNG.write(series, tmp_path / "out", interrupt)
    assert done(tmp_path / "out") == [[0, batch]]
    times = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.png")}
    told: list[int] = []
    PNG.write(series, tmp_path / "out", told.append)
    assert told == [batch, 2 * batch, 2 * batch + 6]
    assert done(tmp_path / "out") == [[0, 2 * batch + 6]]
    assert all((tmp_path / "out" / name).stat().st_mtime_ns == then for name, then in times.items())


def test_any_range_can_be_added_and_the_listing_follows(generators: dict[str, Generator], tmp_path: Path) -> None:
    generator = generators["beats"]
    for first, n in ((0, 3), (10, 2), (2, 4)):
        WFDB.write(generator.series(n, seed=3, first=first), tmp_path / "out", ignore)
    assert done(tmp_path / "out") == [[0, 6], [10, 12]]
    names = (tmp_path / "out" / "RECORDS").read_text().split()
    assert names == sorted(file.stem for file in (tmp_path / "out").glob("*.hea"))
    assert len(names) == 8


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_killed_process_leaves_whole_records_and_going_on_gives_the_same_bytes(
    generators: dict[str, Generator], tmp_path: Path
) -> None:
    generator = generators["beats"]
    command = [sys.executable, "-m", "edgeward", "generate", str(generator.bundle.path), "--seed", "3"]
    process = subprocess.Popen(
        [*command, "-n", "1000000", "-o", tmp_path / "out", "--format", "wfdb"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        while not (tmp_path / "out" / "synthetic_000000400.hea").exists():
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    ((first, stop),) = done(tmp_path / "out")
    assert first == 0
    assert stop >= 320
    left = {file: content for file, content in files(tmp_path / "out").items() if file.startswith("synthetic_")}
    n = max(int(file[10:19]) for file in left) + 1
    subprocess.run(
        [*command, "-n", str(n), "-o", tmp_path / "out", "--format", "wfdb", "--resume"],
        check=True,
        capture_output=True,
    )
    WFDB.write(generator.series(n, seed=3, on_violation="report"), tmp_path / "whole", ignore)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    # Also before it was gone on with, whatever had its name was whole.
    assert {file: (tmp_path / "whole" / file).read_bytes() for file in left} == left


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_killed_process_leaves_no_file_of_the_name_asked_for(
    generators: dict[str, Generator], tmp_path: Path
) -> None:
    bundle = generators["beats"].bundle.path
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeward", "generate", bundle, "-n", "1000000", "-o", tmp_path / "x.npz"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        while not any(file.stat().st_size > 10_000 for file in tmp_path.glob(".*.partial")):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"seed": 4}, r"another seed \(3, now 4\)"),
        ({"seed": 3, "condition": {"outcome": "died"}}, "another condition"),
    ],
)
def test_a_folder_of_something_else_is_not_gone_on_with(
    generators: dict[str, Generator], tmp_path: Path, request_: dict[str, object], told: str
) -> None:
    PNG.write(generators["scans"].series(2, seed=3), tmp_path / "out", ignore)
    before = files(tmp_path / "out")
    with pytest.raises(OutputError, match=told):
        PNG.write(generators["scans"].series(4, **request_), tmp_path / "out", ignore)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="another"):
        PNG.write(generators["slides"].series(4, seed=3), tmp_path / "out", ignore)
    assert files(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "no field"),
        (b"\xff", "not valid JSON"),
        (None, "cannot be read"),
        ("done", "'done' must hold ranges"),
        ("seed", "'seed' must be a whole number"),
        ("more", "fields this version does not know"),
    ],
)
def test_a_damaged_index_is_refused(
    generators: dict[str, Generator], tmp_path: Path, content: bytes | str | None, told: str
) -> None:
    series = generators["scans"].series(2, seed=3)
    PNG.write(series, tmp_path / "out", ignore)
    place = tmp_path / "out" / "index.json"
    if isinstance(content, str):
        index = json.loads(place.read_text())
        wrong = {"done": {"done": [[3, 1]]}, "seed": {"provenance": {"seed": -1}}, "more": {"more": 1}}
        place.write_text(json.dumps(index | wrong[content]))
    elif content is None:
        place.unlink()
    else:
        place.write_bytes(content)
    for act in (lambda: PNG.write(series, tmp_path / "out", ignore), lambda: seed_of_folder(tmp_path / "out")):
        with pytest.raises(OutputError, match=told):
            act()


def test_only_a_folder_with_nothing_but_records_is_removed(generators: dict[str, Generator], tmp_path: Path) -> None:
    WFDB.write(generators["beats"].series(2, seed=3), tmp_path / "out", ignore)
    (tmp_path / "out" / "notes.txt").write_text("precious")
    before = files(tmp_path / "out")
    with pytest.raises(OutputError, match=r"also holds notes\.txt"):
        remove_folder(tmp_path / "out")
    assert files(tmp_path / "out") == before
    (tmp_path / "out" / "notes.txt").unlink()
    remove_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_two_samples_do_not_go_into_one_file(generators: dict[str, Generator], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="give a folder: -o x --format png"):
        PNG.write(generators["scans"].series(2, seed=3), tmp_path / "x.png", ignore)
    assert os.listdir(tmp_path) == []


def test_a_single_record_is_the_one_in_a_folder(generators: dict[str, Generator], tmp_path: Path) -> None:
    PNG.write(generators["scans"].series(3, seed=3), tmp_path / "out", ignore)
    PNG.write(generators["scans"].series(1, seed=3, first=2), tmp_path / "x.png", ignore)
    assert (tmp_path / "x.png").read_bytes() == (tmp_path / "out" / "synthetic_000000002.png").read_bytes()
