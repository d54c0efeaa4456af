"""Damaged copies of the tiny bundle, and a folder to write to, for the commands."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from edgeward.runtime import Bundle
from onnx import numpy_helper


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


@pytest.fixture(scope="session")
def damage() -> dict[str, Callable[[Path], object]]:
    """Ways to damage a bundle folder, by name."""

    def flip(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    def newer(folder: Path) -> None:
        value = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**value, "schema_version": 2}))

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
