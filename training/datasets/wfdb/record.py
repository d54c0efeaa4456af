"""Read the header and the signals of any WFDB record, trusting neither.

The `wfdb` package answers damaged files with whatever exception the damage happens to cause, or with a
plausible but wrong array. So what can be checked is checked before it reads, and each read is wrapped alone.
No network is used: names are checked to be local files first. Format: WFDB Applications Guide, Moody G,
header(5) and signal(5).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import wfdb

from ....runtime.errors import DataError

_MAX_HEADER_BYTES = 64 * 1024  # the largest of the public databases has some thousand bytes
_MAX_SIGNALS = 64
_FILE_NAME = re.compile(r"[\w-][\w.-]*")  # in the record's own folder
_BITS_PER_SAMPLE = {"16": 16, "212": 12}

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Origin:
    """Which record is wanted, as an error message says it."""

    what: str
    """E.g. `an MIT-BIH Arrhythmia Database record`."""
    remedy: str
    """E.g. `copy the record again from …`."""


@dataclass(frozen=True)
class WfdbSignal:
    """One signal as the header describes it."""

    name: str
    unit: str
    file_name: str
    format: str
    """`16` or `212`."""
    gain: float
    """Converter's steps per unit, above 0."""
    checksum: int | None
    """Of all samples, modulo 2**16; None where the header has none."""


@dataclass(frozen=True)
class WfdbHeader:
    """What a record is, checked as far as can be without its signals."""

    path: Path
    """Of the header itself."""
    origin: Origin
    sampling_rate_hz: float
    length: int
    """Samples of each signal; 0 where there are no signals."""
    signals: tuple[WfdbSignal, ...]
    comments: tuple[str, ...]
    """Lines after the signals, without `#`."""

    @property
    def name(self) -> str:
        """The record's name."""
        return self.path.stem

    def foreign(self, why: str) -> DataError:
        """The error for a record that is whole, but not of the kind that is wanted."""
        return DataError(f"{self.path} is not the header of {self.origin.what}: {why}; {self.origin.remedy}")


def read_header(folder: Path, name: str, origin: Origin) -> WfdbHeader:
    """Read `name`.hea.

    Raises:
        DataError: It is missing, damaged, no header, or describes what is not read: several segments, several samples a
            frame, formats other than 16 and 212, signals that begin late, files elsewhere.
    """
    path = folder.resolve() / f"{name}.hea"
    content = bytes_of(path, origin, at_most=_MAX_HEADER_BYTES)
    if b"\0" in content or not content.isascii():
        raise DataError(f"{path} is not a WFDB header: it is not plain text; {origin.remedy}")
    found = wrapped(lambda: wfdb.rdheader(str(path.with_suffix(""))), f"{path} is not a WFDB header", origin)
    bare = WfdbHeader(path, origin, 0.0, 0, (), tuple(found.comments or ()))
    if not isinstance(found, wfdb.Record):
        raise bare.foreign("it does not describe one segment")
    rate = float(found.fs or 0.0)
    if not 0.0 < rate < math.inf:
        raise bare.foreign(f"its sampling rate is {rate:g} Hz")
    described = len(found.sig_name or ())
    if found.n_sig != described or described > _MAX_SIGNALS:
        raise bare.foreign(f"it announces {found.n_sig} signals and describes {described}, {_MAX_SIGNALS} at most")
    signals = tuple(_signal(bare, found, number) for number in range(described))
    if signals and (found.sig_len or 0) < 1:
        raise bare.foreign("it does not say how long its signals are")
    return WfdbHeader(path, origin, rate, int(found.sig_len or 0) if signals else 0, signals, bare.comments)


def _signal(bare: WfdbHeader, found: Any, number: int) -> WfdbSignal:
    name = str(found.sig_name[number] or "")
    if found.fmt[number] not in _BITS_PER_SAMPLE:
        read = " and ".join(_BITS_PER_SAMPLE)
        raise bare.foreign(f"{name or number} is of format {found.fmt[number]}, and only {read} are read")
    if found.samps_per_frame[number] not in (None, 1):
        raise bare.foreign(f"{name or number} has {found.samps_per_frame[number]} samples a frame, not 1")
    if found.skew[number] or found.byte_offset[number]:
        raise bare.foreign(f"{name or number} does not begin where its file begins")
    gain = float(found.adc_gain[number])
    if not 0.0 < gain < math.inf:
        raise bare.foreign(f"{name or number} has a gain of {gain:g} steps a unit, not a positive one")
    if not _FILE_NAME.fullmatch(str(found.file_name[number])):
        raise bare.foreign(f"{name or number} is in {found.file_name[number]!r}, not a file beside the header")
    checksum = found.checksum[number]
    return WfdbSignal(
        # Some publishers leave the comma of a list in the names.
        name=name.rstrip(","),
        unit=str(found.units[number] or ""),
        file_name=str(found.file_name[number]),
        format=str(found.fmt[number]),
        gain=gain,
        checksum=None if checksum is None else int(checksum),
    )


