"""What a generator lost against its teacher: paired, bounded on the side that counts, of parts the worst."""

from __future__ import annotations

import numpy as np
import pytest
from edgeward.benchmarks.quality.figure import PatientBootstrap
from edgeward.benchmarks.quality.paired import (
    PAIRED,
    Paired,
    Reading,
    change_text,
    compared,
    coverage_change,
    paired_from_json,
    seeds_interval,
)
from edgeward.benchmarks.quality.privacy.attack import drawn_auc, membership_figures
from edgeward.benchmarks.quality.utility.tstr import Tested
from scipy import stats

SEEDS, N = 5, 40
PATIENTS = np.array([f"p{i // 2}" for i in range(N)])
RNG = np.random.default_rng(3)


def reading(shift: float = 0.0, seeds: int = SEEDS) -> Reading:
    """Of a generator whose figures are all worse by `shift`, but for noise of its own."""
    rng = np.random.default_rng(7)
    reached = rng.random((seeds, N)) < 0.8 - shift
    hits = rng.binomial(10, 0.7 - shift, (seeds, 20, 2)).astype(float)
    confusions = np.stack(
        [np.stack([hits[..., 0], 10 - hits[..., 0]], -1), np.stack([10 - hits[..., 1], hits[..., 1]], -1)], -2
    )
    values = rng.normal(2.0, 0.05, seeds)
    return Reading(
        patients=PATIENTS,
        reached=reached,
        by_seed={
            ("frechet_distance", "all"): values * (1 + shift),
            ("within_class_variance", "all"): values * (1 - shift),
            ("violations", "check=range"): np.zeros(seeds),
            ("violations", "check=flat"): np.full(seeds, shift),
        },
        tested=Tested(confusions, PatientBootstrap(np.array([f"q{i}" for i in range(20)]))),
        scores=np.concatenate([rng.normal(1 + shift, 1, 30), rng.normal(0, 1, 30)]),
        attacked=(np.array([f"m{i}" for i in range(30)]), np.array([f"o{i}" for i in range(30)])),
    )


def by_measure(found: tuple[Paired, ...]) -> dict[str, Paired]:
    return {figure.measure: figure for figure in found}


def test_a_generator_lost_nothing_against_itself() -> None:
    for figure in compared(reading(), reading()):
        same = 1.0 if PAIRED[figure.measure].as_ratio else 0.0
        assert (figure.change, figure.low, figure.high, figure.bound) == (same,) * 4, figure.measure
        assert figure.mine == figure.teacher


def test_measures_come_in_the_order_of_reports_and_all_that_were_read() -> None:
    found = [figure.measure for figure in compared(reading(0.1), reading())]
    assert found == [name for name in PAIRED if name in found]
    assert set(found) == {
        "tstr", "coverage", "frechet_distance", "within_class_variance", "violations", "loss_auc"
    }  # fmt: skip


def test_a_loss_is_bounded_on_its_own_side() -> None:
    for measure, figure in by_measure(compared(reading(0.1), reading())).items():
        assert figure.change is not None
        assert figure.bound is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.change <= figure.high
        if PAIRED[measure].worse == "lower":
            assert figure.low <= figure.bound <= figure.change < (1.0 if PAIRED[measure].as_ratio else 0.0)
        else:
            assert figure.high >= figure.bound >= figure.change > (1.0 if PAIRED[measure].as_ratio else 0.0)


def test_of_a_measure_with_parts_the_one_that_changed_worst_is_told() -> None:
    assert by_measure(compared(reading(0.1), reading()))["violations"].group == "check=flat"


def test_fewer_draws_are_paired_with_the_first_of_the_teachers() -> None:
    few = reading(0.1).first(2)
    found = by_measure(compared(few, reading()))
    assert found == by_measure(compared(few, reading().first(2)))
    assert {figure.seeds for name, figure in found.items() if name != "loss_auc"} == {2}


def test_what_could_not_be_read_is_told_with_its_reason() -> None:
    unread = Reading(PATIENTS, reading().reached, {}, missing={"tstr": "one class"})
    assert by_measure(compared(unread, reading()))["tstr"] == Paired("tstr", None, None, None, note="one class")


def test_a_ratio_to_zero_is_no_figure() -> None:
    zero = Reading(PATIENTS, reading().reached, {("frechet_distance", "all"): np.zeros(SEEDS)})
    figure = by_measure(compared(zero, reading()))["frechet_distance"]
    assert (figure.change, figure.note) == (None, "a ratio to zero says nothing")


def test_the_bound_over_seeds_is_the_one_of_a_paired_t_test() -> None:
    changes = RNG.normal(0.02, 0.01, 6)
    value, low, high, bound = seeds_interval(changes, "higher")
    two_sided = stats.ttest_1samp(changes, 0).confidence_interval(0.95)
    one_sided = stats.ttest_1samp(changes, 0, alternative="less").confidence_interval(0.95)
    assert (low, high) == pytest.approx((two_sided.low, two_sided.high))
    assert bound == pytest.approx(one_sided.high)
    assert value == pytest.approx(changes.mean())
    assert seeds_interval(-changes, "lower")[3] == pytest.approx(-one_sided.high)
    assert seeds_interval(-changes, "either")[3] == pytest.approx(-one_sided.high)
    assert seeds_interval(changes[:1], "higher") == (pytest.approx(changes[0]), None, None, None)


def test_the_bound_of_coverage_holds_the_truth_as_often_as_it_says() -> None:
    """A true loss of 0.05 in coverage, records of a patient alike, is beyond the bound about one time in twenty."""
    rng, beyond, trials = np.random.default_rng(5), 0, 200
    patients = np.repeat([f"p{i}" for i in range(60)], 3)
    for _ in range(trials):
        ease = np.repeat(rng.uniform(0.6, 1.0, 60), 3)
        teacher = rng.random((5, 180)) < ease
        mine = teacher & (rng.random((5, 180)) < 1 - 0.05 / 0.8)
        beyond += coverage_change(mine, teacher, patients)[3] > -0.05
    assert beyond / trials <= 0.1


def test_the_attacks_area_is_the_one_that_is_reported_and_its_draws_are_paired() -> None:
    members, others = RNG.normal(1, 1, 25), RNG.normal(0, 1, 35)
    whose = np.array([f"m{i}" for i in range(25)]), np.array([f"o{i}" for i in range(35)])
    areas = drawn_auc(members, others, *whose)
    figure = membership_figures(members, others, *whose)["auc"]
    assert areas[0] == figure.value
    assert np.quantile(areas[1:], [0.025, 0.975]) == pytest.approx([figure.low, figure.high])
    assert (drawn_auc(2 * members, 2 * others, *whose) == areas).all()


def test_a_figure_is_read_back_as_it_was_written() -> None:
    for figure in compared(reading(0.1), reading()):
        assert paired_from_json(figure.to_json()) == figure


@pytest.mark.parametrize(
    ("measure", "change", "text"),
    [("tstr", -0.0123, "-0.012"), ("frechet_distance", 1.084, "1.08 times"), ("tstr", None, "?")],
)
def test_a_change_is_told_in_words(measure: str, change: float | None, text: str) -> None:
    assert change_text(measure, change) == text
