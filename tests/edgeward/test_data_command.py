"""`edgeward data infer` writes a description that trains once it is filled in, and ends as the other commands do."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime.errors import DataError
from edgeward.training.datasets import load_dataset

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[[subprocess.CompletedProcess[str], int, str], None]


@pytest.fixture
def table(out: Path) -> Path:
    path = out / "my ward.csv"
    rows = [f"{20 + row % 50},{'ill' if row % 2 else 'well'},N{row}" for row in range(200)]
    path.write_text("\n".join(["age,outcome,name", *rows]))
    return path


def test_a_table_is_described_filled_in_and_loaded(edgeward_here: Run, table: Path) -> None:
    result = edgeward_here("data", "infer", table, "--label", "outcome")
    assert result.returncode == 0, result.stderr
    assert "left out: name: " in result.stdout
    toml = table.with_suffix(".toml")
    lines = [number for number, line in enumerate(toml.read_text().splitlines(), 1) if '= "FILL IN' in line]
    assert f"fill in lines {', '.join(map(str, lines))}" in result.stdout
    with pytest.raises(DataError, match="is not finished"):
        load_dataset("table", table)
    toml.write_text(toml.read_text().replace("FILL IN: ", ""))
    assert len(load_dataset("table", table).train) == 120


def test_json_tells_what_was_decided(edgeward_here: Run, table: Path) -> None:
    result = edgeward_here("data", "infer", table, "--label", "outcome", "--json", "-o", table.parent / "w.toml")
    told = json.loads(result.stdout)
    assert told["description"] == str(table.parent / "w.toml")
    assert (told["file"], told["rows"]) == ("my ward.csv", 200)
    assert told["label"] == {"column": "outcome", "classes": ["ill", "well"]}
    assert [column["column"] for column in told["columns"]] == ["age"]
    assert list(told["left_out"]) == ["name"]
    assert len(told["lines_to_fill_in"]) == 3


def test_what_is_there_is_replaced_only_where_told(edgeward_here: Run, refused: Refused, table: Path) -> None:
    toml = table.with_suffix(".toml")
    toml.write_text("edited by hand")
    refused(edgeward_here("data", "infer", table, "--label", "outcome"), 6, "--overwrite")
    assert toml.read_text() == "edited by hand"
    assert edgeward_here("data", "infer", table, "--label", "outcome", "--overwrite").returncode == 0
    assert toml.read_text().startswith("# What my ward.csv holds.")


def test_missing_separator_and_encoding_are_as_told(edgeward_here: Run, out: Path) -> None:
    path = out / "t.csv"
    rows = [f"{20 + row % 50 if row % 9 else -9}\t{'größer' if row % 2 else 'kleiner'}" for row in range(200)]
    path.write_bytes("\n".join(["x\ty", *rows]).encode("latin-1"))
    options = ("--missing=-9", "--separator", "tab", "--encoding", "latin-1")
    result = edgeward_here("data", "infer", path, "--label", "y", *options, "--json")
    told = json.loads(result.stdout)
    assert told["label"]["classes"] == ["größer", "kleiner"]
    assert told["columns"][0]["may_be_missing"] is True
    assert told["columns"][0]["range"] == [20, 70]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--label", "none"], 2, "there is no column 'none' to be the label"),
        (["--label", "age"], 3, "is a quantity from 20 to 69"),
        (["--label", "outcome", "-o", "x.txt"], 2, "call it x.toml"),
        (["--label", "outcome", "-o", "none/x.toml"], 6, "none is not a folder"),
        (["--label", "outcome", "--encoding", "utf-7"], 2, "encoding must be one of"),
    ],
)
def test_what_makes_no_sense_ends_with_its_code_and_leaves_nothing(
    edgeward_here: Run, refused: Refused, table: Path, arguments: list[str], code: int, told: str
) -> None:
    refused(edgeward_here("data", "infer", table, *arguments, cwd=table.parent), code, told)
    assert [path.name for path in table.parent.iterdir()] == [table.name]


def test_a_file_that_is_no_table_is_refused(edgeward_here: Run, refused: Refused, out: Path) -> None:
    (out / "x.csv").write_bytes(bytes(range(256)))
    refused(edgeward_here("data", "infer", out / "x.csv", "--label", "y"), 3, "holds a NUL byte")
    refused(edgeward_here("data", "infer", out / "none.csv", "--label", "y"), 3, "there is no file")
