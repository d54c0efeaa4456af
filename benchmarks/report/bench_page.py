"""The page of `edgeward bench report`: which numbers may be believed, what they are, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...runtime.errors import DataError
from ...runtime.provenance import MARK, STATEMENT
from ..latency.subject import GENERATE
from .charts import Bar, IntervalRow, bar_chart, interval_chart
from .marks import CIRCLE, Mark
from .page import render_page
from .quantities import ABSENT, bytes_text, significant, time_text
from .scale import round_scale

_PERCENTILES = ("p50", "p90", "p99", "p99.9")
_STAGES = {
    "noise": "noise and conditions",
    "infer": "the engine",
    "post": "batch with its provenance",
    "encode": "as bytes",
}
_COLD = {"interpreter": "interpreter", "import": "import", "load": "load", "first_call": "first record"}
_MACHINE = ("cpu", "cpu_class", "logical_cores", "system", "python", "fidelity")
_BUNDLE = ("name", "version", "bytes", "makes")
_ESTIMATE = Mark("a", CIRCLE)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """A drawing under its title."""

    title: str
    what: str
    drawing: str


def render_bench_page(reports: Sequence[Mapping[str, Any]]) -> str:
    """One self-contained HTML document of one or more reports, to be written as UTF-8.

    Args:
        reports: As `latency.compare.read_report` gives them; several are of several machines, or times.

    Raises:
        RequestError: jinja2 is missing.
        DataError: A report lacks what a report has.
    """
    try:
        runs = [_run(report) for report in reports]
        return render_page(
            "bench.html.j2",
            styles=("page.css", "evidence.css", "compression.css", "bench.css"),
            title="Latency",
            provenance=json.dumps({"synthetic": MARK, "statement": STATEMENT}),
            headlines=[row["headline"] for report in reports for row in _made(report["rows"]) if row["headline"]],
            invalid=sum(row["verdict"] != "VALID" for report in reports for row in report["rows"]),
            rows=sum(len(report["rows"]) for report in reports),
            runs=runs,
            across=_across(reports) if len(reports) > 1 else None,
            absent=ABSENT,
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(f"a report is damaged ({type(error).__name__}: {error}); measure again") from error


def _run(report: Mapping[str, Any]) -> dict[str, Any]:
    rows = [row for row in report["rows"] if row["closed"]]
    made = _made(rows)
    return {
        "machine": {name: report["machine"][name] for name in _MACHINE},
        "mode": ", ".join(f"{key} {value}" for key, value in report["machine"]["power_mode"].items()),
        "made": report["made"],
        "version": report["edgeward"],
        "bundles": [{name: bundle[name] for name in _BUNDLE} for bundle in report["bundles"]],
        "percentiles": _PERCENTILES,
        "lines": [_line(row) for row in report["rows"]],
        "reasons": _reasons(report["rows"]),
        "distribution": _distributions(rows),
        "stages": [Chart(_name(row), _stage_text(row), _stage_bars(row)) for row in made if row["stages"]],
        "batches": [Chart(_name(row), "records a second, by records a call", _batch_bars(row)) for row in made],
        "cold": [Chart(_name(row), _cold_text(row), _cold_bars(row)) for row in made],
        "modes": [_mode(row, mode) for row in made for mode in row["modes"]],
        "ratios": _ratios(report),
        "baselines": list(_baselines(report)),
        "predictions": [_prediction(row) for row in rows if row.get("predicted")],
        "prediction_method": report.get("prediction_method", ""),
        "sustained": [Chart(_name(row), _drop_text(row), _sustained_bars(row)) for row in made if row["sustained"]],
        "costs": [_cost(row) for row in made],
        "unavailable": [
            (one["what"], one["reason"])
            for one in (*report["unavailable"], *report["baselines"])
            if one.get("reason") is not None
        ],
    }


def _made(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["what"] == GENERATE]


def _name(row: Row) -> str:
    threads = "" if row["threads"] == 1 else f", {row['threads']} threads"
    device = f" {row['device']}" if row.get("device") else ""
    return f"{row['bundle']} {row['precision']}, {row['backend']}{device}{threads}"


def _us(told: Mapping[str, Any] | None) -> str:
    value = (told or {}).get("value_us")
    return ABSENT if value is None else time_text(value)


def _line(row: Row) -> dict[str, Any]:
    closed = row["closed"] or {}
    upper = closed.get("p99", {}).get("upper_us")
    beds = (row["units"] or {}).get("beds_in_real_time")
    return {
        "name": row["what"] if row["what"] != GENERATE else "generate",
        "of": _name(row),
        "strong": row["what"] == GENERATE and row["verdict"] == "VALID",
        "percentiles": [_us(closed.get(name)) for name in _PERCENTILES],
        "upper": ABSENT if upper is None else time_text(upper),
        "beds": ABSENT if beds is None else f"{beds:,}",
        "n": f"{closed.get('n', 0):,} in {row['processes']}",
        "precision": row["read_back"]["precision"],
        "floor": ABSENT if row["aa_floor"] is None else f"{row['aa_floor']:.1%}",
        "verdict": row["verdict"] if row["right"] else "WRONG",
    }


def _reasons(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Why rows are not valid, each reason with those it is told of."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for reason in (*row["reasons"], *row["warnings"]):
            found.setdefault(reason, []).append(f"{row['what']} of {_name(row)}")
    return [
        (reason, "every row" if len(names) == len(rows) > 1 else "; ".join(names)) for reason, names in found.items()
    ]


def _distributions(rows: Sequence[Row]) -> str:
    """Medians as bars, the bound of p99 as a whisker."""
    bars = []
    for row in rows:
        p50, p99 = row["closed"]["p50"]["value_us"], row["closed"]["p99"]
        if p50 is not None:
            upper = p99.get("upper_us")
            note = "" if upper is None else f"p99 {time_text(p99['value_us'])}, at most {time_text(upper)}"
            strong = row["what"] == GENERATE
            label = _name(row) if strong else f"{row['what']}, {_name(row)}"
            bars.append(Bar(label, p50, time_text(p50), upper, note or row["verdict"], strong))
    return bar_chart(bars) if bars else ""


def _stage_text(row: Row) -> str:
    """What is no part of the bars."""
    other = next((stage for stage in row["stages"] if stage["name"] == "encode_json"), None)
    return "mean of a record" + (f"; as JSON instead of bytes {time_text(other['mean_us'])}" if other else "")


def _stage_bars(row: Row) -> str:
    return bar_chart(
        [
            Bar(
                _STAGES.get(stage["name"], stage["name"]),
                stage["mean_us"],
                time_text(stage["mean_us"]),
                note=f"{stage['share']:.1%}",
                strong=stage["name"] == "infer",
            )
            for stage in row["stages"]
            if stage.get("share") is not None
        ]
    )


def _batch_bars(row: Row) -> str:
    best = max(point["units"]["records_a_second"] for point in row["batches"])
    return bar_chart(
        [
            Bar(
                str(point["batch"]),
                point["units"]["records_a_second"],
                significant(point["units"]["records_a_second"]),
                note=f"{significant(point['units']['ms_a_record'])} ms a record",
                strong=point["units"]["records_a_second"] == best,
            )
            for point in row["batches"]
        ]
    )


def _cold_bars(row: Row) -> str:
    cold = row["cold_start"]
    return bar_chart(
        [Bar(text, cold[name]["median_ms"], time_text(1000 * cold[name]["median_ms"])) for name, text in _COLD.items()]
    )


def _cold_text(row: Row) -> str:
    cold = row["cold_start"]
    return f"{time_text(1000 * cold['to_first_sample']['median_ms'])} to the first record, median of {cold['n']}"


def _mode(row: Row, mode: Mapping[str, Any]) -> dict[str, Any]:
    late = {deadline["name"]: f"{deadline['missed_share']:.2%}" for deadline in mode["deadlines"]}
    return {
        "of": _name(row),
        "name": mode["name"],
        "service": [_us(mode["service"]["p50"]), _us(mode["service"]["p99"])],
        "response": [_us((mode["response"] or {}).get(name)) for name in ("p50", "p99")],
        "late": [late.get(name, ABSENT) for name in ("period", "tick", "record")],
        "n": f"{mode['service']['n']:,}",
    }


def _ratios(report: Mapping[str, Any]) -> str:
    """How many times faster than each baseline, with intervals."""
    ratios = report["ratios"]
    if not ratios:
        return ""
    rows = [
        IntervalRow(
            f"{ratio['row']} against {ratio['baseline']}",
            f"{ratio['times_faster']:.2f}x" + _interval_text(ratio),
            _ESTIMATE,
            ratio["times_faster"],
            ratio["low"],
            ratio["high"],
            note=_finding(ratio),
        )
        for ratio in ratios
    ]
    scale = round_scale([0.0, 1.0, *(ratio["high"] or ratio["times_faster"] for ratio in ratios)])
    return interval_chart(rows, scale, aims=(1.0,), direction="faster \N{BLACK RIGHT-POINTING SMALL TRIANGLE}")


def _baselines(report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Other programs' percentiles beside those of the row that does the same."""
    rows = {row["id"]: row for row in report["rows"]}
    for baseline in report["baselines"]:
        row = rows.get(baseline.get("row"))
        if row is None:  # it failed, with a reason, or its row was not timed
            continue
        cells = {"of": f"{row['what']}, {_name(row)}", "program": baseline["what"]}
        for name in ("p50", "p90"):
            theirs, apart = baseline.get(f"{name}_us"), baseline["apart"].get(name)
            cells[f"{name}_here"] = _us(row["closed"][name])
            cells[f"{name}_theirs"] = ABSENT if theirs is None else time_text(theirs)
            cells[f"{name}_apart"] = ABSENT if apart is None else f"{apart['us']:+.1f} µs ({apart['share']:+.1%})"
        yield cells


