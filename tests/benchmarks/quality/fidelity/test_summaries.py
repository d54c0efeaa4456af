"""Summaries of a series are what NumPy finds channel by channel, and a judge of tables can tell stays by them."""

import json

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.fidelity.features import embed, fit_embedder
from edgeward.benchmarks.quality.fidelity.shapes import constraint_violations
from edgeward.benchmarks.quality.fidelity.summaries import summarise
from edgeward.benchmarks.quality.fidelity.two_sample import two_sample_auc
from edgeward.benchmarks.quality.records import Records, Task
from edgeward.runtime.schema import Channel, NumberCondition, SignalSchema, schema_from_json
from edgeward.training.datasets.dataset import Dataset, Split
from edgeward.training.datasets.stays.simulator import simulate_stays
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.filterwarnings("error")
NAN = np.nan
HR, PH = Channel("HR", "/min", 0.0, 300.0, may_be_missing=True), Channel("pH", "[pH]", 6.0, 8.0)
AGE = NumberCondition("age", "a", 15.0, 90.0)


def schema(*channels: Channel, length: int) -> SignalSchema:
    return SignalSchema("stays", "", channels, 1 / 3600, length, (AGE,))


def summaries(values: npt.NDArray[np.floating], of: SignalSchema) -> dict[str, list[float]]:
    rows, table = summarise(values, of)
    assert rows.dtype == np.float32
    assert rows.shape == (len(values), len(table.columns))
    return {column.name: rows[:, k].tolist() for k, column in enumerate(table.columns)}


def test_the_summaries_of_a_series() -> None:
    values = np.array([[[NAN, 80.0, NAN, 95.0, 65.0, NAN], [7.0, 7.1, 7.2, 7.3, 7.4, 7.5]]], dtype=np.float32)
    found = summaries(values, schema(HR, PH, length=6))
    assert {name: column[0] for name, column in found.items()} == {
        "HR_first": 80.0,
        "HR_last": 65.0,
        "HR_minimum": 65.0,
        "HR_maximum": 95.0,
        "HR_mean": 80.0,
        "HR_known": 0.5,
        "pH_first": 7.0,
        "pH_last": 7.5,
        "pH_minimum": 7.0,
        "pH_maximum": 7.5,
        "pH_mean": pytest.approx(7.25),
    }


def test_what_is_never_known_is_missing_and_known_at_no_moment() -> None:
    values = np.array([[[NAN] * 4], [[NAN, 0.0, NAN, NAN]]])
    found = summaries(values, schema(HR, length=4))
    assert found.pop("HR_known") == [0.0, 0.25]
    for column in found.values():
        assert np.isnan(column[0])
        assert column[1] == 0.0


@given(arrays(np.float32, (4, 2, 5), elements=st.floats(-5, 5, width=32) | st.just(NAN)))
def test_summaries_are_numpys_over_the_known_entries(values: npt.NDArray[np.float32]) -> None:
    both = (Channel("a", "1", -5.0, 5.0, True), Channel("b", "1", -5.0, 5.0, True))
    found = summaries(values, schema(*both, length=5))
    for place, name in enumerate("ab"):
        for row, series in enumerate(values[:, place]):
            known = series[~np.isnan(series)]
            assert found[f"{name}_known"][row] == pytest.approx(len(known) / 5)
            for summary, expected in (
                ("first", known[:1]),
                ("last", known[-1:]),
                ("minimum", known.min(initial=np.inf) if len(known) else []),
                ("maximum", known.max(initial=-np.inf) if len(known) else []),
                ("mean", known.mean(dtype=np.float64) if len(known) else []),
            ):
                wanted = float(np.ravel(expected)[0]) if np.size(expected) else NAN
                assert found[f"{name}_{summary}"][row] == pytest.approx(wanted, rel=1e-6, abs=1e-6, nan_ok=True)


def test_no_stays_have_no_rows() -> None:
    rows, table = summarise(np.empty((0, 2, 6), np.float32), schema(HR, PH, length=6))
    assert rows.shape == (0, len(table.columns)) == (0, 11)


@pytest.fixture(scope="module")
def stays() -> Dataset:
    return simulate_stays(patients=(1000, 1, 600), seed=3)


def records(split: Split, of: SignalSchema) -> Records:
    rows, _ = summarise(split.samples, of)
    return Records(rows, split.columns["outcome"].astype(np.intp), split.patients)


def test_rows_keep_the_rules_of_their_schema_which_is_read_back(stays: Dataset) -> None:
    assert isinstance(stays.schema, SignalSchema)
    _, table = summarise(stays.test.samples, stays.schema)
    rows = records(stays.test, stays.schema)
    assert constraint_violations(rows, rows, table, table.label.values).value == 0.0
    assert table.conditions == stays.schema.conditions
    assert table.name == "icu-stays-summaries"
    assert schema_from_json(json.loads(json.dumps(table.to_json())), "here") == table
    units = {column.name: column.unit for column in table.columns}  # type: ignore[union-attr]
    assert (units["SysABP_mean"], units["SysABP_known"]) == ("mm[Hg]", "1")


def test_a_classifier_tells_stays_by_values_and_by_gaps_but_not_from_their_like(
    fewer_trees: None, stays: Dataset
) -> None:
    assert isinstance(stays.schema, SignalSchema)
    _, table = summarise(stays.test.samples, stays.schema)
    train, test = records(stays.train, stays.schema), records(stays.test, stays.schema)
    embedder = fit_embedder(Task(table, stays.label.values, train, test, test), steps=1)
    rng = np.random.default_rng(4)
    sparser = np.where(rng.random(stays.train.samples.shape) < 0.3, NAN, stays.train.samples)
    warmer = stays.train.samples + np.float32(0.4) * np.array(
        [channel.name == "Temp" for channel in stays.schema.channels], np.float32
    ).reshape(-1, 1)
    auc = {
        name: two_sample_auc(
            embed(embedder, test), embed(embedder, Records(rows, train.labels, train.patients)), at_most=250
        )
        for name, rows in (
            ("alike", train.values),
            ("sparser", summarise(sparser, stays.schema)[0]),
            ("warmer", summarise(warmer, stays.schema)[0]),
        )
    }
    assert auc["alike"].value == pytest.approx(0.5, abs=0.06)
    assert min(auc["sparser"].low or 0.0, auc["warmer"].low or 0.0) > 0.65


def test_boosted_trees_learn_who_dies_from_summaries(stays: Dataset) -> None:
    assert isinstance(stays.schema, SignalSchema)
    train, test = records(stays.train, stays.schema), records(stays.test, stays.schema)
    trees = HistGradientBoostingClassifier(random_state=0, early_stopping=False, max_iter=50)
    risk = trees.fit(train.values, train.labels).predict_proba(test.values)[:, 1]
    # Where ranks say nothing, three standard errors above one half are 0.62 (59 deaths).
    assert roc_auc_score(test.labels, risk) > 0.65
