"""Batches as pandas and xarray hold them: names, units, gaps, conditions, the mark, and where they come from."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeward.runtime import BackendError, Batch, Generator, RequestError
from edgeward.runtime.batch import Source
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    NumberCondition,
    Schema,
    SignalSchema,
    TableSchema,
)

pd = pytest.importorskip("pandas")

OUTCOME = ClassCondition("outcome", ("home", "died"), ("survived", "died"))
AGE = NumberCondition("age", "a", 18.0, 100.0)
WAVES = SignalSchema(
    "waves", "Two.", (Channel("ECG", "mV", -5, 5), Channel("SpO2", "%", 0, 100, True)), 125.0, 4, (OUTCOME, AGE)
)
SCAN = ImageSchema("scan", "A scan.", ("red", "green", "blue"), 3, 5, (OUTCOME, AGE))
WARD = TableSchema(
    "ward",
    "A ward.",
    (
        CategoryColumn("stage", ("I", "II", "III"), ordered=True, may_be_missing=True),
        NumberColumn("beds", "1", 0.0, 9.0, step=1.0, may_be_missing=True),
        NumberColumn("lactate", "mmol/L", 0.0, 30.0, may_be_missing=True),
    ),
    (OUTCOME, AGE),
)


def batch_of(schema: Schema, samples: np.ndarray | None = None) -> Batch:
    if samples is None:
        samples = np.arange(2 * np.prod(schema.shape)).reshape(2, *schema.shape) / 100
    columns = {"outcome": np.array([1.0, 0.0]), "age": np.array([70.0, 40.5])}
    source = Source("x 1.0", "d" * 64, "fp32", "fp32", "onnxruntime 1.0", "noise", schema)
    return Batch(samples.astype(np.float32), columns, 7, 10, source)


def rows() -> np.ndarray:
    return np.array([[2, 3, 1.5], [np.nan, np.nan, np.nan]])


def test_a_table_has_names_whole_numbers_and_gaps() -> None:
    frame = batch_of(WARD, rows()).to_dataframe()
    assert list(frame) == ["stage", "beds", "lactate", "outcome", "age", "synthetic"]
    assert (frame.index.name, frame.index.tolist()) == ("index", [10, 11])
    assert frame["stage"].tolist()[0] == "III"
    assert frame["stage"].cat.ordered
    assert frame["stage"].cat.categories.tolist() == ["I", "II", "III"]
    assert frame["beds"].dtype == "Int64"
    assert frame["beds"].tolist()[0] == 3
    assert frame["lactate"].dtype == np.float32
    assert frame.loc[11, ["stage", "beds", "lactate"]].isna().all()
    assert frame["outcome"].tolist() == ["died", "home"]
    assert frame["age"].tolist() == [70.0, 40.5]
    assert set(frame["synthetic"]) == {"SYNTHETIC"}


def test_a_signal_has_a_row_for_each_moment() -> None:
    batch = batch_of(WAVES)
    frame = batch.to_dataframe()
    assert frame.index.names == ["index", "time_s"]
    assert len(frame) == 8
    np.testing.assert_array_equal(frame.loc[11, "SpO2"], batch.samples[1, 1])
    np.testing.assert_allclose(frame.loc[10].index, [0, 0.008, 0.016, 0.024])
    assert frame.loc[11, "outcome"].tolist() == ["home"] * 4
    assert frame.loc[10, "age"].tolist() == [70.0] * 4


@pytest.mark.parametrize("schema", [WAVES, WARD])
def test_a_frame_says_what_it_is_and_where_it_comes_from(schema: Schema) -> None:
    batch = batch_of(schema, rows() if schema is WARD else None)
    told = batch.to_dataframe().attrs
    assert told["synthetic"] == "SYNTHETIC"
    assert told["provenance"] == batch.provenance
    assert told["units"] == batch.units
    assert told["units"].items() >= {"age": "a"}.items()


def test_a_category_that_is_none_is_refused() -> None:
    from edgeward.runtime.errors import GateError

    with pytest.raises(GateError, match="stage: 7 is the index of none"):
        batch_of(WARD, np.array([[7, 3, 1.0], [0, 0, 0]])).to_dataframe()


def test_images_have_no_place_in_a_frame() -> None:
    with pytest.raises(RequestError, match="to_xarray"):
        batch_of(SCAN).to_dataframe()


def test_two_columns_of_one_name_are_refused() -> None:
    twice = SignalSchema("x", "x.", (Channel("age", "a", 0, 1),), 1.0, 2, (OUTCOME, AGE))
    with pytest.raises(RequestError, match="'age'"):
        batch_of(twice).to_dataframe()


def test_a_real_batch_round_trips_through_a_frame(generator: Generator) -> None:
    batch = generator.generate(5, seed=3)
    frame = batch.to_dataframe()
    wide = frame["ABP"].unstack("time_s")
    np.testing.assert_array_equal(wide.to_numpy(), batch.samples[:, 1])


def test_a_dataset_of_signals_has_units_times_and_conditions() -> None:
    pytest.importorskip("xarray")
    batch = batch_of(WAVES)
    data = batch.to_xarray()
    assert data["ECG"].dims == ("sample", "time")
    np.testing.assert_array_equal(data["SpO2"], batch.samples[:, 1])
    assert (data["ECG"].attrs["units"], data["SpO2"].attrs["units"], data["age"].attrs["units"]) == ("mV", "%", "a")
    assert data["time"].attrs["units"] == "s"
    assert data["sample"].values.tolist() == [10, 11]
    assert data["ECG"].sel(sample=11)["outcome"].item() == "home"
    assert data.attrs["synthetic"] == "SYNTHETIC"
    assert json.loads(data.attrs["provenance"]) == batch.provenance
    assert json.loads(data.attrs["schema"]) == json.loads(json.dumps(WAVES.to_json()))


def test_a_dataset_of_images_and_of_tables() -> None:
    pytest.importorskip("xarray")
    image = batch_of(SCAN).to_xarray()["image"]
    assert image.dims == ("sample", "channel", "y", "x")
    assert image.sel(channel="green").shape == (2, 3, 5)
    table = batch_of(WARD, rows()).to_xarray()
    assert table["stage"].values.tolist() == ["III", ""]
    assert np.isnan(table["lactate"].values[1])
    assert table["lactate"].attrs == {"units": "mmol/L"}


def test_a_dataset_survives_a_file(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("scipy")
    data = batch_of(WAVES).to_xarray()
    data.to_netcdf(tmp_path / "x.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "x.nc", engine="scipy") as back:
        np.testing.assert_array_equal(back["ECG"], data["ECG"])
        assert back.attrs["provenance"] == data.attrs["provenance"]


@pytest.mark.parametrize(
    ("library", "method", "extra"),
    [("pandas", "to_dataframe", "frames"), ("xarray", "to_xarray", "frames"), ("matplotlib", "plot", "report")],
)
def test_an_absent_library_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, library: str, method: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BackendError, match=rf"{library} cannot be imported.*pip install 'edgeward\[{extra}\]'"):
        getattr(batch_of(WAVES), method)()


def test_pandas_keeps_the_mark_where_frames_are_joined() -> None:
    frame = batch_of(WARD, rows()).to_dataframe()
    joined = pd.concat([frame, frame])
    assert set(joined["synthetic"]) == {"SYNTHETIC"}
