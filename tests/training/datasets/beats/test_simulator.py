"""The simulator solves the published equations, and its beats are what their classes say."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime.errors import RequestError
from edgeward.training.datasets import Dataset, Split, load_dataset
from edgeward.training.datasets.beats.definition import R_SAMPLE, SAMPLING_RATE_HZ
from edgeward.training.datasets.beats.simulator import simulate_beats
from edgeward.training.datasets.ecg.beat_classes import BEAT_CLASSES
from edgeward.training.datasets.ecg.dynamics import BeatWaves, solve_trace
from edgeward.training.datasets.ecg.rhythm import arrange, rr_intervals_s
from scipy.integrate import solve_ivp
from scipy.signal import find_peaks
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

SMALL = (12, 4, 8)


@pytest.fixture(scope="module")
def simulated() -> Dataset:
    return simulate_beats(patients=SMALL, beats_per_patient=100, seed=7)


def splits_of(dataset: Dataset) -> dict[str, Split]:
    return {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}


def labels_of(split: Split) -> npt.NDArray[np.str_]:
    names: npt.NDArray[np.str_] = np.array(list(BEAT_CLASSES))[split.columns["beat_class"].astype(int)]
    return names


class TestDynamics:
    # Table I of McSharry et al. 2003: P, Q, R, S, T.
    THETA = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])
    A = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
    B = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
    WANDER_HZ, WANDER_MV = 0.25, 0.15
    OMEGA = 2 * np.pi * 1.2
    SECONDS = 4

    def times(self) -> npt.NDArray[np.float64]:
        return np.arange(self.SECONDS * SAMPLING_RATE_HZ) / SAMPLING_RATE_HZ

    def paper(self, phase: float, start: float) -> npt.NDArray[np.float64]:
        """z of the paper's three coupled equations, integrated as they stand; angle `phase` at time 0."""

        def derivative(t: float, state: npt.NDArray[np.float64]) -> list[float]:
            x, y, z = state
            alpha = 1.0 - np.hypot(x, y)
            delta = (np.arctan2(y, x) - self.THETA + np.pi) % (2 * np.pi) - np.pi
            pull = float(np.sum(self.A * delta * np.exp(-(delta**2) / (2 * self.B**2))))
            z0 = self.WANDER_MV * np.sin(2 * np.pi * self.WANDER_HZ * t)
            return [alpha * x - self.OMEGA * y, alpha * y + self.OMEGA * x, -pull - (z - z0)]

        first = [np.cos(phase), np.sin(phase), start]
        solution = solve_ivp(
            derivative, (0, self.SECONDS), first, t_eval=self.times(), rtol=1e-9, atol=1e-11, max_step=0.01
        )
        return np.asarray(solution.y[2])

    def ours(self, phase: float, start: float) -> npt.NDArray[np.float64]:
        period = 2 * np.pi / self.OMEGA
        r_times = (np.arange(-2, self.SECONDS / period + 2) - phase / (2 * np.pi)) * period
        beats = len(r_times)
        waves = BeatWaves(
            r_times_s=r_times,
            angular_velocities=np.full(beats, self.OMEGA),
            angles=np.tile(self.THETA, (beats, 1)),
            widths=np.tile(self.B, (beats, 1)),
            heights=np.tile(self.A * self.B**2 / self.OMEGA, (beats, 1, 1)),
        )
        wander = self.WANDER_MV * np.sin(2 * np.pi * self.WANDER_HZ * self.times())
        trace: npt.NDArray[np.float64] = solve_trace(waves, wander[None], SAMPLING_RATE_HZ, np.array([start]))[0]
        return trace

    @pytest.mark.parametrize(("phase", "start"), [(-2.5, 0.0), (0.1, 0.03)])
    def test_the_trace_solves_the_papers_three_equations(self, phase: float, start: float) -> None:
        expected = self.paper(phase, start)
        assert np.ptp(expected) > 0.04
        np.testing.assert_allclose(self.ours(phase, start), expected, rtol=0, atol=1e-6)

    def test_events_of_overlapping_beats_add(self) -> None:
        def trace(r_times: list[float]) -> npt.NDArray[np.float64]:
            n = len(r_times)
            waves = BeatWaves(
                np.array(r_times), np.full(n, 6.0), np.zeros((n, 1)), np.full((n, 1), 0.5), np.ones((n, 1, 1))
            )
            return solve_trace(waves, np.zeros((1, 500)), SAMPLING_RATE_HZ, np.zeros(1))

        np.testing.assert_allclose(trace([0.9, 1.0]), trace([0.9]) + trace([1.0]), atol=1e-12)


