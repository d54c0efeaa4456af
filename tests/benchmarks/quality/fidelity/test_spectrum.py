"""Spectra have the power of known signals, and differ where signals do."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.spectrum import power_spectra, spectrum_difference
from edgeward.benchmarks.quality.records import Records, generated
from edgeward.runtime.schema import Channel, SignalSchema
from edgeward.training.datasets.dataset import Dataset
from matplotlib import mlab
from scipy.signal import butter, get_window, sosfiltfilt

pytestmark = pytest.mark.filterwarnings("error")
RATE = 125.0


def schema(length: int, *names: str) -> SignalSchema:
    return SignalSchema("strips", "", tuple(Channel(name, "mV", -5.0, 5.0) for name in names), RATE, length, ())


def noise(n: int, length: int = 500, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels, length)).astype(np.float32)


def recorded(values: np.ndarray, of_each: int = 10) -> Records:
    patients = (np.arange(len(values)) // of_each).astype(np.str_)
    return Records(values, np.zeros(len(values), dtype=np.intp), patients)


def synthetic(values: np.ndarray) -> Records:
    return generated(values, np.zeros(len(values), dtype=np.intp))


@pytest.mark.parametrize("length", [256, 500, 1250, 5000])
def test_the_power_of_a_sine_is_half_its_squared_amplitude(length: int) -> None:
    time = np.arange(length) / RATE
    frequencies, power = power_spectra(3.0 * np.sin(2 * np.pi * 10.0 * time)[None, None], RATE)
    assert frequencies[power[0, 0].argmax()] == pytest.approx(10.0, abs=RATE / min(length, 512))
    assert power[0, 0].sum() * frequencies[1] == pytest.approx(4.5, rel=0.02)


@pytest.mark.parametrize(("length", "segment"), [(256, 256), (500, 500), (1250, 512), (5000, 1250)])
def test_the_density_is_matplotlibs(length: int, segment: int) -> None:
    values = noise(2, length).astype(np.float64) + np.linspace(0, 1, length)
    frequencies, power = power_spectra(values, RATE)
    for record in range(2):
        expected, where = mlab.psd(
            **{"x": values[record, 0], "NFFT": segment, "noverlap": segment // 2, "Fs": RATE},
            **{"window": get_window("hann", segment), "detrend": "constant"},
        )
        np.testing.assert_allclose(frequencies, where)
        np.testing.assert_allclose(power[record, 0], expected, rtol=1e-9, atol=1e-15)


def test_half_the_amplitude_is_6_db_at_every_frequency() -> None:
    values = noise(200, channels=2)
    halved = values.copy()
    halved[:, 1] *= 0.5
    figures = spectrum_difference(recorded(values), synthetic(halved), schema(500, "I", "II"))
    assert figures["I"].value == pytest.approx(0.0, abs=1e-6)
    assert figures["II"].value == pytest.approx(20 * np.log10(2), rel=1e-3)
    assert (figures["II"].n, figures["II"].patients) == (200, 20)
    assert figures["II"].low <= figures["II"].value <= figures["II"].high
    assert "0.25 to 40 Hz" in figures["II"].note


def test_what_lies_above_the_pass_band_does_not_count() -> None:
    values = noise(100)
    louder = values + 5 * sosfiltfilt(butter(8, 50.0, "highpass", fs=RATE, output="sos"), noise(100, seed=1))
    assert (
        spectrum_difference(recorded(values), synthetic(louder.astype(np.float32)), schema(500, "I"))["I"].value < 0.5
    )


def test_shuffled_in_time_a_beat_has_another_spectrum(dataset: Dataset) -> None:
    beats, others = dataset.train.samples[::2], dataset.train.samples[1::2]
    same = spectrum_difference(recorded(beats), synthetic(others), dataset.schema)
    shuffled = np.random.default_rng(0).permuted(others, axis=2)
    other = spectrum_difference(recorded(beats), synthetic(shuffled), dataset.schema)
    for channel in dataset.schema.channels:
        assert other[channel.name].low > 3.0
        assert other[channel.name].value > 2 * same[channel.name].value


def test_the_interval_holds_the_truth() -> None:
    held = []
    for seed in range(30):
        figure = spectrum_difference(
            recorded(noise(40, 128, seed=seed)), synthetic(1.2 * noise(60, 128, seed=seed + 99)), schema(128, "I")
        )["I"]
        held.append(figure.low <= 20 * np.log10(1.2) <= figure.high)
    assert np.mean(held) >= 0.8


def test_a_dead_generated_channel_is_far_off_and_a_dead_real_one_no_figure() -> None:
    values, dead = noise(20), np.zeros((20, 1, 500), dtype=np.float32)
    assert spectrum_difference(recorded(values), synthetic(dead), schema(500, "I"))["I"].value > 50.0
    assert spectrum_difference(recorded(dead), synthetic(values), schema(500, "I"))["I"].value is None


def test_little_is_no_crash() -> None:
    one = spectrum_difference(recorded(noise(1)), synthetic(noise(1, seed=1)), schema(500, "I"))["I"]
    assert one.value is not None
    assert one.low is None
    assert spectrum_difference(recorded(noise(0)), synthetic(noise(3)), schema(500, "I"))["I"].value is None
    assert spectrum_difference(recorded(noise(3, 1)), synthetic(noise(3, 1)), schema(1, "I"))["I"].value is None
