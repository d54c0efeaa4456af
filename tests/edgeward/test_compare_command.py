"""`edgeward compare`: judgements of the same data stand together, and what is no judgement is refused by its name."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]


def finding(measure: str, source: str, value: float, group: str = "all") -> dict[str, Any]:
    figure = {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 59, "patients": 59}
    return {"measure": measure, "group": group, "source": source, **figure}


def judgement(folder: Path, coverage: dict[str, float], *, data: str = "hearts", seeds: int = 5) -> Path:
    """A folder like those of `edgeward evaluate -o`."""
    evidence = {
        "schema_version": 1,
        "judged": dict.fromkeys(coverage, "0" * 64),
        "data": {"source": data, "sha256": data, "schema": data, "test": {"records": 59, "patients": 59}},
        "method": {"effort": {"seeds": seeds}},
        "findings": [
            finding("coverage", "real", 0.99),
            *(finding("coverage", name, value) for name, value in coverage.items()),
            finding("coverage", next(iter(coverage)), 0.11, group="class=ill"),
        ],
    }
    folder.mkdir()
    (folder / "evidence.json").write_text(json.dumps(evidence))
    return folder


def test_generators_judged_against_the_same_data_stand_below_one_row_of_real_records(
    edgeward_here: Run, tmp_path: Path
) -> None:
    vae = judgement(tmp_path / "vae", {"teacher": 0.71})
    lungs = judgement(tmp_path / "lungs", {"teacher": 0.5}, data="lungs")
    gan = judgement(tmp_path / "gan", {"teacher": 0.82, "int8": 0.79})
    result = edgeward_here("compare", vae, lungs, gan, "--json")
    assert result.returncode == 0, result.stderr
    rows = [(row["data"], row["name"], row["coverage"]["value"]) for row in json.loads(result.stdout)["rows"]]
    hearts, of_lungs = (f"{data}: 59 records of 59 patients" for data in ("hearts", "lungs"))
    assert rows == [
        (hearts, "real", 0.99),
        (hearts, "vae", 0.71),
        (hearts, "gan teacher", 0.82),
        (hearts, "gan int8", 0.79),
        (of_lungs, "real", 0.99),
        (of_lungs, "lungs", 0.5),
    ]


def test_another_effort_is_not_put_under_the_same_real_records(edgeward_here: Run, tmp_path: Path) -> None:
    folders = [judgement(tmp_path / str(seeds), {"teacher": 0.7}, seeds=seeds) for seeds in (2, 5)]
    rows = json.loads(edgeward_here("compare", *folders, "--json").stdout)["rows"]
    assert [row["name"] for row in rows] == ["real", "2", "real", "5"]


def test_markdown_has_a_table_a_data_set_with_intervals(edgeward_here: Run, tmp_path: Path) -> None:
    result = edgeward_here("compare", judgement(tmp_path / "vae", {"teacher": 0.71}), "--markdown")
    assert "**hearts: 59 records of 59 patients**" in result.stdout
    assert "| vae | 0.71 (0.66 to 0.76) |" in result.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory); make it with: edgeward evaluate"),
        ("{", "is damaged, or holds no evidence"),
        ("[]", "is damaged, or holds no evidence"),
        ('{"schema_version": 1}', "is damaged, or holds no evidence"),
        ('{"schema_version": 9}', "is of version 9, and this Edgeward reads 1"),
    ],
)
def test_what_is_no_judgement_is_refused(
    edgeward_here: Run, refused: Refused, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "evidence.json").write_text(content)
    refused(edgeward_here("compare", tmp_path), 3, told)


def test_an_unknown_measure_is_named(edgeward_here: Run, refused: Refused, tmp_path: Path) -> None:
    folder = judgement(tmp_path / "vae", {"teacher": 0.71})
    refused(
        edgeward_here("compare", folder, "--measure", "beauty"), 2, "there is no measure 'beauty'; there are frechet"
    )
