"""Tables, images and signals with gaps go the whole way through the runtime: conditions, files, golden check."""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime import Bundle, RequestError, load, open_bundle
from edgeward.runtime.condition import draw_columns
from edgeward.runtime.errors import BundleError
from edgeward.runtime.feed import Feed
from edgeward.runtime.formats.csv import provenance_path, write_csv
from edgeward.runtime.formats.npz import write_npz
from edgeward.runtime.golden import check_golden, relative_error
from edgeward.runtime.manifest import GOLDEN_NAME
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
    schema_from_json,
)

OUTCOME = ClassCondition("outcome", ("home", "died"), ("survived", "died"), (0.9, 0.1))
AGE = NumberCondition("age", "a", 18.0, 100.0, (18.0, 55.0, 64.0, 71.0, 100.0))
TABLE = TableSchema(
    "ward",
    "A ward.",
    (
        CategoryColumn("sex", ("F", 'M, "male"')),
        NumberColumn("beds", "1", 0.0, 9.0, step=1.0),
        NumberColumn("lactate", "mmol/L", 0.0, 30.0, may_be_missing=True),
    ),
    (OUTCOME, AGE),
)
STAYS = SignalSchema(
    "stays",
    "Two days.",
    (Channel("HR", "/min", 20.0, 250.0), Channel("Lactate", "mmol/L", 0.0, 30.0, may_be_missing=True)),
    1 / 3600,
    8,
    (OUTCOME,),
)
SCAN = ImageSchema("scan", "A scan.", ("red", "green", "blue"), 8, 8, (OUTCOME,))
OPTIONS = {"noise_size": 4, "widths": [8, 8], "prior_couplings": 0, "prior_hidden": 4}


def bundle_of(schema: Schema, folder: Path, pack_by_hand: Callable[..., Path]) -> Bundle:
    """An untrained generator of these data, packed with its golden samples."""
    pytest.importorskip("torch")
    from edgeward.compression.steps.export import export
    from edgeward.training.families import build_family

    generator = build_family("vae", schema, OPTIONS).generator().eval()
    graph = export(generator, schema)
    inputs = Feed(5, generator.noise_shape, schema.conditions, {}).take(0, 6)
    from edgeward.compression.error import run_onnx

    return open_bundle(
        pack_by_hand(
            folder / f"{schema.name}.edgeward",
            graph,
            golden=run_onnx(graph, inputs),
            data=schema,
            noise_shape=generator.noise_shape,
        )
    )


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory, pack_by_hand: Callable[..., Path]) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("kinds")
    return {schema.name: bundle_of(schema, folder, pack_by_hand) for schema in (TABLE, STAYS, SCAN)}


@pytest.mark.parametrize("schema", [TABLE, STAYS, SCAN])
def test_a_schema_reads_back_equal(schema: Schema) -> None:
    assert schema_from_json(json.loads(json.dumps(schema.to_json())), "here") == schema


@pytest.mark.parametrize(
    ("schema", "change", "told"),
    [
        (TABLE, lambda v: v["columns"][0].update(values=["F", "F"]), "values must be distinct"),
        (TABLE, lambda v: v["columns"][1].update(step=-1), "step must be 0 or more"),
        (TABLE, lambda v: v["columns"][2].update(may_be_missing=1), "'may_be_missing' must be true or false"),
        (TABLE, lambda v: v["columns"][0].update(name="age"), "two column or conditions have the same name"),
        (TABLE, lambda v: v["columns"][0].update(kind="text"), "column kind 'text'"),
        (TABLE, lambda v: v.update(columns=[]), "at least one column"),
        (SCAN, lambda v: v.update(channels=["red", "red"]), "two channels have the same name"),
        (SCAN, lambda v: v.update(height=0), "'height'"),
        (SCAN, lambda v: v.update(height=2**14, width=2**14), "at most"),
        (TABLE, lambda v: v["conditions"][0].update(shares=[0.9, 0.2]), "shares must be one per value"),
        (TABLE, lambda v: v["conditions"][0].update(shares=[1.0]), "shares must be one per value"),
        (TABLE, lambda v: v["conditions"][1].update(quantiles=[18.0, 70.0, 60.0, 100.0]), "quantiles must rise"),
        (TABLE, lambda v: v["conditions"][1].update(quantiles=[20.0, 100.0]), "quantiles must rise"),
    ],
)
def test_nonsense_in_a_schema_is_refused_by_name(schema: Schema, change: Callable[[dict], None], told: str) -> None:
    value = json.loads(json.dumps(schema.to_json()))
    change(value)
    with pytest.raises(BundleError, match=told):
        schema_from_json(value, "here")


def test_open_conditions_occur_as_the_schema_says() -> None:
    columns = draw_columns((OUTCOME, AGE), {}, seed=1, first=0, n=20_000)
    assert (columns["outcome"] == 1).mean() == pytest.approx(0.1, abs=0.01)
    quartiles = np.quantile(columns["age"], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [55.0, 64.0, 71.0], atol=2.0)
    assert columns["age"].min() >= 18.0


