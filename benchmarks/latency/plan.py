"""What a run measures of each subject, how often, and when it may stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .uncertainty import FEWEST_PROCESSES

CLOSED = "closed"


@dataclass(frozen=True)
class Task:
    """One way to call a subject, for some time in each process."""

    name: str
    """`closed`, `batch 8`, `paced 10 ms`, `periodic 50 Hz`, …; unique in a plan."""
    do: str
    """The worker's command."""
    arguments: Mapping[str, Any]
    blocks: int
    """Turns in each process; the contenders take them one after the other, in an order that alternates."""
    block_s: float
    """About how long a turn lasts, in seconds."""

    @property
    def batch(self) -> int:
        """Records a call."""
        return int(self.arguments.get("batch", 1))


@dataclass(frozen=True)
class Plan:
    """Tasks, and the rules that end the run."""

    tasks: tuple[Task, ...]
    fewest_processes: int = FEWEST_PROCESSES
    most_processes: int = 20
    fewest_calls: int = 6_636
    """Of the closed loop of each subject: as many as p99.9 needs."""
    interval_share: float = 0.03
    """The run ends when every median's interval is narrower than this, up and down."""
    most_s: float = 600.0
    """No further processes are started that would not end within it."""
    warm_up_s: float = 2.0
    """The longest warm-up."""
    prioritise: bool = True
    """Whether the system is asked to prefer what is measured."""
    sustained_s: float = 0.0
    """How long the subjects then work on end, in turns of a window; 0: not at all."""
    window_s: float = 2.0

    @property
    def process_s(self) -> float:
        """About how long one process of one subject measures."""
        return sum(task.blocks * task.block_s for task in self.tasks)

    def shortened(self, share: float) -> Plan:
        """The same with shorter turns."""
        return replace(self, tasks=tuple(replace(task, block_s=task.block_s * share) for task in self.tasks))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Modes:
    """Which modes, and their rates."""

    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    pauses_s: tuple[float, ...] = (0.0005, 0.002, 0.01, 0.05)
    rates_hz: tuple[float, ...] = (50.0,)
    """Of the open loops; each rate is tried with even and with random arrivals."""
    seed: int = field(default=1)
    """Of random arrivals."""


QUICK_MODES = Modes(batches=(1, 8, 32), pauses_s=(0.01,), rates_hz=(50.0,))


def tasks_of(modes: Modes, *, turn_s: float) -> tuple[Task, ...]:
    """The closed loop in six turns a process, everything else in two or one.

    Args:
        modes: Which.
        turn_s: Of the closed loop, in seconds.
    """
    tasks = [Task(CLOSED, "closed", {"batch": 1}, 6, turn_s)]
    tasks += [Task(f"batch {n}", "closed", {"batch": n}, 1, turn_s) for n in modes.batches if n > 1]
    tasks += [Task(f"paced {p * 1000:g} ms", "paced", {"pause_s": p}, 2, 2 * turn_s) for p in modes.pauses_s]
    for rate in modes.rates_hz:
        for schedule in ("periodic", "poisson"):
            arguments = {"schedule": schedule, "rate_hz": rate, "seed": modes.seed}
            tasks.append(Task(f"{schedule} {rate:g} Hz", "open", arguments, 2, 3 * turn_s))
    return (*tasks, Task("stages", "stages", {}, 1, turn_s))


def quick_plan(*, most_s: float = 42.0, modes: Modes = QUICK_MODES) -> Plan:
    """Five processes in less than a minute."""
    return Plan(
        tasks_of(modes, turn_s=0.1),
        most_processes=FEWEST_PROCESSES,
        fewest_calls=0,
        most_s=most_s,
        warm_up_s=0.4,
    )


def full_plan(*, most_s: float = 600.0, modes: Modes | None = None) -> Plan:
    """Ten processes and more, until the medians are sure."""
    return Plan(tasks_of(modes or Modes(), turn_s=0.25), fewest_processes=10, most_s=most_s)
