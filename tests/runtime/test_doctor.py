"""The doctor finds what is wrong with a machine, its engines and a bundle, and says what to do."""

import dataclasses
import importlib.metadata
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeward.devices import this_host
from edgeward.runtime import Bundle, load, open_bundle
from edgeward.runtime.backends import BACKENDS
from edgeward.runtime.doctor import Examination, examine
from edgeward.runtime.engine_checks import check_engine, check_telemetry
from edgeward.runtime.finding import Finding
from edgeward.runtime.installed_version import is_within, version_of, wanted
from edgeward.runtime.machine_checks import (
    SATURATING,
    check_cache,
    check_clock,
    check_disk,
    check_machine,
    check_memory,
    check_numpy,
    check_processor,
)
from edgeward.runtime.manifest import MANIFEST_NAME
from edgeward.runtime.signature import sign

from .engines import FakeEngine

ORT = BACKENDS["onnxruntime"].probe().reason.split()[-1]
OF_2027 = 1_800_000_000.0
WRONG = 1.001


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeEngine]:
    """Put an engine in the place of OpenVINO."""

    def place(**options: Any) -> FakeEngine:
        fake = FakeEngine("openvino", **{"version": "2026.4.1", **options})
        monkeypatch.setitem(BACKENDS, "openvino", fake)
        return fake

    return place


def about(found: Examination, what: str) -> Finding:
    (finding,) = (finding for finding in found.findings if finding.about == what)
    return finding


# This machine


def test_a_machine_that_is_fit_has_no_problem() -> None:
    found = {finding.about: finding for finding in check_machine()}
    assert list(found) == ["software", "numpy", "processor", "memory", "disk", "clock", "cache"]
    assert all(finding.status != "problem" and finding.told for finding in found.values()), found


@pytest.mark.parametrize(
    ("cpu_class", "status"),
    [(cpu_class, "warning") for cpu_class in SATURATING]
    + [(cpu_class, "ok") for cpu_class in ("x86_64-avx512-vnni", "x86_64-avx-vnni", "aarch64", "aarch64-dotprod")],
)
def test_a_processor_whose_int8_sums_saturate_is_warned_of(cpu_class: str, status: str) -> None:
    finding = check_processor(dataclasses.replace(this_host(), cpu_class=cpu_class))
    assert finding.status == status
    assert cpu_class in finding.told
    assert ("edgeward doctor BUNDLE" in finding.advice) == (status == "warning")


@pytest.mark.parametrize(
    ("available", "total", "status", "told"),
    [
        (2 * 2**30, 4 * 2**30, "ok", "2.0 GiB of 4.0 GiB free"),
        (100 * 2**20, 4 * 2**30, "warning", "0.1 GiB of 4.0 GiB"),
        (None, 4 * 2**30, "ok", "4.0 GiB"),
        (None, None, "ok", "does not tell"),
    ],
)
def test_little_memory_is_warned_of(available: int | None, total: int | None, status: str, told: str) -> None:
    finding = check_memory(available, total)
    assert finding.status == status
    assert told in finding.told


def test_a_full_disk_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_disk(tmp_path).status == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    assert check_disk(tmp_path).status == "warning"
    assert check_disk(tmp_path).advice
    monkeypatch.undo()
    assert check_disk(tmp_path / "absent").status == "problem"


@pytest.mark.parametrize(
    ("now_s", "resolution_s", "status"),
    [(OF_2027, 1e-9, "ok"), (0.0, 1e-9, "warning"), (1.5e9, 1e-9, "warning"), (OF_2027, 0.0156, "warning")],
)
def test_an_implausible_or_coarse_clock_is_warned_of(now_s: float, resolution_s: float, status: str) -> None:
    assert check_clock(now_s, resolution_s).status == status


def test_a_cache_that_cannot_be_written_is_warned_of_with_the_way_out(tmp_path: Path) -> None:
    assert check_cache(tmp_path / "new" / "folder").status == "ok"
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", None):
        finding = check_cache(folder)
        assert finding.status == "warning"
        assert "export EDGEWARD_CACHE=" in finding.advice


def test_a_numpy_that_is_too_old_is_a_problem_with_the_command() -> None:
    finding = check_numpy("1.24.4")
    assert (finding.status, finding.advice) == ("problem", "pip install 'numpy>=1.26'")


