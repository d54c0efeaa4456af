"""A file that grows by one line a row of every run, to see how latency went over months."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...runtime.atomic import check_output
from ...runtime.errors import OutputError

SCHEMA = 1
_KEPT = ("id", "bundle_sha256", "verdict", "reasons", "process_p50_us", "aa_floor", "processes")
_PERCENTILES = ("p50", "p90", "p95", "p99", "p99.9")


def check_history(file: Path) -> None:
    """Refuse, before any long work, a place where no line can be added.

    Raises:
        OutputError: Its folder is not there, or the system does not let us write.
    """
    if not file.exists():
        check_output(file, overwrite=False)
    elif not (file.is_file() and os.access(file, os.W_OK)):
        raise OutputError(f"{file} cannot be added to: it is no ordinary file, or may not be written")


def append_history(file: Path, report: Mapping[str, Any]) -> None:
    """Add a report's rows. Lines of several runs at once do not mix: all are written in one go.

    Raises:
        OutputError: The system refused.
    """
    lines = []
    for row in report["rows"]:
        closed = row["closed"] or {}
        machine = report["machine"]
        line = {
            "schema": SCHEMA,
            "made": report["made"],
            "edgeward": report["edgeward"],
            "cpu": machine["cpu"],
            "power_mode": machine["power_mode"],
            "fidelity": machine["fidelity"],
            **{key: row[key] for key in _KEPT},
            "engine": f"{row['read_back']['backend']} {row['read_back'].get('version', '')}".strip(),
            "n": closed.get("n", 0),
            **{f"{name}_us": closed.get(name, {}).get("value_us") for name in _PERCENTILES},
        }
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, "".join(lines).encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}") from error
