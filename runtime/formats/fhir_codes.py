"""LOINC and MDC codes of quantities whose name and unit leave no doubt; whatever else is called by its name alone.

LOINC as FHIR R4's vital signs and the LOINC database (2.77) give them, of no method where there is such a code; MDC as
ISO/IEEE 11073-10101 gives them.
"""

from __future__ import annotations

from typing import Any

LOINC, MDC = "http://loinc.org", "urn:iso:std:iso:11073:10101"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

_VITAL_SIGNS = {
    ("hr", "/min"): ("8867-4",),
    ("heart_rate", "/min"): ("8867-4",),
    ("resprate", "/min"): ("9279-1",),
    ("respiratory_rate", "/min"): ("9279-1",),
    ("sao2", "%"): ("2708-6",),
    ("spo2", "%"): ("2708-6", "59408-5"),
    ("temp", "Cel"): ("8310-5",),
    ("sysabp", "mm[Hg]"): ("76215-3",),
    ("diasabp", "mm[Hg]"): ("76213-8",),
    ("map", "mm[Hg]"): ("76214-6",),
    ("nisysabp", "mm[Hg]"): ("8480-6",),
    ("nidiasabp", "mm[Hg]"): ("8462-4",),
    ("nimap", "mm[Hg]"): ("8478-0",),
    ("weight", "kg"): ("29463-7",),
}
_LABORATORY = {
    ("na", "meq/L"): ("2951-2",),
    ("k", "meq/L"): ("2823-3",),
    ("mg", "mg/dL"): ("19123-9",),
    ("hco3", "mmol/L"): ("1963-8",),
    ("bun", "mg/dL"): ("3094-0",),
    ("creatinine", "mg/dL"): ("2160-0",),
    ("glucose", "mg/dL"): ("2345-7",),
    ("lactate", "mmol/L"): ("2524-7",),
    ("hct", "%"): ("20570-8",),
    ("wbc", "10*3/uL"): ("26464-8",),
    ("platelets", "10*3/uL"): ("26515-7",),
    ("alp", "U/L"): ("6768-6",),
    ("alt", "U/L"): ("1742-6",),
    ("ast", "U/L"): ("1920-8",),
    ("bilirubin", "mg/dL"): ("1975-2",),
    ("albumin", "g/dL"): ("1751-7",),
    ("troponint", "ug/L"): ("6598-7",),
    ("cholesterol", "mg/dL"): ("2093-3",),
    ("ph", "[pH]"): ("2744-1",),
    ("pao2", "mm[Hg]"): ("2703-7",),
    ("paco2", "mm[Hg]"): ("2019-8",),
}
_OTHERS = {("age", "a"): ("30525-0",), ("gcs", "{score}"): ("9269-2",), ("urine", "mL"): ("9187-6",)}
_WAVES = {
    **{("I", "mV"): "131329", ("II", "mV"): "131330", ("III", "mV"): "131389"},
    **{("aVR", "mV"): "131390", ("aVL", "mV"): "131391", ("aVF", "mV"): "131392", ("V", "mV"): "131395"},
    **{(f"V{number}", "mV"): str(131330 + number) for number in range(1, 7)},
    **{("PLETH", "1"): "150452", ("ABP", "mm[Hg]"): "150036", ("ART", "mm[Hg]"): "150032"},
}
_CODES: dict[tuple[str, str], tuple[str, ...]] = {**_VITAL_SIGNS, **_LABORATORY, **_OTHERS}
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


def codings(name: str, unit: str) -> list[dict[str, str]]:
    """LOINC's codes for a quantity; none where its name and unit are not known."""
    return [{"system": LOINC, "code": code} for code in _CODES.get((name.lower(), unit), ())]


def category(name: str, unit: str) -> dict[str, Any]:
    """The `category` field of an Observation; empty where it is not known."""
    place = (name.lower(), unit)
    code = "vital-signs" if place in _VITAL_SIGNS else "laboratory" if place in _LABORATORY else ""
    return {"category": [{"coding": [{"system": _CATEGORY, "code": code}]}]} if code else {}


def wave_codings(name: str, unit: str) -> list[dict[str, str]]:
    """MDC's code for a wave; none where its name and unit are not known."""
    code = _WAVES.get((name, unit))
    return [{"system": MDC, "code": code}] if code else []


def gender(value: str) -> str | None:
    """FHIR's word for a sex as datasets write it."""
    return _SEXES.get(value.lower())