@pytest.mark.parametrize(
    ("version", "bounds", "within"),
    [
        ("1.32.0", "<2,>=1.20", True),
        ("1.20", "<2,>=1.20", True),
        ("1.20.0", ">=1.20", True),
        ("1.19.2", "<2,>=1.20", False),
        ("2.0.0", "<2,>=1.20", False),
        ("2", "<2.0", False),
        ("1.9", ">=1.20", False),
        ("2025.2.0", ">=2025.2", True),
        ("1.32.0.dev20261101+cpu", "<2,>=1.20", True),
        ("", ">=1", False),
        ("7", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, bounds: str, within: bool) -> None:
    assert is_within(version, bounds) == within


def test_the_ranges_are_those_of_the_packages_own_metadata() -> None:
    assert set(wanted("onnxruntime").split(",")) == {">=1.20", "<2"}
    assert wanted("openvino") == ">=2025.2"
    assert wanted("tensorrt") == ""


def test_versions_are_those_that_importlib_tells() -> None:
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name.isidentifier():
            assert version_of(name) == importlib.metadata.version(name), name
    assert version_of("no_such_package") is None


# Engines


def test_every_engine_runs_its_first_graph(backend: str) -> None:
    finding = check_engine(BACKENDS[backend])
    assert finding.status == "ok", finding
    assert "ran its first graph" in finding.told


@pytest.mark.parametrize(
    ("options", "status", "told", "advice"),
    [
        ({"absent": "not installed; install it with: x"}, "ok", "install it with: x", ""),
        ({"version": "2024.6.0"}, "problem", "2024.6.0, not >=2025.2", "pip install 'openvino>=2025.2'"),
        ({"refusal": "libgomp is missing"}, "problem", "libgomp is missing", "pip install --force-reinstall"),
        ({"change": lambda y, x: -y}, "problem", "wrongly", "pip install --force-reinstall"),
    ],
)
def test_an_engine_that_is_absent_old_broken_or_wrong(
    engine: Callable[..., FakeEngine], options: dict[str, Any], status: str, told: str, advice: str
) -> None:
    finding = check_engine(engine(**options))
    assert finding.status == status
    assert told in finding.told
    assert advice in finding.advice


def test_without_the_reference_engine_there_is_a_problem() -> None:
    finding = check_engine(FakeEngine("onnxruntime", absent="not installed; install it with: x"))
    assert finding.status == "problem"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({}, "ok"),
        ({"variable": ""}, "problem"),
        ({"variable": "0"}, "problem"),
        ({"reporter_loaded": True}, "problem"),
        ({"new": [Path("/home/me/deviceid")]}, "problem"),
        ({"old": [Path("/home/me/deviceid")]}, "warning"),
    ],
)
def test_an_engine_that_may_have_told_somebody_is_found(state: dict[str, Any], status: str) -> None:
    finding = check_telemetry(**{"variable": "1", "reporter_loaded": False, "new": [], "old": [], **state})
    assert finding.status == status
    assert ("export ORT_DISABLE_TELEMETRY=1" in finding.advice) == (status != "ok")


# A bundle


def test_a_bundle_that_is_well_has_no_problem_and_auto_takes_something(bundle: Bundle) -> None:
    found = examine(bundle.path)
    assert found.problems == ()
    golden = {finding.about for finding in found.findings if "gives the golden samples" in finding.told}
    engines = [engine for engine in BACKENDS if BACKENDS[engine].probe().available]
    assert golden == {f"{precision} on {engine}" for engine in engines for precision in ("fp32", "int8")}
    assert "4 steps of compression" in about(found, "record").told
    assert found.choice
    assert about(found, "auto").told.startswith(f"takes {found.choice.variant.name} on {found.choice.backend}")
    json.dumps([finding.to_json() for finding in found.findings], allow_nan=False)


def test_an_engine_that_computes_something_else_is_a_problem_with_what_to_use_instead(
    small_bundle: Bundle, engine: Callable[..., FakeEngine]
) -> None:
    engine(change=lambda samples, inputs: samples * WRONG)
    found = examine(small_bundle.path)
    wrong = about(found, "fp32 on openvino")
    assert wrong.status == "problem"
    assert "--backend onnxruntime --precision fp32" in wrong.advice
    assert found.choice
    assert found.choice.backend == "onnxruntime"


