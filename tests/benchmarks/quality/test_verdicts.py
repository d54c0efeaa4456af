"""Lights change exactly at their stated thresholds, rest on intervals, and are measured against the references."""

from __future__ import annotations

from dataclasses import replace

import pytest
from edgeward.benchmarks.quality import PrivacyRecord
from edgeward.benchmarks.quality.evidence import COPIES, NOISE, REAL, Comparison, Evidence, Finding, Verdict
from edgeward.benchmarks.quality.figure import Figure, omitted
from edgeward.benchmarks.quality.verdicts import (
    ATTACK_AUC,
    ATTACK_TPR,
    COVERAGE_GOOD,
    COVERAGE_POOR,
    FAIR_GAP,
    SHARE_KEPT,
    TOLD_APART,
    UTILITY_GOOD,
    UTILITY_POOR,
    unusable,
    verdicts,
)

MINE = "int8"
A_LITTLE = 0.001

Range = tuple[float, float, float]
"""Low, value, high."""


def found(measure: str, source: str, value: float | Range | None, group: str = "all") -> Finding:
    if value is None:
        return Finding(measure, group, source, omitted("it makes only one class"))
    low, middle, high = value if isinstance(value, tuple) else (value - 0.02, value, value + 0.02)
    return Finding(measure, group, source, Figure(middle, low, high, 100, 20))


# A judgement without fault: what each test changes is the only fault.
SOUND: dict[tuple[str, str, str], float | Range | None] = {
    ("coverage", REAL, "all"): 0.8,
    ("coverage", NOISE, "all"): 0.05,
    ("coverage", MINE, "all"): 0.8,
    ("coverage", MINE, "class=S"): 0.7,
    ("two_sample_auc", REAL, "all"): (0.45, 0.5, 0.55),
    ("two_sample_auc", MINE, "all"): (0.5, 0.6, 0.7),
    ("tstr", REAL, "all"): 0.7,
    ("tstr", NOISE, "all"): 0.2,
    ("tstr", MINE, "all"): 0.7,
    ("distance_auc", REAL, "all"): (0.4, 0.5, 0.52),
    ("distance_auc", MINE, "all"): (0.4, 0.5, 0.52),
    ("loss_auc", MINE, "all"): (0.4, 0.5, 0.52),
    ("lira_auc", MINE, "all"): (0.4, 0.5, 0.52),
    ("group_coverage", REAL, "sex=F"): 0.8,
    ("group_coverage", MINE, "sex=F"): 0.8,
}


def judged(
    changes: dict[tuple[str, str, str], float | Range | None] | None = None,
    without: tuple[str, ...] = (),
    comparisons: tuple[Comparison, ...] = (),
    dp: PrivacyRecord | None = None,
) -> dict[str, Verdict]:
    """The verdict on each axis of the sound judgement with changes, without some measures."""
    entries = {**SOUND, **(changes or {})}
    findings = tuple(
        found(m, source, value, group) for (m, source, group), value in entries.items() if m not in without
    )
    evidence = Evidence({MINE: "0" * 64}, {}, {}, findings, comparisons, (), dp)
    return {verdict.axis: verdict for verdict in verdicts(evidence)}


def light(axis: str, measure: str, value: float | Range | None, group: str = "all", **changes: object) -> str:
    return judged({(measure, MINE, group): value}, **changes)[axis].light  # type: ignore[arg-type]


def test_a_sound_generator_gets_every_light() -> None:
    assert {axis: verdict.light for axis, verdict in judged().items()} == dict.fromkeys(
        ("fidelity", "utility", "privacy", "fairness"), "green"
    )


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (COVERAGE_GOOD + A_LITTLE, "green"),
        (COVERAGE_GOOD - A_LITTLE, "amber"),
        (COVERAGE_POOR + A_LITTLE, "amber"),
        (COVERAGE_POOR - A_LITTLE, "red"),
    ],
)
def test_fidelity_turns_where_coverage_falls_behind_what_real_records_reach(share: float, expected: str) -> None:
    assert light("fidelity", "coverage", 0.8 * share) == expected


