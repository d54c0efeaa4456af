"""A run starts fresh processes that take turns, times nothing that is wrong, and calls a disturbed number INVALID."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeward.benchmarks.latency import run as run_module
from edgeward.benchmarks.latency.bundle_work import BARE_ENGINES, GenerateWork, bare_work
from edgeward.benchmarks.latency.closed_loop import time_block
from edgeward.benchmarks.latency.conditions import read_conditions
from edgeward.benchmarks.latency.plan import CLOSED, Modes, Plan, Task, full_plan, quick_plan, tasks_of
from edgeward.benchmarks.latency.processes import RefusedError, WorkerProcess
from edgeward.benchmarks.latency.report import bench_report, raw_samples
from edgeward.benchmarks.latency.run import Block, ProcessRecord, SubjectRecord, run_plan
from edgeward.benchmarks.latency.subject import BARE, GENERATE, Subject, Work
from edgeward.benchmarks.latency.worker import decoded, encoded, harness_ns
from edgeward.runtime import Bundle
from edgeward.runtime.backends.onnxruntime import OnnxRuntimeBackend, OnnxRuntimeSession
from onnx import numpy_helper

from .fake_work import FakeWork, Starter, refuse, subject

CLOSED_ONLY = (Task(CLOSED, "closed", {"batch": 1}, 2, 0.005),)


def plan(**changes: Any) -> Plan:
    values = {"tasks": CLOSED_ONLY, "fewest_processes": 2, "most_processes": 2, "fewest_calls": 0, "prioritise": False}
    return Plan(**{**values, **changes})


def report_of(records: list[SubjectRecord], bundle: Bundle, used: Plan) -> dict[str, Any]:
    report = bench_report(records, used, {str(bundle.path): bundle}, [])
    return json.loads(json.dumps(report, allow_nan=False))


def sleeping(us: float) -> Callable[[int], object]:
    return lambda _: time.sleep(us * 1e-6)


def test_the_harness_adds_less_than_half_a_microsecond_to_a_call() -> None:
    """By the clock that a call is told, and by the processor time of the loop around it; the best of some tries, as
    other programs only ever add."""
    assert min(harness_ns() for _ in range(20)) <= 500
    times = np.zeros(5000, np.int64)
    assert min(time_block(lambda _: None, 0, times) for _ in range(30)) / len(times) <= 0.5e-6


def test_times_survive_the_way_through_text() -> None:
    times = np.array([0, 1, 2**40, 145_000], dtype=np.int64)
    assert (decoded(encoded(times)) == times).all()


def test_processes_start_in_an_order_that_alternates_and_all_are_ended() -> None:
    start = Starter(lambda _: FakeWork())
    subjects = [subject(name) for name in ("a", "b", "c")]
    run_plan(subjects, plan(fewest_processes=3, most_processes=3), start)
    assert [one.precision for one, _ in start.started] == [*"abc", *"cba", *"abc"]
    assert all(process.closed for _, process in start.started)


def test_turns_alternate_within_a_round() -> None:
    start = Starter(lambda _: FakeWork())
    tasks = (Task(CLOSED, "closed", {"batch": 1}, 4, 0.001),)
    run_plan([subject("a"), subject("b")], plan(tasks=tasks, fewest_processes=1, most_processes=1), start)
    assert "".join(name for name, do in start.log if do == "closed") == "abbaabba"
    assert [do for name, do in start.log if name == "a"] == ["parity", "warm_up", *["closed"] * 4, "memory"]


def test_every_call_is_counted_by_process_and_turn() -> None:
    used = plan(fewest_processes=3, most_processes=3)
    (record,) = run_plan([subject()], used, Starter(lambda _: FakeWork(sleeping(200))))
    times = record.times_ns(CLOSED)
    assert [len(process) for process in times] == [2, 2, 2]
    samples = raw_samples(record, used.tasks[0])
    assert samples.shape == (sum(len(block) for process in times for block in process), 3)
    assert set(map(tuple, samples[:, :2])) == {(p, t) for p in range(3) for t in range(2)}
    assert samples[:, 2].min() >= 200_000


def test_inputs_differ_from_call_to_call() -> None:
    told: list[int] = []
    run_plan([subject()], plan(fewest_processes=1, most_processes=1), Starter(lambda _: FakeWork(told.append)))
    assert len(set(told)) == len(told)


def test_the_run_goes_on_until_the_medians_are_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = iter([100, 200, 100, 200, *[100] * 40])

    def make(_: Subject) -> Work:
        return FakeWork(sleeping(10 * next(levels)))

    asked: list[float] = []
    real = run_module.hierarchical_interval
    monkeypatch.setattr(run_module, "hierarchical_interval", lambda times: asked.append(1) or real(times))
    used = plan(fewest_processes=2, most_processes=30, interval_share=0.1)
    (record,) = run_plan([subject()], used, Starter(make))
    assert 2 < len(record.processes) < 30
    assert asked


def test_the_run_ends_when_its_time_is_up() -> None:
    used = plan(fewest_processes=2, most_processes=1000, fewest_calls=10**9, most_s=1.5)
    began = time.monotonic()
    (record,) = run_plan([subject()], used, Starter(lambda _: FakeWork(sleeping(100))))
    assert time.monotonic() - began < 3
    assert len(record.processes) >= 2


def test_turns_are_shortened_so_that_the_fewest_processes_fit() -> None:
    long = (Task(CLOSED, "closed", {"batch": 1}, 2, 5.0),)
    used = plan(tasks=long, fewest_processes=3, most_processes=3, most_s=2.0)
    began = time.monotonic()
    (record,) = run_plan([subject()], used, Starter(lambda _: FakeWork(sleeping(100))))
    assert time.monotonic() - began < 4
    assert len(record.processes) == 3


def test_what_is_refused_is_told_and_the_others_are_measured() -> None:
    def make(one: Subject) -> Work:
        return refuse(one) if one.precision == "int8" else FakeWork()

    whole, refused = run_plan([subject(), subject("int8")], plan(), Starter(make))
    assert (whole.refused, len(whole.processes)) == (None, 2)
    assert (refused.refused, refused.processes) == ("the engine is absent", [])


def test_a_subject_that_fails_later_leaves_the_others_alone() -> None:
    class Dying(Starter):
        def __call__(self, subject: Subject, *, prioritise: bool) -> Any:
            process = super().__call__(subject, prioritise=prioritise)
            if subject.precision == "int8" and len(self.started) > 2:

                def ask(do: str, **_: object) -> dict[str, Any]:
                    raise RefusedError("its process ended with code -11")

                process.ask = ask  # type: ignore[method-assign]
            return process

    start = Dying(lambda _: FakeWork())
    whole, dead = run_plan([subject(), subject("int8")], plan(), start)
    assert len(whole.processes) == 2
    assert "-11" in (dead.refused or "")
    assert all(process.closed for _, process in start.started)


def test_a_wrong_output_is_never_timed(bundle: Bundle) -> None:
    work = FakeWork(error=0.5)
    used = plan(fewest_processes=5, most_processes=5)
    records = run_plan([subject(bundle=str(bundle.path))], used, Starter(lambda _: work))
    (row,) = report_of(records, bundle, used)["rows"]
    assert (row["verdict"], row["right"], row["closed"], row["headline"]) == ("INVALID", False, None, None)
    assert "computes something else" in row["reasons"][0]
    assert work.called <= 5  # the first sample of a process


def test_nan_is_wrong_and_can_be_written(bundle: Bundle) -> None:
    used = plan()
    records = run_plan([subject(bundle=str(bundle.path))], used, Starter(lambda _: FakeWork(error=float("nan"))))
    (row,) = report_of(records, bundle, used)["rows"]
    assert (row["right"], row["correctness"]["error"]) == (False, None)


def flipped(model: bytes) -> bytes:
    """The graph with the kernel of one convolution the other way round, as an engine once computed it."""
    graph = onnx.load_model_from_string(model)
    weights = {tensor.name: tensor for tensor in graph.graph.initializer}
    for node in graph.graph.node:
        if node.op_type == "Conv" and weights[node.input[1]].dims[-1] > 1:
            kernel = numpy_helper.to_array(weights[node.input[1]])
            weights[node.input[1]].CopyFrom(numpy_helper.from_array(kernel[..., ::-1].copy(), node.input[1]))
            return graph.SerializeToString()
    raise AssertionError("there is no kernel to flip")


@pytest.fixture
def quick_local(bundle: Bundle) -> Callable[[], dict[str, Any]]:
    """Measures the tiny bundle's fp32 variant in this process, and gives its row."""

    def measure() -> dict[str, Any]:
        used = plan(fewest_processes=5, most_processes=5)
        subjects = [subject(bundle=str(bundle.path))]
        records = run_plan(subjects, used, Starter(lambda one: GenerateWork(one)))
        (row,) = report_of(records, bundle, used)["rows"]
        return row

    return measure


