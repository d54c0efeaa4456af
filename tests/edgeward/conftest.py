"""Damaged copies of the tiny bundle, and a folder to write to, for the commands."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
from edgeward.runtime import Bundle
from onnx import numpy_helper

from edgeward.cli import main


@pytest.fixture
def copied(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    return Path(shutil.copytree(bundle.path, tmp_path / "copy.edgeward"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder to write to; what is left in it shows what a command left behind."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def edgeward_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in this process, where torch is loaded already; what escapes it would be a traceback."""

    def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        code = 0
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["edgeward", *words])
            if cwd:
                patch.chdir(cwd)
            try:
                # Started in the background, the tests inherit an ignored SIGINT.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        told = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, told.out, told.err)

    return run


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a command ended with an exit code and one line that says why, and gave no result.

    With `after_rows`, the rows of a table that had grown until then may stand on standard output.
    """

    def check(result: subprocess.CompletedProcess[str], exit_code: int, told: str, *, after_rows: bool = False) -> None:
        assert result.returncode == exit_code, result.stderr
        last = result.stderr.splitlines()[-1]
        assert last.startswith(("edgeward: ", "Error: ")), result.stderr
        assert told in last
        assert "Traceback" not in result.stderr
        if after_rows:
            assert "Next:" not in result.stdout
        else:
            assert result.stdout == ""

    return check


@pytest.fixture
def read_only(out: Path) -> Iterator[Path]:
    """A folder that this process may not write to."""
    if sys.platform == "win32":
        pytest.skip("permissions of folders work otherwise on Windows")
    if os.geteuid() == 0:  # root may write whatever the permissions say, but not here
        if not Path("/proc").is_dir():
            pytest.skip("no folder that root cannot write to")
        yield Path("/proc")
        return
    out.chmod(0o500)
    yield out
    out.chmod(0o700)


@pytest.fixture(scope="session")
def damage() -> dict[str, Callable[[Path], object]]:
    """Ways to damage a bundle folder, by name."""

    def flip(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    def newer(folder: Path) -> None:
        value = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**value, "schema_version": 99}))

    return {
        "flipped graph": lambda folder: [flip(file) for file in (folder / "variants").iterdir()],
        "flipped golden": lambda folder: flip(folder / "golden.npz"),
        "missing file": lambda folder: (folder / "CARD.md").unlink(),
        "no manifest": lambda folder: (folder / "manifest.json").unlink(),
        "extra file": lambda folder: (folder / "extra").touch(),
        "newer schema": newer,
        "broken manifest": lambda folder: (folder / "manifest.json").write_text("{"),
    }


@pytest.fixture
def reweighted(copied: Path) -> Path:
    """A bundle whose fp32 graph computes something else, with every hash made right again."""
    manifest = json.loads((copied / "manifest.json").read_text())
    (variant,) = (v for v in manifest["variants"] if v["precision"] == "fp32")
    model = onnx.load_from_string((copied / variant["file"]).read_bytes())
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 1.5, weights.name))
    content = model.SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    (copied / variant["file"]).unlink()
    del manifest["files"][variant["file"]]
    variant["file"] = f"variants/{digest}.onnx"
    manifest["files"][variant["file"]] = {"sha256": digest, "bytes": len(content)}
    (copied / variant["file"]).write_bytes(content)
    (copied / "manifest.json").write_text(json.dumps(manifest))
    return copied