@pytest.mark.parametrize(
    ("low", "real_high", "expected"),
    [
        (TOLD_APART + A_LITTLE, 0.55, "amber"),
        (TOLD_APART - A_LITTLE, 0.55, "green"),
        # Where real patients are told from real patients, no generator is asked for more.
        (0.85 - A_LITTLE, 0.85, "green"),
        (0.85 + A_LITTLE, 0.85, "amber"),
    ],
)
def test_fidelity_is_not_green_where_a_classifier_tells_beyond_doubt(
    low: float, real_high: float, expected: str
) -> None:
    changes = {
        ("two_sample_auc", MINE, "all"): (low, 0.95, 0.99),
        ("two_sample_auc", REAL, "all"): (0.5, 0.6, real_high),
    }
    assert judged(changes)["fidelity"].light == expected  # type: ignore[arg-type]


def test_being_told_apart_makes_amber_of_green_and_nothing_better_of_red() -> None:
    changes = {("two_sample_auc", MINE, "all"): (0.9, 0.95, 0.99), ("coverage", MINE, "all"): 0.1}
    assert judged(changes)["fidelity"].light == "red"  # type: ignore[arg-type]


def test_a_class_that_nothing_covers_is_red_and_named() -> None:
    verdict = judged({("coverage", MINE, "class=S"): (0.0, 0.0, 0.1)})["fidelity"]
    assert verdict.light == "red"
    assert "none of class=S" in verdict.text


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (-0.1, "green"),
        (UTILITY_GOOD - A_LITTLE, "green"),
        (UTILITY_GOOD + A_LITTLE, "amber"),
        (UTILITY_POOR - A_LITTLE, "amber"),
        (UTILITY_POOR + A_LITTLE, "red"),
    ],
)
def test_utility_turns_where_classifiers_lose_against_real_training_data(lost: float, expected: str) -> None:
    assert light("utility", "tstr", 0.7 - lost) == expected


def test_a_generator_of_one_class_is_useless_and_not_merely_unjudged() -> None:
    verdict = judged({("tstr", MINE, "all"): None})["utility"]
    assert (verdict.light, verdict.text) == ("red", "it makes only one class")


@pytest.mark.parametrize(("axis", "measure"), [("fidelity", "coverage"), ("utility", "tstr")])
def test_what_cannot_tell_noise_from_real_records_judges_nobody(axis: str, measure: str) -> None:
    verdict = judged({(measure, NOISE, "all"): SOUND[measure, REAL, "all"]})[axis]
    assert verdict.light == "grey"
    assert "cannot tell real records from shuffled" in verdict.text
    assert judged(without=(measure,))[axis].light == "grey"


ATTACKS = {
    "distance_auc": ATTACK_AUC,
    "dcr_share": ATTACK_AUC,
    "lira_auc": ATTACK_AUC,
    "lira_tpr": ATTACK_TPR,
    "exact_copies": 0.0,
    "singling_out": 0.05,
    "linkability": 0.05,
    "inference": 0.05,
}


@pytest.mark.parametrize(("measure", "limit"), ATTACKS.items())
def test_privacy_turns_where_an_attack_is_beyond_doubt(measure: str, limit: float) -> None:
    assert light("privacy", measure, (limit + A_LITTLE, 0.9, 0.95)) == "red"
    # However high the figure: while its interval reaches the limit, it may be chance.
    assert light("privacy", measure, (limit, 0.9, 0.95)) == "green"


@pytest.mark.parametrize("measure", ["distance_auc", "dcr_share", "singling_out"])
def test_what_unused_patients_score_is_no_leak(measure: str) -> None:
    changes = {(measure, MINE, "all"): (0.69, 0.75, 0.8), (measure, REAL, "all"): (0.5, 0.6, 0.7)}
    assert judged(changes)["privacy"].light == "green"  # type: ignore[arg-type]
    changes[measure, MINE, "all"] = (0.71, 0.75, 0.8)
    assert judged(changes)["privacy"].light == "red"  # type: ignore[arg-type]


