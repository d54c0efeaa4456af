"""OpenVINO's own benchmark_app on the same graph: a second opinion, from a clock in C++."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...runtime.bundle import Bundle
from ...runtime.manifest import Variant
from .subject import BARE

BENCHMARK_APP = "benchmark_app"
_LIMIT_S = 60

# In a process that the system prefers like those it is compared with, and through our own import of the engine, which
# keeps it from reporting its use.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); prioritise = sys.argv.pop(1) == 'True'; "
    "from edgeward.benchmarks.latency.conditions import take_priority; prioritise and take_priority(); "
    "from edgeward.runtime.backends.openvino import import_engine; import_engine(); "
    "from openvino.tools.benchmark.main import main; sys.exit(main())"
)


def has_benchmark_app() -> bool:
    """Whether the installed OpenVINO brings it; nothing of it is imported."""
    engine = importlib.util.find_spec("openvino")
    places = (engine.submodule_search_locations or []) if engine else []
    return any(Path(place, "tools", "benchmark", "main.py").exists() for place in places)


def run_benchmark_app(
    bundle: Bundle, variant: Variant, *, processes: int, prioritise: bool = True, seconds: int = 1
) -> dict[str, Any]:
    """Run it some times on one thread, one stream, synchronously, computing in f32.

    Returns:
        A baseline of the report: the median call of each process, as it tells it, in microseconds; or the reason why
        there is none. Its figures stand without parity: it does not look at outputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder, Path(variant.file).name)
        for file in variant.files:
            Path(folder, Path(file).name).write_bytes(bundle.read(file))
        if variant.weights is not None:  # its reader wants both under one name
            Path(folder, Path(variant.weights).name).rename(graph.with_suffix(".bin"))
        shapes = {"noise": bundle.manifest.noise_shape, "condition": (bundle.manifest.data.condition_size,)}
        shape = ",".join(f"{name}[{','.join(map(str, (1, *sizes)))}]" for name, sizes in shapes.items())
        options = f"-d CPU -api sync -hint none -nstreams 1 -nthreads 1 -infer_precision f32 -t {seconds}"
        program = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), str(prioritise)]
        medians: list[float] = []
        for _ in range(processes):
            found = _median_us([*program, "-m", str(graph), "-shape", shape, *options.split()])
            if isinstance(found, str):
                return {"what": BENCHMARK_APP, "precision": variant.precision, "reason": found}
            medians.append(found)
    return {
        "what": BENCHMARK_APP,
        "like": BARE,
        "bundle_sha256": bundle.digest,
        "precision": variant.precision,
        "backend": "openvino",
        "options": options,
        "process_p50_us": medians,
        "p50_us": float(np.median(medians)),
        "interleaved": False,
    }


def _median_us(command: list[str]) -> float | str:
    try:
        result = subprocess.run(  # noqa: S603 - this interpreter, and arguments of our own
            command, capture_output=True, text=True, check=False, timeout=_LIMIT_S, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it could not be run: {error}"
    median = re.search(r"Median:\s+([\d.]+) (us|ms)", result.stdout)
    if result.returncode or not median:
        last = (result.stderr or result.stdout).strip().splitlines()[-1:]
        return f"it ended with code {result.returncode}: {' '.join(last)[:200]}"
    return float(median[1]) * (1000 if median[2] == "ms" else 1)
