"""The simulated table has columns of every kind, entries missing for reasons, and the outcome its columns give."""

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema
from edgeward.training.datasets.dataset import Dataset, Split
from edgeward.training.datasets.table.heart_table import HEART_COLUMNS, draw_heart_row, missing_entries
from edgeward.training.datasets.table.simulator import simulate_table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

PLACE = {column.name: number for number, column in enumerate(HEART_COLUMNS)}


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return simulate_table()


def column(split: Split, name: str) -> npt.NDArray[np.float32]:
    return split.samples[:, PLACE[name]]


def test_the_default_has_the_stated_size_and_about_as_many_ill_as_well(simulated: Dataset) -> None:
    assert [len(split) for split in (simulated.train, simulated.validation, simulated.test)] == [1600, 300, 600]
    assert 0.4 < simulated.train.columns["heart_disease"].mean() < 0.6
    assert simulated.provenance.synthetic


def test_every_kind_of_column_occurs() -> None:
    numbers = [c for c in HEART_COLUMNS if isinstance(c, NumberColumn)]
    categories = [c for c in HEART_COLUMNS if isinstance(c, CategoryColumn)]
    assert any(c.whole for c in numbers)
    assert any(0.0 < c.step < 1.0 for c in numbers)
    assert any(c.may_be_missing for c in numbers)
    assert any(c.ordered for c in categories)
    assert any(len(c.values) > 20 for c in categories)
    assert any(c.may_be_missing for c in categories)


def test_entries_are_in_range_on_their_steps_and_missing_only_where_they_may_be(simulated: Dataset) -> None:
    assert isinstance(simulated.schema, TableSchema)
    for split in (simulated.train, simulated.validation, simulated.test):
        assert split.samples.dtype == np.float32
        for entries, of in zip(split.samples.T.astype(np.float64), simulated.schema.columns, strict=True):
            known = entries[~np.isnan(entries)]
            assert of.may_be_missing or len(known) == len(entries), of.name
            step = 1.0 if isinstance(of, CategoryColumn) else of.step
            low, high = (0, len(of.values) - 1) if isinstance(of, CategoryColumn) else (of.minimum, of.maximum)
            assert low <= known.min() < known.max() <= high, of.name
            np.testing.assert_allclose(known / step, np.rint(known / step), atol=1e-3, err_msg=of.name)


def test_every_value_of_every_category_occurs(simulated: Dataset) -> None:
    for of in HEART_COLUMNS:
        if isinstance(of, CategoryColumn):
            entries = column(simulated.train, of.name)
            assert len(np.unique(entries[~np.isnan(entries)])) == len(of.values), of.name


def test_the_outcome_occurs_as_often_as_its_probability_says(simulated: Dataset) -> None:
    """Calibration: the rows are drawn again to learn the probabilities that the outcomes were drawn from."""
    probabilities = []
    for position in range(1600):
        seeds = np.random.SeedSequence([0, 0, position])
        probabilities.append(draw_heart_row(np.random.Generator(np.random.PCG64(seeds)))[1])
    expected, ill = np.array(probabilities), simulated.train.columns["heart_disease"]
    for tenth in np.array_split(np.argsort(expected), 8):
        wanted = expected[tenth].mean()
        assert ill[tenth].mean() == pytest.approx(wanted, abs=4.0 * np.sqrt(wanted * (1.0 - wanted) / len(tenth)))
    assert 0.8 < roc_auc_score(ill, expected) < 0.92


def test_a_classifier_learns_the_outcome_nearly_as_well_as_it_can_be_known(simulated: Dataset) -> None:
    model = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.06, random_state=0)
    model.fit(simulated.train.samples, simulated.train.columns["heart_disease"])
    scores = model.predict_proba(simulated.test.samples)[:, 1]
    assert roc_auc_score(simulated.test.columns["heart_disease"], scores) > 0.75


def test_risk_factors_and_findings_point_the_way_textbooks_say(simulated: Dataset) -> None:
    ill = simulated.train.columns["heart_disease"] == 1.0
    for name in ("age", "sex", "cholesterol", "exercise_angina", "st_depression", "narrowed_vessels", "troponin"):
        entries = column(simulated.train, name)
        assert np.nanmean(entries[ill]) > np.nanmean(entries[~ill]), name
    assert column(simulated.train, "maximum_heart_rate")[ill].mean() < 150.0


def test_what_is_missing_depends_on_what_is_seen() -> None:
    rng = np.random.default_rng(0)
    calm = {"st_depression": 0.0, "exercise_angina": 0.0, "chest_pain": 3.0}
    ill = {"st_depression": 2.0, "exercise_angina": 1.0, "chest_pain": 0.0}
    counts = [[missing_entries(row, rng) for _ in range(2000)] for row in (calm, ill)]
    for name in ("st_slope", "narrowed_vessels", "troponin"):
        calm_share, ill_share = (np.mean([name in unknown for unknown in drawn]) for drawn in counts)
        assert calm_share > ill_share + 0.1, name
    assert np.mean(["cholesterol" in unknown for unknown in counts[0]]) == pytest.approx(0.08, abs=0.025)
