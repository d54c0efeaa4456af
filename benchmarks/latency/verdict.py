"""Whether a number may be believed: VALID, or INVALID and why. The wrong get no number, the disturbed no tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .conditions import Disturbance
from .uncertainty import FEWEST_PROCESSES

LEAST_CPU_SHARE = 0.97
MOST_STEAL = 0.01
MOST_FREQUENCY_CHANGE = 0.05
MOST_FLOOR = 0.05

_COMPUTED_IN = {"fp16": ("f32", "f16"), "bf16": ("f32", "bf16")}
"""What an engine may compute in, by the precision of the variant; all others: f32 alone."""


@dataclass(frozen=True)
class Verdict:
    """What may be done with a row."""

    right: bool
    """Whether the outputs are those that were recorded; without it there is no number at all."""
    reasons: tuple[str, ...]
    """Why the numbers are not valid; empty where they are."""

    @property
    def valid(self) -> bool:
        """Whether the tail may be published."""
        return self.right and not self.reasons

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"verdict": "VALID" if self.valid else "INVALID", "right": self.right, "reasons": list(self.reasons)}


def parity_reasons(checks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Why the outputs are wrong; empty where they are right, or where there is nothing to compare them with."""
    for check in checks:
        if check["checked"] and not check["passed"]:
            error = "not a number" if check["error"] is None else f"{check['error']:.2g}"
            return (f"computes something else than was recorded: error {error}, allowed {check['tolerance']:.2g}",)
    return ()


def read_back_reasons(
    described: Mapping[str, Any], *, backend: str, precision: str, threads: int, device: str | None = None
) -> tuple[str, ...]:
    """Where what runs differs from what was asked for.

    Args:
        described: Read back from the engine.
        backend: Asked for.
        precision: Of the variant.
        threads: Asked for.
        device: Asked for by name; None where the engine was left to its usual one, which it checks itself.
    """
    allowed = _COMPUTED_IN.get(precision, ("f32",))
    found = []
    if described["precision"] not in allowed:
        found.append(f"asked to compute in {' or '.join(allowed)}, the engine reads back {described['precision']}")
    if described["backend"] != backend:
        found.append(f"asked for {backend}, {described['backend']} runs")
    if device is not None and not _same_device(device, described["device"].lower()):
        found.append(f"asked for device {device}, the engine reads back {described['device']}")
    elsewhere = described["device"] != "CPU" and described["threads"] == 0  # such engines use none of the processor's
    if described["threads"] != threads and not elsewhere:
        found.append(f"asked for {threads} threads, the engine reads back {described['threads']}")
    return tuple(found)


def _same_device(asked: str, read: str) -> bool:
    """`gpu` and `gpu.0` are two names of one."""
    return bool({asked, f"{asked}.0"} & {read, f"{read}.0"})


def disturbance_reasons(
    happened: Disturbance, *, cpu_share: float | None, threads: int, floor: float | None, processes: int
) -> tuple[str, ...]:
    """What disturbed the measurement more than it may.

    Args:
        happened: During all its turns.
        cpu_share: Processor time over elapsed time of the closed loop.
        threads: Of the processor, as read back; with more than one, or none, the share says nothing.
        floor: A/A floor of its medians.
        processes: Fresh ones.
    """
    found = []
    if threads == 1 and cpu_share is not None and cpu_share < LEAST_CPU_SHARE:
        found.append(
            f"other programs took the processor: CPU time over elapsed time {cpu_share:.2f} < {LEAST_CPU_SHARE}"
        )
    if happened.throttled_ms:
        found.append(f"throttled for {happened.throttled_ms:.3g} ms by a CPU quota")
    if happened.steal_share is not None and happened.steal_share > MOST_STEAL:
        found.append(f"the hypervisor gave {happened.steal_share:.1%} of the time to others")
    if happened.heat_events:
        found.append("the processor slowed itself down for heat or power")
    change = happened.frequency_change
    if change is not None and change > MOST_FREQUENCY_CHANGE:
        found.append(f"the clock changed by {change:.0%}, from {happened.khz_high} to {happened.khz_low} kHz")
    if processes < FEWEST_PROCESSES:
        found.append(f"only {processes} fresh processes, {FEWEST_PROCESSES} are needed")
    if floor is not None and floor > MOST_FLOOR:
        found.append(f"A/A floor {floor:.1%} > {MOST_FLOOR:.0%}: processes of the same code differ that much")
    return tuple(found)
