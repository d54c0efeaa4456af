"""What is measured on signals of known rate, delay, width and pressure is what was put in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from edgeward.benchmarks.quality.fidelity.physiology import (
    Measurement,
    checks_for,
    describe,
    measurements_for,
    physiology_figures,
)
from edgeward.benchmarks.quality.fidelity.rhythm import r_peaks
from edgeward.benchmarks.quality.records import Records, generated
from edgeward.runtime.schema import Channel, Limit, SignalSchema
from edgeward.training.datasets.beats.definition import beat_schema
from edgeward.training.datasets.beats.mitbih import load_mitbih
from edgeward.training.datasets.dataset import Dataset
from edgeward.training.datasets.ecg.beat_classes import AAMI_CLASS_OF_SYMBOL
from edgeward.training.datasets.stays.simulator import simulate_stays
from scipy.signal import butter, resample_poly, sosfiltfilt
from scipy.stats import ks_2samp

# The second is pandas about wfdb.
pytestmark = pytest.mark.filterwarnings("error", "ignore:The inplace keyword")
RATE = 125.0
SECONDS = 10
TIME = np.arange(int(SECONDS * RATE)) / RATE
ECG, PLETH, ABP, SPO2 = (
    Channel("II", "mV", -5.0, 5.0),
    Channel("PLETH", "1", 0.0, 4.0),
    Channel("ABP", "mm[Hg]", 0.0, 300.0),
    Channel("SpO2", "%", 0.0, 100.0),
)
BEATS = beat_schema(("N", "V"))
BEAT_TIME_S = np.arange(256) / 250.0 - 0.384


def strips(*channels: Channel, length: int = len(TIME)) -> SignalSchema:
    return SignalSchema("icu", "", channels, RATE, length, ())


def records(values: np.ndarray, patients: int | None = None) -> Records:
    of = np.arange(len(values)) if patients is None else np.arange(len(values)) % patients
    return Records(values.astype(np.float32), np.zeros(len(values), dtype=np.intp), of.astype(np.str_))


def bells(times_s: np.ndarray, width_s: float, time: np.ndarray = TIME) -> np.ndarray:
    return np.exp(-0.5 * ((time[:, None] - times_s) / width_s) ** 2).sum(axis=1)


def rhythm(rng: np.random.Generator) -> np.ndarray:
    """R times of a strip in s."""
    return 0.4 + np.cumsum(rng.uniform(0.5, 1.1) + rng.normal(0.0, 0.04, 30))


def heart(r_times: np.ndarray, rng: np.random.Generator, sign: float = 1.0) -> np.ndarray:
    """P, QRS and T of each beat, with noise and a wandering baseline."""
    waves = 0.15 * bells(r_times - 0.16, 0.02) + sign * bells(r_times, 0.011) - 0.25 * bells(r_times + 0.03, 0.012)
    wander = 0.3 * np.sin(2 * np.pi * 0.2 * TIME + rng.uniform(0, 6))
    return waves + 0.3 * bells(r_times + 0.28, 0.045) + wander + rng.normal(0, 0.02, len(TIME))


def measure(schema: SignalSchema, values: np.ndarray) -> dict[str, np.ndarray]:
    return {m.name: m.measure(values.astype(np.float32)) for m in measurements_for(schema)}


def inside(times: np.ndarray) -> np.ndarray:
    return times[times < SECONDS]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_rate_and_variability_are_those_of_the_r_times(sign: float) -> None:
    rng = np.random.default_rng(0)
    trains = [rhythm(rng) for _ in range(25)]
    strip = np.stack([heart(times, rng, sign) for times in trains])[:, None]
    for found, times in zip(r_peaks(strip[:, 0], RATE), trains, strict=True):
        sure = inside(times)[inside(times) < SECONDS - 0.1]
        assert len(sure) <= len(found) <= len(inside(times))
        # A negative R wave's S wave, 30 ms later, is of the same sign and moves the lowest point a little.
        np.testing.assert_allclose(found[: len(sure)], sure, atol=0.006)
    measured = measure(strips(ECG), strip)
    whole = [inside(times)[inside(times) < SECONDS - 0.1] for times in trains]
    intervals = [1000 * np.diff(times) for times in whole]
    np.testing.assert_allclose(measured["rr_interval"], [i.mean() for i in intervals], rtol=0.02)
    np.testing.assert_allclose(measured["heart_rate"], 60_000 / measured["rr_interval"])
    rmssd = np.array([np.sqrt(np.mean(np.diff(i) ** 2)) for i in intervals])
    assert np.median(np.abs(measured["rmssd"] - rmssd)) < 4.0


def test_a_steady_rhythm_has_hardly_any_variability() -> None:
    rng = np.random.default_rng(1)
    steady = heart(0.3 + 0.8 * np.arange(15), rng)[None, None]
    measured = measure(strips(ECG), steady)
    assert measured["rr_interval"][0] == pytest.approx(800, abs=1)
    assert measured["rmssd"][0] < 5


@pytest.mark.parametrize("per_minute", [150, 175, 195])
def test_fast_beats_and_pulses_are_found_though_they_fill_the_strip(per_minute: int) -> None:
    rng = np.random.default_rng(10)
    times = 0.1 + 60 / per_minute * np.arange(60) + rng.normal(0.0, 0.005, 60)
    times = times[times < SECONDS]
    ecg = bells(times, 0.02) - 0.3 * bells(times + 0.05, 0.02) + 0.2 * bells(times + 0.16, 0.03)
    pleth = 1 + bells(times + 0.1, 0.05)
    strip = np.stack([ecg, pleth])[None] + rng.normal(0.0, 0.02, (1, 2, len(TIME)))
    measured = measure(strips(ECG, PLETH), strip)
    assert measured["heart_rate"][0] == pytest.approx(per_minute, rel=0.01)
    assert measured["pulse_rate"][0] == pytest.approx(per_minute, rel=0.02)


def test_noise_hardly_ever_looks_like_beats() -> None:
    rng = np.random.default_rng(11)
    band = sosfiltfilt(butter(2, (5.0, 15.0), "bandpass", fs=RATE, output="sos"), rng.normal(size=(500, len(TIME))))
    for noise in (rng.normal(size=(500, len(TIME))), rng.normal(size=(500, len(TIME))).cumsum(axis=1), band):
        assert np.mean([len(times) > 0 for times in r_peaks(noise, RATE)]) < 0.01


def test_no_r_peaks_are_found_where_there_are_none() -> None:
    rng = np.random.default_rng(2)
    nothing = np.stack(
        [rng.normal(size=1250), rng.normal(size=1250).cumsum(), np.zeros(1250), np.sin(2 * np.pi * 8 * TIME)]
    )[:, None]
    beating = np.stack([heart(rhythm(rng), rng) for _ in range(4)])[:, None]
    assert np.isnan(measure(strips(ECG), nothing)["rr_interval"]).all()
    figures = physiology_figures(records(beating), generated(*unlabelled(nothing, beating)), strips(ECG))
    assert figures["violations_r_peaks"].value == 0.5
    assert figures["violations_r_peaks"].note == "real: 0.00%"
    assert figures["rr_interval"].note == "measured in 4 of 4 real and 4 of 8 synthetic records"


def unlabelled(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = np.concatenate(parts).astype(np.float32)
    return values, np.zeros(len(values), dtype=np.intp)


def test_the_pulse_follows_the_r_peak_by_the_known_delay() -> None:
    rng = np.random.default_rng(3)
    delays_s = rng.uniform(0.15, 0.35, 20)
    strip = np.empty((20, 2, len(TIME)))
    rates = np.empty(20)
    for row, delay in enumerate(delays_s):
        times = rhythm(rng)
        rates[row] = 60 / np.diff(inside(times)).mean()
        strip[row, 0] = heart(times, rng)
        # A bell rises fastest one width before its peak; a smaller dicrotic wave follows it.
        strip[row, 1] = 1 + bells(times + delay + 0.08, 0.08) + 0.3 * bells(times + delay + 0.34, 0.08)
    measured = measure(strips(ECG, PLETH), strip)
    np.testing.assert_allclose(measured["r_to_pleth"], 1000 * delays_s, atol=12)
    np.testing.assert_allclose(measured["pulse_rate"], rates, rtol=0.03)
    assert set(measure(strips(PLETH), strip[:, 1:])) == {"pulse_rate"}


def pressure(systolic: float, diastolic: float) -> np.ndarray:
    wave = bells(0.2 + 0.75 * np.arange(-1, 16), 0.09)
    return diastolic + (systolic - diastolic) * (wave - wave[200:1000].min()) / np.ptp(wave[200:1000])


def test_pressures_are_those_of_the_wave() -> None:
    known = [(120.0, 80.0), (180.0, 60.0), (90.0, 50.0)]
    measured = measure(strips(ABP), np.stack([pressure(*ends) for ends in known])[:, None])
    np.testing.assert_allclose(np.stack([measured["systolic"], measured["diastolic"]], axis=1), known, atol=1.0)


def violated(schema: SignalSchema, values: np.ndarray) -> dict[str, list[bool]]:
    return {check.name: check.violated(values.astype(np.float32)).tolist() for check in checks_for(schema)}


def test_implausible_pressures_break_a_rule() -> None:
    waves = np.stack([pressure(120, 80), pressure(83, 80), pressure(290, 40), np.full(1250, 90.0)])[:, None]
    assert violated(strips(ABP), waves)["pulse_pressure"] == [False, True, True, True]


def test_impossible_values_break_rules() -> None:
    values = np.stack([np.linspace(90, 100, 1250), np.linspace(90, 101, 1250), np.full(1250, 97.0)])[:, None]
    wide = strips(replace(SPO2, maximum=120.0))
    assert violated(wide, values) == {
        "range": [False, False, False],
        "flat_line": [False, False, True],
        "spo2": [False, True, False],
    }
    assert violated(strips(SPO2), values)["range"] == [False, True, False]
    figures = physiology_figures(records(values[:1]), generated(*unlabelled(values)), wide)
    assert {name: figure.value for name, figure in figures.items()} == {
        "violations_range": 0.0,
        "violations_flat_line": pytest.approx(1 / 3),
        "violations_spo2": pytest.approx(1 / 3),
    }


def test_what_is_measured_depends_on_the_channels_and_the_length() -> None:
    def names(*channels: Channel, **kwargs: int) -> list[str]:
        return [m.name for m in measurements_for(strips(*channels, **kwargs))]

    assert names(ECG) == ["rr_interval", "heart_rate", "rmssd"]
    assert names(ECG, PLETH, ABP)[3:] == ["pulse_rate", "r_to_pleth", "systolic", "diastolic"]
    assert names(ECG, PLETH, ABP, length=400) == []
    assert names(replace(ECG, name="RESP"), replace(ABP, unit="kPa")) == []
    # Numbers once a second hold no waves, whatever they are called.
    slow = SignalSchema("vitals", "", (replace(ECG, name="V"), SPO2), 1.0, 60, ())
    assert measurements_for(slow) == ()
    assert [check.name for check in checks_for(slow)] == ["range", "flat_line", "spo2"]
    # Rhythm is read in the lead that shows it best.
    rng = np.random.default_rng(4)
    strip = np.stack([rng.normal(size=1250), heart(rhythm(rng), rng)])[None]
    assert not np.isnan(measure(strips(replace(ECG, name="V"), ECG), strip)["rr_interval"]).any()
    assert all(isinstance(m, Measurement) and m.source and m.unit for m in measurements_for(BEATS))


def beat(qrs_sd_s: float = 0.012, r_mv: float = 1.2, t_mv: float = 0.3, shift_s: float = 0.0) -> np.ndarray:
    waves = r_mv * bells(np.array([shift_s]), qrs_sd_s, BEAT_TIME_S) + t_mv * bells(np.array([0.3]), 0.045, BEAT_TIME_S)
    noise = np.random.default_rng(5).normal(0.0, 0.005, (2, 256))
    return np.stack([waves, -0.5 * waves]) + noise


def test_a_beats_amplitudes_and_place_are_those_put_in() -> None:
    measured = measure(BEATS, np.stack([beat(), beat(r_mv=0.7, t_mv=-0.4), beat(shift_s=0.02)]))
    np.testing.assert_allclose(measured["r_amplitude_MLII"], [1.2, 0.7, 1.2], atol=0.05)
    np.testing.assert_allclose(measured["t_amplitude_MLII"], [0.3, -0.4, 0.3], atol=0.03)
    np.testing.assert_allclose(measured["t_amplitude_V"], [-0.15, 0.2, -0.15], atol=0.03)
    np.testing.assert_allclose(measured["r_amplitude_V"], 0.0, atol=0.06)  # no R wave: QRS points down
    np.testing.assert_allclose(measured["r_position"], [0, 0, 20], atol=4)


def test_qrs_width_grows_with_the_wave_and_not_with_its_height() -> None:
    sds_s = np.array([0.01, 0.015, 0.02, 0.03])
    width = measure(BEATS, np.stack([beat(sd) for sd in sds_s]))["qrs_width"]
    # Slope of a bell is above 0.18 of its largest up to 2.6 standard deviations on either side.
    np.testing.assert_allclose(width, 2 * 2.6 * 1000 * sds_s, rtol=0.2)
    assert measure(BEATS, 2 * beat(0.02)[None])["qrs_width"] == measure(BEATS, beat(0.02)[None])["qrs_width"]
    assert np.isnan(measure(BEATS, np.zeros((1, 2, 256)))["qrs_width"]).all()


def test_simulated_ventricular_beats_are_wide_and_beats_are_where_they_should_be(dataset: Dataset) -> None:
    measured = measure(dataset.schema, dataset.train.samples)
    normal, _, ventricular, *_ = (dataset.train.columns["beat_class"] == index for index in range(5))
    assert np.nanmedian(measured["qrs_width"][ventricular]) > np.nanmedian(measured["qrs_width"][normal]) + 30
    assert np.abs(np.median(measured["r_position"][normal])) <= 4
    assert np.isnan(measured["qrs_width"]).mean() < 0.05


def test_figures_are_ks_of_the_measurements_and_describe_gives_their_moments(dataset: Dataset) -> None:
    train, test = dataset.train, dataset.test
    real = Records(test.samples, test.columns["beat_class"].astype(np.intp), test.patients)
    taller = generated(1.3 * train.samples, train.columns["beat_class"].astype(np.intp))
    figures = physiology_figures(real, taller, dataset.schema)
    amplitudes = [measure(dataset.schema, side.values)["r_amplitude_MLII"] for side in (real, taller)]
    assert figures["r_amplitude_MLII"].value == pytest.approx(ks_2samp(*amplitudes).statistic)
    assert figures["r_amplitude_MLII"].patients == 3
    mean, deviation, share = describe(taller, dataset.schema)["r_amplitude_MLII"]
    assert mean == pytest.approx(amplitudes[1].mean())
    assert deviation == pytest.approx(amplitudes[1].std(ddof=1))
    assert share == 1.0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_little_is_no_crash(n: int) -> None:
    rng = np.random.default_rng(6)
    monitor = strips(ECG, PLETH, ABP, SPO2)
    for schema, shape in ((BEATS, (2, 256)), (monitor, (4, 1250)), (strips(ECG, length=1), (1, 1))):
        few, flat = rng.normal(size=(n, *shape)), np.zeros((5, *shape))
        for real, synthetic in ((few, flat), (flat, few), (few, few), (flat, flat)):
            figures = physiology_figures(records(real), generated(*unlabelled(synthetic)), schema)
            assert all(figure.value is not None or figure.note for figure in figures.values())
            describe(records(real), schema)


@pytest.mark.real_data
def test_recorded_ventricular_beats_are_wider_than_normal_ones(real_data: Path) -> None:
    names = {"train": ("119", "200"), "validation": ("106",), "test": ("233",)}
    dataset = load_mitbih(real_data / "mitdb", classes=("N", "V"), records=names)
    for split in (dataset.train, dataset.validation, dataset.test):
        width = measure(dataset.schema, split.samples)["qrs_width"]
        for patient in np.unique(split.patients):
            normal, ventricular = (
                np.nanmedian(width[(split.patients == patient) & (split.columns["beat_class"] == index)])
                for index in range(2)
            )
            assert 40 <= normal <= 110
            assert 100 <= ventricular <= 220
            assert ventricular > normal + 30


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["100", "119", "200", "214"])
def test_recorded_r_peaks_are_where_cardiologists_marked_them(real_data: Path, name: str) -> None:
    path = str(real_data / "mitdb" / name)
    record, marks = wfdb.rdrecord(path, sampto=360 * 600), wfdb.rdann(path, "atr", sampto=360 * 600)
    beats_s = (
        np.array([s for s, kind in zip(marks.sample, marks.symbol, strict=True) if kind in AAMI_CLASS_OF_SYMBOL]) / 360
    )
    strip = resample_poly(record.p_signal[:, 0], 25, 72).reshape(60, 1250)
    found = np.concatenate([10 * number + times for number, times in enumerate(r_peaks(strip, RATE))])
    whole = [times[(times % 10 > 0.2) & (times % 10 < 9.8)] for times in (beats_s, found)]
    missed = np.abs(whole[0][:, None] - found).min(axis=1) > 0.1
    invented = np.abs(whole[1][:, None] - beats_s).min(axis=1) > 0.1
    assert missed.mean() < 0.01
    assert invented.mean() < 0.01


PRESSURES = tuple(
    Channel(name, "mm[Hg]", 0.0, 300.0, may_be_missing=True)
    for name in ("SysABP", "DiasABP", "MAP", "NISysABP", "NIDiasABP", "NIMAP")
)


def hourly(*channels: Channel, length: int = 3) -> SignalSchema:
    return SignalSchema("icu-stays", "", channels, 1 / 3600, length, ())


def test_pressures_written_down_keep_their_order_wherever_they_are_known() -> None:
    fine, swapped, equal = [120, 80, 93], [80, 120, 93], [90, 90, 90]
    low_mean, high_mean, at_the_ends = [120, 80, 79], [120, 80, 121], [120, 80, 80]
    # One hour of one stay is wrong; the others are fine, or not known.
    hours = [[fine, hour, [np.nan] * 3] for hour in (fine, swapped, equal, low_mean, high_mean, at_the_ends)]
    line = np.array(hours, dtype=np.float64).transpose(0, 2, 1)
    unknown = np.full_like(line, np.nan)
    expected = {
        "SysABP_above_{}DiasABP": [False, True, True, False, False, False],
        "MAP_above_{}DiasABP": [False, True, False, True, False, False],
        "SysABP_above_{}MAP": [False, True, False, False, True, False],
    }
    for values, wrong, right in (
        (np.concatenate([line, unknown], axis=1), "", "NI"),
        (np.concatenate([unknown, line], axis=1), "NI", ""),
    ):
        assert violated(hourly(*PRESSURES), values) == {
            "range": [False] * 6,
            **{wrong + name.format(wrong): broken for name, broken in expected.items()},
            **{right + name.format(right): [False] * 6 for name in expected},
        }


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_order_of_two_is_broken_only_where_both_are_known(missing: int) -> None:
    values = np.array([80.0, 120.0, 100.0])  # each two of them are out of order
    values[missing] = np.nan
    found = violated(hourly(*PRESSURES[:3]), np.tile(values[None, :, None], (1, 1, 3)))
    assert found["SysABP_above_DiasABP"] == [missing == 2]
    assert found["SysABP_above_MAP"] == [missing == 1]
    assert found["MAP_above_DiasABP"] == [missing == 0]


def test_pressures_are_checked_by_their_unit_and_as_far_as_they_are_there() -> None:
    def names(*channels: Channel) -> list[str]:
        return [check.name for check in checks_for(hourly(*channels))]

    assert names(*PRESSURES[:2]) == ["range", "SysABP_above_DiasABP"]
    assert names(*PRESSURES[3:]) == [
        "range",
        "NISysABP_above_NIDiasABP",
        "NIMAP_above_NIDiasABP",
        "NISysABP_above_NIMAP",
    ]
    assert names(PRESSURES[0], PRESSURES[2]) == ["range", "SysABP_above_MAP"]
    assert names(*(replace(channel, unit="kPa") for channel in PRESSURES)) == ["range"]


def test_what_is_missing_breaks_a_rule_only_where_nothing_may_be() -> None:
    heart, saturation = Channel("HR", "/min", 0.0, 300.0, may_be_missing=True), replace(SPO2, may_be_missing=True)
    nothing, high, low = [np.nan] * 3, [np.nan, 301.0, np.nan], [-1.0, np.nan, 80.0]
    values = np.array([[nothing, nothing], [high, [97, 98, np.nan]], [low, [101, np.nan, 97]]])
    loose = replace(saturation, maximum=200.0)
    assert violated(hourly(heart, loose), values) == {
        "range": [False, True, True],
        "spo2": [False, False, True],
    }
    always = violated(hourly(replace(heart, may_be_missing=False), loose), values)
    assert always["range"] == [True, True, True]


def test_only_what_may_not_be_missing_may_not_stay_the_same() -> None:
    score, breathing = Channel("GCS", "{score}", 3.0, 15.0, may_be_missing=True), Channel("RESP", "1", 0.0, 1.0)
    values = np.array([[[15, 15, 15], [0.1, 0.2, 0.1]], [[15, np.nan, 14], [0.5, 0.5, 0.5]]])
    assert violated(hourly(score, breathing), values)["flat_line"] == [False, True]
    assert "flat_line" not in violated(hourly(score), values[:, :1])


def test_a_wave_with_gaps_is_not_measured_and_not_held_against_it() -> None:
    rng = np.random.default_rng(7)
    gappy = [replace(channel, may_be_missing=True) for channel in (ECG, PLETH, ABP)]
    beats_s = rhythm(rng)
    whole = np.stack([heart(beats_s, rng), 1 + bells(beats_s + 0.3, 0.08), pressure(120, 80)])
    gaps, flat = whole.copy(), np.ones_like(whole)
    gaps[:, 300:310] = np.nan
    values = np.stack([whole, gaps, flat])
    for measured in measure(strips(*gappy), values).values():
        assert np.isnan(measured).tolist() == [False, True, True]
    found = violated(strips(*gappy), values)
    for name in ("r_peaks", "pulses", "pulse_pressure"):
        assert found[name] == [False, False, True]


def test_simulated_stays_keep_the_rules_and_shuffled_ones_break_the_order_of_pressures() -> None:
    stays = simulate_stays(patients=(150, 1, 1), seed=5)
    assert isinstance(stays.schema, SignalSchema)
    values = stays.train.samples
    places = np.random.default_rng(8).permuted(np.tile(np.arange(150), (values.shape[1], 1)), axis=1)
    shuffled = np.stack([values[row, channel] for channel, row in enumerate(places)], axis=1)
    labels = np.zeros(150, dtype=np.intp)
    kept = physiology_figures(records(values), generated(values, labels), stays.schema)
    broken = physiology_figures(records(values), generated(shuffled, labels), stays.schema)
    assert set(kept) == {
        *("violations_range", "violations_spo2"),
        *("violations_SysABP_above_DiasABP", "violations_MAP_above_DiasABP", "violations_SysABP_above_MAP"),
        *("violations_NISysABP_above_NIDiasABP", "violations_NIMAP_above_NIDiasABP", "violations_NISysABP_above_NIMAP"),
    }
    # Rounding may bring a narrow pulse's two pressures together.
    assert all(figure.value is not None and figure.value < 0.02 for figure in kept.values())
    for name in ("violations_MAP_above_DiasABP", "violations_NIMAP_above_NIDiasABP"):
        assert broken[name].low is not None
        assert broken[name].low > 0.1, name
    # Systolic pressures of some lie below diastolic ones of few.
    name = "violations_SysABP_above_DiasABP"
    assert (broken[name].value or 0.0) > (kept[name].value or 0.0)


def test_the_rules_of_the_schema_are_judged_each_by_itself() -> None:
    schema = replace(hourly(SPO2), rules=(Limit("mean", "SpO2", least=90.0), Limit("steepest", "SpO2", most=1.0)))
    steady, low, jumping = [95, 96, 97], [80, 81, 82], [95, 99, 95]
    found = violated(replace(schema, sampling_rate_hz=1.0), np.array([[steady], [low], [jumping]], dtype=np.float64))
    assert found["mean_of_SpO2"] == [False, True, False]
    assert found["steepest_of_SpO2"] == [False, False, True]
