"""One record of the BIDMC dataset: what a bedside monitor drew and showed for eight minutes, and of whom.

Source: Pimentel MAF et al., IEEE TBME 64(8):1914-1923, 2017. A record is two: waves at 125 Hz in `bidmcNN`, numbers at
1 Hz in `bidmcNNn`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..ecg.baseline import SHORTEST_S
from ..wfdb.person import Person, person_of
from ..wfdb.record import Origin, WfdbHeader, read_header, read_signals
from .definition import SAMPLING_RATE_HZ

WAVES = ("II", "PLETH", "RESP")
NUMBERS = ("HR", "RESP", "SpO2")
_PRESSURES = ("ABP", "ART")
"""What a monitor calls the pressure in an artery, whichever transducer it is on."""
WIDE_PLETH = 4.0
"""Some monitors write the pleth as 0 to 4, not 0 to 1."""
_NUMBERS_RATE_HZ = 1
_NAME = re.compile(r"bidmc\d\d")
_ORIGIN = Origin(
    "a BIDMC PPG and Respiration record", "copy the record again from https://physionet.org/content/bidmc/1.0.0/"
)


@dataclass(frozen=True)
class BidmcHeader:
    """A record before its signals are read."""

    waves: WfdbHeader
    numbers: WfdbHeader
    person: Person
    """Age, sex and subject are known."""

    @property
    def pressure(self) -> str | None:
        """The name of the arterial pressure among the waves; None where it was not measured."""
        names = [signal.name for signal in self.waves.signals]
        return next((name for name in _PRESSURES if name in names), None)


@dataclass(frozen=True)
class BidmcRecord:
    """A record in the monitor's own units: mV, mm[Hg], and parts of its scale."""

    name: str
    waves: Mapping[str, npt.NDArray[np.float64]]
    """`WAVES`, and `ABP` where it was measured, each [samples] at 125 Hz; NaN where a sample is invalid."""
    numbers: Mapping[str, npt.NDArray[np.float64]]
    """`NUMBERS`, each [seconds]; NaN where the monitor showed none."""
    person: Person


def is_record(name: str) -> bool:
    """Whether this is the name of a record's waves."""
    return _NAME.fullmatch(name) is not None


def read_bidmc_header(folder: Path, name: str) -> BidmcHeader:
    """Read `name`.hea and `name`n.hea.

    Raises:
        DataError: One is missing, damaged, or not of a BIDMC record with what is needed of it.
    """
    waves, numbers = (read_header(folder, each, _ORIGIN) for each in (name, f"{name}n"))
    _check(waves, SAMPLING_RATE_HZ, WAVES)
    _check(numbers, _NUMBERS_RATE_HZ, NUMBERS)
    if waves.length < SHORTEST_S * SAMPLING_RATE_HZ:
        raise waves.foreign(f"it describes less than {SHORTEST_S} s of signal")
    if {signal.unit for signal in waves.signals if signal.name == "II"} != {"mV"}:
        raise waves.foreign("its lead II is not in mV")
    person = person_of(waves.comments)
    if person.age is None or not person.sex or not person.subject:
        raise waves.foreign("its comments do not tell age, sex and subject (# <age>: 88 <sex>: M <subject>: s01182)")
    if person_of(numbers.comments).subject not in ("", person.subject):
        raise numbers.foreign(f"it is of another subject than {waves.path.name}")
    return BidmcHeader(waves, numbers, person)


def read_bidmc_record(header: BidmcHeader) -> BidmcRecord:
    """Read the signals of a record whose header is read.

    Raises:
        DataError: A file is missing, truncated or damaged.
    """
    waves, numbers = read_signals(header.waves), read_signals(header.numbers)
    read = {name: waves[_place(header.waves, name)] for name in WAVES}
    if np.nanmax(read["PLETH"], initial=0.0) > 1.01 * WIDE_PLETH:
        raise header.waves.foreign(f"its PLETH goes beyond 0 to {WIDE_PLETH:g}")
    if header.pressure:
        read["ABP"] = waves[_place(header.waves, header.pressure)]
    return BidmcRecord(
        name=header.waves.name,
        waves=read,
        numbers={name: numbers[_place(header.numbers, name)] for name in NUMBERS},
        person=header.person,
    )


def _check(header: WfdbHeader, rate_hz: int, names: Sequence[str]) -> None:
    if header.sampling_rate_hz != rate_hz:
        raise header.foreign(f"its sampling rate is {header.sampling_rate_hz:g} Hz, not {rate_hz}")
    found = [signal.name for signal in header.signals]
    for name in names:
        if found.count(name) != 1:
            raise header.foreign(f"its signals are {', '.join(found)}, and exactly one must be {name}")


def _place(header: WfdbHeader, name: str) -> int:
    return [signal.name for signal in header.signals].index(name)
