"""A number is VALID only if nothing speaks against it, and every reason says what was found and what is allowed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edgeward.benchmarks.latency.conditions import Disturbance
from edgeward.benchmarks.latency.run import Window
from edgeward.benchmarks.latency.sustained import drop_at, rank_changes, sustained_report
from edgeward.benchmarks.latency.units import deadlines, network_calls, units_of
from edgeward.benchmarks.latency.verdict import (
    Verdict,
    disturbance_reasons,
    parity_reasons,
    read_back_reasons,
)
from edgeward.runtime.schema import Channel, SignalSchema, TableSchema

from .fake_work import DESCRIBED

QUIET = Disturbance(0.0, 0.0, 0, 2_400_000, 2_400_000, 50.0, 60.0, 10, 10)
UNTOLD = Disturbance(None, None, None, None, None, None, None, None, None)
SIGNAL = SignalSchema("ecg", "", (Channel("II", "mV", -5, 5),), 250.0, 500, ())


def reasons(happened: Disturbance, **changes: Any) -> tuple[str, ...]:
    return disturbance_reasons(happened, **{"cpu_share": 1.0, "threads": 1, "floor": 0.01, "processes": 5, **changes})


def test_a_quiet_machine_and_one_that_tells_nothing_are_believed() -> None:
    assert reasons(QUIET) == ()
    assert reasons(UNTOLD, cpu_share=None, floor=None) == ()


@pytest.mark.parametrize(
    ("happened", "changes", "told"),
    [
        (QUIET, {"cpu_share": 0.96}, "0.96 < 0.97"),
        (replace(QUIET, throttled_ms=0.5), {}, "throttled for 0.5 ms by a CPU quota"),
        (replace(QUIET, steal_share=0.02), {}, "2.0% of the time"),
        (replace(QUIET, heat_events=1), {}, "heat or power"),
        (replace(QUIET, khz_low=2_200_000), {}, "the clock changed by 8%"),
        (QUIET, {"processes": 4}, "only 4 fresh processes"),
        (QUIET, {"floor": 0.06}, "A/A floor 6.0% > 5%"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_disturbance_is_a_reason_of_its_own(happened: Disturbance, changes: dict[str, Any], told: str) -> None:
    (reason,) = reasons(happened, **changes)
    assert told in reason


@pytest.mark.parametrize(
    "happened", [replace(QUIET, steal_share=0.009), replace(QUIET, khz_low=2_300_000)], ids=["steal", "clock"]
)
def test_a_little_of_it_is_allowed(happened: Disturbance) -> None:
    assert reasons(happened, cpu_share=0.97, floor=0.05) == ()


@pytest.mark.parametrize("threads", [0, 2])
def test_the_share_of_the_processor_says_nothing_of_several_threads_or_of_another_device(threads: int) -> None:
    assert reasons(QUIET, cpu_share=0.5, threads=threads) == ()


@pytest.mark.parametrize(
    ("precision", "changes", "told"),
    [
        ("fp32", {}, None),
        ("int8", {"precision": "bf16"}, "reads back bf16"),
        ("fp32", {"precision": "f16"}, "reads back f16"),
        ("fp16", {"precision": "f16"}, None),
        ("fp32", {"threads": 8}, "reads back 8"),
        ("fp32", {"threads": 0}, "reads back 0"),
        ("fp32", {"threads": 0, "device": "CUDA"}, None),
        ("fp32", {"backend": "openvino"}, "openvino runs"),
    ],
)
def test_what_runs_must_be_what_was_asked_for(precision: str, changes: dict[str, Any], told: str | None) -> None:
    found = read_back_reasons({**DESCRIBED, **changes}, backend="onnxruntime", precision=precision, threads=1)
    assert [told in reason for reason in found] == ([] if told is None else [True])


def test_right_outputs_and_those_without_a_reference_are_no_reason() -> None:
    right: Mapping[str, Any] = {"checked": True, "passed": True, "error": 0.0, "tolerance": 1e-4}
    assert parity_reasons([right, {"checked": False}]) == ()
    wrong = {**right, "passed": False, "error": 0.3}
    assert "error 0.3, allowed 0.0001" in parity_reasons([right, wrong])[0]


def test_a_wrong_row_is_never_valid() -> None:
    assert Verdict(True, ()).valid
    assert not Verdict(False, ()).valid
    assert Verdict(True, ("x",)).to_json() == {"verdict": "INVALID", "right": True, "reasons": ["x"]}


def test_units_of_a_signal_are_those_of_its_length() -> None:
    units = units_of(SIGNAL, mean_call_us=4000.0, batch=2)
    assert (units.ms_a_record, units.records_a_second) == (2.0, 500.0)
    assert (units.signal_seconds_a_record, units.real_time_factor, units.beds_in_real_time) == (2.0, 1000.0, 1000)
    slow = units_of(SIGNAL, mean_call_us=3e6)
    assert (slow.real_time_factor, slow.beds_in_real_time) == (pytest.approx(2 / 3), 0)


def test_a_table_has_no_real_time() -> None:
    units = units_of(TableSchema("rows", "", (), ()), mean_call_us=100.0)
    assert (units.records_a_second, units.real_time_factor, units.beds_in_real_time) == (10_000.0, None, None)
    assert units.reason == "rows are no signals"


def test_deadlines_are_the_period_the_tick_and_the_length_of_a_record() -> None:
    response = np.array([1, 3, 5, 21, 2_001], dtype=np.int64) * 1_000_000
    found = {d.name: (d.deadline_ms, d.missed, d.missed_share) for d in deadlines(SIGNAL, response, rate_hz=50)}
    assert found == {"period": (20.0, 2, 0.4), "tick": (4.0, 3, 0.6), "record": (2000.0, 1, 0.2)}
    assert [d.name for d in deadlines(TableSchema("rows", "", (), ()), response, 50)] == ["period"]


@pytest.mark.parametrize(
    ("lineage", "calls"),
    [
        ({"teacher": {"recipe": {"family": "vae"}}}, 1),
        ({"teacher": {"recipe": {"family": "diffusion"}}}, None),
        (
            {
                "teacher": {"recipe": {"family": "diffusion"}},
                "compression": {
                    "steps": [
                        {"do": "few_steps", "options": {"network_calls": 4}},
                        {"do": "few_steps", "options": {"network_calls": 2}},
                        {"do": "export"},
                    ]
                },
            },
            2,
        ),
        ({}, None),
        ({"teacher": 7, "compression": {"steps": ["x", {"do": "few_steps", "options": {"network_calls": "4"}}]}}, None),
    ],
)
def test_network_calls_are_those_of_the_record_and_never_guessed(lineage: dict[str, Any], calls: int | None) -> None:
    assert network_calls(lineage) == calls


def windows(*p50_us: float, every_s: float = 20.0) -> list[Window]:
    return [Window(every_s * (n + 1), us, 100, None, None) for n, us in enumerate(p50_us)]


def test_a_dropped_clock_is_found_within_two_windows() -> None:
    steady = [100, 101, 99, 102, 100, 98]
    assert drop_at(windows(*steady)) is None
    assert drop_at(windows(*steady, 150, 151)) == 6
    assert drop_at(windows(*steady, 150, 100, 101)) is None  # one alone was a neighbour
    report = sustained_report(windows(*steady, 150, 151))
    assert report is not None
    assert report["drop"] == {"window": 6, "at_s": 140.0, "times_slower": 1.5}
    assert report["p50_us_by_minute"] == [100.5, 100, 150]
    assert sustained_report([]) is None


def test_a_row_that_is_overtaken_when_it_gets_hot_is_told() -> None:
    def told(*p50_us: float) -> list[dict[str, Any]]:
        return [{"p50_us": us} for us in p50_us]

    hot, cool = told(100, 100, 100, 150, 150, 150), told(120, 120, 120, 121, 122, 121)
    assert rank_changes({"hot": hot, "cool": cool}) == [{"faster_at_first": "hot", "faster_at_last": "cool"}]
    assert rank_changes({"hot": cool, "cool": told(130, 130, 130, 130, 130, 130)}) == []


@pytest.mark.parametrize(
    ("asked", "read", "same"),
    [
        *[(None, "CPU", True), ("cpu", "CPU", True), ("gpu", "GPU.0", True), ("gpu.0", "GPU", True)],
        *[("cuda", "CPU", False), ("gpu.1", "GPU", False), ("gpu", "GPU.1", False)],
    ],
)
def test_another_device_than_was_asked_for_is_a_reason(asked: str | None, read: str, same: bool) -> None:
    described = {**DESCRIBED, "device": read}
    found = read_back_reasons(described, backend="onnxruntime", precision="fp32", threads=1, device=asked)
    assert found == (() if same else (f"asked for device {asked}, the engine reads back {read}",))
