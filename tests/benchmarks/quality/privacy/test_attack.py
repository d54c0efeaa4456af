"""The attack's figures are those of scikit-learn and of a brute-force ROC, and there is nothing where there is none."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.privacy.attack import _rates, member_control, membership_figures
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.filterwarnings("error")


def each_its_own(n: int) -> np.ndarray:
    return np.arange(n).astype(np.str_)


def scores(seed: int, tied: bool, m: int = 143, k: int = 211) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    members, others = rng.normal(0.3 * seed, 1.0, m), rng.normal(0.0, 1.5, k)
    return (members.round(), others.round()) if tied else (members, others)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tied", [False, True])
def test_the_auc_is_scikit_learns(seed: int, tied: bool) -> None:
    members, others = scores(seed, tied)
    figure = membership_figures(members, others, each_its_own(143), each_its_own(211))["auc"]
    truth = np.repeat([1, 0], [143, 211])
    assert figure.value == pytest.approx(roc_auc_score(truth, np.concatenate([members, others])), abs=1e-12)
    assert figure.low < figure.value < figure.high
    assert (figure.n, figure.patients) == (354, 354)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tied", [False, True])
def test_the_hits_at_one_percent_false_alarms_are_those_of_the_best_threshold(seed: int, tied: bool) -> None:
    members, others = scores(seed, tied, k=400)
    thresholds = [*np.concatenate([members, others]), np.inf]
    best = max((members >= t).mean() for t in thresholds if (others >= t).sum() <= 4)
    figure = membership_figures(members, others, each_its_own(143), each_its_own(400))["tpr_at_1_fpr"]
    assert figure.value == pytest.approx(best, abs=1e-12)


def test_a_record_of_weight_three_counts_as_three_records() -> None:
    rng = np.random.default_rng(1)
    members, others = scores(1, tied=True)
    m, o = rng.integers(0, 4, len(members)), rng.integers(0, 4, len(others))
    order = np.argsort(np.concatenate([members, others]), kind="stable")
    repeated = np.repeat(members, m), np.repeat(others, o)
    plain = np.argsort(np.concatenate(repeated), kind="stable")
    assert _rates(members, others, order, m.astype(float), o.astype(float)) == pytest.approx(
        _rates(*repeated, plain, np.ones(m.sum()), np.ones(o.sum())), abs=1e-12
    )


def test_few_others_make_the_hits_coarse_and_the_note_says_so() -> None:
    members, others = scores(1, tied=False)
    figures = membership_figures(members, others, each_its_own(143), each_its_own(211))
    assert "coarse" in figures["tpr_at_1_fpr"].note
    assert not figures["auc"].note


def test_records_of_few_patients_are_less_sure() -> None:
    members, others = scores(0, tied=False, m=400, k=400)
    rng = np.random.default_rng(3)
    members += np.repeat(rng.normal(size=8), 50)
    sure = membership_figures(members, others, each_its_own(400), each_its_own(400))["auc"]
    unsure = membership_figures(members, others, np.repeat(each_its_own(8), 50), each_its_own(400))["auc"]
    assert sure.value == unsure.value
    assert unsure.high - unsure.low > 2 * (sure.high - sure.low)


def test_one_patient_on_a_side_has_no_interval() -> None:
    members, others = scores(1, tied=False)
    figure = membership_figures(members, others, np.full(143, "a"), each_its_own(211))["auc"]
    assert figure.value is not None
    assert figure.low is None
    assert figure.high is None


@pytest.mark.parametrize(("m", "k"), [(0, 0), (0, 50), (9, 50), (50, 9)])
def test_too_few_records_are_omitted(m: int, k: int) -> None:
    figures = membership_figures(np.zeros(m), np.ones(k), each_its_own(m), each_its_own(k))
    assert set(figures) == {"auc", "tpr_at_1_fpr"}
    assert all(f.value is None and f.note for f in figures.values())


def test_records_without_a_score_are_no_attack() -> None:
    members, others = scores(1, tied=False)
    members[3] = np.nan
    figures = membership_figures(members, others, each_its_own(143), each_its_own(211))
    assert all(f.value is None and "no score" in f.note for f in figures.values())
    assert member_control(members, each_its_own(143)).value is None


def test_infinite_losses_are_ties() -> None:
    endless = np.full(40, -np.inf)
    figure = membership_figures(endless, endless, each_its_own(40), each_its_own(40))["auc"]
    assert figure.value == 0.5


@pytest.mark.parametrize("seed", range(4))
def test_members_among_themselves_are_told_apart_by_chance_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    control = member_control(rng.normal(size=400), np.repeat(each_its_own(100), 4))
    assert control.value == pytest.approx(0.5, abs=0.03)
    assert control.low <= control.value <= control.high
    assert (control.n, control.patients, control.seeds) == (400, 100, 10)


def test_one_patient_cannot_control_the_attack() -> None:
    assert member_control(np.arange(30.0), np.full(30, "a")).value is None


def test_the_control_parts_patients_and_not_records() -> None:
    # Each half of two patients is one patient: its AUC is 0 or 1, never between.
    control = member_control(np.arange(40.0), np.repeat(["a", "b"], 20))
    assert control.value * 10 == pytest.approx(round(control.value * 10))
    assert {control.low, control.high} <= {0.0, 1.0}
