"""MLPerf's LoadGen around the same `generate`: a second opinion from another harness. Needs mlcommons-loadgen."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import numpy as np

from ...runtime.errors import BackendError
from .subject import GENERATE, Subject

LOADGEN = "LoadGen SingleStream"
_MODULE = "mlperf_loadgen"
_LIMIT_S = 120.0

# LoadGen writes all its queries down before it begins, about as many as fit into its time by the latency it is told to
# expect, and about a kilobyte each: told too little, it takes gigabytes; told too much, it runs out of queries and
# calls itself INVALID. So it is told a share of what we measured, and never less than this.
_EXPECTED_SHARE = 0.5
_LEAST_EXPECTED_US = 5.0

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from edgeward.benchmarks.latency.loadgen_worker import main; main(json.loads(sys.argv[2]))"
)


def check_loadgen() -> None:
    """Refuse before the measuring what could not be run after it.

    Raises:
        BackendError: LoadGen is not installed.
    """
    if importlib.util.find_spec(_MODULE) is None:
        raise BackendError("--loadgen needs mlcommons-loadgen; install it with: pip install 'edgeward[loadgen]'")


def run_loadgen(
    subject: Subject, digest: str, measured_us: float, *, processes: int, prioritise: bool = True, seconds: float = 1.0
) -> dict[str, Any]:
    """Have it time the same calls some times, each in a fresh process.

    Args:
        subject: A bundle's `generate`.
        digest: Of the bundle.
        measured_us: Median of a call, as we found it.
        processes: How many.
        prioritise: Whether to ask the system for precedence.
        seconds: How long each measures, at least.

    Returns:
        A baseline of the report: medians over the processes of p50 and p90 as LoadGen tells them, and of p50 of the
        calls inside, so that what LoadGen adds can be seen; or the reason why there are none.
    """
    baseline = {"what": LOADGEN, "bundle_sha256": digest, "precision": subject.precision, "backend": subject.backend}
    asked = {
        "subject": subject.to_json(),
        "expected_us": max(_LEAST_EXPECTED_US, _EXPECTED_SHARE * measured_us),
        "seconds": seconds,
        "prioritise": prioritise,
    }
    told = []
    for _ in range(processes):
        found = _one(asked)
        if isinstance(found, str):
            return {**baseline, "reason": found}
        told.append(found)
    medians = {name: float(np.median([one[name] for one in told])) for name in ("p50_us", "p90_us", "inner_p50_us")}
    return {
        **baseline,
        "like": GENERATE,
        "options": f"SingleStream, {seconds:g} s, expected {asked['expected_us']:.1f} us",
        "process_p50_us": [one["p50_us"] for one in told],
        **medians,
        "calls": sum(one["calls"] for one in told),
        "interleaved": False,
    }


def _one(asked: dict[str, Any]) -> dict[str, Any] | str:
    command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), json.dumps(asked)]
    try:
        result = subprocess.run(  # noqa: S603 - this interpreter, and a program of our own
            command, capture_output=True, text=True, check=False, timeout=_LIMIT_S, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it could not be run: {error}"
    lines = result.stdout.strip().splitlines()
    if result.returncode or not lines:
        last = (result.stderr or result.stdout).strip().splitlines()[-1:]
        return f"it ended with code {result.returncode}: {' '.join(last)[:200]}"
    found: dict[str, Any] = json.loads(lines[-1])
    if found["validity"] != "VALID":
        return f"LoadGen calls its own run {found['validity']}, after {found['calls']:,} calls"
    return found
