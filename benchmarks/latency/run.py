"""Measure subjects in fresh processes that take turns: A B C, C B A, …, so that all see the same machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .closed_loop import alternating
from .conditions import Disturbance, Reading, disturbance
from .energy import EnergyBook
from .plan import CLOSED, Plan, Task
from .processes import Process, RefusedError, Start
from .subject import Subject
from .uncertainty import hierarchical_interval
from .worker import decoded

IntArray = npt.NDArray[np.int64]
OnProgress = Callable[[float, str], None]
"""Told the share that is done, and what is being done."""

_SHORTEST_SHARE = 0.02  # of what a turn should last: below, a run is late rather than empty
_OVERTIME = 1.1  # what the fewest processes may take of the time, if a round turns out longer than the ones before


@dataclass
class Block:
    """One turn."""

    service_ns: IntArray
    response_ns: IntArray | None
    cpu_s: float | None
    wall_s: float | None
    readings: tuple[Reading, Reading]


@dataclass
class ProcessRecord:
    """What one process of a subject did."""

    ready: dict[str, Any]
    parity: list[dict[str, Any]]
    warm_up: dict[str, Any] = field(default_factory=dict)
    blocks: dict[str, list[Block]] = field(default_factory=dict)
    stages_ns: dict[str, IntArray] | None = None
    peak_bytes: int | None = None

    @property
    def right(self) -> bool:
        """Whether its outputs were what was recorded where the bundle was made; true where nothing was."""
        return all(check.get("passed", True) for check in self.parity)


@dataclass
class Window:
    """One turn of a sustained run."""

    at_s: float
    """From the start of the sustained run to the end of the turn."""
    p50_us: float
    calls: int
    khz: int | None
    celsius: float | None


@dataclass
class SubjectRecord:
    """Everything that was measured of one subject."""

    subject: Subject
    processes: list[ProcessRecord] = field(default_factory=list)
    refused: str | None = None
    """Why it could not be measured; None where it could."""
    sustained: list[Window] = field(default_factory=list)

    def blocks(self, task: str) -> list[list[Block]]:
        """Of each process its turns of a task."""
        return [process.blocks[task] for process in self.processes if process.blocks.get(task)]

    def times_ns(self, task: str) -> list[list[IntArray]]:
        """Of each process, of each turn, the service times."""
        return [[block.service_ns for block in blocks] for blocks in self.blocks(task)]

    def disturbance(self, plan: Plan) -> Disturbance:
        """What happened during all its turns; its clock is that of the closed loops.

        With pauses between calls a governor lowers the clock: that is what those modes are there to show.
        """
        closed = {task.name for task in plan.tasks if task.do == "closed"}
        turns = [
            (name, block.readings)
            for process in self.processes
            for name, blocks in process.blocks.items()
            for block in blocks
        ]
        happened = disturbance([readings for _, readings in turns])
        steady = disturbance([readings for name, readings in turns if name in closed])
        return replace(happened, khz_low=steady.khz_low, khz_high=steady.khz_high)

    @property
    def cpu_share(self) -> float | None:
        """Processor time over elapsed time, of the closed loop."""
        blocks = [block for process in self.blocks(CLOSED) for block in process]
        wall = sum(block.wall_s or 0.0 for block in blocks)
        return sum(block.cpu_s or 0.0 for block in blocks) / wall if wall else None


def run_plan(
    subjects: Sequence[Subject],
    plan: Plan,
    start: Start,
    *,
    energy: EnergyBook | None = None,
    on_progress: OnProgress | None = None,
) -> list[SubjectRecord]:
    """Measure all subjects by the plan.

    Args:
        subjects: What to compare.
        plan: How.
        start: Starts a process for a subject.
        energy: Counts the energy of the closed loops; None: nobody counts it.
        on_progress: Told how far the run is.
    """
    records = [SubjectRecord(subject) for subject in subjects]
    tell = on_progress or (lambda _share, _note: None)
    began = time.monotonic()
    number, last_s, besides = 0, 0.0, 0.0
    while number < plan.most_processes and not _enough(records, plan, number):
        limit_s = plan.most_s * (1.0 if number >= plan.fewest_processes else _OVERTIME)
        if number and time.monotonic() - began + last_s > limit_s:
            break
        round_began = time.monotonic()
        order = [record for record in records if record.refused is None]
        if number % 2:
            order.reverse()
        live = _started(order, plan, start, lambda note: tell(_share(began, plan), note))
        # Besides its turns, a round starts processes and warms them up; the first one cannot know the whole of it.
        besides = max(besides, 1.2 * (time.monotonic() - round_began))
        tasks = _fitted(plan, number, len(live), besides, round_began - began)
        _measure(live, tasks, energy, records, lambda note: tell(_share(began, plan), note))
        last_s = time.monotonic() - round_began
        turns_s = len(live) * sum(task.blocks * task.block_s for task in tasks)
        besides = max(besides, last_s - turns_s)
        number += 1
        if all(record.refused is not None or not record.processes[-1].right for record in records):
            break
    if plan.sustained_s:
        _sustain(records, plan, start, tell)
    tell(1.0, "")
    return records


def _share(began: float, plan: Plan) -> float:
    """Of the whole time, how much of it the turns before a sustained run have taken."""
    return min(0.99, min(time.monotonic() - began, plan.most_s) / (plan.most_s + plan.sustained_s))


def _enough(records: Sequence[SubjectRecord], plan: Plan, processes: int) -> bool:
    """Whether every subject has processes and calls enough, and an interval that is narrow enough."""
    if processes < plan.fewest_processes:
        return False
    for record in records:
        times = record.times_ns(CLOSED)
        if not times:
            continue
        if sum(len(block) for process in times for block in process) < plan.fewest_calls:
            return False
        interval = hierarchical_interval(times)
        if interval is None or interval.high_us - interval.low_us > plan.interval_share * (
            interval.high_us + interval.low_us
        ):
            return False
    return True


def _fitted(plan: Plan, done: int, live: int, besides_s: float, spent_s: float) -> tuple[Task, ...]:
    """The tasks, shortened so that the fewest processes fit into the time.

    Args:
        plan: With tasks as long as they should be.
        done: Rounds that are over.
        live: Subjects in this round.
        besides_s: What a round takes besides its turns.
        spent_s: Before this round.
    """
    rounds = max(1, plan.fewest_processes - done)
    left = plan.most_s - spent_s - rounds * besides_s
    needed = rounds * max(1, live) * plan.process_s
    return plan.shortened(min(1.0, max(_SHORTEST_SHARE, left / needed))).tasks


def _started(
    order: Sequence[SubjectRecord], plan: Plan, start: Start, tell: Callable[[str], None]
) -> list[tuple[SubjectRecord, Process]]:
    """Start a process for each, check its outputs, and warm it up; those that fail are told so."""
    live: list[tuple[SubjectRecord, Process]] = []
    try:
        for record in order:
            tell(f"starting {record.subject.name}")
            process: Process | None = None
            try:
                process = start(record.subject, prioritise=plan.prioritise)
                record.processes.append(_prepared(process, plan))
            except RefusedError as error:
                record.refused = str(error)
                if process is not None:
                    process.close()
                continue
            live.append((record, process))
    except BaseException:
        _close(live)
        raise
    return live


def _prepared(process: Process, plan: Plan) -> ProcessRecord:
    parity = [process.ask("parity", at_once=False)]
    if any(task.batch > 1 for task in plan.tasks):
        parity.append(process.ask("parity", at_once=True))
    record = ProcessRecord(process.ready, parity)
    if record.right:
        record.warm_up = process.ask("warm_up", batch=1, most_s=plan.warm_up_s)
    return record


def _measure(
    live: Sequence[tuple[SubjectRecord, Process]],
    tasks: Sequence[Task],
    energy: EnergyBook | None,
    records: Sequence[SubjectRecord],
    tell: Callable[[str], None],
) -> None:
    """All tasks in turns; what is wrong is not timed."""
    turn = 0
    try:
        for task in tasks:
            for _ in range(task.blocks):
                for record, process in alternating(live, turn):
                    if record.refused is None and record.processes[-1].right:
                        tell(f"{task.name}, {record.subject.name}")
                        _turn(record, process, task, energy, records.index(record))
                turn += 1
        for record, process in live:
            if record.refused is None:
                _ask_memory(record, process)
    finally:
        _close(live)


def _ask_memory(record: SubjectRecord, process: Process) -> None:
    try:
        record.processes[-1].peak_bytes = process.ask("memory")["peak_bytes"]
    except RefusedError as error:
        record.refused = str(error)


def _turn(record: SubjectRecord, process: Process, task: Task, energy: EnergyBook | None, place: int) -> None:
    mine = record.processes[-1]
    meter = energy.meter if energy and task.name == CLOSED else None
    try:
        if task.do == "closed" and task.batch > 1 and task.name not in mine.blocks:
            process.ask("warm_up", batch=task.batch, most_s=task.block_s)
        arguments = {**task.arguments, **_arrivals(record, task)}
        joules, began = meter.joules() if meter else 0.0, time.monotonic()
        answer = process.ask(task.do, seconds=task.block_s, **arguments)
    except RefusedError as error:
        record.refused = str(error)
        return
    if task.do == "stages":
        found = answer["stages"]
        mine.stages_ns = None if found is None else {name: decoded(text) for name, text in found.items()}
        return
    block = read_block(answer)
    mine.blocks.setdefault(task.name, []).append(block)
    if meter and energy:
        energy.add(place, meter.joules() - joules, time.monotonic() - began, len(block.service_ns) * task.batch)


def _arrivals(record: SubjectRecord, task: Task) -> dict[str, Any]:
    """Other random arrivals in each turn of each process, and the same for all subjects."""
    if "seed" not in task.arguments:
        return {}
    turn = len(record.processes[-1].blocks.get(task.name, []))
    return {"seed": [task.arguments["seed"], len(record.processes) - 1, turn]}


def read_block(answer: dict[str, Any]) -> Block:
    """A worker's answer, see `worker.Server`."""
    response = answer.get("response")
    return Block(
        service_ns=decoded(answer["service"]),
        response_ns=None if response is None else decoded(response),
        cpu_s=answer.get("cpu_s"),
        wall_s=answer.get("wall_s"),
        readings=(Reading(**answer["before"]), Reading(**answer["after"])),
    )