def test_an_engine_with_one_flipped_kernel_gets_no_number(
    quick_local: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_local()["right"]
    real = OnnxRuntimeBackend.open
    monkeypatch.setattr(
        OnnxRuntimeBackend, "open", lambda self, model, options, weights=None: real(self, flipped(model), options)
    )
    row = quick_local()
    assert (row["right"], row["verdict"], row["closed"], row["units"]) == (False, "INVALID", None, None)
    assert (row["process_p50_us"], row["headline"], row["batches"], row["stages"]) == ([], None, [], [])


def test_an_engine_that_computes_in_bf16_is_reported_and_not_believed(
    quick_local: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = OnnxRuntimeSession.describe
    monkeypatch.setattr(OnnxRuntimeSession, "describe", lambda self: replace(real(self), precision="bf16"))
    row = quick_local()
    assert row["read_back"]["precision"] == "bf16"
    assert (row["verdict"], row["headline"]) == ("INVALID", None)
    assert any("reads back bf16" in reason for reason in row["reasons"])
    assert row["closed"]["p90"]["value_us"] is None


@pytest.fixture
def one_core() -> Iterator[int]:
    """Everything this process starts shares one core with a program that never rests."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("processes cannot be bound to a core here")
    before = os.sched_getaffinity(0)
    core = min(before)
    os.sched_setaffinity(0, {core})
    hog = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    try:
        yield core
    finally:
        hog.kill()
        hog.wait()
        os.sched_setaffinity(0, before)


def test_a_program_that_takes_the_processor_makes_a_row_invalid_and_not_its_tail_longer(
    bundle: Bundle, one_core: int
) -> None:
    used = plan(fewest_processes=1, most_processes=1, tasks=(Task(CLOSED, "closed", {"batch": 1}, 4, 0.3),), most_s=60)
    records = run_plan([subject(bundle=str(bundle.path))], used, WorkerProcess)
    (row,) = report_of(records, bundle, used)["rows"]
    assert row["right"]
    assert row["trust"]["cpu_share"] < 0.9
    assert any("other programs took the processor" in reason for reason in row["reasons"])
    assert row["verdict"] == "INVALID"
    assert row["closed"]["n"] > 662
    assert (row["closed"]["p99"]["value_us"], row["closed"]["max_us"]) == (None, None)
    assert row["closed"]["p50"]["value_us"] > 0


def test_a_fresh_process_measures_every_mode_of_a_bundle(bundle: Bundle) -> None:
    tasks = tasks_of(Modes(batches=(1, 4), pauses_s=(0.002,), rates_hz=(100.0,)), turn_s=0.02)
    used = plan(fewest_processes=1, most_processes=1, tasks=tasks, most_s=120)
    subjects = [subject(bundle=str(bundle.path)), subject(bundle=str(bundle.path), what=BARE)]
    records = run_plan(subjects, used, WorkerProcess)
    report = report_of(records, bundle, used)
    made, bare = report["rows"]
    assert (made["right"], bare["right"]) == (True, True)
    assert made["correctness"]["checks"] == 2  # one a call, and all at once
    assert [mode["name"] for mode in made["modes"]] == ["paced 2 ms", "periodic 100 Hz", "poisson 100 Hz"]
    assert [mode["response"] is None for mode in made["modes"]] == [True, False, False]
    assert [point["batch"] for point in made["batches"]] == [1, 4]
    stages = {stage["name"]: stage for stage in made["stages"]}
    assert list(stages) == ["bind", "noise", "infer", "post", "encode", "encode_json"]
    assert stages["bind"]["reason"]
    assert sum(stage.get("share") or 0 for stage in made["stages"]) == pytest.approx(1)
    assert bare["stages"] == []
    cold = made["cold_start"]
    parts = [cold[name]["median_ms"] for name in ("interpreter", "import", "load", "first_call")]
    assert all(part > 0 for part in parts)
    assert sum(parts) == pytest.approx(cold["to_first_sample"]["median_ms"])
    assert made["memory"]["peak_bytes"] > 10**7
    assert made["units"]["beds_in_real_time"] == int(made["units"]["real_time_factor"])
    assert made["trust"]["harness_ns"] < 5000
    (ratio,) = report["ratios"]
    assert (ratio["row"], ratio["finding"]) == (made["id"], "cannot tell")  # of one process


def test_a_missing_engine_is_refused_in_its_own_words(bundle: Bundle) -> None:
    with pytest.raises(RefusedError, match="no bare loop over tensorrt, only over onnxruntime and openvino"):
        WorkerProcess(Subject(BARE, "fp32", "tensorrt", 1, str(bundle.path)), prioritise=False)


@pytest.mark.parametrize("engine", BARE_ENGINES)
def test_a_bare_loop_computes_what_was_recorded(bundle: Bundle, engine: str) -> None:
    pytest.importorskip(engine)
    work = bare_work(Subject(BARE, "fp32", engine, 1, str(bundle.path)))
    assert work.described["backend"] == engine
    for at_once in (False, True):
        found = work.parity(at_once=at_once)
        assert found is not None
        assert found.passed
    work.call(1)(0)
    work.call(3)(1)
    assert work.stages(0, 1) is None


def test_another_program_is_compared_with_the_row_that_does_the_same(bundle: Bundle) -> None:
    subjects = [subject(bundle=str(bundle.path), what=what) for what in (GENERATE, BARE)]
    records = run_plan(subjects, plan(), Starter(lambda _: FakeWork(sleeping(200))))
    theirs = {"what": "tool", "bundle_sha256": bundle.digest, "precision": "fp32", "backend": "onnxruntime"}
    given = [
        {**theirs, "like": BARE, "p50_us": 400.0},
        {**theirs, "like": BARE, "p50_us": 400.0, "backend": "another"},
        {**theirs, "reason": "it is not here"},
    ]
    report = bench_report(records, plan(), {str(bundle.path): bundle}, [], baselines=given)
    found, *others = report["baselines"]
    ours = report["rows"][1]
    assert found["row"] == ours["id"]
    assert list(found["apart"]) == ["p50"]
    assert found["apart"]["p50"]["us"] == pytest.approx(400 - ours["closed"]["p50"]["value_us"])
    assert found["apart"]["p50"]["share"] == pytest.approx(400 / ours["closed"]["p50"]["value_us"] - 1)
    assert others == given[1:]


def test_a_process_that_dies_is_told_with_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dying.py").write_text("import os\ndef main(began): os.write(2, b'no memory\\n'); os._exit(9)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RefusedError, match=r"ended with code 9 .*\(no memory\)"):
        WorkerProcess(replace(subject(), worker="dying"), prioritise=False)


def test_what_an_engine_prints_does_not_disturb_the_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chatty.py").write_text(
        "import os, time\n"
        "from edgeward.benchmarks.latency.worker import serve\n"
        "class Work:\n"
        "    described = {}\n"
        "    def call(self, batch): return lambda number: os.write(1, b'hello\\n')\n"
        "def main(began): serve(began, lambda _: (Work(), {}))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    process = WorkerProcess(replace(subject(), worker="chatty"), prioritise=False)
    try:
        assert process.ask("memory").keys() == {"peak_bytes"}
    finally:
        process.close()


def test_a_clock_that_rests_in_pauses_is_no_disturbance_and_one_that_falls_at_work_is() -> None:
    def block(khz: int) -> Block:
        reading = replace(read_conditions(), khz=khz)
        return Block(np.array([1000]), None, None, None, (reading, reading))

    used = plan(tasks=(*CLOSED_ONLY, Task("paced 10 ms", "paced", {"pause_s": 0.01}, 1, 0.01)))
    process = ProcessRecord({}, [], blocks={CLOSED: [block(2_400_000)], "paced 10 ms": [block(600_000)]})
    assert SubjectRecord(subject(), [process]).disturbance(used).frequency_change == 0
    process.blocks[CLOSED].append(block(1_800_000))
    assert SubjectRecord(subject(), [process]).disturbance(used).frequency_change == 0.25


def test_a_sustained_run_gives_windows_in_turns_and_adds_nothing_to_the_others() -> None:
    used = plan(fewest_processes=1, most_processes=1, sustained_s=0.4, window_s=0.05)
    records = run_plan([subject("a"), subject("b")], used, Starter(lambda _: FakeWork(sleeping(200))))
    for record in records:
        assert len(record.sustained) == 4
        assert len(record.processes) == 1
        assert all(window.p50_us > 200 for window in record.sustained)


class Failing(Starter):
    """Starts int8 processes that end when they are told a certain thing for the n-th time."""

    def __init__(self, do: str, time: int) -> None:
        super().__init__(lambda _: FakeWork())
        self._do, self._time = do, time

    def __call__(self, subject: Subject, *, prioritise: bool) -> Any:
        process = super().__call__(subject, prioritise=prioritise)
        real = process.ask

        def ask(do: str, **arguments: Any) -> dict[str, Any]:
            if subject.precision == "int8" and do == self._do and self.log.count(("int8", do)) == self._time - 1:
                raise RefusedError("its process ended with code -9")
            return real(do, **arguments)

        process.ask = ask  # type: ignore[method-assign]
        return process


@pytest.mark.parametrize(("do", "time"), [("memory", 1), ("closed", 3)], ids=["at its end", "in the sustained run"])
def test_what_fails_late_costs_the_others_nothing(do: str, time: int) -> None:
    used = plan(fewest_processes=1, most_processes=1, sustained_s=0.2, window_s=0.02)
    start = Failing(do, time)
    whole, dead = run_plan([subject(), subject("int8")], used, start)
    assert (whole.refused, len(whole.sustained)) == (None, 5 if do == "closed" else 10)
    assert "-9" in (dead.refused or "")
    assert all(process.closed for _, process in start.started)


def test_random_arrivals_differ_from_turn_to_turn_and_are_the_same_for_all() -> None:
    seeds: dict[str, list[object]] = {"a": [], "b": []}

    class Listening(Starter):
        def __call__(self, subject: Subject, *, prioritise: bool) -> Any:
            process = super().__call__(subject, prioritise=prioritise)
            real = process.ask

            def ask(do: str, **arguments: Any) -> dict[str, Any]:
                if do == "open":
                    seeds[subject.precision].append(tuple(arguments["seed"]))
                return real(do, **arguments)

            process.ask = ask  # type: ignore[method-assign]
            return process

    arrivals = {"schedule": "poisson", "rate_hz": 1000.0, "seed": 3}
    used = plan(tasks=(*CLOSED_ONLY, Task("poisson", "open", arrivals, 2, 0.005)))
    run_plan([subject("a"), subject("b")], used, Listening(lambda _: FakeWork()))
    assert seeds["a"] == seeds["b"]
    assert len(set(seeds["a"])) == len(seeds["a"]) == 4


@pytest.mark.parametrize("made", [quick_plan(), full_plan()], ids=["quick", "full"])
def test_every_plan_has_what_a_median_needs_and_names_no_task_twice(made: Plan) -> None:
    assert made.fewest_processes >= 5
    names = [task.name for task in made.tasks]
    assert len(set(names)) == len(names)
    assert names[0] == CLOSED


def test_the_quick_plan_fits_into_a_minute() -> None:
    made = quick_plan()
    assert 1.1 * made.most_s < 60


def test_generate_is_what_a_subject_is_called() -> None:
    assert subject().name == f"{GENERATE} fp32 onnxruntime"
    assert subject(threads=2).name.endswith(", 2 threads")
    assert replace(subject(threads=2), device="gpu.1").name == f"{GENERATE} fp32 onnxruntime gpu.1, 2 threads"
    assert Subject(**json.loads(json.dumps(subject().to_json()))) == subject()
