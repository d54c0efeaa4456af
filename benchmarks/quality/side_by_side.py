"""Several judgements side by side: which family of generators does best on which data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.errors import DataError
from .evidence import EVIDENCE_NAME, REAL, SCHEMA_VERSION
from .figure import Figure


@dataclass(frozen=True)
class Row:
    """One generator's figures, or those of the real records it is held against."""

    data: str
    """Whom it was judged against."""
    name: str
    """Folder of its judgement and its row there, or `real`."""
    figures: dict[str, Figure]
    """By measure, over all test records."""


def read_side_by_side(folders: Sequence[Path]) -> list[Row]:
    """The rows of several judgements, those of the same data together, the real records' first.

    Args:
        folders: Each holds an `evidence.json`.

    Raises:
        DataError: One of them is absent, or is none.
    """
    by_data: dict[str, list[Row]] = {}
    for folder in folders:
        key, (real, *generators) = _read(folder)
        by_data.setdefault(key, [real]).extend(generators)
    return [row for rows in by_data.values() for row in rows]


def _read(folder: Path) -> tuple[str, list[Row]]:
    """What two judgements must share to stand together, and the rows of one."""
    path = folder / EVIDENCE_NAME
    try:
        evidence = json.loads(path.read_bytes())
        version = evidence["schema_version"]
        if version != SCHEMA_VERSION:
            raise DataError(f"{path} is of version {version}, and this Edgeward reads {SCHEMA_VERSION}; judge again")
        data, judged = evidence["data"], list(evidence["judged"])
        title = f"{data['schema']}: {data['test']['records']} records of {data['test']['patients']} patients"
        named = {source: folder.name if len(judged) == 1 else f"{folder.name} {source}" for source in judged}
        rows = [Row(title, name, _figures(evidence, source)) for source, name in {REAL: REAL, **named}.items()]
        return json.dumps([data["sha256"], title, evidence["method"]["effort"]]), rows
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); make it with: edgeward evaluate … -o") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged, or holds no evidence of Edgeward") from error


def _figures(evidence: dict[str, Any], source: str) -> dict[str, Figure]:
    return {
        finding["measure"]: Figure(finding["value"], finding["low"], finding["high"], finding["n"], finding["patients"])
        for finding in evidence["findings"]
        if finding["group"] == "all" and finding["source"] == source
    }
