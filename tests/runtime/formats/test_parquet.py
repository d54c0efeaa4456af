"""pyarrow and pandas read the file: types, units, nulls, metadata."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import BackendError, Generator
from edgeward.runtime.formats.parquet import PARQUET
from edgeward.runtime.schema import SignalSchema, schema_from_json

pytest.importorskip("pyarrow")
import pyarrow.parquet as pq


def ignore(done: int) -> None:
    pass


@pytest.mark.parametrize("name", ["beats", "stays"])
def test_pyarrow_reads_a_signals_channels_as_lists(generators: dict[str, Generator], tmp_path: Path, name: str) -> None:
    PARQUET.write(generators[name].series(40, seed=3, first=5), tmp_path / "x.parquet", ignore)
    batch = generators[name].generate(40, seed=3, first=5)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table["index"].to_pylist() == list(range(5, 45))
    assert set(table["synthetic"].to_pylist()) == {"SYNTHETIC"}
    for number, channel in enumerate(batch.channels):
        found = np.array(table[channel.name].to_pylist(), np.float32)
        np.testing.assert_array_equal(found, batch.samples[:, number])
        assert table.schema.field(channel.name).metadata == {b"unit": channel.unit.encode()}
    for condition, values in batch.conditions.items():
        assert table[condition].to_pylist() == values.tolist()


def test_pandas_reads_a_table_with_the_right_types(generators: dict[str, Generator], tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    PARQUET.write(generators["ward"].series(200, seed=3), tmp_path / "x.parquet", ignore)
    batch = generators["ward"].generate(200, seed=3)
    frame = pandas.read_parquet(tmp_path / "x.parquet")
    assert isinstance(frame["smoker"].dtype, pandas.CategoricalDtype)
    assert frame["beds"].dtype == np.int64
    assert frame["lactate"].dtype == np.float32
    for name in ("smoker", "stage"):
        assert ["" if pandas.isna(entry) else entry for entry in frame[name]] == batch.table[name]
    np.testing.assert_array_equal(frame["lactate"].to_numpy(), batch.samples[:, 2])
    np.testing.assert_array_equal(frame["age"].to_numpy(), batch.conditions["age"])
    assert 0 < frame["lactate"].isna().sum() < 200


def test_the_schema_is_in_the_files_metadata(generators: dict[str, Generator], tmp_path: Path) -> None:
    PARQUET.write(generators["beats"].series(3, seed=3), tmp_path / "x.parquet", ignore)
    metadata = pq.read_schema(tmp_path / "x.parquet").metadata
    schema = schema_from_json(json.loads(metadata[b"schema"]), "file")
    assert isinstance(schema, SignalSchema)
    assert schema == generators["beats"].source.schema


def test_where_pyarrow_is_absent_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BackendError, match=r"install it with: pip install 'edgeward\[parquet\]'"):
        PARQUET.need_library()
