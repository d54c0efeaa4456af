"""The card's section of evidence: lights, figures, how it was trained privately, and what is not known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from edgeward.benchmarks.quality import Evidence, PrivacyRecord
from edgeward.benchmarks.quality.evidence import Finding, Verdict
from edgeward.benchmarks.quality.figure import Figure, omitted
from edgeward.compression.card import EVIDENCE_HEADING
from edgeward.compression.evidence import attach_evidence, evidence_section
from edgeward.runtime.bundle import Bundle, read_bundle
from edgeward.runtime.errors import BundleError
from edgeward.runtime.rewrite import content_of, names_of, write_file, write_folder

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


@pytest.mark.parametrize("write", [write_folder, write_file])
def test_evidence_goes_into_a_bundle_of_either_form_and_drops_the_signature(
    bundle: Bundle, tmp_path: Path, write: Callable[..., None]
) -> None:
    contents = {name: content_of(bundle, name) for name in names_of(bundle)}
    contents["signature"] = b"of the manifest without it"
    write(tmp_path / "copy", contents, contents.__getitem__)
    copy = read_bundle(tmp_path / "copy")
    judged = {variant.name: copy.manifest.files[variant.file].sha256 for variant in copy.manifest.variants}
    attached = attach_evidence(copy, replace(EVIDENCE, judged=judged))
    assert copy.signature is not None
    assert attached.signature is None
    assert attached.is_folder == copy.is_folder
    assert "evidence.json" in attached.manifest.files
    assert EVIDENCE_HEADING in attached.read("CARD.md").decode()
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
