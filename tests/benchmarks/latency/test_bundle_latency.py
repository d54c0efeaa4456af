"""Measuring a bundle: every variant on every engine, each doing what it says, beside what it is compared with."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from edgeward.benchmarks.latency import Contender, Latency, bundle_latency
from edgeward.benchmarks.latency.bundle_latency import (
    BARE,
    GENERATE,
    TEACHER,
    LatencyReport,
    LatencyRow,
    measure_bundle,
)
from edgeward.runtime import Batch, Bundle, load
from edgeward.runtime.backends import BACKENDS, Availability

CALLS = 11


@pytest.fixture(scope="module")
def teacher_calls() -> list[int]:
    """Numbers of the calls that the teacher got."""
    return []


@pytest.fixture(scope="module")
def progress() -> list[tuple[int, int]]:
    """What the progress callback was told."""
    return []


@pytest.fixture(scope="module")
def report(bundle: Bundle, teacher_calls: list[int], progress: list[tuple[int, int]]) -> LatencyReport:
    """The tiny bundle, measured for a moment beside a teacher that does nothing."""
    return measure_bundle(
        bundle,
        backends=["onnxruntime"],
        teacher=teacher_calls.append,
        calls=CALLS,
        on_progress=lambda done, of: progress.append((done, of)),
    )


@pytest.fixture
def given(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """What each contender gives in 70 calls, instead of how long they take."""
    answers: dict[str, list[object]] = {}

    def call_all(contenders: Sequence[Contender], **_: object) -> list[Latency]:
        answers.update({contender.name: [contender.call(number) for number in range(70)] for contender in contenders})
        return [latency(1.0) for _ in contenders]

    monkeypatch.setattr(bundle_latency, "measure", call_all)
    measure_bundle(bundle, backends=["onnxruntime"])
    return answers


def latency(p50_us: float | None) -> Latency:
    return Latency("", n=CALLS, p50_us=p50_us, p90_us=None, p99_us=None, min_us=0.5, cpu_share=1.0)


def row(what: str, precision: str, p50_us: float | None, backend: str = "onnxruntime") -> LatencyRow:
    return LatencyRow(what, precision, backend, latency(p50_us))


def test_every_variant_stands_beside_the_bare_loop_and_the_teacher(report: LatencyReport) -> None:
    assert [(row.what, row.precision, row.backend) for row in report.rows] == [
        (TEACHER, "fp32", "torch"),
        (GENERATE, "fp32", "onnxruntime"),
        (BARE, "fp32", "onnxruntime"),
        (GENERATE, "int8", "onnxruntime"),
        (BARE, "int8", "onnxruntime"),
    ]


def test_each_is_called_as_often_as_asked(report: LatencyReport, teacher_calls: list[int]) -> None:
    assert {row.latency.n for row in report.rows} == {CALLS}
    assert teacher_calls[-CALLS:] == list(range(CALLS))


def test_every_time_is_above_nothing_and_no_median_is_below_the_smallest(report: LatencyReport) -> None:
    for row in report.rows:
        assert row.latency.p50_us is not None
        assert 0 < row.latency.min_us <= row.latency.p50_us


def test_progress_ends_when_all_is_done(report: LatencyReport, progress: list[tuple[int, int]]) -> None:
    assert progress[-1] == (1, 1)


def test_one_new_sample_is_generated_a_call(given: dict[str, list[object]]) -> None:
    for precision in ("fp32", "int8"):
        batches = [batch for batch in given[f"{GENERATE} {precision} onnxruntime"] if isinstance(batch, Batch)]
        assert len(batches) == 70
        assert {len(batch) for batch in batches} == {1}
        assert {batch.source.precision for batch in batches} == {precision}
        assert len({batch.samples.tobytes() for batch in batches}) == 70


def test_the_bare_loop_computes_what_generate_does(given: dict[str, list[object]], bundle: Bundle) -> None:
    for precision in ("fp32", "int8"):
        with load(bundle, backend="onnxruntime", precision=precision) as generator:
            expected = generator.generate(64, seed=1).samples
        found = np.concatenate([np.asarray(answer)[0] for answer in given[f"{BARE} {precision} onnxruntime"]])
        np.testing.assert_allclose(found, expected[np.arange(70) % 64], atol=1e-5)
        assert len({sample.tobytes() for sample in found}) == 64  # inputs vary, so that no cache can help


def test_an_absent_engine_is_listed_with_the_reason(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Availability(False, "install it with: pip install 'edgeward[openvino]'")
    monkeypatch.setattr(type(BACKENDS["openvino"]), "probe", lambda _: missing)
    report = measure_bundle(bundle, backends=["openvino", "onnxruntime"], calls=1)
    assert report.absent == {"openvino": missing.reason}
    assert {row.backend for row in report.rows} == {"onnxruntime"}
    assert report.to_json()["absent"] == report.absent


def test_speed_up_is_the_teachers_median_over_a_rows() -> None:
    report = LatencyReport((row(TEACHER, "fp32", 600.0, "torch"), row(GENERATE, "int8", 40.0)), {})
    assert [report.speed_up(row) for row in report.rows] == [1.0, 15.0]


def test_there_is_no_speed_up_without_a_teacher_or_a_median() -> None:
    alone, unsure = row(GENERATE, "int8", 40.0), row(GENERATE, "fp32", None)
    assert LatencyReport((alone,), {}).speed_up(alone) is None
    assert LatencyReport((row(TEACHER, "fp32", 600.0), unsure), {}).speed_up(unsure) is None
    assert LatencyReport((row(TEACHER, "fp32", None), alone), {}).speed_up(alone) is None


def test_overhead_is_above_the_bare_loop_of_the_same_variant_and_engine() -> None:
    rows = (
        row(GENERATE, "fp32", 90.0),
        row(BARE, "fp32", 70.0),
        row(GENERATE, "int8", 40.0),
        row(BARE, "int8", 35.0),
        row(GENERATE, "int8", 50.0, "openvino"),
    )
    report = LatencyReport(rows, {})
    assert [report.overhead_us(row) for row in rows] == [20.0, None, 5.0, None, None]


def test_a_row_is_found_by_what_it_is() -> None:
    rows = (row(GENERATE, "fp32", 1.0), row(GENERATE, "int8", 2.0), row(GENERATE, "int8", 3.0, "openvino"))
    report = LatencyReport(rows, {})
    assert report.find(GENERATE) is rows[0]
    assert report.find(GENERATE, "int8") is rows[1]
    assert report.find(GENERATE, backend="openvino") is rows[2]
    assert report.find(BARE) is None


def test_json_holds_every_row_with_its_comparison(report: LatencyReport) -> None:
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told["absent"] == {}
    for row, found in zip(report.rows, told["rows"], strict=True):
        assert (found["what"], found["precision"], found["backend"]) == (row.what, row.precision, row.backend)
        assert found["p50_us"] == row.latency.p50_us
        assert found["speed_up"] == report.speed_up(row)
        assert found["overhead_us"] == report.overhead_us(row)
        assert (found["overhead_us"] is None) == (row.what != GENERATE)
