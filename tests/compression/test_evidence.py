"""The card's section of evidence: lights, figures, how it was trained privately, and what is not known."""

from dataclasses import replace

import pytest
from edgeward.benchmarks.quality import Evidence, PrivacyRecord
from edgeward.benchmarks.quality.evidence import Finding, Verdict
from edgeward.benchmarks.quality.figure import Figure, omitted
from edgeward.compression.card import EVIDENCE_HEADING
from edgeward.compression.evidence import attach_evidence, evidence_section
from edgeward.runtime.bundle import Bundle
from edgeward.runtime.errors import BundleError

EVIDENCE = Evidence(
    judged={"int8": "0" * 64},
    data={
        "source": "a ward",
        "simulated": False,
        "notes": ["One record is left out."],
        "test": {"records": 1234, "patients": 20},
    },
    method={"effort": {"seeds": 5, "shadows": 4}, "notes": ["A quick judgement."]},
    findings=(
        Finding("coverage", "all", "real", Figure(0.9, 0.85, 0.95)),
        Finding("coverage", "all", "int8", Figure(0.8, None, None)),
        Finding("coverage", "all", "noise", omitted("too few")),
    ),
    comparisons=(),
    verdicts=(Verdict("privacy", "int8", "amber", "no attack succeeded", "a threshold"),),
)
RECORD = PrivacyRecord(8.0, 1e-5, "prv", 0.84, 1.0, 0.025)


def test_lights_figures_and_limits_stand_in_the_section() -> None:
    section = evidence_section(EVIDENCE)
    assert section.startswith(EVIDENCE_HEADING)
    assert "a ward: 1,234 test records of 20 patients" in section
    assert "| int8 | privacy | amber | no attack succeeded | a threshold |" in section
    assert "| Coverage | 0.900 (0.850 to 0.950) |  |  | 0.800 |" in section
    for note in ("- One record is left out.", "- A quick judgement."):
        assert note in section
    assert "simulated" not in section
    assert "simulated" in evidence_section(replace(EVIDENCE, data={**EVIDENCE.data, "simulated": True}))


def test_private_training_is_told_and_nothing_where_there_was_none() -> None:
    told = evidence_section(replace(EVIDENCE, dp=RECORD))
    assert (
        "Trained with (ε = 8, δ = 1e-05)-differential privacy of each record, which compression kept (noise multiplier "
        "0.84, gradients clipped at 1, sampling rate 0.025, accountant PRV)."
    ) in told
    lost = evidence_section(replace(EVIDENCE, dp=replace(RECORD, entered=("records",))))
    assert "which what ships has lost: real records entered it" in lost
    assert "ifferential privacy" not in evidence_section(EVIDENCE)


def test_evidence_of_other_graphs_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="about other graphs than this bundle's"):
        attach_evidence(bundle, EVIDENCE)
