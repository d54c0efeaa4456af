"""The part of a DICOM object that is an ECG: General or Ambulatory ECG Waveform Storage, 16 bits (PS3.3 A.34, C.10)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..schema import Channel, SignalSchema
from .digital import HIGH, MISSING, Scale, digital_channels
from .events import events
from .records import Record
from .text import cut, unicode_text

NO_DATE, NO_TIME = "19000101", "000000"
"""Synthetic data have no date, DICOM demands one, and this one is taken for none."""

_GENERAL, _AMBULATORY = "1.2.840.10008.5.1.4.1.1.9.1.2", "1.2.840.10008.5.1.4.1.1.9.1.3"
_GENERAL_FROM_HZ, _FROM_HZ, _TO_HZ = 200, 50, 1000
_MAX_CHANNELS = 24
_MAX_TEXT = 1024
_UNITS = {"V": "volt", "mV": "millivolt", "uV": "microvolt"}
_LEADS = {  # context group 3001
    **{"I": ("2:1", "Lead I"), "II": ("2:2", "Lead II"), "III": ("2:61", "Lead III")},
    "aVR": ("2:62", "aVR, augmented voltage, right"),
    "aVL": ("2:63", "aVL, augmented voltage, left"),
    "aVF": ("2:64", "aVF, augmented voltage, foot"),
    **{f"V{number}": (f"2:{number + 2}", f"Lead V{number}") for number in range(1, 7)},
    "MLII": ("2:126", "Modified limb lead"),
    "V": ("2:86", "Chest lead"),
}
_UNSPECIFIED = ("2:0", "Unspecified lead")

Item = Callable[[], Any]


def ecg_refusal(schema: SignalSchema) -> str:
    """Why a signal is no ECG that DICOM holds."""
    other = next((channel for channel in schema.channels if channel.unit not in _UNITS), None)
    if other is not None:
        return f"of signals it holds ECGs, and {other.name} is in {other.unit}"
    if len(schema.channels) > _MAX_CHANNELS:
        return f"it holds at most {_MAX_CHANNELS} leads"
    if not _FROM_HZ <= schema.sampling_rate_hz <= _TO_HZ:
        return f"it holds ECGs of {_FROM_HZ} to {_TO_HZ} Hz"
    return ""


def add_ecg(item: Item, dataset: Any, record: Record) -> None:
    """Fill in what an ECG has into what every object has; `item` makes an empty dataset."""
    schema = record.schema
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the format refuses others
    dataset.SOPClassUID = _GENERAL if schema.sampling_rate_hz >= _GENERAL_FROM_HZ else _AMBULATORY
    dataset.Modality = "ECG"
    dataset.ContentDate, dataset.ContentTime = NO_DATE, NO_TIME
    dataset.AcquisitionDateTime = NO_DATE + NO_TIME
    dataset.AcquisitionContextSequence = []
    dataset.WaveformSequence = [_group(item, record, schema)]
    dataset.WaveformAnnotationSequence = _annotations(item, record, schema)


def ecg_scale(channel: Channel) -> Scale:
    """The scale of a channel, of numbers that sixteen characters hold; it reaches both ends of the range."""
    offset = float(f"{(channel.minimum + channel.maximum) / 2:.9g}")
    step = max(channel.maximum - offset, offset - channel.minimum) / HIGH
    return Scale(float(f"{step * (1 + 1e-8):.9g}"), offset)


def _group(item: Item, record: Record, schema: SignalSchema) -> Any:
    group = item()
    group.WaveformOriginality = "DERIVED"
    group.NumberOfWaveformChannels = len(schema.channels)
    group.NumberOfWaveformSamples = schema.length
    group.SamplingFrequency = f"{schema.sampling_rate_hz:.10g}"
    group.MultiplexGroupLabel = "SYNTHETIC"
    scales = [ecg_scale(channel) for channel in schema.channels]
    digital = digital_channels(record, schema, scales)
    group.ChannelDefinitionSequence = [
        _channel(item, channel, scale) for channel, scale in zip(schema.channels, scales, strict=True)
    ]
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.add_new("WaveformPaddingValue", "OW", struct.pack("<h", MISSING))
    group.add_new("WaveformData", "OW", digital.T.astype("<i2").tobytes())
    return group


def _channel(item: Item, channel: Channel, scale: Scale) -> Any:
    definition = item()
    definition.ChannelLabel = cut(unicode_text(channel.name, 99).replace("\\", "/"), 16).strip()
    definition.ChannelSourceSequence = [_code(item, "MDC", *_LEADS.get(channel.name, _UNSPECIFIED))]
    definition.ChannelSensitivity = f"{scale.step:.9g}"
    definition.ChannelSensitivityUnitsSequence = [_code(item, "UCUM", channel.unit, _UNITS[channel.unit])]
    definition.ChannelSensitivityCorrectionFactor = "1"
    definition.ChannelBaseline = f"{scale.offset:.9g}"
    definition.ChannelSampleSkew = "0"
    definition.WaveformBitsStored = 16
    return definition


def _code(item: Item, scheme: str, value: str, meaning: str) -> Any:
    code = item()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _annotations(item: Item, record: Record, schema: SignalSchema) -> list[Any]:
    annotations = []
    for event in events(record, schema):
        annotation = item()
        annotation.UnformattedTextValue = unicode_text(event.text, _MAX_TEXT)
        annotation.ReferencedWaveformChannels = [1, 0]  # every channel of the first group
        if event.kind == "event":
            annotation.TemporalRangeType = "POINT"
            annotation.ReferencedSamplePositions = [event.sample + 1]  # the first sample is 1
        annotations.append(annotation)
    return annotations
