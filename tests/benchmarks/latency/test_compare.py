"""Reports are compared row by row where that means something, and refused where it would not."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edgeward.benchmarks.latency.compare import compare_reports, read_report
from edgeward.benchmarks.latency.history import append_history, check_history
from edgeward.benchmarks.latency.report import KIND, SCHEMA
from edgeward.runtime.errors import DataError, OutputError, RequestError

P50 = [100.0, 101.0, 102.0, 100.5, 101.5, 102.5]


def row(name: str = "ecg generate fp32 onnxruntime", p50: list[float] = P50, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "backend": "onnxruntime",
        "bundle_sha256": "0" * 64,
        "verdict": "VALID",
        "right": True,
        "reasons": [],
        "processes": len(p50),
        "process_p50_us": p50,
        "aa_floor": 0.01,
        "read_back": {"backend": "onnxruntime", "version": "1.32.0", "device": "CPU", "precision": "f32", "threads": 1},
        "closed": {"n": 700, "p50": {"value_us": 101.0}, "p99": {"value_us": None}},
        **changes,
    }


def report(*rows: dict[str, Any], **machine: Any) -> dict[str, Any]:
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "edgeward": "0.1.0",
        "made": "2026-12-01T00:00:00+00:00",
        "machine": {
            "cpu": "N100",
            "cpu_class": "x86_64-avx2",
            "logical_cores": 4,
            "power_mode": {"governor": "performance"},
            "fidelity": "hardware",
            **machine,
        },
        "rows": list(rows),
    }


def slower(share: float) -> list[float]:
    return [value * (1 + share) for value in P50]


def test_a_report_is_no_slower_than_itself() -> None:
    found = compare_reports(report(row()), report(row()))
    (same,) = found.rows
    assert same.difference is not None
    assert (same.difference.finding, same.difference.ratio, found.regressions) == ("same", 1.0, ())


def test_what_got_slower_is_a_regression_and_what_got_faster_is_none() -> None:
    before = report(row("a"), row("b"), row("c"))
    after = report(row("a", slower(0.2)), row("b", slower(-0.2)), row("c", slower(0.02)))
    found = compare_reports(before, after)
    assert [one.difference and one.difference.finding for one in found.rows] == ["slower", "faster", "same"]
    assert [one.id for one in found.regressions] == ["a"]
    assert found.to_json()["regressions"] == ["a"]


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        ({"cpu": "i5"}, "differ in the processor"),
        ({"logical_cores": 2}, "differ in the cores"),
        ({"power_mode": {"governor": "powersave"}}, "differ in the power mode"),
        ({"fidelity": "emulated"}, "not itself (emulated)"),
        ({"fidelity": "quota"}, "not itself (quota)"),
    ],
)
def test_other_machines_and_modes_are_refused(machine: dict[str, Any], told: str) -> None:
    for pair in ((report(row()), report(row(), **machine)), (report(row(), **machine), report(row()))):
        with pytest.raises(RequestError, match=told.replace("(", r"\(").replace(")", r"\)")):
            compare_reports(*pair)


def test_two_emulated_reports_are_refused_too() -> None:
    with pytest.raises(RequestError, match="never compared"):
        compare_reports(report(row(), fidelity="emulated"), report(row(), fidelity="emulated"))


@pytest.mark.parametrize(("key", "value"), [("precision", "bf16"), ("device", "GPU"), ("threads", 4)])
def test_another_precision_device_or_number_of_threads_is_refused(key: str, value: object) -> None:
    other = row()
    other["read_back"] = {**other["read_back"], key: value}
    with pytest.raises(RequestError, match="such times cannot be compared"):
        compare_reports(report(row()), report(other))


def test_an_invalid_row_is_shown_and_never_judged() -> None:
    invalid = row(p50=slower(1.0), verdict="INVALID", reasons=["throttled for 7 ms by a CPU quota"])
    found = compare_reports(report(row()), report(invalid))
    assert found.rows[0].difference is None
    assert found.rows[0].reason == "after: throttled for 7 ms by a CPU quota"
    assert found.regressions == ()


WRONG = {
    "verdict": "INVALID",
    "right": False,
    "reasons": ["computes something else than was recorded"],
    "p50": [],
}


def test_a_row_that_became_wrong_is_a_regression_and_one_that_was_wrong_is_none() -> None:
    found = compare_reports(report(row("a")), report(row("a", **WRONG)))
    (one,) = found.rows
    assert (one.after_us, one.difference, one.became_wrong) == (None, None, True)
    assert one.reason == "after: computes something else than was recorded"
    assert found.to_json()["regressions"] == ["a"]
    assert compare_reports(report(row("a", **WRONG)), report(row("a"))).regressions == ()
    assert compare_reports(report(row("a", **WRONG)), report(row("a", **WRONG))).regressions == ()


def test_a_row_without_times_is_told_and_not_judged() -> None:
    (one,) = compare_reports(report(row(p50=[])), report(row())).rows
    assert (one.before_us, one.difference, one.reason) == (None, None, "not timed")


def test_what_else_changed_is_told() -> None:
    new = row(bundle_sha256="1" * 64)
    new["read_back"] = {**new["read_back"], "version": "1.33.0"}
    found = compare_reports(report(row()), report(new))
    assert found.rows[0].changed == ("the bundle", "onnxruntime 1.32.0 to 1.33.0")


def test_rows_of_one_report_only_are_named_and_none_in_common_is_refused() -> None:
    found = compare_reports(report(row("a"), row("b")), report(row("b"), row("c")))
    assert (found.only_before, found.only_after) == (("a",), ("c",))
    with pytest.raises(RequestError, match="no row in common"):
        compare_reports(report(row("a")), report(row("b")))


def test_a_report_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(report(row())))
    assert read_report(tmp_path / "a.json") == report(row())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "no report of edgeward bench"),
        ("[" * 100_000, "is not JSON"),
        (json.dumps({"kind": KIND, "schema": 1}), "no report of edgeward bench"),
        (json.dumps({**report(row()), "schema": SCHEMA + 1}), f"has the schema {SCHEMA + 1}"),
    ],
    ids=["cut off", "a list", "deep", "without rows", "newer"],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=told):
        read_report(tmp_path / "a.json")


def test_a_report_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_report(tmp_path / "a.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r["rows"][0].pop("read_back"),
        lambda r: r["rows"].append(7),
        lambda r: r.update(machine=None),
        lambda r: r["rows"][0].update(process_p50_us="x"),
        lambda r: r["rows"][0].update(process_p50_us=[100.0, 0.0]),
    ],
    ids=["no read-back", "a number for a row", "no machine", "text for times", "a call that took no time"],
)
def test_a_damaged_row_is_an_error_and_no_crash(spoil: Callable[[dict[str, Any]], object]) -> None:
    damaged = copy.deepcopy(report(row()))
    spoil(damaged)
    with pytest.raises(DataError, match="measure again"):
        compare_reports(report(row()), damaged)


def test_history_grows_by_a_line_a_row(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for _ in range(2):
        append_history(file, report(row("a"), row("b", closed=None)))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["a", "b"] * 2
    assert (lines[0]["p50_us"], lines[0]["p99_us"], lines[0]["n"], lines[1]["n"]) == (101.0, None, 700, 0)
    assert lines[0]["engine"] == "onnxruntime 1.32.0"
    assert lines[0]["process_p50_us"] == P50


def test_a_history_is_checked_before_the_measuring(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    check_history(file)
    assert not file.exists()
    append_history(file, report(row()))
    check_history(file)
    for place in (tmp_path / "absent" / "history.jsonl", tmp_path):
        with pytest.raises(OutputError):
            check_history(place)


def test_a_history_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        append_history(tmp_path / "absent" / "history.jsonl", report(row()))