class TestRhythm:
    def test_premature_beats_come_early_and_the_pause_after_v_compensates(self) -> None:
        classes = ["N", "N", "S", "N", "N", "V", "N", "N", "F", "N", "Q", "N"] * 40
        rr = rr_intervals_s(classes, 0.8, 0.03, 0.25, np.random.default_rng(0)) / 0.8
        by_class = {name: rr[[c == name for c in classes]] for name in "SVFQ"}
        assert by_class["S"].max() <= 0.8
        assert by_class["V"].max() <= 0.78
        assert by_class["F"].min() > by_class["V"].max()
        assert by_class["Q"].min() >= 1.1
        v = np.array([i for i, name in enumerate(classes) if name == "V"])
        np.testing.assert_allclose(rr[v] + rr[v + 1], 2.0, atol=0.2)
        assert rr[v + 1].min() > 1.1

    def test_each_ectopic_beat_is_followed_by_a_normal_one(self) -> None:
        counts = {"N": 60, "S": 20, "V": 25, "F": 10, "Q": 15}
        order = arrange(counts, np.random.default_rng(1))
        assert {name: order.count(name) for name in counts} == counts
        assert all(after == "N" for before, after in pairwise(order) if before in "SVF")

    def test_premature_beats_show_their_neighbour_inside_the_window(self, simulated: Dataset) -> None:
        """At 100 a minute an S follows 330-480 ms after an R; at usual rates N's neighbour lies outside."""
        labels = labels_of(simulated.train)
        before = np.ptp(simulated.train.samples[:, 0, :24], axis=1)
        assert np.mean(before[labels == "S"]) > 1.5 * np.mean(before[labels == "Q"])


class TestBeats:
    def test_r_peak_of_narrow_normal_beats_is_at_its_sample(self, simulated: Dataset) -> None:
        split = simulated.train
        lead = split.samples[labels_of(split) == "N", 0]
        near = slice(R_SAMPLE - 15, R_SAMPLE + 16)
        peak = lead[:, near].argmax(axis=1) + near.start
        assert abs(np.median(peak) - R_SAMPLE) <= 1
        assert np.mean(np.abs(peak - R_SAMPLE) <= 2) > 0.95

    def test_ventricular_and_paced_beats_are_wider_than_normal_ones(self, simulated: Dataset) -> None:
        split = simulated.train
        labels = labels_of(split)
        qrs = np.abs(split.samples[:, 0, R_SAMPLE - 20 : R_SAMPLE + 30])
        width = (qrs > qrs.max(axis=1, keepdims=True) / 2).sum(axis=1)
        median = {name: np.median(width[labels == name]) for name in BEAT_CLASSES}
        assert median["V"] >= 2 * median["N"]
        assert median["Q"] >= 2 * median["N"]
        assert median["N"] < median["F"] <= median["V"]

    def test_the_t_wave_of_ventricular_beats_opposes_their_qrs(self, simulated: Dataset) -> None:
        lead = simulated.train.samples[labels_of(simulated.train) == "V", 0]
        t_wave = lead[:, R_SAMPLE + 50 : R_SAMPLE + 80].mean(axis=1)
        assert np.mean(np.sign(t_wave) != np.sign(lead[:, R_SAMPLE])) > 0.95

    def test_paced_beats_have_a_spike_before_the_qrs(self, simulated: Dataset) -> None:
        labels = labels_of(simulated.train)
        before_qrs = simulated.train.samples[:, 0, R_SAMPLE - 24 : R_SAMPLE - 11]
        sharpness = np.abs(np.diff(before_qrs, n=2, axis=1)).max(axis=1)
        assert np.quantile(sharpness[labels == "Q"], 0.05) > 2 * np.median(sharpness[labels == "V"])

    def test_the_next_beat_is_in_the_window_where_the_rate_is_high(self) -> None:
        samples = simulate_beats(patients=(20, 1, 1), beats_per_patient=50, seed=3).train.samples
        later = samples[:, 0, R_SAMPLE + 70 :]
        assert 0.1 < np.mean([len(find_peaks(beat, height=0.6)[0]) > 0 for beat in later]) < 0.9


