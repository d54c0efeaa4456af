"""Strips of simulated patients carry their rhythm and their heart rate."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.strips import mean_rr_ms, rmssd_ms
from edgeward.runtime.errors import RequestError
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.datasets.strips.definition import SAMPLING_RATE_HZ
from edgeward.training.datasets.strips.simulator import simulate_strips
from sklearn.ensemble import HistGradientBoostingClassifier

RATE_HZ = float(SAMPLING_RATE_HZ)


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return simulate_strips(patients=(30, 1, 15), strips_per_patient=12, seed=2)


def of_rhythm(dataset: Dataset, rhythm: str) -> np.ndarray:
    return dataset.train.columns["rhythm"] == dataset.label.values.index(rhythm)


def test_rhythms_occur_in_the_stated_shares(simulated: Dataset) -> None:
    for rhythm, share in (("N", 0.57), ("AFIB", 0.23), ("B", 0.20)):
        assert of_rhythm(simulated, rhythm).mean() == pytest.approx(share, abs=0.03)


def test_a_patient_with_another_rhythm_has_sinus_rhythm_at_times(simulated: Dataset) -> None:
    rhythms, patients = simulated.train.columns["rhythm"], simulated.train.patients
    for name in np.unique(patients):
        own = set(rhythms[patients == name].tolist())
        assert 0.0 in own
        assert len(own) <= 2


def test_detected_heart_rate_is_the_condition_where_beats_are_narrow(simulated: Dataset) -> None:
    """In bigeminy, wide beats of another shape are easily missed."""
    found = 60_000.0 / mean_rr_ms(simulated.train.samples, 0, RATE_HZ)
    errors = np.abs(found - simulated.train.columns["heart_rate"])
    for rhythm in ("N", "AFIB"):
        assert np.nanmedian(errors[of_rhythm(simulated, rhythm)]) < 0.5, rhythm
        assert np.nanmean(errors[of_rhythm(simulated, rhythm)]) < 3.0, rhythm


def test_the_judges_measure_of_variability_tells_fibrillation_from_sinus_rhythm(simulated: Dataset) -> None:
    variability = rmssd_ms(simulated.train.samples, 0, RATE_HZ)
    sinus, fibrillation = (np.nanmedian(variability[of_rhythm(simulated, rhythm)]) for rhythm in ("N", "AFIB"))
    assert sinus < 60.0
    assert fibrillation > 120.0


def test_a_plain_classifier_of_intervals_and_spectrum_tells_rhythms_of_unseen_patients(
    simulated: Dataset,
) -> None:
    def features(samples: np.ndarray) -> np.ndarray:
        spectrum = np.log(np.abs(np.fft.rfft(samples - samples.mean(axis=2, keepdims=True), axis=2))[:, :, 2:160:3] + 1)
        measures = [rmssd_ms(samples, 0, RATE_HZ), mean_rr_ms(samples, 0, RATE_HZ)]
        return np.column_stack([*measures, spectrum.reshape(len(samples), -1)])

    model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    model.fit(features(simulated.train.samples), simulated.train.columns["rhythm"])
    right = model.predict(features(simulated.test.samples)) == simulated.test.columns["rhythm"]
    for rhythm in range(3):
        assert right[simulated.test.columns["rhythm"] == rhythm].mean() > 0.6, rhythm


def test_too_few_strips_are_refused() -> None:
    with pytest.raises(RequestError, match="at least 10 strips"):
        simulate_strips(strips_per_patient=9)
