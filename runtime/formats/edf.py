"""EDF+: one file a sample, signals as 16-bit integers, conditions as annotations. Read by EDFbrowser, MNE, edfio.

The mark stands in the patient and recording fields, at every signal and in the first annotation, the provenance in the
last. A missing sample is the smallest integer, whose physical value is below the channel's range; an annotation says
so. There is no date: EDF+ wants 01.01.85 where there is none. Kemp and Olivan, Clin Neurophysiol 114 (2003) 1755;
https://www.edfplus.info/specs/edfplus.html.
"""

from __future__ import annotations

import numpy as np

from ..provenance import MARK, edgeward_version, provenance_text
from ..schema import Schema, SignalSchema
from .digital import HIGH, MISSING, digital_channels
from .edf_header import Blocks, Range, edf_blocks, edf_labels, edf_range
from .events import events
from .records import Record, RecordFormat
from .text import ascii_text, plain, unicode_text

_UNITS = {"mm[Hg]": "mmHg", "1": "", "Cel": "degC"}  # UCUM and what EDF+ calls it
_MAX_CHANNELS = 500
_MAX_TEXT = 1000
_ANNOTATIONS = "EDF Annotations"


def _encode(record: Record) -> tuple[bytes, ...]:
    schema = record.schema
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the format refuses others
    ranges, blocks = _ranges(schema), edf_blocks(schema)
    assert blocks is not None  # noqa: S101 - the format refuses such signals
    digital = digital_channels(record, schema, [found.scale for found in ranges])
    first, starts = _annotations(record, schema), [_onset(number, blocks) for number in range(blocks.count)]
    starts[0] += first
    room = -(-max(map(len, starts)) // 2) * 2
    content = bytearray(_header(schema, ranges, blocks, room // 2))
    for number, start in enumerate(starts):
        part = digital[:, number * blocks.length : (number + 1) * blocks.length]
        content += np.ascontiguousarray(part, "<i2").tobytes() + start.ljust(room, b"\0")
    return (bytes(content),)


def _onset(number: int, blocks: Blocks) -> bytes:
    """The annotation that begins every block and says when it does."""
    return f"+{plain(number * blocks.duration_s)}\x14\x14\0".encode()


def _annotations(record: Record, schema: SignalSchema) -> bytes:
    texts = [(event.sample / schema.sampling_rate_hz, event.text) for event in events(record, schema)]
    texts += [(0.0, f"{c.name}: {MISSING} is missing") for c in schema.channels if c.may_be_missing]
    shown = [(onset_s, unicode_text(text, _MAX_TEXT)) for onset_s, text in texts]
    shown.append((0.0, "provenance: " + provenance_text(record.provenance)))
    onsets = [f"{onset_s:.9f}".rstrip("0").rstrip(".") for onset_s, _ in shown]
    return b"".join(f"+{onset}\x14{text}\x14\0".encode() for onset, (_, text) in zip(onsets, shown, strict=True))


def _header(schema: SignalSchema, ranges: list[Range], blocks: Blocks, annotation_length: int) -> bytes:
    channels = schema.channels
    count = len(channels) + 1
    general = [
        ("0", 8),
        (f"{MARK} X X X", 80),
        (f"Startdate X X X {MARK}_edgeward_{edgeward_version()}", 80),
        ("01.01.85", 8),
        ("00.00.00", 8),
        (str(256 * (count + 1)), 8),
        ("EDF+C", 44),
        (str(blocks.count), 8),
        (plain(blocks.duration_s), 8),
        (str(count), 4),
    ]
    columns: list[tuple[list[str], int]] = [
        ([*edf_labels([channel.name for channel in channels]), _ANNOTATIONS], 16),
        ([*(f"{MARK}, {channel.name}" for channel in channels), ""], 80),
        ([*(_UNITS.get(channel.unit, channel.unit) for channel in channels), ""], 8),
        ([*(plain(found.minimum) for found in ranges), "-1"], 8),
        ([*(plain(found.maximum) for found in ranges), "1"], 8),
        ([*(str(found.lowest) for found in ranges), str(MISSING)], 8),
        ([*(str(HIGH) for _ in ranges), str(HIGH)], 8),
        (["" for _ in range(count)], 80),
        ([*(str(blocks.length) for _ in channels), str(annotation_length)], 8),
        (["" for _ in range(count)], 32),
    ]
    fields = general + [(text, width) for texts, width in columns for text in texts]
    return "".join(ascii_text(text, width).ljust(width) for text, width in fields).encode("ascii")


def _ranges(schema: SignalSchema) -> list[Range]:
    return [found for channel in schema.channels if (found := edf_range(channel))]


def _refusal(schema: Schema) -> str:
    if not isinstance(schema, SignalSchema):
        return "it holds signals"
    if len(schema.channels) > _MAX_CHANNELS:
        return f"it holds at most {_MAX_CHANNELS} channels"
    for channel in schema.channels:
        if edf_range(channel) is None:
            return f"the range of {channel.name} cannot be said in its eight characters"
    return "" if edf_blocks(schema) else "the signal cannot be cut into its blocks"


def _bytes(schema: Schema) -> int:
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the format refuses others
    return 2 * len(schema.channels) * schema.length + 256 * (len(schema.channels) + 2) + 900


EDF = RecordFormat("edf", (".edf",), _refusal, _encode, _bytes)
