"""Do the engines here run a graph, in a supported version, and without telling anybody?"""

from __future__ import annotations

import base64
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from .backends import BACKENDS, Backend, Options
from .choosing import CPU_ENGINES
from .errors import BackendError
from .finding import Finding, Status
from .installed_version import is_within, wanted
from .manifest import REFERENCE_ENGINE

# y = Relu(x), [n, 4] float32, opset 13.
_GRAPH = base64.b64decode(
    "CAcSADpACgwKAXgSAXkiBFJlbHUSBHJlbHVaFAoBeBIPCg0IARIJCgMSAW4KAggEYhQKAXkSDwoNCAESCQoDEgFuCgIIBEIECgAQDQ=="
)


def check_engines() -> Iterator[Finding]:
    """Each engine, and then that none of them told anybody."""
    before = _identifiers()
    for name, backend in BACKENDS.items():
        yield check_engine(backend, run=name in CPU_ENGINES)
    yield check_telemetry(
        variable=os.environ.get("ORT_DISABLE_TELEMETRY", ""),
        reporter_loaded=sys.modules.get("openvino_telemetry") is not None,
        new=sorted(_identifiers() - before),
        old=sorted(before),
    )


def check_engine(backend: Backend, *, run: bool = True) -> Finding:
    """Whether an engine is there, supported, and computes something.

    Args:
        backend: The engine.
        run: Whether a graph of one operator is run: on a processor that takes a moment, elsewhere it may take minutes.
    """
    name = backend.name
    availability = backend.probe()
    if not availability.available:
        status: Status = "problem" if name == REFERENCE_ENGINE else "ok"
        return Finding("engines", name, status, availability.reason)
    version, bounds = availability.reason.rpartition(" ")[2], wanted(name)
    if bounds and not is_within(version, bounds):
        return Finding("engines", name, "problem", f"{version}, not {bounds}", f"pip install '{name}{bounds}'")
    if not run:
        return Finding("engines", name, "ok", version)
    started = time.perf_counter()
    try:
        ran_right = _runs(backend)
    except BackendError as error:
        return Finding("engines", name, "problem", str(error), _reinstall(name))
    if not ran_right:
        return Finding("engines", name, "problem", f"{version} computes max(x, 0) wrongly", _reinstall(name))
    return Finding("engines", name, "ok", f"{version}, ran its first graph in {time.perf_counter() - started:.2f} s")


def check_telemetry(*, variable: str, reporter_loaded: bool, new: Sequence[Path], old: Sequence[Path]) -> Finding:
    """Whether the engines kept to themselves.

    Args:
        variable: What `ORT_DISABLE_TELEMETRY` is now.
        reporter_loaded: Whether the package that reports for OpenVINO was imported.
        new: Files an engine identifies this machine by, written since the check began.
        old: Those from before.
    """
    if variable != "1" or reporter_loaded or new:
        told = f"an engine may have told its maker that it runs here; it left {', '.join(map(str, new)) or 'nothing'}"
        return Finding("engines", "telemetry", "problem", told, "export ORT_DISABLE_TELEMETRY=1, and report this to us")
    if old:
        return Finding(
            "engines",
            "telemetry",
            "warning",
            f"off; another program let an engine identify this machine: {', '.join(map(str, old))}",
            f"export ORT_DISABLE_TELEMETRY=1 for all programs, and rm {' '.join(map(str, old))}",
        )
    return Finding("engines", "telemetry", "ok", "off, and no engine left an identifier here")


def _identifiers() -> set[Path]:
    """Files by which engines identify a machine to their makers, where they are let."""
    try:
        home = Path.home()
    except RuntimeError:
        return set()
    caches = {Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"), home / ".cache"}
    places = [cache / "Microsoft/DeveloperTools/.onnxruntime/deviceid" for cache in caches]
    return {file for file in (*places, home / "intel/openvino_ga_cid") if file.exists()}


def _runs(backend: Backend) -> bool:
    given = np.array([[-2.0, 0.0, 0.5, 3.0]], np.float32)
    with backend.open(_GRAPH, Options()) as session:
        (result,) = session.run((given,))
    return bool((result == np.maximum(given, 0)).all())


def _reinstall(name: str) -> str:
    return f"pip install --force-reinstall '{name}{wanted(name)}'"
