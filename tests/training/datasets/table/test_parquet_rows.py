"""Parquet gives the texts that CSV would; what has no text is refused, and without pyarrow the extra is named."""

import datetime
import sys
from pathlib import Path

import pytest
from edgeward.runtime.errors import BackendError, DataError
from edgeward.training.datasets.table import parquet_rows
from edgeward.training.datasets.table.open_rows import open_rows

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow comes with edgeward[parquet]")
parquet = pytest.importorskip("pyarrow.parquet")


def written(folder: Path, **columns: object) -> Path:
    path = folder / "x.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_entries_are_the_texts_of_csv(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        whole=pyarrow.array([1, None]),
        float=pyarrow.array([1.0, 2.5]),
        nan=pyarrow.array([float("nan"), 0.1]),
        narrow=pyarrow.array([0.1, 3.0], pyarrow.float32()),
        flag=pyarrow.array([True, None]),
        text=pyarrow.array([" a ", "b,c"]),
        choice=pyarrow.array(["x", "y"]).dictionary_encode(),
        day=pyarrow.array([datetime.date(2020, 1, 2), None]),
        moment=pyarrow.array([1, 1_577_934_245_000_000_001], pyarrow.timestamp("ns")),
    )
    rows = open_rows(path, ",", "utf-8")
    first, second = rows
    assert dict(zip(rows.header, first[1], strict=True)) == {
        "whole": "1",
        "float": "1",
        "nan": "",
        "narrow": "0.1",
        "flag": "true",
        "text": "a",
        "choice": "x",
        "day": "2020-01-02",
        "moment": "1970-01-01 00:00:00.000000001",
    }
    assert second == (2, ["", "2.5", "0.1", "3", "", "b,c", "y", "", "2020-01-02 03:04:05.000000001"])
    assert rows.done == rows.total == 2


@pytest.mark.parametrize(
    "column",
    [pyarrow.array([[1], [2]]), pyarrow.array([{"a": 1}]), pyarrow.array([b"x"])],
    ids=["list", "map", "bytes"],
)
def test_what_holds_no_one_value_a_row_is_refused(tmp_path: Path, column: object) -> None:
    with pytest.raises(DataError, match="column 'x' holds .*, not one value a row"):
        open_rows(written(tmp_path, x=column), ",", "utf-8")


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 but no more")
    with pytest.raises(DataError, match="no Parquet file, or is damaged"):
        open_rows(path, ",", "utf-8")
    path = written(tmp_path, a=pyarrow.array([f"text {i}" for i in range(20_000)]))
    content = bytearray(path.read_bytes())
    content[40:4000] = b"\xff" * 3960
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        list(open_rows(path, ",", "utf-8"))


def test_a_table_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, a=pyarrow.array(range(1000)))
    for limit in ("MAX_ROWS", "_MAX_UNPACKED_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(parquet_rows, limit, 10)
            with pytest.raises(DataError, match="holds 1000 rows"):
                open_rows(path, ",", "utf-8")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, a=pyarrow.array([1]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BackendError, match=r"pip install 'edgeward\[parquet\]'"):
        open_rows(path, ",", "utf-8")
