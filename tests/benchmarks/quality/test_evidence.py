"""Evidence is plain JSON that says how a generator was trained privately, and refuses a record that cannot be."""

import json
from dataclasses import replace

import pytest
from edgeward.benchmarks.quality import Evidence, PrivacyRecord
from edgeward.benchmarks.quality.evidence import Finding
from edgeward.benchmarks.quality.figure import Figure
from edgeward.runtime.errors import DataError

RECORD = PrivacyRecord(3.0, 1e-6, "rdp", 1.1, 0.5, 0.02, unit="patient")


def told(evidence: Evidence) -> dict[str, object]:
    return json.loads(evidence.to_bytes())


def test_a_private_training_is_told_in_full() -> None:
    record = replace(RECORD, steps=400, counts_noise_multiplier=20.0)
    evidence = Evidence({"int8": "0" * 64}, {}, {}, (), (), (), dp=record)
    assert told(evidence)["differential_privacy"] == {
        **{"epsilon": 3.0, "delta": 1e-6, "accountant": "rdp", "noise_multiplier": 1.1, "clip": 0.5},
        **{"sampling_rate": 0.02, "unit": "patient", "entered": [], "kept": True},
        **{"steps": 400, "counts_noise_multiplier": 20.0},
    }
    assert told(Evidence({}, {}, {}, (), (), ()))["differential_privacy"] is None


@pytest.mark.parametrize("entered", ["records", "label frequencies", "quantiles"])
def test_the_promise_is_lost_with_anything_real_that_enters(entered: str) -> None:
    lost = replace(RECORD, entered=(entered,))
    assert RECORD.kept
    assert not lost.kept
    assert f"real {entered} entered it" in lost.promise()
    assert (
        RECORD.promise()
        == "trained with (ε = 3, δ = 1e-06)-differential privacy of each patient, which compression kept"
    )


def test_the_method_names_every_number_it_rests_on() -> None:
    assert RECORD.method() == "noise multiplier 1.1, gradients clipped at 0.5, sampling rate 0.02, accountant RDP"


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["epsilon", "delta", "noise_multiplier", "clip", "sampling_rate"])
def test_a_record_that_no_private_training_can_have_is_refused(name: str, value: float) -> None:
    with pytest.raises(DataError, match=name):
        replace(RECORD, **{name: value})


@pytest.mark.parametrize("name", ["delta", "sampling_rate"])
def test_a_chance_above_one_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=name):
        replace(RECORD, **{name: 1.5})


def test_measures_stand_in_the_file_only_where_they_were_used() -> None:
    finding = Finding("coverage", "all", "real", Figure(0.5, 0.4, 0.6, 10, 5))
    file = told(Evidence({}, {}, {}, (finding,), (), ()))
    assert list(file["measures"]) == ["coverage"]  # type: ignore[call-overload]
    assert file["findings"][0]["value"] == 0.5  # type: ignore[index]


def test_a_number_that_json_cannot_hold_is_no_evidence() -> None:
    finding = Finding("coverage", "all", "real", Figure(float("nan")))
    with pytest.raises(ValueError, match="JSON"):
        Evidence({}, {}, {}, (finding,), (), ()).to_bytes()
