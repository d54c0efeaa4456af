"""OpenVINO's own tool is found without importing it, run in f32 on one thread, and its failure is a reason."""

import subprocess
from typing import Any

import pytest
from edgeward.benchmarks.latency import benchmark_app
from edgeward.benchmarks.latency.benchmark_app import has_benchmark_app, run_benchmark_app
from edgeward.runtime import Bundle

PRINTED = "[ INFO ] Count:            9534 iterations\n[ INFO ]    Median:        {median}\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Command lines, each answered by the next of these outputs."""
    lines: list[list[str]] = []
    answers = iter(
        [(0, PRINTED.format(median="81.80 us")), (0, PRINTED.format(median="0.10 ms")), (1, "no such device")]
    )

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        lines.append(command)
        code, text = next(answers)
        return subprocess.CompletedProcess(command, code, text, "")

    monkeypatch.setattr(benchmark_app.subprocess, "run", run)
    return lines


def test_the_median_of_each_process_is_read_in_either_unit(bundle: Bundle, asked: list[list[str]]) -> None:
    variant = bundle.manifest.variant("fp32", "openvino")
    found = run_benchmark_app(bundle, variant, processes=2)
    assert (found["process_p50_us"], found["p50_us"]) == ([81.8, 100.0], 90.9)
    assert found["bundle_sha256"] == bundle.digest
    assert "-infer_precision" in asked[0]
    assert asked[0][asked[0].index("-infer_precision") + 1] == "f32"
    assert asked[0][asked[0].index("-shape") + 1] == "noise[1,6],condition[1,5]"


def test_a_failure_is_a_reason(bundle: Bundle, asked: list[list[str]]) -> None:
    found = run_benchmark_app(bundle, bundle.manifest.variant("fp32", "openvino"), processes=3)
    assert "no such device" in found["reason"]
    assert "p50_us" not in found


@pytest.mark.slow
def test_it_runs(bundle: Bundle) -> None:
    if not has_benchmark_app():
        pytest.skip("the installed openvino does not bring it")
    found = run_benchmark_app(bundle, bundle.manifest.variant("fp32", "openvino"), processes=1)
    assert 1 < found["p50_us"] < 1e6
