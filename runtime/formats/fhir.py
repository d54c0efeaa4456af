"""FHIR R4: one transaction Bundle a sample, of a Patient, Observations, and the Device and Provenance that made them.

A table's entry is an Observation, missing ones with a reason; so is every value of a signal slower than 1 Hz, where
nothing stands for what is missing. Faster signals are SampledData, `E` where missing. Conditions are Observations too.
Every resource is marked in `meta.security`, HTEST and AIAST; the provenance stands in the Device's note. Synthetic data
have no date: the first sample is at midnight on 1 January 1900.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from ..errors import GateError
from ..provenance import MARK, STATEMENT, edgeward_version, provenance_text
from ..schema import CategoryColumn, ClassCondition, ImageSchema, Schema, SignalSchema, TableSchema
from .digital import HIGH, MISSING, Scale, digital_channels
from .events import place_of
from .fhir_codes import category, codings, gender, wave_codings
from .records import Record, RecordFormat
from .text import patient_id, unicode_text, uuid_of

_START = datetime(1900, 1, 1, tzinfo=timezone.utc)
_WAVE_FROM_HZ = 1.0
_LONGEST_S = 1e9
_MAX_TEXT = 1000
_UCUM = "http://unitsofmeasure.org"
_CODE_SYSTEMS = "http://terminology.hl7.org/CodeSystem"
_MARKS = [
    {"system": f"{_CODE_SYSTEMS}/v3-ActReason", "code": "HTEST", "display": "test health data"},
    {
        "system": f"{_CODE_SYSTEMS}/v3-ObservationValue",
        "code": "AIAST",
        "display": "Artificial Intelligence asserted",
    },
]
_META = {"security": _MARKS}
_ABSENT = {"coding": [{"system": f"{_CODE_SYSTEMS}/data-absent-reason", "code": "unknown"}]}

Resource = dict[str, Any]


def _encode(record: Record) -> tuple[bytes, ...]:
    patient, device = (f"urn:uuid:{uuid_of(record, role)}" for role in ("fhir patient", "fhir device"))
    observed = [
        {"subject": {"reference": patient}, "device": {"reference": device}, **found} for found in _observations(record)
    ]
    entries = [(patient, _patient(record)), (device, _device(record))]
    entries += [(f"urn:uuid:{uuid_of(record, f'observation {n}')}", found) for n, found in enumerate(observed)]
    entries.append((f"urn:uuid:{uuid_of(record, 'fhir provenance')}", _provenance(device, [url for url, _ in entries])))
    bundle = {
        "resourceType": "Bundle",
        "meta": _META,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid_of(record, 'fhir bundle')}"},
        "type": "transaction",
        "entry": [
            {
                "fullUrl": url,
                "resource": {"resourceType": resource["resourceType"], "meta": _META, **resource},
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for url, resource in entries
        ],
    }
    return (json.dumps(bundle, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n",)


def _patient(record: Record) -> Resource:
    known = dict(record.conditions)
    if isinstance(record.schema, TableSchema):
        known |= {name: entries[0] for name, entries in record.schema.readable(record.values[None]).items()}
    sex = gender(str(known.get("sex", "")))
    return {
        "resourceType": "Patient",
        "identifier": [{"value": patient_id(record)}],
        "name": [{"family": MARK, "given": ["PATIENT"]}],
        **({"gender": sex} if sex else {}),
    }


def _device(record: Record) -> Resource:
    return {
        "resourceType": "Device",
        "identifier": [{"value": f"sha256:{record.provenance['bundle_sha256']}"}],
        "manufacturer": "Edgeward",
        "deviceName": [{"name": _text(str(record.provenance["bundle"])), "type": "model-name"}],
        "version": [{"value": f"edgeward {edgeward_version()}"}],
        "type": {"text": "generator of synthetic data"},
        "note": [{"text": STATEMENT}, {"text": provenance_text(record.provenance)}],
    }


def _provenance(device: str, targets: list[str]) -> Resource:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": _time(0.0),
        "reason": [{"coding": [marking]} for marking in _MARKS],
        "agent": [{"who": {"reference": device}}],
    }


def _observations(record: Record) -> Iterator[Resource]:
    schema = record.schema
    if isinstance(schema, TableSchema):
        yield from _table(record, schema)
    elif isinstance(schema, SignalSchema):
        yield from [_wave(record, schema)] if schema.sampling_rate_hz >= _WAVE_FROM_HZ else _series(record, schema)
    for condition in schema.conditions:
        value = record.conditions[condition.name]
        if isinstance(condition, ClassCondition):
            meaning = condition.meanings[condition.values.index(str(value))]
            place = place_of(condition, schema)
            at_s = place / schema.sampling_rate_hz if place and isinstance(schema, SignalSchema) else 0.0
            found = _observation(condition.name, "", at_s, _concept(str(value)))
            yield found | ({"note": [{"text": _text(meaning)}]} if meaning.strip() else {})
        else:
            yield _observation(condition.name, condition.unit, 0.0, _quantity(float(value), condition.unit))


def _table(record: Record, schema: TableSchema) -> Iterator[Resource]:
    _check_finite(record)
    for column, value in zip(schema.columns, record.values.tolist(), strict=True):
        unit = "" if isinstance(column, CategoryColumn) else column.unit
        if math.isnan(value):
            entry: Resource = {"dataAbsentReason": _ABSENT}
        elif isinstance(column, CategoryColumn):
            entry = _concept(column.value_of(value))
        else:
            entry = _quantity(value, unit)
        yield _observation(column.name, unit, 0.0, entry)


def _check_finite(record: Record) -> None:
    if np.isinf(record.values).any():
        raise GateError(f"sample {record.index}: a value is infinite, which FHIR has no word for")


def _series(record: Record, schema: SignalSchema) -> Iterator[Resource]:
    """Of a signal so slow that each value is an event: point by point, each channel that is known then."""
    _check_finite(record)
    for point, values in enumerate(record.values.T.tolist()):
        for channel, value in zip(schema.channels, values, strict=True):
            if not math.isnan(value):
                time_s = point / schema.sampling_rate_hz
                yield _observation(channel.name, channel.unit, time_s, _quantity(value, channel.unit))


def _wave(record: Record, schema: SignalSchema) -> Resource:
    scales = [Scale((c.maximum - c.minimum) / (2 * HIGH), (c.maximum + c.minimum) / 2) for c in schema.channels]
    digital = digital_channels(record, schema, scales)
    components = []
    for channel, scale, row in zip(schema.channels, scales, digital.tolist(), strict=True):
        sampled = {
            "origin": _quantity(scale.offset, channel.unit, digits=17)["valueQuantity"],
            "period": 1000 / schema.sampling_rate_hz,
            "factor": scale.step,
            "dimensions": 1,
            "data": " ".join("E" if value == MISSING else str(value) for value in row),
        }
        code = _code(channel.name, wave_codings(channel.name, channel.unit))
        components.append({"code": code, "valueSampledData": sampled})
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": _code(schema.name, []),
        "effectivePeriod": {"start": _time(0.0), "end": _time(schema.duration_s)},
        "component": components,
    }


def _observation(name: str, unit: str, time_s: float, value: Mapping[str, Any]) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        **category(name, unit),
        "code": _code(name, codings(name, unit)),
        "effectiveDateTime": _time(time_s),
        **value,
    }


def _code(name: str, codes: list[dict[str, str]]) -> Resource:
    return {**({"coding": codes} if codes else {}), "text": _text(name)}


def _concept(value: str) -> Resource:
    return {"valueCodeableConcept": {"text": _text(value)}}


def _quantity(value: float, unit: str, digits: int = 6) -> Resource:
    quantity: Resource = {"value": float(f"{value:.{digits}g}")}
    if unit.strip():
        quantity["unit"] = _text(unit)
    if unit.isascii() and unit.isprintable() and unit and " " not in unit:
        quantity |= {"system": _UCUM, "code": unit}
    return {"valueQuantity": quantity}


def _text(text: str) -> str:
    """A string as FHIR allows it: not empty, no control characters."""
    return unicode_text(text, _MAX_TEXT).strip() or "(empty)"


def _time(after_s: float) -> str:
    return (_START + timedelta(seconds=after_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refusal(schema: Schema) -> str:
    if isinstance(schema, ImageSchema):
        return "they are images"
    if isinstance(schema, SignalSchema) and schema.duration_s > _LONGEST_S:
        return "its dates do not reach as far as the signal"
    return ""


def _bytes(schema: Schema) -> int:
    numbers = int(np.prod(schema.shape))
    waves = isinstance(schema, SignalSchema) and schema.sampling_rate_hz >= _WAVE_FROM_HZ
    return (7 if waves else 900) * numbers + 900 * len(schema.conditions) + 4000


FHIR = RecordFormat("fhir", (".json",), _refusal, _encode, _bytes)
