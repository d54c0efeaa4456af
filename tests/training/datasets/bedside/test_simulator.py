"""Windows of a simulated monitor agree with their conditions and between channels, as the judge of quality measures."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.rhythm import pulse_arrivals, r_peaks
from edgeward.benchmarks.quality.fidelity.strips import mean_rr_ms, pressures_mmhg, pulse_rate, r_to_pulse_ms
from edgeward.runtime.errors import RequestError
from edgeward.training.datasets.bedside.definition import SAMPLING_RATE_HZ, heart_rate_bands
from edgeward.training.datasets.bedside.simulator import simulate_pressure_windows, simulate_windows
from edgeward.training.datasets.dataset import Dataset

RATE_HZ = float(SAMPLING_RATE_HZ)
II, PLETH, ABP, RESP = range(4)


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return simulate_pressure_windows(patients=(30, 1, 1), windows_per_patient=12, seed=3)


def test_pulses_follow_r_peaks_after_a_nearly_constant_time(simulated: Dataset) -> None:
    samples = simulated.train.samples
    spreads = []
    for peaks, pulses in zip(r_peaks(samples[:, II], RATE_HZ), pulse_arrivals(samples[:, PLETH], RATE_HZ), strict=True):
        met = peaks[peaks < pulses[-1]]
        if len(met) > 2:
            spreads.append(np.std(pulses[np.searchsorted(pulses, met)] - met))
    assert len(spreads) > 0.9 * len(samples)
    assert np.quantile(spreads, 0.98) <= 0.020


def test_delays_lie_where_those_of_fingers_do_and_the_wrist_comes_first(simulated: Dataset) -> None:
    pleth, pressure = (r_to_pulse_ms(simulated.train.samples, II, channel, RATE_HZ) for channel in (PLETH, ABP))
    assert np.nanquantile(pleth, 0.01) > 180.0
    assert np.nanquantile(pleth, 0.99) < 330.0
    assert np.nanmean(pleth > pressure) > 0.98


def test_detected_heart_rate_is_the_condition(simulated: Dataset) -> None:
    given = simulated.train.columns["heart_rate"]
    for found in (
        60_000.0 / mean_rr_ms(simulated.train.samples, II, RATE_HZ),
        pulse_rate(simulated.train.samples, PLETH, RATE_HZ),
    ):
        errors = np.abs(found - given)
        assert np.mean(np.isnan(errors)) < 0.08
        assert np.nanmean(errors) < 0.5
        assert np.nanquantile(errors, 0.99) < 2.0


def test_respiration_is_at_the_rate_of_the_condition(simulated: Dataset) -> None:
    resp = simulated.train.samples[:, RESP].astype(np.float64)
    length = resp.shape[1]
    tapered = (resp - resp.mean(axis=1, keepdims=True)) * np.hanning(length)
    power = np.abs(np.fft.rfft(tapered, 32 * length)) ** 2
    per_minute = 60.0 * np.fft.rfftfreq(32 * length, 1.0 / RATE_HZ)
    band = (per_minute > 6.0) & (per_minute < 36.0)
    found = per_minute[band][power[:, band].argmax(axis=1)]
    errors = np.abs(found - simulated.train.columns["respiratory_rate"])
    assert errors.mean() < 0.5
    assert np.quantile(errors, 0.95) < 1.5


def test_systolic_pressure_is_above_the_diastolic_one_as_in_adults(simulated: Dataset) -> None:
    systolic, diastolic = pressures_mmhg(simulated.train.samples, ABP, RATE_HZ)
    assert not np.isnan(systolic).any()
    assert (systolic > diastolic + 10.0).all()
    assert 65.0 < systolic.min() < systolic.max() < 200.0
    assert 30.0 < diastolic.min() < diastolic.max() < 120.0


def test_conditions_span_what_adults_in_intensive_care_have() -> None:
    columns = simulate_windows(patients=(80, 1, 1), windows_per_patient=4).train.columns
    for name, low, high in (("heart_rate", 45, 130), ("respiratory_rate", 8, 30), ("spo2", 80, 100), ("age", 18, 90)):
        assert low <= columns[name].min() < columns[name].max() <= high, name
    assert np.ptp(columns["heart_rate"]) > 45.0
    assert np.ptp(columns["respiratory_rate"]) > 10.0


def test_bands_are_those_of_the_heart_rate(simulated: Dataset) -> None:
    rates, bands = simulated.train.columns["heart_rate"], simulated.train.columns["heart_rate_band"]
    assert np.array_equal(bands, np.where(rates < 60.0, 0.0, np.where(rates <= 100.0, 1.0, 2.0)))
    assert heart_rate_bands(np.array([59.9, 60.0, 100.0, 100.1])).tolist() == [0.0, 1.0, 1.0, 2.0]


def test_windows_with_and_without_pressure_are_the_same_patients_windows() -> None:
    both = (simulate_windows, simulate_pressure_windows)
    three, four = (simulate(patients=(3, 1, 1), windows_per_patient=2) for simulate in both)
    assert np.array_equal(three.train.samples, four.train.samples[:, [II, PLETH, RESP]])


def test_patients_differ_from_one_another_more_than_their_own_windows_do(simulated: Dataset) -> None:
    """By amplitudes and levels that depend on no alignment."""
    samples, patients = simulated.train.samples, simulated.train.patients
    features = np.concatenate([samples.mean(axis=2), samples.std(axis=2)], axis=1)
    by_patient = [features[patients == name] for name in np.unique(patients)]
    within = np.mean([f.std(axis=0) for f in by_patient], axis=0)
    between = np.std([f.mean(axis=0) for f in by_patient], axis=0)
    assert np.median(between / within) > 1.5


def test_windows_begin_anywhere_in_a_beat(simulated: Dataset) -> None:
    firsts = [p[0] / np.diff(p).mean() for p in r_peaks(simulated.train.samples[:, II], RATE_HZ) if len(p) > 2]
    assert np.quantile(firsts, 0.2) < 0.4
    assert np.quantile(firsts, 0.8) > 0.6


def test_a_simulation_of_no_window_is_refused() -> None:
    with pytest.raises(RequestError, match="at least 1 window"):
        simulate_windows(windows_per_patient=0)
