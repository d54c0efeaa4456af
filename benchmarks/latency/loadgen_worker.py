"""A process that runs MLPerf's LoadGen around one subject, and prints what it found as JSON.

Of its own, as LoadGen ends its process where it cannot write its logs, and crashes after an error in a callback.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .conditions import take_priority
from .subject import Subject
from .warm_up import warm_up
from .worker import open_bundle_work

_LIBRARY = 1024
"""Samples that LoadGen draws its queries from; each call makes new ones whatever it draws."""
_FEWEST_QUERIES = 64
"""What a bound on p90 needs."""


def main(asked: Mapping[str, Any]) -> None:
    """Run SingleStream: one query after another, each of one record.

    Args:
        asked: `subject`; `expected_us`, no longer than a call; `seconds`; `prioritise`.
    """
    import mlperf_loadgen

    if asked["prioritise"]:
        take_priority()
    work, _ = open_bundle_work(Subject(**asked["subject"]))
    call, inner = work.call(1), []
    made = warm_up(call, 0, most_s=2.0).calls

    def issue(samples: Sequence[Any]) -> None:
        nonlocal made
        for sample in samples:
            began = time.perf_counter_ns()
            call(made)
            inner.append(time.perf_counter_ns() - began)
            made += 1
            mlperf_loadgen.QuerySamplesComplete([mlperf_loadgen.QuerySampleResponse(sample.id, 0, 0)])

    settings = mlperf_loadgen.TestSettings()
    settings.scenario = mlperf_loadgen.TestScenario.SingleStream
    settings.mode = mlperf_loadgen.TestMode.PerformanceOnly
    settings.single_stream_expected_latency_ns = round(1000 * asked["expected_us"])
    settings.min_duration_ms = round(1000 * asked["seconds"])
    settings.min_query_count = _FEWEST_QUERIES
    with tempfile.TemporaryDirectory() as folder:
        logs = mlperf_loadgen.LogSettings()
        logs.enable_trace = False
        logs.log_output.outdir = folder
        system = mlperf_loadgen.ConstructSUT(issue, lambda: None)
        library = mlperf_loadgen.ConstructQSL(_LIBRARY, _LIBRARY, lambda _: None, lambda _: None)
        mlperf_loadgen.StartTestWithLogSettings(system, library, settings, logs, "")
        mlperf_loadgen.DestroyQSL(library)
        mlperf_loadgen.DestroySUT(system)
        told = read_log(Path(folder, "mlperf_log_detail.txt").read_text())
    found = {**told, "calls": len(inner), "inner_p50_us": float(np.median(inner)) / 1000}
    sys.stdout.write(json.dumps(found) + "\n")


def read_log(text: str) -> dict[str, Any]:
    """Validity and percentiles of LoadGen's detailed log, in microseconds.

    Raises:
        KeyError: They are not in it.
    """
    lines = (json.loads(line.removeprefix(":::MLLOG ")) for line in text.splitlines() if line.startswith(":::MLLOG "))
    values = {line["key"]: line["value"] for line in lines}
    return {
        "validity": values["result_validity"],
        **{f"p{name}_us": values[f"result_{name}.00_percentile_latency_ns"] / 1000 for name in (50, 90)},
    }
