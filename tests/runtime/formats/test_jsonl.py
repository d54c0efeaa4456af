"""The json module and pandas read the lines: one a sample, every one marked."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import Generator
from edgeward.runtime.formats.jsonl import JSONL
from edgeward.runtime.schema import NumberColumn, TableSchema


def ignore(done: int) -> None:
    pass


def test_every_line_is_a_signal_with_its_conditions(generators: dict[str, Generator], tmp_path: Path) -> None:
    JSONL.write(generators["stays"].series(40, seed=3, first=5), tmp_path / "x.jsonl", ignore)
    batch = generators["stays"].generate(40, seed=3, first=5)
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == list(range(5, 45))
    for position, line in enumerate(lines):
        assert line["synthetic"] == "SYNTHETIC"
        assert line["conditions"] == {name: values[position] for name, values in batch.conditions.items()}
        found = np.array([line["signals"]["HR"], line["signals"]["Lactate"]], np.float64)
        np.testing.assert_allclose(found, batch.samples[position], rtol=1e-5)


def test_pandas_reads_a_tables_rows(generators: dict[str, Generator], tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    JSONL.write(generators["ward"].series(100, seed=3), tmp_path / "x.jsonl", ignore)
    batch = generators["ward"].generate(100, seed=3)
    frame = pandas.read_json(tmp_path / "x.jsonl", lines=True)
    assert list(frame) == ["index", "smoker", "beds", "lactate", "stage", "outcome", "age", "synthetic"]
    assert frame["smoker"].tolist() == batch.table["smoker"]
    assert frame["beds"].dtype == np.int64
    np.testing.assert_allclose(frame["lactate"], batch.samples[:, 2], rtol=1e-5)
    assert frame["lactate"].isna().any()


@pytest.mark.parametrize("name", ["index", "synthetic"])
def test_a_column_that_would_stand_in_the_marks_place_is_refused(generators: dict[str, Generator], name: str) -> None:
    schema = generators["ward"].source.schema
    assert isinstance(schema, TableSchema)
    taken = replace(schema, columns=(*schema.columns, NumberColumn(name, "1", 0.0, 1.0)))
    assert JSONL.refusal(taken) == f"{name!r} is the name of a column of its own"