def test_what_auto_takes_is_measured_again_and_remembered(
    small_bundle: Bundle, engine: Callable[..., FakeEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWARD_CACHE", str(tmp_path))
    fake = engine(call_s=0.003)
    assert examine(small_bundle.path).choice.backend == "onnxruntime"  # type: ignore[union-attr]
    monkeypatch.setitem(BACKENDS, "onnxruntime", FakeEngine("onnxruntime", call_s=0.006, version=ORT))
    fake.call_s = 0.0
    with load(small_bundle) as generator:
        assert (generator.choice.how, generator.choice.backend) == ("remembered", "onnxruntime")
    assert examine(small_bundle.path).choice.backend == "openvino"  # type: ignore[union-attr]
    with load(small_bundle) as generator:
        assert (generator.choice.how, generator.choice.backend) == ("remembered", "openvino")


def test_where_every_engine_is_wrong_auto_is_a_problem_too(
    small_bundle: Bundle, engine: Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(change=lambda samples, inputs: samples * np.nan)
    other = FakeEngine("onnxruntime", change=lambda samples, inputs: samples * WRONG, version=ORT)
    monkeypatch.setitem(BACKENDS, "onnxruntime", other)
    found = examine(small_bundle.path)
    problems = {finding.about for finding in found.problems if finding.group == "bundle"}
    assert problems == {"fp32 on onnxruntime", "fp32 on openvino", "auto"}
    assert found.choice is None
    assert "ask where it was made" in about(found, "auto").advice
    engine(absent="not installed")
    assert about(examine(small_bundle.path), "auto").advice.startswith("install another engine: pip install")


def test_saturation_is_named_as_the_cause_where_the_processor_has_it(
    bundle: Bundle, engine: Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = dataclasses.replace(this_host(), cpu_class="x86_64-avx2")
    monkeypatch.setattr("edgeward.runtime.doctor.this_host", lambda: old)
    engine(change=lambda samples, inputs: np.clip(samples * 3, -0.1, 0.1))
    found = examine(bundle.path)
    assert "x86_64-avx2 has no VNNI" in about(found, "int8 on openvino").told
    assert "VNNI" not in about(found, "fp32 on openvino").told


def test_a_variant_that_an_engine_refuses_is_a_warning(small_bundle: Bundle, engine: Callable[..., FakeEngine]) -> None:
    refusing = engine()
    run = refusing.open
    refusing.open = lambda model, options, weights=None: (  # type: ignore[method-assign]
        run(model, options, weights) if len(model) < 100 else FakeEngine("openvino", refusal="no").open(model, options)
    )
    found = examine(small_bundle.path)
    assert (about(found, "fp32 on openvino").status, found.problems) == ("warning", ())


@pytest.mark.parametrize("damage", ["graph", "golden", "manifest", "absent"])
def test_a_damaged_bundle_is_a_finding_and_no_error(small_bundle: Bundle, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "copy.edgeward"
    if damage != "absent":
        shutil.copytree(small_bundle.path, folder)
        names = {"graph": small_bundle.manifest.variants[0].file, "golden": "golden.npz", "manifest": MANIFEST_NAME}
        file = folder / names[damage]
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    found = examine(folder)
    (problem,) = found.problems
    assert (problem.group, problem.about) == ("bundle", "files")
    assert problem.advice


@pytest.mark.parametrize("signed", [False, True])
def test_a_bundle_that_lacks_only_a_signature_is_not_to_be_copied_again(
    small_bundle: Bundle,
    engine: Callable[..., FakeEngine],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signed: bool,
) -> None:
    monkeypatch.setenv("EDGEWARD_REQUIRE_SIGNATURE", "1")
    folder = Path(shutil.copytree(small_bundle.path, tmp_path / "copy.edgeward"))
    if signed:
        signature = sign(small_bundle.manifest_bytes, Ed25519PrivateKey.generate())
        (folder / "signature").write_bytes(signature.to_bytes())
    fake = engine()
    found = examine(folder)
    (problem,) = found.problems
    assert (problem.group, problem.about) == ("bundle", "signature")
    told = problem.told + problem.advice
    assert "copy" not in told.replace(str(folder), "")
    assert ("trust add NAME KEY.pub" in told) == signed
    ask = f"ask its sender for a signed one, or if it is yours: edgeward bundle sign {folder} --key KEY"
    assert (ask in told) != signed
    assert about(found, "files").status == "ok"
    assert found.choice is None
    assert fake.calls == 1  # the first graph of an engine, and nothing of a bundle that may not run


def test_who_signed_a_bundle_is_told(small_bundle: Bundle) -> None:
    assert about(examine(small_bundle.path), "signature").told == "not signed"


def test_a_broken_record_is_a_problem(bundle: Bundle, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle.path, tmp_path / "copy.edgeward"))
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["lineage"]["teacher"]["sha256"] = "0" * 64
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    open_bundle(folder)  # every hash is right
    assert [finding.about for finding in examine(folder).problems] == ["record"]
