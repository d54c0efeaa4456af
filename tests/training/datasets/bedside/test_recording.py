"""A pulse wave solves its equation, phases keep their rates, and the channels of one patient agree."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.fidelity.rhythm import pulse_arrivals, r_peaks
from edgeward.training.datasets.bedside.patient import BedsidePatient, draw_bedside_patient
from edgeward.training.datasets.bedside.phases import Vitals, lung_fill, run_phases
from edgeward.training.datasets.bedside.pulse_wave import PulseShape, pulse_wave, steady_extremes
from edgeward.training.datasets.bedside.recording import CHANNELS, simulate_bedside
from edgeward.training.datasets.smooth_noise import smooth_noise
from scipy.integrate import solve_ivp

RATE_HZ = 125.0
II, PLETH, ABP, RESP = (CHANNELS.index(name) for name in ("II", "PLETH", "ABP", "RESP"))
SHAPE = PulseShape(
    delays_s=np.array([0.0, 0.15]),
    widths_s=np.array([0.045, 0.06]),
    heights=np.array([1.0, 0.3]),
    impedance_s=0.2,
    decay_s=0.5,
)


def patients(n: int) -> list[BedsidePatient]:
    return [draw_bedside_patient(np.random.default_rng(k)) for k in range(n)]


class TestPulseWave:
    def test_the_wave_solves_the_windkessels_equation(self) -> None:
        """C P' + P / R = Q + R_c (C Q' + Q / R), Westerhof 1971; in our units C = 1, R = decay, R_c = impedance."""
        arrivals, strengths = np.array([0.5, 1.3, 1.9]), np.array([1.0, 0.8, 1.2])

        def inflow(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
            from_arrival = np.subtract.outer(np.asarray(t, float), arrivals)[..., None] - SHAPE.delays_s
            bells = SHAPE.heights * np.exp(-0.5 * (from_arrival / SHAPE.widths_s) ** 2)
            return np.asarray((strengths[:, None] * bells).sum(axis=(-1, -2)))

        times = np.arange(400) / RATE_HZ
        stored = solve_ivp(
            lambda t, v: inflow(t) - v / SHAPE.decay_s, (0, times[-1]), [0.0], t_eval=times, rtol=1e-8, max_step=0.01
        ).y[0]
        expected = stored + SHAPE.impedance_s * inflow(times)
        found = pulse_wave(SHAPE, arrivals, strengths, 400, RATE_HZ)
        np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())

    def test_equal_pulses_settle_between_the_steady_extremes(self) -> None:
        wave = pulse_wave(SHAPE, 0.8 * np.arange(40.0), np.ones(40), 3500, RATE_HZ)[-1000:]
        lowest, highest = steady_extremes(SHAPE, 0.8, RATE_HZ)
        assert wave.min() == pytest.approx(lowest, rel=1e-3)
        assert wave.max() == pytest.approx(highest, rel=1e-3)

    def test_arrival_times_between_samples_shift_the_wave_by_as_much(self) -> None:
        one, other = (pulse_wave(SHAPE, np.array([t]), np.ones(1), 400, RATE_HZ) for t in (1.0, 1.0 + 0.4 / RATE_HZ))
        times = np.arange(400) / RATE_HZ
        shifted = np.interp(times - 0.4 / RATE_HZ, times, one)
        assert np.abs(other - shifted).max() < 0.01 * one.max()


class TestPhases:
    VITALS = Vitals(heart_rate=72.0, respiratory_rate=15.0, breathing_swing=0.04, mayer_swing=0.005, drift=0.01)

    def test_beats_and_breaths_keep_their_mean_rates(self) -> None:
        phases = run_phases(self.VITALS, 600.0, RATE_HZ, np.random.default_rng(0))
        minutes = (phases.times_s[-1] - phases.times_s[0]) / 60.0
        assert len(phases.r_times_s) / minutes == pytest.approx(72.0, rel=0.01)
        assert (phases.breath[-1] - phases.breath[0]) / minutes == pytest.approx(15.0, rel=0.02)

    def test_intervals_shorten_as_the_lungs_fill(self) -> None:
        phases = run_phases(self.VITALS, 600.0, RATE_HZ, np.random.default_rng(1))
        middles = (phases.r_times_s[1:] + phases.r_times_s[:-1]) / 2.0
        assert np.corrcoef(np.diff(phases.r_times_s), phases.lungs_at(middles))[0, 1] < -0.7

    def test_without_swings_beats_are_evenly_spaced(self) -> None:
        still = Vitals(80.0, 12.0, 0.0, 0.0, 0.0)
        intervals = np.diff(run_phases(still, 60.0, RATE_HZ, np.random.default_rng(2)).r_times_s)
        np.testing.assert_allclose(intervals, 0.75, atol=1e-9)

    def test_a_breath_fills_once_and_is_whole_at_both_ends(self) -> None:
        fill = lung_fill(np.linspace(0.0, 1.0, 1000, endpoint=False))
        assert fill[0] == pytest.approx(-1.0)
        assert fill.max() == pytest.approx(1.0)
        assert np.sum(np.diff(np.sign(np.diff(fill))) != 0) == 1
        assert np.abs(np.diff(lung_fill(np.linspace(0.0, 3.0, 3000)))).max() < 0.02

    def test_smooth_noise_has_the_stated_variance_and_no_jumps(self) -> None:
        times = np.arange(0.0, 2000.0, 0.1)
        curve = smooth_noise(times, 5.0, np.random.default_rng(3))
        assert 0.6 < curve.std() < 1.1
        assert abs(curve.mean()) < 0.2
        assert np.abs(np.diff(curve)).max() < 0.15


class TestAgreement:
    """Checked with the detectors that judge generated strips, which know nothing of the phases."""

    def test_detected_beats_are_the_beats_of_the_phase(self) -> None:
        for k, patient in enumerate(patients(12)):
            recording = simulate_bedside(patient, 60.0, np.random.default_rng(k))
            (found,) = r_peaks(recording.channels[None, II], RATE_HZ)
            true = recording.phases.r_times_s
            true = true[(true > 0.3) & (true < 59.7)]
            nearest = np.abs(found[:, None] - true).min(axis=0)
            assert np.mean(nearest < 0.03) > 0.98, k

    def test_each_beat_sends_one_pulse_after_the_transit_time(self) -> None:
        for k, patient in enumerate(patients(12)):
            recording = simulate_bedside(patient, 60.0, np.random.default_rng(k))
            true = recording.phases.r_times_s
            for channel, lead in ((PLETH, 0.0), (ABP, 0.1)):
                (found,) = pulse_arrivals(recording.channels[None, channel], RATE_HZ)
                sent = true[(true > 0.5) & (true < 58.5)]
                delays = found[np.searchsorted(found, sent)] - sent
                assert np.median(delays) == pytest.approx(patient.transit_s - lead / 2, abs=0.06), (k, channel)
                assert delays.std() <= 0.020, (k, channel)

    def test_systolic_and_diastolic_pressure_are_the_patients(self) -> None:
        for k, patient in enumerate(patients(12)):
            pressure = simulate_bedside(patient, 120.0, np.random.default_rng(k)).channels[ABP]
            pieces = pressure[: 15000 // 250 * 250].reshape(-1, 250)
            assert np.median(pieces.max(axis=1)) == pytest.approx(patient.systolic_mmhg, rel=0.08)
            assert np.median(pieces.min(axis=1)) == pytest.approx(patient.diastolic_mmhg, rel=0.08)

    def test_pleth_ecg_and_respiration_move_with_the_same_breath(self) -> None:
        for k, patient in enumerate(patients(6)):
            breathing = replace(patient, pleth_swing=0.08, wander_mv=0.1, resp_sharpness=1.0)
            recording = simulate_bedside(breathing, 120.0, np.random.default_rng(k))
            lungs = recording.phases.lungs_at(np.arange(15000) / RATE_HZ)
            assert np.corrcoef(recording.channels[RESP], lungs)[0, 1] > 0.9
            for channel in (PLETH, II):
                baseline = np.convolve(recording.channels[channel], np.ones(90) / 90.0, "same")
                assert np.corrcoef(baseline, lungs)[0, 1] > 0.5, (k, channel)

    def test_mean_rates_count_beats_and_breaths_of_the_stretch(self) -> None:
        recording = simulate_bedside(patients(1)[0], 64.0, np.random.default_rng(0))
        starts = np.arange(0, 8000, 1000)
        hearts, breaths = recording.mean_rates(starts, 1000)
        beats = recording.phases.r_times_s
        counted = np.array([np.sum((beats >= s / RATE_HZ) & (beats < s / RATE_HZ + 8.0)) for s in starts])
        assert np.abs(hearts / 60.0 * 8.0 - counted).max() <= 1.0
        assert breaths.mean() == pytest.approx(patients(1)[0].vitals.respiratory_rate, rel=0.1)


class TestPatients:
    def test_the_pulse_arrives_sooner_the_older_the_patient_and_the_higher_the_pressure(self) -> None:
        many = patients(600)
        transit = np.array([p.transit_s for p in many])
        mean = np.array([p.diastolic_mmhg + (p.systolic_mmhg - p.diastolic_mmhg) / 3.0 for p in many])
        factors = np.stack([np.array([p.age_years for p in many]), mean, np.ones(len(many))], axis=1)
        slopes = np.linalg.lstsq(factors, transit, rcond=None)[0]
        assert slopes[0] < -0.0005
        assert slopes[1] < -0.0005
        assert 0.18 <= transit.min() < transit.max() <= 0.32

    def test_vital_signs_are_those_of_adults_in_intensive_care(self) -> None:
        many = patients(600)
        for values, low, high in (
            ([p.vitals.heart_rate for p in many], 45.0, 130.0),
            ([p.vitals.respiratory_rate for p in many], 8.0, 30.0),
            ([p.spo2_percent for p in many], 85.0, 100.0),
            ([p.age_years for p in many], 18.0, 90.0),
            ([p.systolic_mmhg for p in many], 75.0, 190.0),
            ([p.diastolic_mmhg for p in many], 30.0, 105.0),
        ):
            assert low <= min(values) < max(values) <= high
        assert min(p.systolic_mmhg - p.diastolic_mmhg for p in many) > 20.0
        old, young = (
            np.mean([p.systolic_mmhg - p.diastolic_mmhg for p in many if (p.age_years > 70) == old])
            for old in (True, False)
        )
        assert old > young + 5.0
