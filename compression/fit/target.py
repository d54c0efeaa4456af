"""The machine a bundle is fitted to, and how its latency is told there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...benchmarks.latency.calibration import CARRIED_OVER_FACTOR, Calibration, core_speed, kept_calibration
from ...benchmarks.latency.roofline import Prediction
from ...benchmarks.latency.work import graph_work
from ...devices import DeviceProfile, ProfileError, device_profile, this_host
from ...runtime.errors import RequestError

THIS_MACHINE = "this-machine"


@dataclass(frozen=True)
class Target:
    """A device of which there is a profile, or the machine this runs on."""

    name: str
    device: DeviceProfile | None
    """None: this machine, where latency is measured."""
    calibration: Calibration | None
    """Of the model; None where none is needed."""

    def latency(self, graph: bytes, here_ms: float) -> Prediction:
        """Of a call with one sample on one thread.

        Args:
            graph: ONNX.
            here_ms: What was measured on this machine.
        """
        if self.device is None:
            return Prediction(here_ms, here_ms, here_ms)
        assert self.calibration is not None  # noqa: S101 - a device has one, see `open_target`
        return self.calibration.predict_on(self.device, graph_work(graph))

    def describe(self) -> str:
        """How latencies came about, in a sentence."""
        if self.device is None:
            host = this_host()
            return f"measured on this machine, {host.cpu} ({host.cpu_class}), one thread of onnxruntime"
        assert self.calibration is not None  # noqa: S101 - as above
        return (
            f"told by a model, not measured on that device: {self.calibration.describe()}; carried over by the ratios "
            f"of the profile's figures, for which a factor of {CARRIED_OVER_FACTOR:g} is assumed on top; one thread of "
            "onnxruntime on the processor, batch 1"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "latency": "measured" if self.device is None else "model",
            "method": self.describe(),
            "calibration": self.calibration.to_json() if self.calibration else None,
        }


def open_target(name: str, work: Path, *, on_progress: Callable[[int, int], None] | None = None) -> Target:
    """The target of a name: `this-machine`, a device, or a profile's TOML file.

    Args:
        name: As a user writes it.
        work: Folder where the calibration of the model is kept.
        on_progress: Called with (done, of) while it is calibrated.

    Raises:
        RequestError: The device is not known, or its profile does not tell how fast it computes.
    """
    if name == THIS_MACHINE:
        return Target(name, None, None)
    try:
        device = device_profile(name)
    except ProfileError as error:
        raise RequestError(f"{error}; for the machine at hand write {THIS_MACHINE}") from error
    if core_speed(device) is None:
        raise RequestError(
            f"the profile of {device.id} does not tell how fast a core computes (fp32_gflops_core), so no latency "
            "can be told; measure it there, add it to a profile of your own, and give that file"
        )
    return Target(device.id, device, kept_calibration(work / "calibration.json", on_progress=on_progress))