def test_privacy_is_green_only_where_shadow_generators_were_attacked() -> None:
    assert judged(without=("lira_auc",))["privacy"].light == "amber"
    assert "weights were not attacked" in judged(without=("lira_auc", "loss_auc"))["privacy"].text


@pytest.mark.parametrize(("low", "said"), [(ATTACK_AUC + A_LITTLE, "may have seen them"), (ATTACK_AUC, "be chance")])
def test_a_loss_attack_alone_never_condemns(low: float, said: str) -> None:
    verdict = judged({("loss_auc", MINE, "all"): (low, 0.9, 0.95)}, without=("lira_auc",))["privacy"]
    assert verdict.light == "amber"
    assert said in verdict.text
    assert "--shadows" in verdict.text


RECORD = PrivacyRecord(8.0, 1e-5, "prv", 0.84, 1.0, 0.025)


def test_the_promise_of_private_training_stands_in_the_text_and_turns_no_light() -> None:
    kept = judged(dp=RECORD)["privacy"]
    assert kept.light == "green"
    assert "(ε = 8, δ = 1e-05)-differential privacy of each record, which compression kept" in kept.text
    lost = judged(dp=replace(RECORD, entered=("label frequencies", "quantiles")))["privacy"]
    assert "has lost: real label frequencies and quantiles entered it" in lost.text
    caught = judged({("lira_auc", MINE, "all"): (0.7, 0.8, 0.9)}, dp=RECORD)["privacy"]
    assert caught.light == "red"
    assert "differential privacy" in caught.text
    assert judged(without=("lira_auc",), dp=RECORD)["privacy"].light == "amber"
    assert "differential" not in judged()["privacy"].text


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (FAIR_GAP - A_LITTLE, "green"),
        (FAIR_GAP + A_LITTLE, "amber"),
        (2 * FAIR_GAP - A_LITTLE, "amber"),
        (2 * FAIR_GAP + A_LITTLE, "red"),
    ],
)
def test_fairness_turns_where_a_group_falls_behind_the_whole(gap: float, expected: str) -> None:
    assert light("fairness", "group_coverage", 0.8 - gap, "sex=F") == expected


def test_fairness_asks_no_more_of_a_group_than_real_training_records_reach() -> None:
    hard = {("group_coverage", REAL, "sex=F"): 0.4, ("group_coverage", MINE, "sex=F"): 0.4}
    assert judged(hard)["fairness"].light == "green"  # type: ignore[arg-type]
    # Nor where the whole falls behind as much: that is for fidelity to say.
    both = {("coverage", MINE, "all"): 0.4, ("group_coverage", MINE, "sex=F"): 0.4}
    assert judged(both)["fairness"].light == "green"  # type: ignore[arg-type]


def test_the_group_furthest_behind_decides_and_is_named() -> None:
    changes = {
        (m, s, g): value
        for g, value in (("sex=M", 0.8), ("age=65 and over", 0.4))
        for m, s, g, value in (("group_coverage", REAL, g, 0.8), ("group_coverage", MINE, g, value))
    }
    verdict = judged(changes)["fairness"]  # type: ignore[arg-type]
    assert verdict.light == "red"
    assert verdict.text == "furthest behind: age=65 and over, by 0.40"


@pytest.mark.parametrize(
    ("high", "expected"), [(SHARE_KEPT * 0.3 - A_LITTLE, "amber"), (SHARE_KEPT * 0.3, "green"), (0.9, "green")]
)
def test_a_class_made_far_more_rarely_than_in_training_is_no_green(high: float, expected: str) -> None:
    changes = {
        ("class_share", MINE, "class=S"): (0.0, high / 2, high),
        ("class_share", REAL, "class=S"): (0.25, 0.3, 0.35),
    }
    verdict = judged(changes)["fairness"]  # type: ignore[arg-type]
    assert verdict.light == expected
    assert ("class=S" in verdict.text) == (expected == "amber")
    # It mends nothing that is red already.
    changes["group_coverage", MINE, "sex=F"] = (0.0, 0.1, 0.2)
    assert judged(changes)["fairness"].light == "red"  # type: ignore[arg-type]


