"""Read a line of NVIDIA's `tegrastats`, the tool of every Jetson that tells load, clocks, temperatures and power.

From JetPack 4 to 7 names and forms changed several times, and rails differ from board to board. So words are taken by
their form, not by their place, and a word that is not known changes nothing about the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

BOARD_RAILS = ("VDD_IN", "POM_5V_IN", "VIN")
"""Names of the rail that feeds the whole module: Orin Nano and NX and Xavier NX, the old Nano, Thor. Where a board has
none of them, as AGX Orin, its total is not told."""

_RAM = re.compile(r"\bRAM (\d+)/(\d+)MB")
_SWAP = re.compile(r"\bSWAP (\d+)/(\d+)MB")
_CPU = re.compile(r"\bCPU \[([^\]]*)\]", re.IGNORECASE)
_CORE = re.compile(r"(\d+)%(?:@(\d+))?")
_SHARED_CLOCK = re.compile(r"\bcpu \[[^\]]*\]@(\d+)", re.IGNORECASE)
_ENGINE = re.compile(r"\b(EMC|EMC_FREQ|GR3D|GR3D_FREQ) (?:(\d+)%)?(?:@(?:\[([\d,]*)\]|(\d+)))?(?!\S)")
_TEMPERATURE = re.compile(r"(?<!\S)([A-Za-z][\w.-]*)@(-?\d+(?:\.\d+)?)C(?:/-?\d+(?:\.\d+)?C)?(?!\S)")
_POWER = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/(\d+)(?:mW)?(?:/\d+(?:mW)?)?(?!\S)")
_ABSENT_C = -200.0
"""Below any temperature: what a sensor shows that is switched off, such as -256 or -273."""


@dataclass(frozen=True)
class CoreLoad:
    """One core of the processor."""

    load: float
    """From 0 to 1."""
    mhz: int | None
    """None: not told."""


@dataclass(frozen=True)
class EngineLoad:
    """The GPU or the memory controller."""

    load: float | None
    """From 0 to 1; None: not told, as on Thor."""
    mhz: tuple[int, ...]
    """Of each of its clusters; empty: not told."""


@dataclass(frozen=True)
class Rail:
    """Power of one supply rail, in watts."""

    watts: float
    average_watts: float


@dataclass(frozen=True)
class TegraReading:
    """What one line tells; None or empty where it tells nothing of it."""

    ram_used_mb: int | None
    ram_total_mb: int | None
    swap_used_mb: int | None
    cores: tuple[CoreLoad | None, ...]
    """In the system's order; None: switched off."""
    gpu: EngineLoad | None
    memory: EngineLoad | None
    celsius: Mapping[str, float]
    """By the name of the sensor, in lower case: JetPack 7 writes `cpu`, earlier ones `CPU`."""
    rails: Mapping[str, Rail]

    @property
    def board_watts(self) -> float | None:
        """Of the whole module now; None where no rail of this board tells it."""
        return next((self.rails[name].watts for name in BOARD_RAILS if name in self.rails), None)


def read_tegrastats(line: str) -> TegraReading | None:
    """Take a line apart; None if it is none of tegrastats, all of which tell the memory."""
    ram = _RAM.search(line)
    if ram is None:
        return None
    swap = _SWAP.search(line)
    engines = {
        name.removesuffix("_FREQ"): EngineLoad(
            float(load) / 100 if load else None, tuple(int(mhz) for mhz in (several or one).split(",") if mhz)
        )
        for name, load, several, one in _ENGINE.findall(line)
    }
    return TegraReading(
        ram_used_mb=int(ram[1]),
        ram_total_mb=int(ram[2]),
        swap_used_mb=int(swap[1]) if swap else None,
        cores=_cores(line),
        gpu=engines.get("GR3D"),
        memory=engines.get("EMC"),
        celsius={name.lower(): float(value) for name, value in _TEMPERATURE.findall(line) if float(value) > _ABSENT_C},
        rails={name: Rail(int(now) / 1000, int(average) / 1000) for name, now, average in _POWER.findall(line)},
    )


def _cores(line: str) -> tuple[CoreLoad | None, ...]:
    """E.g. `CPU [5%@1190,off]`; before JetPack 4 one clock follows for all, `cpu [5%,off]@1190`."""
    listed = _CPU.search(line)
    if listed is None or not listed[1].strip():
        return ()
    shared = _SHARED_CLOCK.search(line)
    cores: list[CoreLoad | None] = []
    for word in listed[1].split(","):
        core = _CORE.fullmatch(word.strip())
        mhz = (core[2] if core else None) or (shared[1] if shared else None)
        cores.append(CoreLoad(int(core[1]) / 100, int(mhz) if mhz else None) if core else None)
    return tuple(cores)