def _sustain(records: Sequence[SubjectRecord], plan: Plan, start: Start, tell: OnProgress) -> None:
    """Windows of closed loops in turns, on end, so that the machine never rests and all see it equally warm."""
    able = [r for r in records if r.refused is None and all(process.right for process in r.processes)]
    live = _started(able, plan, start, lambda note: tell(_share(0.0, plan), note))
    for record, _ in live:
        record.processes.pop()  # it adds nothing to the runs before: it is hot
    windows = math.ceil(plan.sustained_s / (plan.window_s * max(1, len(live))))
    first_share = plan.most_s / (plan.most_s + plan.sustained_s)
    began = time.monotonic()
    try:
        for number in range(windows):
            for record, process in alternating(live, number):
                share = first_share + (1 - first_share) * number / windows
                if record.refused is not None:
                    continue
                tell(min(0.99, share), f"sustained, {record.subject.name}")
                try:
                    block = read_block(process.ask("closed", seconds=plan.window_s, batch=1))
                except RefusedError as error:  # the others go on, and what was measured of them is kept
                    record.refused = f"in the sustained run: {error}"
                    continue
                after = block.readings[1]
                record.sustained.append(
                    Window(
                        time.monotonic() - began,
                        float(np.median(block.service_ns)) / 1000,
                        len(block.service_ns),
                        after.khz,
                        after.celsius,
                    )
                )
    finally:
        _close(live)


def _close(live: Sequence[tuple[SubjectRecord, Process]]) -> None:
    for _, process in live:
        process.close()
