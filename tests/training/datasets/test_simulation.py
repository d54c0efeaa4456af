"""Patients come from their own seeds, splits stay apart, and what occurs is what is drawn."""

import itertools
import json

import numpy as np
import pytest
from edgeward.runtime.condition import draw_columns
from edgeward.runtime.errors import RequestError
from edgeward.runtime.schema import (
    ClassCondition,
    Condition,
    ImageSchema,
    NumberCondition,
    TableSchema,
    schema_from_json,
)
from edgeward.runtime.schema.table import NumberColumn
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.datasets.occurrence import as_they_occur
from edgeward.training.datasets.patient_samples import PatientSamples
from edgeward.training.datasets.simulation import Place, Simulator, places, simulated_dataset
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import kstest

LABEL = ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third"))
DOSE = NumberCondition("dose", "mg", 0.0, 100.0)
SCHEMA = TableSchema("toy", "A toy.", (NumberColumn("x", "1", -10.0, 10.0),), (LABEL, DOSE))
SIMULATOR = Simulator("toy", "toy simulator 1", "Nobody.", ("A note.",))


def draw(place: Place) -> PatientSamples:
    n = 4
    return PatientSamples(
        samples=place.generator.standard_normal((n, 1)).astype(np.float32),
        columns={"kind": np.arange(n) % 3.0, "dose": 10.0 + place.position},
        attributes={"sex": "F" if place.position % 2 else "M"},
    )


def simulate(patients: tuple[int, int, int] = (5, 2, 3), seed: int = 0, classes: list[str] | None = None) -> Dataset:
    return simulated_dataset(SIMULATOR, SCHEMA, draw, patients=patients, seed=seed, classes=classes, on_progress=None)


class TestPlaces:
    def test_no_two_places_draw_the_same_numbers(self) -> None:
        drawn = [place.generator.random() for seed in (0, 1) for place in places((3, 3, 3), seed)]
        assert len(set(drawn)) == 18

    def test_progress_is_told_after_the_patient_is_dealt_with(self) -> None:
        told: list[tuple[int, int, str]] = []
        waiting = places((1, 1, 1), 0, lambda *step: told.append(step))
        next(waiting)
        assert told == []
        assert [place.patient for place in waiting] == ["validation-0000", "test-0000"]
        assert told == [(1, 3, "patient train-0000"), (2, 3, "patient validation-0000"), (3, 3, "patient test-0000")]

    @pytest.mark.parametrize(("patients", "seed"), [((1, 1), 0), ((1, 0, 1), 0), ((1, 1, 1), -1)])
    def test_an_empty_split_or_a_negative_seed_is_refused(self, patients: tuple[int, ...], seed: int) -> None:
        with pytest.raises(RequestError, match="three splits"):
            list(places(patients, seed))


class TestDataset:
    def test_patients_classes_and_attributes_stay_with_their_samples(self) -> None:
        dataset = simulate()
        assert dataset.train.patients.tolist()[:5] == ["train-0000"] * 4 + ["train-0001"]
        assert dataset.train.columns["dose"].tolist()[:5] == [10.0] * 4 + [11.0]
        assert dataset.train.columns["kind"].tolist()[:5] == [0.0, 1.0, 2.0, 0.0, 0.0]
        assert dataset.train.attributes["sex"].tolist()[:5] == ["M"] * 4 + ["F"]
        assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [20, 8, 12]

    def test_classes_asked_for_are_kept_in_the_labels_order_with_their_samples(self) -> None:
        whole, some = simulate(), simulate(classes=["c", "a"])
        assert some.label.values == ("a", "c")
        assert some.label.meanings == ("first", "third")
        kept = whole.train.columns["kind"] != 1.0
        assert np.array_equal(some.train.samples, whole.train.samples[kept])
        assert np.array_equal(some.train.columns["kind"], whole.train.columns["kind"][kept] / 2.0)
        assert np.array_equal(some.train.columns["dose"], whole.train.columns["dose"][kept])

    def test_more_patients_leave_the_others_as_they_are(self) -> None:
        few, more = simulate(), simulate(patients=(6, 2, 4))
        assert np.array_equal(more.train.samples[:20], few.train.samples)
        assert np.array_equal(more.test.samples[:12], few.test.samples)

    def test_the_mark_and_the_seed_are_in_the_provenance(self) -> None:
        provenance = simulate(seed=3).provenance
        assert provenance.synthetic
        assert provenance.source == "Edgeward toy simulator 1, seed 3"
        assert "no patient" in provenance.notes[0]
        assert provenance.digest != simulate(seed=4).provenance.digest

    @pytest.mark.parametrize("classes", [["z"], []])
    def test_an_unknown_class_or_none_is_refused(self, classes: list[str]) -> None:
        with pytest.raises(RequestError, match="some of a,b,c"):
            simulate(classes=classes)

    def test_a_split_without_a_sample_of_the_classes_is_refused(self) -> None:
        def only_a(place: Place) -> PatientSamples:
            return PatientSamples(np.zeros((1, 1), np.float32), {"kind": 0.0, "dose": 1.0})

        with pytest.raises(RequestError, match="none of train's patients has kind b"):
            simulated_dataset(SIMULATOR, SCHEMA, only_a, patients=(1, 1, 1), seed=0, classes=["b"], on_progress=None)


class TestOccurrence:
    def test_what_is_drawn_is_distributed_as_what_occurred(self) -> None:
        rng = np.random.default_rng(0)
        columns = {"kind": rng.choice(3, 4000, p=(0.7, 0.1, 0.2)).astype(float), "dose": rng.gamma(4.0, 6.0, 4000)}
        drawn = draw_columns(as_they_occur((LABEL, DOSE), columns), {}, 1, 0, 4000)
        np.testing.assert_allclose(np.bincount(drawn["kind"].astype(int)) / 4000, [0.7, 0.1, 0.2], atol=0.03)
        # Between quantiles it is drawn evenly, which the longest tail suffers from.
        assert kstest(drawn["dose"], columns["dose"].clip(0.0, 100.0)).statistic < 0.035

    @given(
        values=st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60),
        kinds=st.lists(st.integers(0, 2), min_size=1, max_size=60),
    )
    @example(values=[0.0, 2.225073858507e-311], kinds=[0])  # steps too small to be rounded to
    def test_whatever_occurs_gives_a_schema_that_is_read_back(self, values: list[float], kinds: list[int]) -> None:
        wide: tuple[Condition, ...] = (LABEL, NumberCondition("dose", "mg", -1e5, 1e5))
        columns = {"kind": np.array(kinds, float), "dose": np.array(values)}
        conditions = as_they_occur(wide, columns)
        schema = ImageSchema("toy", "A toy.", ("grey",), 2, 2, conditions)
        assert schema_from_json(json.loads(json.dumps(schema.to_json())), "here") == schema
        label, dose = conditions
        assert isinstance(label, ClassCondition)
        assert isinstance(dose, NumberCondition)
        assert sum(label.shares) == pytest.approx(1.0)
        assert -1e5 <= dose.minimum < dose.maximum <= 1e5

    def test_quantiles_are_rounded_so_that_no_record_is_read_off_them(self) -> None:
        values = np.random.default_rng(2).uniform(10.0, 87.0, 500)
        (dose,) = as_they_occur((DOSE,), {"dose": values})
        assert isinstance(dose, NumberCondition)
        assert dose.quantiles
        assert all(quantile == round(quantile, 1) for quantile in dose.quantiles)
        assert all(before <= after for before, after in itertools.pairwise(dose.quantiles))
        assert 9.8 < dose.minimum < 11.0
        assert 86.0 < dose.maximum < 87.2