class TestDataset:
    def test_the_default_has_the_stated_size_and_all_classes_in_every_split(self) -> None:
        dataset = load_dataset("ecg-beats", "simulated")
        assert [len(split) for split in splits_of(dataset).values()] == [8000, 2000, 4000]
        assert dataset.label.values == ("N", "S", "V", "F", "Q")
        for split in splits_of(dataset).values():
            share = np.bincount(split.columns["beat_class"].astype(int), minlength=5) / len(split)
            np.testing.assert_allclose(share, [0.6, 0.12, 0.16, 0.06, 0.06], atol=0.04)
        assert dataset.provenance.synthetic

    def test_samples_are_finite_inside_their_channel_and_of_ecg_size(self, simulated: Dataset) -> None:
        channel = simulated.schema.channels[0]
        for split in splits_of(simulated).values():
            assert split.samples.dtype == np.float32
            assert split.samples.shape == (len(split), *simulated.schema.shape)
            assert np.isfinite(split.samples).all()
            assert split.samples.min() >= channel.minimum
            assert split.samples.max() <= channel.maximum
            heights = np.abs(split.samples).max(axis=2)
            assert 0.3 < np.median(heights) < 3.0

    def test_no_patient_is_in_two_splits(self, simulated: Dataset) -> None:
        patients = [set(split.patients.tolist()) for split in splits_of(simulated).values()]
        assert [len(names) for names in patients] == list(SMALL)
        assert len(set.union(*patients)) == sum(SMALL)
        # Nor under another name: patients drawn alike would have the same beats.
        first = [split.samples[0].tobytes() for split in splits_of(simulated).values()]
        assert len(set(first)) == 3

    def test_same_seed_same_bytes_and_another_seed_others(self, simulated: Dataset) -> None:
        again = simulate_beats(patients=SMALL, beats_per_patient=100, seed=7)
        other = simulate_beats(patients=SMALL, beats_per_patient=100, seed=8)
        assert again.train.samples.tobytes() == simulated.train.samples.tobytes()
        assert again.provenance.digest == simulated.provenance.digest
        assert other.provenance.digest != simulated.provenance.digest
        assert not np.array_equal(other.train.samples[0], simulated.train.samples[0])

    def test_more_patients_leave_the_others_as_they_are(self, simulated: Dataset) -> None:
        more = simulate_beats(patients=(13, 5, 8), beats_per_patient=100, seed=7)
        assert np.array_equal(more.train.samples[:1200], simulated.train.samples)
        assert np.array_equal(more.test.samples, simulated.test.samples)

    def test_patients_differ_from_one_another_more_than_their_own_beats_do(self, simulated: Dataset) -> None:
        normal = labels_of(simulated.train) == "N"
        qrs = simulated.train.samples[normal, :, R_SAMPLE - 15 : R_SAMPLE + 25]
        patients = simulated.train.patients[normal]
        means = np.stack([qrs[patients == name].mean(axis=0) for name in np.unique(patients)])
        within = np.mean([qrs[patients == name].std(axis=0).mean() for name in np.unique(patients)])
        assert means.std(axis=0).mean() > 3 * within

    def test_classes_asked_for_are_the_classes_kept(self, simulated: Dataset) -> None:
        some = simulate_beats(patients=SMALL, beats_per_patient=100, seed=7, classes=["V", "N"])
        assert some.label.values == ("N", "V")
        wanted = np.isin(labels_of(simulated.train), ["N", "V"])
        assert np.array_equal(some.train.samples, simulated.train.samples[wanted])

    def test_a_plain_classifier_tells_the_classes_of_patients_it_never_saw(self) -> None:
        dataset = simulate_beats(patients=(40, 1, 20), beats_per_patient=60, seed=1)
        scaler = StandardScaler()

        def features(split: Split, fit: bool) -> npt.NDArray[np.float64]:
            flat = np.abs(split.samples[:, :, ::3]).reshape(len(split), -1)
            return np.asarray(scaler.fit_transform(flat) if fit else scaler.transform(flat))

        model = LogisticRegression(C=0.01, max_iter=150, class_weight="balanced")
        model.fit(features(dataset.train, fit=True), labels_of(dataset.train))
        guessed = model.predict(features(dataset.test, fit=False))
        truth = labels_of(dataset.test)
        recall = {name: np.mean(guessed[truth == name] == name) for name in BEAT_CLASSES}
        assert np.mean(list(recall.values())) > 0.6, recall  # chance: 0.2
        assert min(recall.values()) > 0.3, recall

    @pytest.mark.parametrize(
        "wrong",
        [
            {"patients": (3, 0, 1)},
            {"beats_per_patient": 10},
            {"seed": -1},
            {"classes": ["X"]},
            {"classes": []},
        ],
    )
    def test_a_request_that_makes_no_sense_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(RequestError, match=r"a simulation needs|beat class"):
            simulate_beats(**wrong)  # type: ignore[arg-type]

    def test_progress_counts_patients(self) -> None:
        seen: list[tuple[int, int, str]] = []
        simulate_beats(patients=(2, 1, 1), beats_per_patient=50, on_progress=lambda *step: seen.append(step))
        assert [step[:2] for step in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