def test_a_value_of_share_0_is_never_drawn() -> None:
    never = dataclasses.replace(OUTCOME, shares=(1.0, 0.0))
    assert (draw_columns((never,), {}, seed=1, first=0, n=5000)["outcome"] == 0).all()


@pytest.mark.parametrize("name", ["ward", "stays", "scan"])
def test_golden_samples_hold_on_every_engine(bundles: dict[str, Bundle], backend: str, name: str) -> None:
    result = check_golden(bundles[name], backend, "fp32")
    assert result.passed, result


def test_rows_are_what_the_schema_allows_and_readable(bundles: dict[str, Bundle]) -> None:
    with load(bundles["ward"]) as generator:
        batch = generator.generate(400, seed=3)
    assert batch.samples.shape == (400, 3)
    assert set(batch.table["sex"]) == set(TABLE.columns[0].values)  # type: ignore[union-attr]
    assert all(0 <= int(beds) <= 9 for beds in batch.table["beds"])
    missing = np.isnan(batch.samples[:, 2])
    assert [entry == "" for entry in batch.table["lactate"]] == missing.tolist()
    assert 0 < missing.sum() < 400
    with pytest.raises(RequestError, match="no signals"):
        _ = batch.channels


def test_a_csv_of_rows_holds_categories_by_name_and_the_mark(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with load(bundles["ward"]) as generator:
        write_csv(generator.series(50, seed=3, first=7), tmp_path / "ward.csv", lambda done: None)
        batch = generator.generate(50, seed=3, first=7)
    with (tmp_path / "ward.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["index", "sex", "beds", "lactate", "outcome", "age", "synthetic"]
    assert [row["index"] for row in rows] == [str(i) for i in range(7, 57)]
    for name in ("sex", "beds", "lactate"):
        assert [row[name] for row in rows] == batch.table[name]
    assert {row["synthetic"] for row in rows} == {"SYNTHETIC"}
    assert json.loads(provenance_path(tmp_path / "ward.csv").read_text())["n"] == 50


def test_a_csv_of_signals_leaves_missing_moments_empty(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with load(bundles["stays"]) as generator:
        write_csv(generator.series(20, seed=3), tmp_path / "stays.csv", lambda done: None)
        samples = generator.generate(20, seed=3).samples
    with (tmp_path / "stays.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = np.array([float(row["Lactate_mmol/L"] or "nan") for row in rows]).reshape(20, 8)
    np.testing.assert_allclose(found, samples[:, 1], rtol=1e-5)
    assert np.isnan(found).any()
    assert not np.isnan(found).all()


def test_images_are_refused_by_csv_before_anything_is_written(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with load(bundles["scan"]) as generator, pytest.raises(RequestError, match="use --format npz"):
        write_csv(generator.series(2, seed=3), tmp_path / "scan.csv", lambda done: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["ward", "stays", "scan"])
def test_an_npz_carries_the_schema(bundles: dict[str, Bundle], tmp_path: Path, name: str) -> None:
    with load(bundles[name]) as generator:
        write_npz(generator.series(5, seed=3), tmp_path / "file.npz", lambda done: None)
        samples = generator.generate(5, seed=3).samples
    with np.load(tmp_path / "file.npz", allow_pickle=False) as content:
        np.testing.assert_array_equal(content["samples"], samples)
        assert schema_from_json(json.loads(str(content["schema"])), "file") == bundles[name].manifest.data
        assert str(content["synthetic"]) == "SYNTHETIC"


def rows(*values: list[float]) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def test_columns_of_different_size_count_alike_in_the_golden_error() -> None:
    golden = rows([1000.0, 0.1], [1200.0, 0.2])
    assert relative_error(golden + rows([0.0, 0.1], [0.0, 0.0]), golden) > 0.3


def test_an_entry_missing_on_one_side_only_is_an_error() -> None:
    golden = rows([1.0, float("nan")], [1.0, 2.0])
    assert relative_error(golden, golden) == 0.0
    assert relative_error(rows([1.0, 2.0], [1.0, 2.0]), golden) > 0.5
    assert np.isnan(relative_error(golden, rows([1.0, 2.0], [1.0, 2.0])))


def test_the_golden_file_of_data_without_gaps_must_be_known(
    bundles: dict[str, Bundle], pack_by_hand: Callable[..., Path], tmp_path: Path
) -> None:
    scan = bundles["scan"]
    graph = scan.read(scan.manifest.variants[0].file)
    golden = np.full((6, 3, 8, 8), np.nan, np.float32)
    golden[0] = 0.5
    spoilt = open_bundle(
        pack_by_hand(tmp_path / "x.edgeward", graph, golden=golden, data=SCAN, noise_shape=scan.manifest.noise_shape)
    )
    with pytest.raises(BundleError, match=rf"{GOLDEN_NAME}.*finite"):
        check_golden(spoilt, "onnxruntime", "fp32")