def _prediction(row: Row) -> dict[str, str]:
    """A model's word beside the measured median."""
    told = row["predicted"]
    ratio = told["measured_over_predicted"]
    return {
        "of": f"{row['what']}, {_name(row)}",
        "measured": _us(row["closed"]["p50"]),
        "predicted": time_text(told["us"]),
        "range": f"{time_text(told['low_us'])} to {time_text(told['high_us'])}",
        "ratio": ABSENT if ratio is None else f"{ratio:.2f}x",
        "within": ABSENT if ratio is None else "yes" if told["within"] else "no",
    }


def _interval_text(ratio: Mapping[str, Any]) -> str:
    """Nothing where too few processes give none."""
    return "" if ratio["low"] is None else f" ({ratio['low']:.2f} to {ratio['high']:.2f})"


def _finding(ratio: Mapping[str, Any]) -> str:
    floor = ratio["aa_floor"]
    return f"{ratio['finding']}; " + (
        "too few processes for an A/A floor" if floor is None else f"A/A floor {floor:.1%}"
    )


def _sustained_bars(row: Row) -> str:
    minutes = row["sustained"]["p50_us_by_minute"]
    return bar_chart([Bar(f"minute {n}", us, time_text(us)) for n, us in enumerate(minutes, start=1)])


def _drop_text(row: Row) -> str:
    drop = row["sustained"]["drop"]
    if drop is None:
        return "kept its speed"
    return f"{drop['times_slower']:.2f} times slower from {drop['at_s']:.0f} s on"


def _cost(row: Row) -> dict[str, Any]:
    energy, memory = row["energy"], row["memory"]
    joules = energy.get("joules_per_record")
    return {
        "of": _name(row),
        "peak": ABSENT if memory["peak_bytes"] is None else bytes_text(memory["peak_bytes"]),
        "variant": ABSENT if memory["variant_bytes"] is None else bytes_text(memory["variant_bytes"]),
        "energy": energy.get("reason") or f"{significant(1000 * joules)} mJ ({energy['method']}, {energy['scope']})",
    }


def _across(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median of each subject on each machine."""
    names = list(dict.fromkeys(row["id"] for report in reports for row in _made(report["rows"])))
    heads = [f"{report['machine']['cpu']}, {report['made'][:10]}" for report in reports]
    return {"heads": heads, "lines": [(name, list(_cells(name, reports))) for name in names]}


def _cells(name: str, reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for report in reports:
        row = next((row for row in report["rows"] if row["id"] == name), None)
        if row is None or not row["closed"]:
            yield ABSENT
        else:
            marked = "" if report["machine"]["fidelity"] == "hardware" else f" ({report['machine']['fidelity']})"
            yield _us(row["closed"]["p50"]) + ("" if row["verdict"] == "VALID" else " INVALID") + marked
