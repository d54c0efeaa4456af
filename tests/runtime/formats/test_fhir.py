"""The models of fhir.resources accept the bundles, and what they hold is what was generated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeward.runtime import Generator
from edgeward.runtime.formats import records
from edgeward.runtime.formats.fhir import FHIR
from edgeward.runtime.formats.fhir_codes import codings
from edgeward.runtime.provenance import provenance_text

pytest.importorskip("fhir.resources")
from fhir.resources.R4B.bundle import Bundle as FhirBundle

SIGNALS_AND_TABLES = ["beats", "strips", "stays", "ward"]


def written(generator: Generator, folder: Path, **condition: object) -> dict[str, Any]:
    """Sample 7 of seed 3 as a bundle, accepted by the models."""
    path = folder / "one.json"
    FHIR.write(generator.series(1, seed=3, first=7, condition=condition), path, lambda done: None)
    FhirBundle.model_validate_json(path.read_text())
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def sample(generator: Generator, **condition: object) -> np.ndarray:
    return generator.generate(1, seed=3, first=7, condition=condition).samples[0]


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def observations(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {found["code"]["text"]: found for found in resources(bundle, "Observation")}


@pytest.mark.parametrize("name", SIGNALS_AND_TABLES)
def test_the_models_accept_the_bundle_and_its_references_lead_somewhere(
    generators: dict[str, Generator], tmp_path: Path, name: str
) -> None:
    bundle = written(generators[name], tmp_path)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    for entry in bundle["entry"]:  # bdl-3: an entry of a transaction has a request
        assert entry["request"] == {"method": "POST", "url": entry["resource"]["resourceType"]}
    for found in resources(bundle, "Observation"):
        assert {found["subject"]["reference"], found["device"]["reference"]} <= set(urls)
        assert not ("dataAbsentReason" in found and any(key.startswith("value") for key in found))  # obs-6
    (provenance,) = resources(bundle, "Provenance")
    assert {target["reference"] for target in provenance["target"]} == set(urls[:-1])


@pytest.mark.parametrize("name", SIGNALS_AND_TABLES)
def test_every_resource_is_marked(generators: dict[str, Generator], tmp_path: Path, name: str) -> None:
    bundle = written(generators[name], tmp_path)
    for marked in (bundle, *(entry["resource"] for entry in bundle["entry"])):
        codes = {(code["system"].rpartition("/")[2], code["code"]) for code in marked["meta"]["security"]}
        assert codes == {("v3-ActReason", "HTEST"), ("v3-ObservationValue", "AIAST")}
    (patient,) = resources(bundle, "Patient")
    assert patient["name"] == [{"family": "SYNTHETIC", "given": ["PATIENT"]}]


def test_a_tables_row_is_an_observation_an_entry(generators: dict[str, Generator], tmp_path: Path) -> None:
    for index in range(20):  # some have missing entries
        path = tmp_path / f"{index}.json"
        FHIR.write(generators["ward"].series(1, seed=3, first=index), path, lambda done: None)
        found = observations(json.loads(path.read_text()))
        batch = generators["ward"].generate(1, seed=3, first=index)
        assert list(found) == ["smoker", "beds", "lactate", "stage", "outcome", "age"]
        assert found["smoker"]["valueCodeableConcept"]["text"] == batch.table["smoker"][0]
        assert found["beds"]["valueQuantity"]["value"] == batch.samples[0, 1]
        if np.isnan(batch.samples[0, 2]):
            assert found["lactate"]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        else:
            quantity = found["lactate"]["valueQuantity"]
            assert quantity["value"] == pytest.approx(float(batch.samples[0, 2]), rel=1e-5)
            assert (quantity["system"], quantity["code"]) == ("http://unitsofmeasure.org", "mmol/L")
        assert found["lactate"]["code"]["coding"] == [{"system": "http://loinc.org", "code": "2524-7"}]
        assert found["age"]["code"]["coding"] == [{"system": "http://loinc.org", "code": "30525-0"}]


def test_waves_are_sampled_data_within_half_a_step(generators: dict[str, Generator], tmp_path: Path) -> None:
    found = observations(written(generators["strips"], tmp_path))["strips"]
    assert [component["code"]["text"] for component in found["component"]] == ["II", "ABP"]
    assert found["component"][0]["code"]["coding"][0]["code"] == "131330"
    assert found["effectivePeriod"] == {"start": "1900-01-01T00:00:00.000Z", "end": "1900-01-01T00:00:10.240Z"}
    for component, wanted in zip(found["component"], sample(generators["strips"]), strict=True):
        sampled = component["valueSampledData"]
        assert sampled["period"] == 16
        words = sampled["data"].split(" ")
        assert [word == "E" for word in words] == np.isnan(wanted).tolist()
        values = np.array([float("nan") if word == "E" else float(word) for word in words])
        physical = values * sampled["factor"] + sampled["origin"]["value"]
        assert np.nanmax(np.abs(physical - wanted)) <= 0.5001 * sampled["factor"]


def test_slow_signals_are_an_observation_a_value_at_its_hour(generators: dict[str, Generator], tmp_path: Path) -> None:
    bundle = written(generators["stays"], tmp_path, sex="F")
    wanted = sample(generators["stays"], sex="F")
    rates = [found for found in resources(bundle, "Observation") if found["code"]["text"] == "HR"]
    assert len(rates) == (~np.isnan(wanted[0])).sum() < 48
    for found in rates:
        day, _, time = found["effectiveDateTime"].partition("T")
        hour = 24 * (int(day[-2:]) - 1) + int(time[:2])
        assert found["valueQuantity"]["value"] == pytest.approx(float(wanted[0, hour]), rel=1e-5)
        assert found["category"][0]["coding"][0]["code"] == "vital-signs"
    assert resources(bundle, "Patient")[0]["gender"] == "female"


def test_the_provenance_is_hashed_once_however_many_values_a_sample_has(
    generators: dict[str, Generator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[object] = []
    monkeypatch.setattr(records, "provenance_text", lambda known: hashed.append(known) or provenance_text(known))
    assert len(resources(written(generators["stays"], tmp_path), "Observation")) > 20
    assert len(hashed) == 1


def test_a_beats_class_stands_at_its_r_peak(generators: dict[str, Generator], tmp_path: Path) -> None:
    found = observations(written(generators["beats"], tmp_path, beat_class="V"))["beat_class"]
    assert found["effectiveDateTime"] == "1900-01-01T00:00:00.384Z"
    assert found["valueCodeableConcept"] == {"text": "V"}
    assert found["note"] == [{"text": "ventricular"}]


def test_a_quantity_of_a_known_name_and_another_unit_has_no_code() -> None:
    assert codings("Lactate", "mmol/L")
    assert codings("Lactate", "mg/dL") == []