def test_without_a_group_large_enough_fairness_is_not_judged() -> None:
    assert judged(without=("group_coverage",))["fairness"].light == "grey"
    assert light("fairness", "group_coverage", None, "sex=F") == "grey"


@pytest.mark.parametrize(
    ("value", "bound", "allowed", "expected"),
    [
        (-0.01, -0.02, 0.02, "green"),  # the bound itself is inside
        (-0.01, -0.02 - A_LITTLE, 0.02, "amber"),
        (-0.02, -0.05, 0.02, "amber"),
        (-0.02 - A_LITTLE, -0.05, 0.02, "red"),
        (+0.05, +0.01, 0.0, "green"),
        (-0.5, -0.6, None, "grey"),
    ],
)
def test_compression_turns_where_its_loss_leaves_the_allowance(
    value: float, bound: float, allowed: float | None, expected: str
) -> None:
    comparison = Comparison(MINE, "tstr", value, bound - 0.01, value + 0.05, bound, allowed)
    assert judged(comparisons=(comparison,))["compression"].light == expected


def test_every_allowed_loss_counts_and_those_without_allowance_do_not() -> None:
    good = Comparison(MINE, "tstr", 0.0, -0.01, 0.01, -0.01, 0.02)
    bad = Comparison(MINE, "coverage", -0.3, -0.4, -0.2, -0.38, 0.1)
    assert judged(comparisons=(good, bad))["compression"].light == "red"
    assert judged(comparisons=(good, replace(bad, allowed=None)))["compression"].light == "green"
    assert "compression" not in judged(comparisons=(replace(good, source="fp32"),))


def evidence_of(*findings: Finding) -> Evidence:
    return Evidence({}, {}, {}, findings, (), ())


@pytest.mark.parametrize(
    ("measure", "reference", "said"), [("recall", NOISE, "shuffled records"), ("dcr_share", COPIES, "copies")]
)
def test_a_measure_whose_references_overlap_is_of_no_use(measure: str, reference: str, said: str) -> None:
    real = found(measure, REAL, (0.4, 0.5, 0.6))
    assert said in unusable(evidence_of(real, found(measure, reference, (0.6, 0.7, 0.8))))[measure]
    assert measure not in unusable(evidence_of(real, found(measure, reference, (0.6 + A_LITTLE, 0.7, 0.8))))
    assert measure not in unusable(evidence_of(real))  # nothing to compare with


def test_one_part_that_tells_is_enough_and_measures_that_need_not_tell_are_never_named() -> None:
    blind = [found("spectrum", source, (0.4, 0.5, 0.6), "channel=I") for source in (REAL, NOISE)]
    seeing = [
        found("spectrum", source, value, "channel=II")
        for source, value in ((REAL, (0.1, 0.2, 0.3)), (NOISE, (7, 8, 9)))
    ]
    assert "spectrum" in unusable(evidence_of(*blind))
    assert "spectrum" not in unusable(evidence_of(*blind, *seeing))
    assert not unusable(evidence_of(*(found("loss_auc", source, 0.5) for source in (REAL, COPIES))))


def test_every_threshold_is_told_with_its_numbers() -> None:
    told = {axis: verdict.threshold for axis, verdict in judged().items()}
    assert "90%" in told["fidelity"]
    assert "60%" in told["fidelity"]
    assert str(TOLD_APART) in told["fidelity"]
    assert f"{UTILITY_GOOD:.2f}" in told["utility"]
    assert f"{UTILITY_POOR:.2f}" in told["utility"]
    assert str(ATTACK_AUC) in told["privacy"]
    assert str(ATTACK_TPR) in told["privacy"]
    assert f"{FAIR_GAP:.2f}" in told["fairness"]
