"""The traffic lights: each rests on a stated threshold, on an interval rather than a point, and on the references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .evidence import COPIES, NOISE, REAL, Comparison, Evidence, Light, Verdict
from .figure import Figure
from .measures import MEASURES

COVERAGE_GOOD, COVERAGE_POOR = 0.9, 0.6
"""Of the share of real test records that real training records reach."""
TOLD_APART = 0.75
"""AUC of the two-sample test, or what real training records score if that is more."""
UTILITY_GOOD, UTILITY_POOR = 0.05, 0.15
"""Points of macro-F1 below real training data."""
ATTACK_AUC, ATTACK_TPR = 0.55, 0.03
"""Above: the attack is said to succeed."""
FAIR_GAP = 0.15
"""How far a group's coverage may fall behind the whole, beyond what it does for real training records."""
SHARE_KEPT = 0.5
"""Of a class's share of the training records, where the generator chooses the classes itself."""


_ATTACKS = {
    "distance_auc": ATTACK_AUC,
    "dcr_share": ATTACK_AUC,
    "exact_copies": 0.0,
    "lira_auc": ATTACK_AUC,
    "lira_tpr": ATTACK_TPR,
    "singling_out": 0.05,
    "linkability": 0.05,
    "inference": 0.05,
}


def verdicts(evidence: Evidence) -> Iterator[Verdict]:
    """Lights for every generator of the evidence but its teacher's compression."""
    unused = unusable(evidence)
    for source in evidence.judged:
        yield _fidelity(evidence, source, unused)
        yield _utility(evidence, source, unused)
        yield _privacy(evidence, source)
        yield _fairness(evidence, source)
        comparisons = [comparison for comparison in evidence.comparisons if comparison.source == source]
        if comparisons:
            yield _compression(source, comparisons)


def unusable(evidence: Evidence) -> dict[str, str]:
    """Measures that could not tell the reference rows apart on these data, with the reason.

    A measure of fidelity or utility must put real records above shuffled ones, one of privacy must see copies:
    with intervals that do not touch.
    """
    reasons = {}
    for name, measure in MEASURES.items():
        if not measure.tells or measure.axis == "fairness":
            continue
        reference = COPIES if measure.axis == "privacy" else NOISE
        pairs = [
            (finding.figure, other)
            for finding in evidence.findings
            if (finding.measure, finding.source) == (name, REAL)
            and finding.figure.value is not None
            and (other := evidence.figure(name, reference, finding.group))
            and other.value is not None
        ]
        if pairs and not any(_apart(figure, other) for figure, other in pairs):
            what = "copies of the training data" if measure.axis == "privacy" else "shuffled records"
            reasons[name] = f"it cannot tell real records from {what} on these data"
    return reasons


def _apart(one: Figure, other: Figure) -> bool:
    if None in (one.low, one.high, other.low, other.high):
        return one.value != other.value
    assert one.low is not None and one.high is not None  # noqa: S101, PT018 - checked above
    assert other.low is not None and other.high is not None  # noqa: S101, PT018
    return one.high < other.low or other.high < one.low


def _fidelity(evidence: Evidence, source: str, unused: dict[str, str]) -> Verdict:
    threshold = (
        f"coverage of real test records at least {COVERAGE_GOOD:.0%} of what real training records reach "
        f"(red below {COVERAGE_POOR:.0%}), no class uncovered; and a two-sample test not beyond doubt above AUC "
        f"{TOLD_APART} (amber)"
    )
    mine, ceiling = evidence.figure("coverage", source), evidence.figure("coverage", REAL)
    if not mine or not ceiling or mine.value is None or not ceiling.value or "coverage" in unused:
        return Verdict("fidelity", source, "grey", unused.get("coverage", "coverage could not be found"), threshold)
    share = mine.value / ceiling.value
    empty = [
        finding.group
        for finding in evidence.findings
        if (finding.measure, finding.source) == ("coverage", source)
        and finding.group.startswith("class=")
        and not finding.figure.value
    ]
    light: Light = "green" if share >= COVERAGE_GOOD else "amber" if share >= COVERAGE_POOR else "red"
    text = f"reaches {mine.value:.0%} of real test records; real training records reach {ceiling.value:.0%}"
    told, told_real = evidence.figure("two_sample_auc", source), evidence.figure("two_sample_auc", REAL)
    beyond = max(TOLD_APART, (told_real.high or 0.0) if told_real else 0.0)
    if told and told.low is not None and told.low > beyond:
        light = "amber" if light == "green" else light
        text = f"{text}; a classifier tells it from real records with AUC {_interval(told)}"
    if empty:
        light, text = "red", f"{text}; none of {', '.join(empty)}"
    return Verdict("fidelity", source, light, text, threshold)


def _utility(evidence: Evidence, source: str, unused: dict[str, str]) -> Verdict:
    threshold = (
        f"macro-F1 of classifiers trained on it at most {UTILITY_GOOD:.2f} below those trained on real records "
        f"(red beyond {UTILITY_POOR:.2f})"
    )
    mine, real = evidence.figure("tstr", source), evidence.figure("tstr", REAL)
    if not mine or not real or mine.value is None or real.value is None or "tstr" in unused:
        reason = mine.note if mine and mine.note else unused.get("tstr", "it could not be found")
        return Verdict("utility", source, "red" if mine and mine.note else "grey", reason, threshold)
    lost = real.value - mine.value
    light: Light = "green" if lost <= UTILITY_GOOD else "amber" if lost <= UTILITY_POOR else "red"
    text = f"macro-F1 {_interval(mine)}; trained on real records {_interval(real)}"
    return Verdict("utility", source, light, text, threshold)


