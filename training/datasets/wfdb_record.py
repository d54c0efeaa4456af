"""Read one MIT-BIH record (header, signals, beat annotations) from WFDB files, trusting none of them.

The `wfdb` package answers damaged files with whatever exception the damage happens to cause, or with a
plausible but wrong array. So what can be checked is checked before it reads, and each read is wrapped alone.
No network is used: names are checked to be local files first. Format: WFDB Applications Guide, Moody G,
header(5), signal(5) and annot(5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import wfdb

from ...runtime.errors import DataError

RECORD_RATE_HZ = 360
_FORMAT = "212"
_MAX_HEADER_BYTES = 64 * 1024  # the largest of the database has 500 bytes
_MIN_DURATION_S = 10  # the baseline filter needs some seconds to either side
_FIRST_LEAD = "MLII"
_PERSON = re.compile(r"(-?\d+) ([FM]) ")  # of the first comment, e.g. `69 M 1085 1629 x1`; -1 is no age
_CHEST_LEAD = re.compile(r"V[1-6]")
_REMEDY = "copy the record again from https://physionet.org/content/mitdb/1.0.0/"

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class BeatRecord:
    """One recording of one patient."""

    name: str
    signal: npt.NDArray[np.float64]
    """[2, samples] in mV at `RECORD_RATE_HZ`, MLII first, baseline and all; every sample is valid."""
    chest_lead: str
    """Which lead the second row is, e.g. `V1`."""
    annotated_samples: npt.NDArray[np.int64]
    """[annotations], in order, each inside the record."""
    symbols: npt.NDArray[np.str_]
    """[annotations], MIT-BIH symbols; not only of beats."""
    age: int | None
    """In years; None where the header does not tell."""
    sex: str
    """`F`, `M`, or '' where the header does not tell."""


def read_record(folder: Path, name: str) -> BeatRecord:
    """Read `name`.hea, .dat and .atr.

    Raises:
        DataError: A file is missing, truncated, damaged, or not of an MIT-BIH two-lead record with MLII; the
            message names the file, the cause and the remedy.
    """
    path = folder.resolve() / name
    header_path, annotation_path = Path(f"{path}.hea"), Path(f"{path}.atr")
    header = _read_header(header_path)
    leads = _leads_mlii_first(header_path, header)
    length = int(header.sig_len)
    signal = _read_signal(path, header, leads)
    samples, symbols = _read_annotations(annotation_path, length)
    return BeatRecord(name, signal, str(header.sig_name[leads[1]]), samples, symbols, *_person(header))


def _read_header(path: Path) -> Any:
    content = _bytes_of(path, at_most=_MAX_HEADER_BYTES)
    if b"\0" in content or not content.isascii():
        raise DataError(f"{path} is not a WFDB header: it is not plain text; {_REMEDY}")
    header = _wrapped(lambda: wfdb.rdheader(str(path.with_suffix(""))), f"{path} is not a WFDB header")
    if not isinstance(header, wfdb.Record) or header.n_sig != 2 or len(header.sig_name or ()) != 2:
        raise _foreign(path, "it does not describe one segment of two signals")
    if header.fs != RECORD_RATE_HZ:
        raise _foreign(path, f"its sampling rate is {header.fs:g} Hz, not {RECORD_RATE_HZ}")
    if list(header.fmt) != [_FORMAT] * 2 or set(header.samps_per_frame) != {1}:
        raise _foreign(path, f"its signals are of format {'/'.join(header.fmt)}, not {_FORMAT}")
    if list(header.file_name) != [f"{path.stem}.dat"] * 2 or any(header.byte_offset) or any(header.skew):
        raise _foreign(path, f"its signals are not the whole of {path.stem}.dat")
    if set(header.units) != {"mV"} or any(not gain > 0 for gain in header.adc_gain):
        raise _foreign(path, "its signals are not in mV with a positive gain")
    if (header.sig_len or 0) < _MIN_DURATION_S * RECORD_RATE_HZ:
        raise _foreign(path, f"it describes less than {_MIN_DURATION_S} s of signal")
    return header


def _leads_mlii_first(path: Path, header: Any) -> tuple[int, int]:
    names = list(header.sig_name)
    if names.count(_FIRST_LEAD) != 1:
        raise _foreign(path, f"its leads are {' and '.join(names)}, and exactly one must be {_FIRST_LEAD}")
    # By name, not by place: record 114 has its channels swapped.
    first = names.index(_FIRST_LEAD)
    if not _CHEST_LEAD.fullmatch(names[1 - first]):
        raise _foreign(path, f"its second lead is {names[1 - first]!r}, not a chest lead V1 to V6")
    return first, 1 - first


def _person(header: Any) -> tuple[int | None, str]:
    found = _PERSON.match(header.comments[0]) if header.comments else None
    age = int(found[1]) if found else -1
    return (age if age >= 0 else None), (found[2] if found else "")


def _read_signal(path: Path, header: Any, leads: tuple[int, int]) -> npt.NDArray[np.float64]:
    data_path = Path(f"{path}.dat")
    length = int(header.sig_len)
    expected = length * 3  # format 212 packs the two 12-bit samples of a moment into three bytes
    if not data_path.is_file():
        raise DataError(f"{data_path} is missing, though its header is there; {_REMEDY}")
    found = data_path.stat().st_size
    if found != expected:
        kind = "truncated" if found < expected else "too long"
        raise DataError(f"{data_path} is {kind}: {found} bytes, its header says {expected}; {_REMEDY}")
    record = _wrapped(lambda: wfdb.rdrecord(str(path), physical=False), f"{data_path} cannot be read as WFDB signals")
    for lead, checksum in enumerate(header.checksum or ()):
        if checksum is not None and (int(record.d_signal[:, lead].sum()) - checksum) % 2**16:
            raise DataError(
                f"{data_path} is damaged: the samples of {header.sig_name[lead]} do not add up to the "
                f"checksum in its header; {_REMEDY}"
            )
    signal = np.asarray(record.dac(), dtype=np.float64).T[list(leads)]
    for lead, row in zip(leads, signal, strict=True):
        invalid = np.flatnonzero(~np.isfinite(row))
        if len(invalid):
            raise DataError(
                f"{data_path}: {header.sig_name[lead]} has {len(invalid)} invalid samples, the first at "
                f"sample {invalid[0]} ({invalid[0] / RECORD_RATE_HZ:.2f} s); leave this record out or mend it"
            )
    return signal


def _read_annotations(path: Path, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    content = _bytes_of(path)
    # annot(5): 16-bit words, the last one zero. wfdb drops the last word unseen, whatever it is.
    if len(content) % 2 or content[-2:] != b"\0\0":
        raise DataError(f"{path} is truncated or no annotation file: it has no end mark; {_REMEDY}")
    annotation = _wrapped(
        lambda: wfdb.rdann(str(path.with_suffix("")), "atr"),
        f"{path} is no WFDB annotation file, or is damaged",
    )
    samples = np.asarray(annotation.sample, dtype=np.int64)
    if len(samples) == 0:
        raise DataError(f"{path} holds no annotations, so no beat can be found; {_REMEDY}")
    if np.any(np.diff(samples) < 0) or samples[0] < 0:
        raise DataError(f"{path} is damaged: its annotations run backwards in time; {_REMEDY}")
    if samples[-1] >= length:
        raise DataError(
            f"{path} does not belong to its record or is damaged: it has an annotation at sample "
            f"{samples[-1]}, and the record ends at {length - 1}; {_REMEDY}"
        )
    return samples, np.array(annotation.symbol, dtype=np.str_)


def _bytes_of(path: Path, at_most: int | None = None) -> bytes:
    try:
        if at_most is not None and path.stat().st_size > at_most:
            raise DataError(f"{path} is not a WFDB header: it is larger than {at_most} bytes; {_REMEDY}")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {_REMEDY}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _wrapped(read: Callable[[], _Result], failure: str) -> _Result:
    try:
        return read()
    except OSError as error:
        raise DataError(f"{failure}: {error.strerror or error}") from error
    except Exception as error:  # wfdb raises IndexError, KeyError, ValueError … on junk, and promises none of them
        raise DataError(f"{failure}; {_REMEDY}") from error


def _foreign(path: Path, why: str) -> DataError:
    return DataError(f"{path} is not the header of an MIT-BIH Arrhythmia Database record: {why}; {_REMEDY}")
