"""`edgeward bundle`: what a bundle is, whether it is whole, and whether it computes the same here."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle
from edgeward.runtime.backends import BACKENDS

Run = Callable[..., subprocess.CompletedProcess[str]]
DAMAGES = [
    ("flipped graph", "changed or damaged"),
    ("flipped golden", "golden.npz has been changed or damaged"),
    ("missing file", "CARD.md is missing"),
    ("no manifest", "no manifest.json"),
    ("extra file", "extra is not listed"),
    ("newer schema", "pip install --upgrade edgeward"),
    ("broken manifest", "not valid JSON"),
]


def test_inspect_tells_what_it_makes_and_that_it_is_synthetic(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bundle", "inspect", bundle.path)
    assert result.returncode == 0, result.stderr
    assert f"tiny 1.2.3   sha256 {bundle.digest}" in result.stdout
    assert "SYNTHETIC DATA" in result.stdout
    for word in (*(channel.name for channel in bundle.manifest.data.channels), "mV", "beat_class", "fp32", "int8"):
        assert word in result.stdout


def test_inspect_as_json_holds_the_manifest(run_edgeward: Run, bundle: Bundle) -> None:
    told = json.loads(run_edgeward("bundle", "inspect", bundle.path, "--json").stdout)
    assert told["sha256"] == bundle.digest
    assert told["manifest"] == json.loads((bundle.path / "manifest.json").read_text())


def test_verify_runs_every_variant_on_every_engine(run_edgeward: Run, bundle: Bundle) -> None:
    result = run_edgeward("bundle", "verify", bundle.path, "--json")
    assert result.returncode == 0, result.stderr
    golden = json.loads(result.stdout)["golden"]
    engines = {name for name in BACKENDS if BACKENDS[name].probe().available}
    assert {(row["backend"], row["precision"]) for row in golden} == {
        (engine, precision) for engine in engines for precision in ("fp32", "int8")
    }
    assert all(row["passed"] and row["error"] <= row["tolerance"] for row in golden)


def test_verify_follows_the_record_from_the_teacher_to_the_graphs(
    edgeward_here: Run, bundle: Bundle, copied: Path
) -> None:
    good = edgeward_here("bundle", "verify", bundle.path)
    assert "4 steps of compression, whose record leads from the teacher to these graphs" in good.stdout
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["lineage"]["teacher"]["sha256"] = "0" * 64
    (copied / "manifest.json").write_text(json.dumps(manifest))
    changed = edgeward_here("bundle", "verify", copied)
    assert changed.returncode == 4
    assert "step 1 of its lineage began with something else than what the teacher was" in changed.stderr


def test_verify_finds_other_weights_even_where_every_hash_is_right(run_edgeward: Run, reweighted: Path) -> None:
    result = run_edgeward("bundle", "verify", reweighted)
    assert result.returncode == 7, result.stderr
    assert "computes the fp32 variant wrongly on this machine" in result.stderr
    assert "WRONG" in result.stdout
    assert "Traceback" not in result.stderr
    as_json = run_edgeward("bundle", "verify", reweighted, "--json")
    assert as_json.returncode == 7
    assert {row["precision"] for row in json.loads(as_json.stdout)["golden"] if not row["passed"]} == {"fp32"}


@pytest.mark.parametrize(("name", "told"), DAMAGES)
def test_a_damaged_bundle_is_refused_by_name(
    run_edgeward: Run, copied: Path, damage: dict[str, Callable[[Path], object]], name: str, told: str
) -> None:
    damage[name](copied)
    before = sorted(copied.rglob("*"))
    result = run_edgeward("bundle", "inspect" if name == "newer schema" else "verify", copied)
    assert result.returncode == 4, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert sorted(copied.rglob("*")) == before


def test_reading_a_bundle_changes_nothing_in_it(run_edgeward: Run, copied: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in copied.rglob("*")}

    before = state()
    assert run_edgeward("bundle", "verify", copied, cwd=copied.parent).returncode == 0
    assert state() == before
    assert os.listdir(copied.parent) == [copied.name]
