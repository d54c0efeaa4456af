"""The latency page shows verdicts and their reasons, no tail that was withheld, and trusts no name it is given."""

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from edgeward.benchmarks.report.bench_page import render_bench_page
from edgeward.runtime.errors import DataError


def told(value_us: float | None, upper_us: float | None = None) -> dict[str, Any]:
    return {"value_us": value_us, "upper_us": upper_us, "n": 700}


def distribution(us: float, p99: float | None = 300.0) -> dict[str, Any]:
    tail = told(p99, None if p99 is None else p99 + 20)
    return {"n": 700, "p50": told(us), "p90": tail, "p95": tail, "p99": tail, "p99.9": told(None)}


def units(rate: float) -> dict[str, Any]:
    return {
        "records_a_second": rate,
        "ms_a_record": 1000 / rate,
        "real_time_factor": rate,
        "beds_in_real_time": int(rate),
    }


def row(what: str = "generate", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"ecg {what} fp32 onnxruntime",
        "bundle": "ecg",
        "what": what,
        "precision": "fp32",
        "backend": "onnxruntime",
        "threads": 1,
        "verdict": "VALID",
        "right": True,
        "reasons": [],
        "warnings": [],
        "headline": "ecg generate fp32 on onnxruntime: p50 127 µs",
        "read_back": {"precision": "f32"},
        "processes": 5,
        "aa_floor": 0.012,
        "closed": distribution(127.0),
        "units": units(7500.0),
        "modes": [
            {
                "name": "periodic 50 Hz",
                "service": distribution(140.0),
                "response": distribution(240.0, 953_000.0),
                "deadlines": [{"name": "tick", "missed_share": 0.207}],
            }
        ],
        "batches": [{"batch": n, "units": units(7500.0 * n)} for n in (1, 8)],
        "stages": [
            {"name": "bind", "n": 0, "reason": "bound by the engine"},
            {"name": "noise", "n": 9, "mean_us": 4.0, "share": 0.04},
            {"name": "infer", "n": 9, "mean_us": 96.0, "share": 0.96},
            {"name": "encode_json", "n": 9, "mean_us": 287.0, "share": None},
        ],
        "cold_start": {
            "n": 5,
            **{
                name: {"median_ms": 10.0} for name in ("interpreter", "import", "load", "first_call", "to_first_sample")
            },
        },
        "memory": {"peak_bytes": 70_000_000, "variant_bytes": 185_000},
        "energy": {"method": "unavailable", "reason": "there is no counter"},
        "sustained": None,
        **changes,
    }


def report(*rows: dict[str, Any], fidelity: str = "hardware", cpu: str = "N100") -> dict[str, Any]:
    return {
        "edgeward": "0.1.0",
        "made": "2026-12-01T00:00:00+00:00",
        "machine": {
            "cpu": cpu,
            "cpu_class": "x86_64-avx2",
            "logical_cores": 4,
            "power_mode": {"governor": "performance"},
            "system": "Linux",
            "python": "3.12",
            "fidelity": fidelity,
        },
        "bundles": [{"name": "ecg", "version": "1", "bytes": 376_000, "makes": "256 samples"}],
        "rows": list(rows) or [row()],
        "ratios": [
            {
                "row": "ecg generate fp32 onnxruntime",
                "baseline": "ecg teacher fp32 torch",
                "times_faster": 6.5,
                "low": 6.3,
                "high": 6.7,
                "aa_floor": 0.012,
                "finding": "faster",
            }
        ],
        "unavailable": [{"what": "openvino", "reason": "not installed"}],
        "baselines": [],
    }


