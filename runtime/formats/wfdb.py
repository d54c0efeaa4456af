"""WFDB, PhysioNet's format of signals: a header, 16-bit samples and annotations a record. Read by wfdb and rdsamp.

The mark and the provenance stand in comments of the header, the mark also in the first annotation. A missing sample is
-32768. There is no date. Formats: header(5), signal(5) and annot(5) of the WFDB Applications Guide.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

import numpy as np

from ..errors import RequestError
from ..provenance import STATEMENT
from ..schema import Channel, Schema, SignalSchema
from .base import only_signals
from .digital import HIGH, LOW, Scale, digital_channels
from .events import events
from .records import Record, RecordFormat
from .text import ascii_text, plain
from .wfdb_annotations import annotation_bytes

_UNITS = {"mm[Hg]": "mmHg", "1": "NU", "Cel": "degC", "/min": "1/min"}  # UCUM and what PhysioNet's records say
_MAX_LINE = 255
_MAX_BASELINE = 2**31 - 2**16
_GAIN_DIGITS = 7


def wfdb_scale(channel: Channel) -> tuple[float, int, Scale]:
    """Gain in digits per unit, baseline, and the scale they stand for, of a channel.

    The gain has few digits, so that header and samples agree to the last bit; a baseline has 32 bits, which limits
    the gain where a range is narrow and far from zero.
    """
    middle = channel.minimum / 2 + channel.maximum / 2
    half = channel.maximum / 2 - channel.minimum / 2
    gain = (HIGH - LOW - 1) / 2 / half
    if abs(middle) * gain > _MAX_BASELINE:
        gain = _MAX_BASELINE / abs(middle)
    gain = float(f"{gain * (1 - 10 ** (1 - _GAIN_DIGITS)):.{_GAIN_DIGITS}g}")
    baseline = -round(middle * gain)
    return gain, baseline, Scale(1 / gain, -baseline / gain)


def _encode(record: Record) -> tuple[bytes, ...]:
    schema = record.schema
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the format refuses others
    scales = [wfdb_scale(channel) for channel in schema.channels]
    digital = digital_channels(record, schema, [scale for _, _, scale in scales])
    rate = plain(Decimal(repr(schema.sampling_rate_hz)))
    lines = [f"{record.name} {len(schema.channels)} {rate} {schema.length}"]
    for channel, row, (gain, baseline, _) in zip(schema.channels, digital, scales, strict=True):
        checksum = int(np.sum(row, dtype=np.int64).astype(np.int16))
        line = f"{record.name}.dat 16 {gain!r}({baseline})/{_unit(channel.unit)} 16 0 {row[0]} {checksum} 0 "
        lines.append(line + ascii_text(channel.name, _MAX_LINE - len(line)))
    lines += [f"# {STATEMENT}", *_comments(record)]
    header = "".join(f"{line}\n" for line in lines)
    return digital.T.astype("<i2").tobytes(), annotation_bytes(events(record, schema)), header.encode("ascii")


def _comments(record: Record) -> list[str]:
    """Provenance and conditions, one `# name: JSON` a line."""
    facts = {name: value for name, value in record.provenance.items() if name != "statement"}
    facts |= {f"condition {name}": value for name, value in record.conditions.items()}
    return [ascii_text(f"# {name}: {json.dumps(value)}", _MAX_LINE) for name, value in facts.items()]


def _unit(unit: str) -> str:
    """A unit without what ends the field or what wfdb takes for its end."""
    return _UNITS.get(unit) or re.sub(r"[^A-Za-z0-9_^?%/-]", "_", unit)[:32] or "NU"


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", name):
        raise RequestError(f"a WFDB record is called by letters, digits, - and _, at most 50, and not {name!r}")


def _bytes(schema: Schema) -> int:
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the format refuses others
    return 2 * len(schema.channels) * schema.length + 80 * len(schema.channels) + 620


WFDB = RecordFormat(
    "wfdb",
    (".dat", ".atr", ".hea"),
    only_signals,
    _encode,
    _bytes,
    check_name=_check_name,
    listing="RECORDS",
)
