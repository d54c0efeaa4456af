"""A calibration of the model of latency that took no measuring."""

from edgeward.benchmarks.latency.calibration import Calibration
from edgeward.benchmarks.latency.roofline import CoreSpeed, Rates
from edgeward.devices import this_host

CALIBRATION = Calibration(
    cpu=this_host().cpu,
    cpu_class=this_host().cpu_class,
    engine="onnxruntime 1",
    here=CoreSpeed(100.0, 128, 400.0),
    rates=Rates(
        overhead_us={"call": 5.0, "convolution": 2.0, "product": 1.0, "function": 1.0, "other": 1.0},
        compute_us={f"{k} {p}": 1e-5 for k in ("convolution", "product") for p in ("float", "int8")},
        byte_us=dict.fromkeys(("convolution", "product", "function", "other"), 1e-5),
    ),
    graphs=29,
    error_median=1.1,
    error_p90=1.5,
)