def read_signals(header: WfdbHeader) -> npt.NDArray[np.float64]:
    """The signals [signals, length] in their units, NaN where a sample is marked as invalid.

    Raises:
        DataError: A file is missing, its size is not that of the header's samples, or its samples do not add up to the
            header's checksum.
    """
    for file_name in dict.fromkeys(signal.file_name for signal in header.signals):
        _check_size(header, file_name)
    data_path = header.path.with_name(header.signals[0].file_name)
    record = wrapped(
        # 16 bits hold every sample of the formats that are read, in a quarter of the memory.
        lambda: wfdb.rdrecord(str(header.path.with_suffix("")), physical=False, return_res=16),
        f"{data_path} cannot be read as WFDB signals",
        header.origin,
    )
    for number, signal in enumerate(header.signals):
        found = int(record.d_signal[:, number].sum(dtype=np.int64))
        if signal.checksum is not None and (found - signal.checksum) % 2**16:
            raise DataError(
                f"{header.path.with_name(signal.file_name)} is damaged: the samples of {signal.name} do not add up to "
                f"the checksum in its header; {header.origin.remedy}"
            )
    return np.asarray(record.dac(), dtype=np.float64).T


def refuse_invalid(header: WfdbHeader, signals: npt.NDArray[np.float64]) -> None:
    """Refuse a record with a sample that is marked as invalid.

    Raises:
        DataError: There is one; the message says of which signal, and when.
    """
    for described, samples in zip(header.signals, signals, strict=True):
        invalid = np.flatnonzero(~np.isfinite(samples))
        if len(invalid):
            raise DataError(
                f"{header.path.with_name(described.file_name)}: {described.name} has {len(invalid)} invalid samples, "
                f"the first at sample {invalid[0]} ({invalid[0] / header.sampling_rate_hz:.2f} s); leave this record "
                "out or mend it"
            )


def _check_size(header: WfdbHeader, file_name: str) -> None:
    path = header.path.with_name(file_name)
    within = [signal for signal in header.signals if signal.file_name == file_name]
    if len({signal.format for signal in within}) > 1:
        raise header.foreign(f"the signals in {file_name} are of several formats")
    bits = header.length * len(within) * _BITS_PER_SAMPLE[within[0].format]
    expected = (bits + 7) // 8
    # Format 212 packs two samples into three bytes: a last one that is alone may fill two or three.
    allowed = {expected, 3 * ((bits + 23) // 24)} if within[0].format == "212" else {expected}
    if not path.is_file():
        raise DataError(f"{path} is missing, though its header is there; {header.origin.remedy}")
    found = path.stat().st_size
    if found not in allowed:
        kind = "truncated" if found < expected else "too long"
        raise DataError(f"{path} is {kind}: {found} bytes, its header says {expected}; {header.origin.remedy}")


def bytes_of(path: Path, origin: Origin, at_most: int | None = None) -> bytes:
    """The bytes of a file of a record.

    Raises:
        DataError: It is missing, cannot be read, or is larger than a header may be.
    """
    try:
        if at_most is not None and path.stat().st_size > at_most:
            raise DataError(f"{path} is not a WFDB header: it is larger than {at_most} bytes; {origin.remedy}")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {origin.remedy}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def wrapped(read: Callable[[], _Result], failure: str, origin: Origin) -> _Result:
    """What a call of the `wfdb` package gives, any of its exceptions turned into a DataError that says `failure`."""
    try:
        return read()
    except OSError as error:
        raise DataError(f"{failure}: {error.strerror or error}") from error
    except Exception as error:  # wfdb raises IndexError, KeyError, ValueError … on junk, and promises none of them
        raise DataError(f"{failure}; {origin.remedy}") from error
