"""MLPerf's own LoadGen beside our harness: the same calls, timed by both."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeward.benchmarks.latency import loadgen
from edgeward.benchmarks.latency.loadgen import run_loadgen
from edgeward.benchmarks.latency.processes import WorkerProcess
from edgeward.benchmarks.latency.subject import GENERATE, Subject
from edgeward.benchmarks.latency.worker import decoded
from edgeward.runtime import Bundle

pytest.importorskip("mlperf_loadgen", reason="needs mlcommons-loadgen: pip install 'edgeward[loadgen]'")
pytestmark = pytest.mark.oracle

Run = Callable[..., subprocess.CompletedProcess[str]]


def _ours_us(subject: Subject) -> float:
    process = WorkerProcess(subject, prioritise=False)
    try:
        process.ask("warm_up", batch=1, most_s=2.0)
        return float(np.median(decoded(process.ask("closed", batch=1, seconds=0.5)["service"]))) / 1000
    finally:
        process.close()


def test_both_harnesses_find_the_same_median(bundle: Bundle) -> None:
    subject = Subject(GENERATE, "fp32", "onnxruntime", 1, str(bundle.path))
    pairs = []
    for _ in range(5):  # in turns, on a machine that others may use
        ours = _ours_us(subject)
        theirs = run_loadgen(subject, bundle.digest, ours, processes=1, prioritise=False, seconds=0.5)
        assert "reason" not in theirs, theirs["reason"]
        assert theirs["inner_p50_us"] < theirs["p50_us"] <= theirs["p90_us"]
        pairs.append((ours, theirs["p50_us"]))
    apart = [theirs - ours for ours, theirs in pairs]
    allowed = max(5.0, 0.05 * float(np.median([ours for ours, _ in pairs])))
    assert min(map(abs, apart)) < allowed, pairs  # the quietest turn: neighbours only add


def test_an_error_inside_is_a_reason_and_no_crash_of_ours(bundle: Bundle, tmp_path: Path) -> None:
    lost = Subject(GENERATE, "fp32", "onnxruntime", 1, str(tmp_path / "gone.edgeward"))
    found = run_loadgen(lost, bundle.digest, 20.0, processes=1, prioritise=False)
    assert "gone.edgeward" in found["reason"]


def test_a_callback_that_fails_crashes_its_process_and_not_ours(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = (
        "from edgeward.benchmarks.latency import bundle_work, loadgen_worker, warm_up; "
        "bundle_work.GenerateWork.call = lambda self, batch: lambda number: 1 / (500 > number); "
        "loadgen_worker.warm_up = lambda *_, **__: warm_up.WarmUp(1, 0.0, True, 1.0); "
    )
    program = loadgen._PROGRAM.replace("from edgeward", failing + "from edgeward")
    monkeypatch.setattr(loadgen, "_PROGRAM", program)
    subject = Subject(GENERATE, "fp32", "onnxruntime", 1, str(bundle.path))
    found = run_loadgen(subject, bundle.digest, 20.0, processes=1, prioritise=False)
    assert "it ended with code" in found["reason"]
    assert "p50_us" not in found


def test_a_run_that_ends_too_soon_is_not_believed(bundle: Bundle) -> None:
    subject = Subject(GENERATE, "fp32", "onnxruntime", 1, str(bundle.path))
    found = run_loadgen(subject, bundle.digest, 1e5, processes=1, prioritise=False)
    assert "LoadGen calls its own run INVALID" in found["reason"]


def test_the_command_puts_it_beside_what_was_measured(run_edgeward: Run, bundle: Bundle) -> None:
    few = ("--processes", "1", "--calls", "1", "--batch", "1", "--max-time", "2", "--pause", "1", "--no-priority")
    result = run_edgeward(
        *("bench", bundle.path, "--backend", "onnxruntime", "--precision", "int8", "--quick", *few),
        *("--loadgen", "--json"),
    )
    assert result.returncode == 0, result.stderr
    (told,) = json.loads(result.stdout)["baselines"]
    assert told["row"].endswith("generate int8 onnxruntime")
    assert told["apart"]["p50"]["share"] > -0.9
