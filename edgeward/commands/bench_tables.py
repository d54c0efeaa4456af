"""What `edgeward bench` found, as tables for a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..benchmarks.latency.compare import Compared, ComparedRow
from ..benchmarks.latency.subject import GENERATE
from .terminal import microseconds, print_table, readable_bytes

_HEADS = ("p50", "p90", "p99", "p99.9")


def print_report(report: Mapping[str, Any]) -> None:
    """Verdicts and the closed loop first, then what it means, then the other modes."""
    rows: Sequence[Mapping[str, Any]] = report["rows"]
    for number, name in enumerate(dict.fromkeys(row["bundle"] for row in rows)):
        if number:
            click.echo("\n")
        _print_bundle(report, [row for row in rows if row["bundle"] == name])
    machine = report["machine"]
    mode = ", ".join(f"{key} {value}" for key, value in machine["power_mode"].items()) or "power mode not told"
    click.echo(f"\n{machine['cpu']} ({machine['cpu_class']}), {mode}, {machine['system']}, Python {machine['python']}")
    if machine["fidelity"] != "hardware":
        click.echo(
            f"These times are of a machine that is not itself ({machine['fidelity']}): compare them with nothing."
        )
    failed = [baseline for baseline in report["baselines"] if "reason" in baseline]
    for one in [*report["unavailable"], *failed]:
        click.echo(f"{one['what']}: {one['reason']}")
    _print_trust(rows)


def _print_bundle(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    facts = next(bundle for bundle in report["bundles"] if bundle["sha256"] == rows[0]["bundle_sha256"])
    click.echo(f"{rows[0]['bundle']} {facts['version']}, {readable_bytes(facts['bytes'])}: {facts['makes']}\n")
    click.echo("One record a call, one call after the other; microseconds")
    print_table(
        ["what", "precision", "engine", *_HEADS, "p99 at most", "real time", "calls", "verdict"],
        [_closed_cells(row) for row in rows],
    )
    for row in rows:
        if row["what"] == GENERATE and row["headline"]:
            click.echo(("" if row is not rows[0] else "\n") + row["headline"])
    timed = [row for row in rows if row["closed"]]
    made = [row for row in timed if row["what"] == GENERATE]
    if made:
        _print_modes(made)
        _print_batches(made)
        _print_stages(made)
        _print_costs(made)
        _print_sustained(made)
    _print_ratios(report, made)
    _print_baselines(report, timed)
    _print_predicted(report, timed)


def _closed_cells(row: Mapping[str, Any]) -> list[str]:
    closed = row["closed"] or {}
    factor = (row["units"] or {}).get("real_time_factor")
    return [
        row["what"] + ("" if row["threads"] == 1 else f", {row['threads']} threads"),
        row["precision"],
        _engine(row),
        *(microseconds(closed.get(name, {}).get("value_us")) for name in _HEADS),
        microseconds(closed.get("p99", {}).get("upper_us")),
        "-" if factor is None else f"{factor:,.0f}x",
        f"{closed.get('n', 0):,}",
        row["verdict"] if row["right"] else "WRONG",
    ]


def _name(row: Mapping[str, Any]) -> str:
    threads = "" if row["threads"] == 1 else f", {row['threads']} threads"
    return f"{row['precision']} {_engine(row)}{threads}"


def _engine(row: Mapping[str, Any]) -> str:
    """With the device, where one was asked for."""
    return f"{row['backend']} {row['device']}" if row.get("device") else f"{row['backend']}"


def _print_modes(rows: Sequence[Mapping[str, Any]]) -> None:
    lines = []
    for row in rows:
        for mode in row["modes"]:
            response = mode["response"] or {}
            late = next((d for d in mode["deadlines"] if d["name"] == "tick"), None) or next(
                iter(mode["deadlines"]), None
            )
            lines.append(
                [
                    _name(row),
                    mode["name"],
                    microseconds(mode["service"]["p50"]["value_us"]),
                    microseconds(mode["service"]["p99"]["value_us"]),
                    microseconds(response.get("p50", {}).get("value_us")),
                    microseconds(response.get("p99", {}).get("value_us")),
                    "" if late is None else f"{late['missed_share']:.2%} later than {late['deadline_ms']:g} ms",
                    f"{mode['service']['n']:,}",
                ]
            )
    if lines:
        click.echo(
            "\nWith pauses, and on a schedule: service from its start, response from when it was due; microseconds"
        )
        print_table(["generate", "mode", "service p50", "p99", "response p50", "p99", "deadline", "calls"], lines)


def _print_batches(rows: Sequence[Mapping[str, Any]]) -> None:
    sizes = list(dict.fromkeys(point["batch"] for row in rows for point in row["batches"]))
    if len(sizes) < 2:
        return
    click.echo("\nRecords a second, by records a call")
    lines = []
    for row in rows:
        rate = {point["batch"]: point["units"]["records_a_second"] for point in row["batches"]}
        lines.append([_name(row), *(f"{rate[size]:,.0f}" if size in rate else "-" for size in sizes)])
    print_table(["generate", *map(str, sizes)], lines)


def _print_stages(rows: Sequence[Mapping[str, Any]]) -> None:
    lines = []
    for row in rows:
        stages = {stage["name"]: stage for stage in row["stages"] if stage["n"]}
        if stages:
            cells = []
            for stage in stages.values():
                share = "" if stage["share"] is None else f" ({stage['share']:.0%})"
                cells.append(f"{stage['mean_us']:,.1f}{share}")
            lines.append([_name(row), *cells])
            heads = list(stages)
    if lines:
        click.echo("\nStages of a record: mean microseconds, and share of what it takes to have it as bytes")
        print_table(["generate", *(head.replace("_json", " as JSON instead") for head in heads)], lines)


def _print_costs(rows: Sequence[Mapping[str, Any]]) -> None:
    click.echo("\nCold start to the first record in milliseconds, memory, energy")
    lines = []
    for row in rows:
        cold, energy = row["cold_start"], row["energy"]
        joules = energy.get("joules_per_record")
        peak, size = row["memory"]["peak_bytes"], row["memory"]["variant_bytes"]
        lines.append(
            [
                _name(row),
                *(f"{cold[name]['median_ms']:,.1f}" for name in ("interpreter", "import", "load", "first_call")),
                f"{cold['to_first_sample']['median_ms']:,.1f}",
                "-" if peak is None else readable_bytes(peak),
                "-" if size is None else readable_bytes(size),
                "-" if joules is None else f"{joules * 1000:.3g} mJ ({energy['method']})",
            ]
        )
    print_table(
        ["generate", "interpreter", "import", "load", "first call", "in all", "peak memory", "variant", "a record"],
        lines,
    )
    if rows[0]["energy"]["method"] == "unavailable":
        reason = rows[0]["energy"]["reason"]
        click.echo(f"Energy is not known: {reason}")


def _print_sustained(rows: Sequence[Mapping[str, Any]]) -> None:
    ran = [row for row in rows if row["sustained"]]
    if not ran:
        return
    click.echo("\nOn end: median microseconds by minute")
    minutes = max(len(row["sustained"]["p50_us_by_minute"]) for row in ran)
    lines = []
    for row in ran:
        found, drop = row["sustained"], row["sustained"]["drop"]
        by_minute = [microseconds(us) for us in found["p50_us_by_minute"]]
        fell = "" if drop is None else f"{drop['times_slower']:.2f} times slower from {drop['at_s']:.0f} s on"
        lines.append([_name(row), *by_minute, *[""] * (minutes - len(by_minute)), fell])
    print_table(["generate", *(str(n + 1) for n in range(minutes)), ""], lines)


def _print_ratios(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    mine = {row["id"]: row for row in rows}
    lines = [
        [
            _name(mine[ratio["row"]]),
            ratio["baseline"].partition(" ")[2],
            f"{ratio['times_faster']:.2f}x",
            _interval(ratio["low"], ratio["high"], digits=2),
            "-" if ratio["aa_floor"] is None else f"{ratio['aa_floor']:.1%}",
            ratio["finding"],
        ]
        for ratio in report["ratios"]
        if ratio["row"] in mine
    ]
    if lines:
        click.echo("\nHow many times faster than what was measured beside it")
        print_table(["generate", "compared with", "faster", "95 % interval", "A/A floor", "finding"], lines)


def _print_baselines(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    mine = {row["id"]: row for row in rows}
    lines = [
        [
            f"{mine[baseline['row']]['what']} {_name(mine[baseline['row']])}",
            baseline["what"],
            *_agreement(mine[baseline["row"]]["closed"], baseline, "p50"),
            *_agreement(mine[baseline["row"]]["closed"], baseline, "p90"),
        ]
        for baseline in report["baselines"]
        if baseline.get("row") in mine
    ]
    if lines:
        click.echo("\nWhat other programs tell of the same, not in turns; microseconds")
        print_table(["what", "program", "p50 here", "theirs", "apart", "p90 here", "theirs", "apart"], lines)


def _agreement(closed: Mapping[str, Any], baseline: Mapping[str, Any], percentile: str) -> list[str]:
    apart = baseline["apart"].get(percentile)
    return [
        microseconds(closed[percentile]["value_us"]),
        microseconds(baseline.get(f"{percentile}_us")),
        "-" if apart is None else f"{apart['us']:+.1f} ({apart['share']:+.1%})",
    ]


def _print_predicted(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    lines = []
    for row in rows:
        told, measured = row.get("predicted"), row["closed"]["p50"]["value_us"]
        if told and measured:
            lines.append(
                [
                    f"{row['what']} {_name(row)}",
                    microseconds(measured),
                    *(microseconds(told[name]) for name in ("us", "low_us", "high_us")),
                    f"{told['measured_over_predicted']:.2f}x",
                    "yes" if told["within"] else "no",
                ]
            )
    if lines:
        click.echo("\nMeasured beside what a model of this machine predicts for the engine's call; microseconds")
        print_table(["what", "measured", "predicted", "from", "to", "measured/predicted", "within"], lines)
        click.echo(f"The model: {report['prediction_method']}")


def _print_trust(rows: Sequence[Mapping[str, Any]]) -> None:
    """Why rows are not valid, in their own words, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        for reason in (*row["reasons"], *row["warnings"]):
            by_reason.setdefault(reason, []).append(f"{row['what']} {row['precision']} {row['backend']}")
    for reason, names in by_reason.items():
        who = "all rows" if len(names) == len(rows) > 1 else ", ".join(names)
        click.echo(f"{who}: {reason}")
    if any(row["verdict"] != "VALID" for row in rows):
        click.echo("INVALID rows keep their median and lose their tail; measure again on a quiet machine.")