class Text(HTMLParser):
    """The words of a page, without style sheets, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.tags = "", list[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words += data


def words(page: str) -> str:
    reader = Text()
    reader.feed(page)
    return re.sub(r"\s+", " ", reader.words)


def test_a_valid_row_is_shown_with_its_tail_and_all_that_belongs_to_it() -> None:
    text = words(render_bench_page([report()]))
    for word in (
        "All 1 rows are valid",
        "p50 127 µs",
        "at most 320 µs",
        "953 ms",
        "20.70%",
        "96.0%",
        "as JSON instead of bytes 287 µs",
    ):
        assert word in text
    for word in ("60,000", "6.50x (6.30 to 6.70)", "there is no counter", "openvino: not installed", "70.0 MB", "N100"):
        assert word in text


def test_an_invalid_row_says_why_and_a_wrong_one_has_no_number() -> None:
    invalid = row(verdict="INVALID", reasons=["throttled for 7 ms"], closed=distribution(127.0, None), headline=None)
    wrong = row(
        "bare engine",
        verdict="INVALID",
        right=False,
        reasons=["computes something else"],
        closed=None,
        units=None,
        headline=None,
    )
    text = words(render_bench_page([report(invalid, wrong)]))
    assert "No row is valid" in text
    assert "throttled for 7 ms" in text
    assert "WRONG" in text
    assert "at most 3" not in text


def test_several_machines_stand_side_by_side_and_what_is_emulated_is_marked() -> None:
    text = words(render_bench_page([report(), report(cpu="Cortex-A76", fidelity="emulated")]))
    assert "Side by side" in text
    assert "127 µs (emulated)" in text
    assert "compare with nothing" in text
    assert "Side by side" not in words(render_bench_page([report()]))


def test_what_is_on_end_tells_where_it_gave_way() -> None:
    sustained = {"p50_us_by_minute": [100.0, 150.0], "drop": {"times_slower": 1.5, "at_s": 61.0}}
    assert "1.50 times slower from 61 s on" in words(render_bench_page([report(row(sustained=sustained))]))


def test_the_page_loads_nothing_and_trusts_no_name() -> None:
    hostile = "<script>alert(1)</script>"
    bad = report(row(bundle=hostile, reasons=[hostile], headline=hostile), cpu=hostile)
    page = render_bench_page([bad, bad])
    reader = Text()
    reader.feed(page)
    assert "script" not in reader.tags
    assert hostile in reader.words
    assert not re.search(r"(src|href)=\"(?!data:,)", page)


def test_a_ratio_of_too_few_processes_has_no_interval() -> None:
    told = report()
    told["ratios"][0] |= {"low": None, "high": None, "aa_floor": None, "finding": "cannot tell"}
    text = words(render_bench_page([told]))
    assert "6.50x" in text
    assert "6.50x (" not in text
    assert "cannot tell; too few processes for an A/A floor" in text


@pytest.mark.parametrize("field", ["machine", "rows", "ratios", "bundles"])
def test_a_damaged_report_is_an_error_and_no_crash(field: str) -> None:
    damaged = copy.deepcopy(report())
    del damaged[field]
    with pytest.raises(DataError, match="damaged"):
        render_bench_page([damaged])
    for wrong in ({"rows": [{}]}, {"machine": {"power_mode": {}}}, {"bundles": [{}]}, {"made": None, "rows": 7}):
        with pytest.raises(DataError, match="damaged"):
            render_bench_page([{**report(), **wrong}])


def test_a_prediction_stands_beside_its_measurement_and_only_where_there_is_one() -> None:
    told = {"us": 100.0, "low_us": 50.0, "high_us": 200.0, "measured_over_predicted": 1.27, "within": True}
    made = report(row(predicted=told), row("bare engine", predicted=None))
    text = words(render_bench_page([{**made, "prediction_method": "calibrated on 29 graphs"}]))
    assert "Measured beside predicted" in text
    assert "calibrated on 29 graphs" in text
    assert "generate, ecg fp32, onnxruntime127 µs100 µs50.0 µs to 200 µs 1.27xyes" in text
    assert "Measured beside predicted" not in words(render_bench_page([report()]))


def test_another_program_stands_beside_the_row_that_does_the_same() -> None:
    made = report(row())
    apart = {"p50": {"us": 2.2, "share": 0.04}}
    told = {"what": "LoadGen", "row": made["rows"][0]["id"], "p50_us": 57.5, "p90_us": 63.0, "apart": apart}
    failed = {"what": "another tool", "reason": "it is not here"}
    text = words(render_bench_page([{**made, "baselines": [told, failed]}]))
    assert "Measured beside other programs" in text
    assert "+2.2 µs (+4.0%)" in text
    assert "it is not here" in text
    assert "Measured beside other programs" not in words(render_bench_page([{**made, "baselines": [failed]}]))