def _privacy(evidence: Evidence, source: str) -> Verdict:
    """What attacks found; the promise of private training stands beside it and turns no light on or off."""
    verdict = _attacks(evidence, source)
    return replace(verdict, text=f"{verdict.text}; {evidence.dp.promise()}") if evidence.dp else verdict


def _attacks(evidence: Evidence, source: str) -> Verdict:
    threshold = (
        f"red: an attack beyond doubt (lower end of the interval) above AUC {ATTACK_AUC}, TPR {ATTACK_TPR} at 1 % FPR, "
        "copies, or what real records of unused patients score; green only where shadow generators were attacked too"
    )
    found = []
    for name, limit in _ATTACKS.items():
        figure, real = evidence.figure(name, source), evidence.figure(name, REAL)
        if not figure or figure.value is None:
            continue
        # Two sets of patients differ without any leak; what real, unused patients score is that difference.
        beyond = max(limit, (real.high or real.value) if real and real.value is not None else limit)
        if (figure.low if figure.low is not None else figure.value) > beyond:
            found.append(f"{MEASURES[name].title} {_interval(figure)}")
    if found:
        return Verdict("privacy", source, "red", "training patients can be found: " + "; ".join(found), threshold)
    lira, loss = evidence.figure("lira_auc", source), evidence.figure("loss_auc", source)
    if lira and lira.value is not None:
        return Verdict(
            "privacy", source, "green", f"no attack succeeded; likelihood ratio {_interval(lira)}", threshold
        )
    if not loss or loss.value is None:
        return Verdict("privacy", source, "amber", "no attack succeeded, but the weights were not attacked", threshold)
    text = f"weights reproduce training records better than others' with AUC {_interval(loss)}"
    if loss.low is not None and loss.low > ATTACK_AUC:
        # Members and others are different patients: without shadow generators the two causes cannot be told apart.
        text += ": it may have seen them, or they may be easier; shadow generators (--shadows) would tell"
    else:
        text += ", which may be chance; shadow generators (--shadows) attack harder"
    return Verdict("privacy", source, "amber", text, threshold)


def _fairness(evidence: Evidence, source: str) -> Verdict:
    threshold = (
        f"no group's coverage falls behind the whole by {FAIR_GAP:.2f} more than it does for real training records "
        f"(red beyond {2 * FAIR_GAP:.2f}), and no class is beyond doubt made less than {SHARE_KEPT:g} times as often "
        "as it is in training (amber)"
    )
    behind: list[tuple[float, str]] = []
    whole, real_whole = evidence.figure("coverage", source), evidence.figure("coverage", REAL)
    for finding in evidence.findings:
        if (finding.measure, finding.source) != ("group_coverage", source) or finding.figure.value is None:
            continue
        real = evidence.figure("group_coverage", REAL, finding.group)
        if real and real.value is not None and whole and real_whole and whole.value and real_whole.value:
            behind.append(((real.value - finding.figure.value) - (real_whole.value - whole.value), finding.group))
    if not behind:
        return Verdict("fairness", source, "grey", "no group has enough patients to tell", threshold)
    gap, group = max(behind)
    light: Light = "green" if gap <= FAIR_GAP else "amber" if gap <= 2 * FAIR_GAP else "red"
    text = f"furthest behind: {group}, by {max(gap, 0.0):.2f}"
    thinned = list(_thinned(evidence, source))
    if thinned:
        light = "amber" if light == "green" else light
        text = f"{text}; too rare among its records: {', '.join(thinned)}"
    return Verdict("fairness", source, light, text, threshold)


def _thinned(evidence: Evidence, source: str) -> Iterator[str]:
    """Classes that a generator makes too rarely, with both shares."""
    for finding in evidence.findings:
        if (finding.measure, finding.source) != ("class_share", source):
            continue
        made, trained = finding.figure, evidence.figure("class_share", REAL, finding.group)
        if not trained or trained.value is None or made.value is None or made.high is None:
            continue
        if made.high < SHARE_KEPT * trained.value:
            yield f"{finding.group} ({made.value:.1%}, in training {trained.value:.1%})"


def _compression(source: str, comparisons: list[Comparison]) -> Verdict:
    threshold = "loss against the teacher inside the recipe's allowance with 95 % confidence (one-sided, paired)"
    parts = [f"{c.measure} {c.value:+.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in comparisons]
    judged = [comparison for comparison in comparisons if comparison.allowed is not None]
    if not judged:
        return Verdict("compression", source, "grey", "; ".join([*parts, "the recipe sets no allowance"]), threshold)
    if all(comparison.inside for comparison in judged):
        light: Light = "green"
    elif all(comparison.value >= -(comparison.allowed or 0.0) for comparison in judged):
        light = "amber"
    else:
        light = "red"
    return Verdict("compression", source, light, "; ".join(parts), threshold)


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