def print_compared(found: Compared) -> None:
    """Two reports side by side."""
    print_table(_COMPARED_HEADS, [_compared_cells(row) for row in found.rows])
    for row in found.rows:
        if row.reason or row.changed:
            also = f"also changed: {', '.join(row.changed)}" if row.changed else ""
            click.echo(f"{row.id}: {'; '.join(filter(None, (row.reason, also)))}")
    if not any(row.difference for row in found.rows):
        click.echo("No row could be judged: this does not show that nothing got slower.")
    for when, names in (("before", found.only_before), ("after", found.only_after)):
        if names:
            click.echo(f"Only {when}: {', '.join(names)}")


def compared_markdown(found: Compared) -> str:
    """The same as a Markdown table."""
    lines = [_COMPARED_HEADS, ["---"] * len(_COMPARED_HEADS), *(_compared_cells(row) for row in found.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _interval(low: float | None, high: float | None, *, digits: int) -> str:
    return "-" if low is None or high is None else f"{low:.{digits}f} to {high:.{digits}f}"


_COMPARED_HEADS = ["row", "before µs", "after µs", "times the time", "95 % interval", "must exceed", "finding"]


def _compared_cells(row: ComparedRow) -> list[str]:
    cells = [row.id, microseconds(row.before_us), microseconds(row.after_us)]
    if row.difference is None:
        return [*cells, "-", "-", "-", "WRONG" if row.became_wrong else "INVALID"]
    found = row.difference
    return [
        *cells,
        f"{found.ratio:.3f}",
        _interval(found.low, found.high, digits=3),
        f"{found.least_effect:.1%}",
        found.finding,
    ]
