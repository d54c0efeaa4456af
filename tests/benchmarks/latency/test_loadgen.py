"""LoadGen's log is read, its refusals and crashes are reasons, and it is never told to expect what would harm it."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from edgeward.benchmarks.latency import loadgen
from edgeward.benchmarks.latency.loadgen import check_loadgen, run_loadgen
from edgeward.benchmarks.latency.loadgen_worker import read_log
from edgeward.runtime.errors import BackendError

from .fake_work import subject

TOLD = {"validity": "VALID", "p50_us": 20.0, "p90_us": 30.0, "inner_p50_us": 18.0, "calls": 1000}
LOG = """:::MLLOG {"key": "loadgen_version", "value": "6.0.17 @ 0", "time_ms": 0.1}
{"key": "result_validity", "value": "someone else's line"}
:::MLLOG {"key": "result_validity", "value": "INVALID", "time_ms": 9.0}
:::MLLOG {"key": "result_50.00_percentile_latency_ns", "value": 20500, "time_ms": 9.0}
:::MLLOG {"key": "result_90.00_percentile_latency_ns", "value": 31000, "time_ms": 9.0}
"""

Answering = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Have its processes end with this code and print this; gives what each was asked."""

    def answer(*outputs: tuple[int, str]) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []
        answers = iter(outputs)

        def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            asked.append(json.loads(command[-1]))
            code, text = next(answers)
            return subprocess.CompletedProcess(command, code, text, "what(): no folder" if code else "")

        monkeypatch.setattr(loadgen.subprocess, "run", run)
        return asked

    return answer


def found(processes: int, measured_us: float = 40.0) -> dict[str, Any]:
    return run_loadgen(subject(), "d", measured_us, processes=processes, prioritise=False)


def test_the_medians_of_its_processes_are_told(answering: Answering) -> None:
    times = (20.0, 26.0, 22.0)
    answering(*((0, "a line of its own\n" + json.dumps({**TOLD, "p50_us": us, "p90_us": 2 * us})) for us in times))
    made = found(3)
    assert made["process_p50_us"] == list(times)
    assert (made["p50_us"], made["p90_us"], made["inner_p50_us"], made["calls"]) == (22.0, 44.0, 18.0, 3000)
    assert (made["bundle_sha256"], made["like"]) == ("d", "generate")


@pytest.mark.parametrize(("measured_us", "expected_us"), [(40.0, 20.0), (1.0, 5.0)])
def test_it_is_told_to_expect_less_than_was_measured_and_never_next_to_nothing(
    answering: Answering, measured_us: float, expected_us: float
) -> None:
    asked = answering((0, json.dumps(TOLD)))
    found(1, measured_us)
    assert asked[0]["expected_us"] == expected_us


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ((-6, ""), "it ended with code -6: what(): no folder"),
        ((0, json.dumps({**TOLD, "validity": "INVALID"})), "LoadGen calls its own run INVALID, after 1,000 calls"),
        ((0, ""), "it ended with code 0: "),
    ],
    ids=["crashed", "invalid", "silent"],
)
def test_without_a_figure_there_is_a_reason(answering: Answering, output: tuple[int, str], reason: str) -> None:
    answering((0, json.dumps(TOLD)), output)
    made = found(3)
    assert made["reason"] == reason
    assert "p50_us" not in made


def test_its_log_is_read() -> None:
    assert read_log(LOG) == {"validity": "INVALID", "p50_us": 20.5, "p90_us": 31.0}


def test_where_it_is_not_installed_the_error_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'edgeward\[loadgen\]'"):
        check_loadgen()
