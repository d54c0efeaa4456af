"""Heart and pulse beats are found where NeuroKit2 finds them, on strips that it simulates at a known rate."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity import strips
from edgeward.benchmarks.quality.fidelity.rhythm import pulse_arrivals, r_peaks

neurokit2 = pytest.importorskip("neurokit2", reason="an oracle, not a dependency: make test-oracles")
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

RATE, SECONDS = 250, 20
BEATS_PER_MINUTE = (45, 60, 80, 100, 130, 160, 190)


def ecg(per_minute: int, noise: float, seed: int, varies: float = 3.0) -> np.ndarray:
    return np.asarray(
        neurokit2.ecg_simulate(
            **{"duration": SECONDS, "sampling_rate": RATE, "heart_rate": per_minute, "heart_rate_std": varies},
            **{"noise": noise, "random_state": seed},
        )
    )


def their_peaks(strip: np.ndarray) -> np.ndarray:
    _, found = neurokit2.ecg_peaks(neurokit2.ecg_clean(strip, sampling_rate=RATE), sampling_rate=RATE)
    return np.asarray(found["ECG_R_Peaks"]) / RATE


def inner(times: np.ndarray) -> np.ndarray:
    """Away from the ends, where a wave is cut and NeuroKit2 does not look."""
    return times[(times > 0.5) & (times < SECONDS - 0.5)]


@pytest.mark.parametrize("noise", [0.01, 0.1])
@pytest.mark.parametrize("per_minute", BEATS_PER_MINUTE)
def test_r_peaks_are_neurokits(per_minute: int, noise: float) -> None:
    strip = ecg(per_minute, noise, seed=per_minute)
    theirs, (ours,) = their_peaks(strip), r_peaks(strip[None], RATE)
    assert len(inner(ours)) == len(inner(theirs))
    np.testing.assert_allclose(inner(ours), inner(theirs), atol=0.012)
    assert np.median(np.abs(inner(ours) - inner(theirs))) < 1.0 / RATE


@pytest.mark.parametrize("per_minute", BEATS_PER_MINUTE)
def test_the_heart_rate_is_the_simulated_one_and_neurokits(per_minute: int) -> None:
    strip = ecg(per_minute, 0.05, seed=per_minute + 1)
    ours = 60_000.0 / strips.mean_rr_ms(strip[None, None], 0, RATE)[0]
    # The median: of the fastest beats they miss one here and there.
    assert ours == pytest.approx(60.0 / np.median(np.diff(their_peaks(strip))), rel=0.015)
    assert ours == pytest.approx(per_minute, rel=0.02)


@pytest.mark.parametrize("varies", [1.0, 5.0, 10.0])
def test_variability_is_neurokits_up_to_the_sampling_that_it_does_not_interpolate(varies: float) -> None:
    strip = ecg(65, 0.01, seed=5, varies=varies)
    peaks = their_peaks(strip)
    # The same beats: ours without one at either end that they leave out.
    kept = strip[int((peaks[0] - 0.3) * RATE) : int((peaks[-1] + 0.3) * RATE)]
    theirs = 1000.0 * np.sqrt(np.mean(np.diff(peaks, 2) ** 2))
    assert strips.rmssd_ms(kept[None, None], 0, RATE)[0] == pytest.approx(theirs, abs=4.0)


@pytest.mark.parametrize("per_minute", [50, 75, 100, 130])
def test_pulses_are_neurokits(per_minute: int) -> None:
    pleth = np.asarray(
        neurokit2.ppg_simulate(duration=SECONDS, sampling_rate=RATE, heart_rate=per_minute, random_state=per_minute)
    )
    cleaned = neurokit2.ppg_clean(pleth, sampling_rate=RATE)
    theirs = np.asarray(neurokit2.ppg_findpeaks(cleaned, sampling_rate=RATE)["PPG_Peaks"]) / RATE
    rate = strips.pulse_rate(pleth[None, None], 0, RATE)[0]
    assert rate == pytest.approx(60.0 / np.median(np.diff(theirs)), rel=0.015)
    assert rate == pytest.approx(per_minute, rel=0.02)
    # They mark a pulse's peak, we its fastest rise: each of ours is shortly before one of theirs.
    (ours,) = pulse_arrivals(pleth[None], RATE)
    rise = theirs[np.searchsorted(theirs, ours[ours < theirs[-1]])] - ours[ours < theirs[-1]]
    assert (rise < 0.5 * 60.0 / per_minute).all()
    assert rise.std() < 0.03
