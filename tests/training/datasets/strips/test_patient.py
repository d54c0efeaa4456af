"""Strips of ECG are in the rhythm they are recorded in."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.fidelity.rhythm import r_peaks
from edgeward.training.datasets.ecg.fibrillation import (
    draw_fibrillating_atria,
    fibrillation_intervals_s,
    fibrillatory_waves,
)
from edgeward.training.datasets.strips.patient import StripPatient, draw_strip_patient, record_strip
from scipy.signal import periodogram

RATE_HZ, SAMPLES = 125.0, 1280
RHYTHMS = ("N", "AFIB", "B")


def record(rhythm: str, n: int) -> list[tuple[StripPatient, npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    strips = []
    for k in range(n):
        generator = np.random.default_rng(k)
        patient = draw_strip_patient(generator)
        strips.append((patient, *record_strip(patient, rhythm, SAMPLES, RATE_HZ, generator)))
    return strips


def irregularity(r_times: npt.NDArray[np.float64]) -> float:
    intervals = np.diff(r_times)
    return float(intervals.std() / intervals.mean())


class TestFibrillation:
    def test_intervals_have_the_stated_mean_and_spread_no_order_and_a_shortest(self) -> None:
        generator = np.random.default_rng(0)
        for _ in range(5):
            atria = draw_fibrillating_atria(generator)
            intervals = fibrillation_intervals_s(atria, 20_000, generator)
            assert intervals.mean() == pytest.approx(atria.mean_rr_s, rel=0.01)
            assert intervals.std() / intervals.mean() == pytest.approx(atria.irregularity, rel=0.03)
            assert abs(np.corrcoef(intervals[1:], intervals[:-1])[0, 1]) < 0.03
            assert intervals.min() > 0.4 * atria.mean_rr_s

    def test_fibrillatory_waves_have_their_power_at_the_rate_of_the_atria(self) -> None:
        for seed in range(5):
            generator = np.random.default_rng(seed)
            atria = draw_fibrillating_atria(generator)
            waves = fibrillatory_waves(atria, 7500, RATE_HZ, generator)
            frequency, power = periodogram(waves, RATE_HZ)
            around = np.abs(frequency - atria.rate_hz) < 0.25 * atria.rate_hz
            assert (power[:, around].sum(axis=1) > 0.5 * power.sum(axis=1)).all()
            assert (waves.std(axis=1) < atria.heights_mv).all()


class TestStrips:
    def test_the_detected_beats_are_those_recorded(self) -> None:
        for rhythm in ("N", "AFIB"):
            found_share = []
            for _, strip, r_times in record(rhythm, 30):
                (found,) = r_peaks(strip[None, 0], RATE_HZ)
                true = r_times[(r_times > 0.2) & (r_times < SAMPLES / RATE_HZ - 0.2)]
                gaps = np.abs(np.subtract.outer(found, true)).min(axis=0) if len(found) else np.ones(len(true))
                found_share.append(np.mean(gaps < 0.06))
            assert np.mean(found_share) > 0.95, rhythm

    def test_fibrillation_is_irregular_and_sinus_rhythm_is_not(self) -> None:
        fibrillation = [irregularity(r) for _, _, r in record("AFIB", 60)]
        sinus = [irregularity(r) for patient, _, r in record("N", 60) if patient.ventricular_share == 0.0]
        assert np.median(fibrillation) > 0.15
        assert max(sinus) < 0.12 < np.quantile(fibrillation, 0.1)

    def test_in_bigeminy_every_second_beat_comes_early_and_is_wide(self) -> None:
        for patient, _, r_times in record("B", 30):
            intervals = np.diff(r_times)
            early, late = sorted((intervals[::2].mean(), intervals[1::2].mean()))
            low, high = patient.coupling["V"]
            assert low - 0.05 < 2.0 * early / (early + late) < high + 0.05

    def test_sinus_beats_follow_a_p_wave_and_fibrillating_ones_do_not(self) -> None:
        """The average over the beats of many strips keeps what is locked to the QRS only."""

        def before_qrs(rhythm: str) -> float:
            rises = []
            for _, strip, r_times in record(rhythm, 60):
                at = np.rint(r_times * RATE_HZ).astype(int)
                at = at[(at > 40) & (at < SAMPLES - 10)]
                beat = np.mean([strip[0, k - 35 : k] for k in at], axis=0)
                rises.append(beat[12:20].max() - np.median(beat[:6]))  # 184 to 120 ms before R
            return float(np.median(rises))

        assert before_qrs("N") > 0.06
        assert before_qrs("AFIB") < 0.03

    def test_strips_are_of_ecg_size_and_start_anywhere_in_a_beat(self) -> None:
        firsts = []
        for rhythm in RHYTHMS:
            for _, strip, r_times in record(rhythm, 40):
                assert strip.shape == (2, SAMPLES)
                assert np.isfinite(strip).all()
                assert 0.4 < np.ptp(strip[0]) < 8.0
                firsts.append(r_times[0] / np.diff(r_times).mean())
        assert np.quantile(firsts, 0.2) < 0.4
        assert np.quantile(firsts, 0.8) > 0.6

    def test_strips_of_one_patient_share_their_beats_shape_but_not_their_noise(self) -> None:
        generator = np.random.default_rng(3)
        patient = replace(draw_strip_patient(generator), ventricular_share=0.0)
        one, other = (record_strip(patient, "N", SAMPLES, RATE_HZ, generator)[0] for _ in range(2))
        assert not np.array_equal(one, other)
        assert np.ptp(one[0]) == pytest.approx(np.ptp(other[0]), rel=0.5)
