"""The record: a chain of hashes from the teacher to what ships, and a run that can be done again from it alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edgeward.compression import Compressed, CompressionRecipe, compress, load_compression_recipe, pack
from edgeward.compression import cost as cost_module
from edgeward.compression.recipe import compression_recipe_from_mapping
from edgeward.compression.student import weights_digest
from edgeward.runtime.bundle import Bundle, open_bundle
from edgeward.runtime.errors import BundleError, OutputError
from edgeward.runtime.lineage import check_lineage
from edgeward.training.checkpoint import Checkpoint


@pytest.fixture(autouse=True)
def fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_module, "_LATENCY_CALLS", 40)


@pytest.fixture(scope="module")
def recipe(compression_recipe_path: Path) -> CompressionRecipe:
    return load_compression_recipe(compression_recipe_path)


def test_each_step_began_with_what_the_one_before_left(compressed: Compressed, teacher: Checkpoint) -> None:
    assert compressed.steps[0].before == {"weights": weights_digest(teacher.generator())}
    for earlier, later in zip(compressed.steps, compressed.steps[1:], strict=False):
        assert later.before == earlier.after
        assert earlier.after != earlier.before
    shipped = {name: hashlib.sha256(graph).hexdigest() for name, graph in compressed.graphs.items()}
    assert compressed.steps[-1].after == {"weights": compressed.steps[1].after["weights"], **shipped}


def test_a_run_done_again_from_the_lineage_alone_gives_the_same_graphs(
    bundle: Bundle, teacher: Checkpoint, tmp_path: Path
) -> None:
    told = json.loads((bundle.path / "manifest.json").read_text())["lineage"]
    assert told["teacher"]["sha256"] == weights_digest(teacher.generator())
    recipe = compression_recipe_from_mapping(told["compression"]["recipe"], "the lineage")
    again = compress(teacher, recipe, tmp_path / "work", seed=told["compression"]["seed"])
    for variant in bundle.manifest.variants:
        assert again.graphs[variant.precision] == bundle.read(variant.file)
    for step, record in zip(again.steps, told["compression"]["steps"], strict=True):
        assert (step.do, step.options, step.seed) == (record["do"], record["options"], record["seed"])
        assert (step.before, step.after) == (record["before"], record["after"])
        assert record["machine"]["cpu"]
        assert min(record["seconds"], record["cost"]["latency_ms"]) > 0


def test_a_bundle_whose_record_leads_to_its_graphs_is_accepted(bundle: Bundle) -> None:
    assert check_lineage(bundle.manifest) == 4


def test_a_bundle_of_an_older_version_tells_no_hashes(bundle: Bundle) -> None:
    steps = [{"do": "prune"}, {"do": "export"}]
    for lineage in ({}, {"compression": []}, {"compression": {"steps": steps}}, {"compression": {"steps": 3}}):
        assert check_lineage(dataclasses.replace(bundle.manifest, lineage=lineage)) == 0


def drop(steps: list[Any]) -> None:
    del steps[1]


def swap(steps: list[Any]) -> None:
    steps[0], steps[1] = steps[1], steps[0]


def other_teacher(steps: list[Any]) -> None:
    steps[0]["before"]["weights"] = "0" * 64


def other_graph(steps: list[Any]) -> None:
    steps[-1]["after"]["int8"] = "0" * 64


def shapeless(steps: list[Any]) -> None:
    steps[0]["before"] = "nothing"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (drop, "step 2 of its lineage began with something else than what step 1 left"),
        (swap, "step 1 of its lineage began with something else than what the teacher was"),
        (other_teacher, "step 1 of its lineage began with something else than what the teacher was"),
        (other_graph, "does not end in the graph of variant int8"),
        (shapeless, "step 1 of its lineage does not tell what went in and out"),
    ],
)
def test_a_record_that_was_changed_is_found(
    bundle: Bundle, tmp_path: Path, damage: Callable[[list[Any]], None], told: str
) -> None:
    copy = Path(shutil.copytree(bundle.path, tmp_path / "copy.edgeward"))
    manifest = json.loads((copy / "manifest.json").read_text())
    damage(manifest["lineage"]["compression"]["steps"])
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=told):
        check_lineage(open_bundle(copy).manifest)


@pytest.fixture
def work(compressed: Compressed, finished_work: Path, tmp_path: Path) -> Path:
    """A work folder in which all steps are done."""
    return Path(shutil.copytree(finished_work, tmp_path / "work"))


def file_of(work: Path, step: str) -> Path:
    (file,) = (file for file in work.glob("*.pt") if file.name.split("-")[1] == step)
    return file


def test_a_full_disk_is_told_and_the_next_run_goes_on(
    teacher: Checkpoint, recipe: CompressionRecipe, compressed: Compressed, work: Path
) -> None:
    def full(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.suffix == ".partial":
            raise OSError(28, "No space left on device")
        return opened(path, *arguments, **named)

    file_of(work, "quantise").unlink()
    opened = Path.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(OutputError, match="No space left on device"):
            compress(teacher, recipe, work, seed=1)
    assert [file.name.split("-")[1] for file in sorted(work.glob("*.pt"))] == ["prune", "distil", "export"]
    progress: list[str] = []
    resumed = compress(teacher, recipe, work, seed=1, on_progress=lambda do, done, of: progress.append(do))
    assert not progress, "what was done is not done again"
    assert resumed.graphs == compressed.graphs


def test_a_disk_that_is_full_when_the_bundle_is_written_leaves_none(
    teacher: Checkpoint, recipe: CompressionRecipe, compressed: Compressed, tmp_path: Path
) -> None:
    def full(path: Path, content: bytes) -> int:
        if path.name == "CARD.md":
            raise OSError(28, "No space left on device")
        return written(path, content)

    written = Path.write_bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match=r"x\.edgeward could not be written: No space left on device"):
            pack(tmp_path / "x.edgeward", teacher, compressed, recipe, name="x", version="1", seed=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"[]"])
def test_a_step_whose_file_was_damaged_is_done_again(
    teacher: Checkpoint, recipe: CompressionRecipe, compressed: Compressed, work: Path, content: bytes
) -> None:
    file_of(work, "quantise").write_bytes(content)
    assert compress(teacher, recipe, work, seed=1).graphs == compressed.graphs
    assert file_of(work, "quantise").stat().st_size > 100
