"""What came of a run, as one JSON document; `docs/benchmarks.md` says what each field means.

Raise `SCHEMA` whenever a field is removed or changes its meaning.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...devices import this_host
from ...runtime.bundle import Bundle
from ...runtime.manifest import REFERENCE_ENGINE
from ...runtime.provenance import edgeward_version
from .bundle_work import bundle_facts
from .conditions import cpu_quota, surroundings
from .energy import EnergyBook
from .percentiles import percentiles_of
from .plan import CLOSED, Plan, Task
from .run import SubjectRecord
from .subject import BARE, COMPILED_TEACHER, GENERATE, TEACHER
from .sustained import rank_changes, sustained_report
from .uncertainty import WITHIN_A_RUN, aa_floor, difference, hierarchical_interval, process_medians_us
from .units import deadlines, network_calls, units_of
from .verdict import Verdict, disturbance_reasons, parity_reasons, read_back_reasons

KIND, SCHEMA = "edgeward-bench", 2
HARDWARE, QUOTA, EMULATED = "hardware", "quota", "emulated"

IntArray = npt.NDArray[np.int64]
_WITHHELD = "withheld: the row is INVALID, and a disturbed tail says nothing"
_COLD = {
    "interpreter": ("spawned", "began"),
    "import": ("began", "imported"),
    "load": ("imported", "loaded"),
    "first_call": ("loaded", "first_sample"),
    "to_first_sample": ("spawned", "first_sample"),
}


def bench_report(
    records: Sequence[SubjectRecord],
    plan: Plan,
    bundles: Mapping[str, Bundle],
    absent: Sequence[Mapping[str, str]],
    *,
    energy: EnergyBook | None = None,
    emulated: bool = False,
    baselines: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The document.

    Args:
        records: Of every subject, as `run_plan` gives them.
        plan: That they were measured by.
        bundles: By the folder that the subjects name.
        absent: What was not even tried: `what`, `reason`.
        energy: That counted.
        emulated: Whether this machine only plays another one, so that times mean nothing.
        baselines: Other programs' own figures, see `benchmark_app`.
    """
    names = _names(bundles)
    rows = [
        _row(record, plan, bundles[record.subject.bundle], names[record.subject.bundle], energy, number)
        for number, record in enumerate(records)
        if record.refused is None
    ]
    refused = [
        {"what": record.subject.name, "bundle": names[record.subject.bundle], "reason": record.refused}
        for record in records
        if record.refused is not None
    ]
    quota = cpu_quota()
    starved = quota is not None and quota < this_host().logical_cores
    fidelity = EMULATED if emulated else QUOTA if starved else HARDWARE
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "edgeward": edgeward_version(),
        "made": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {**this_host().to_json(), **surroundings(), "fidelity": fidelity},
        "plan": plan.to_json(),
        "bundles": [bundle_facts(bundle) for bundle in bundles.values()],
        "rows": rows,
        "unavailable": [*absent, *refused],
        "baselines": [_beside(baseline, rows) for baseline in baselines],
        "ratios": _ratios(rows),
        "rank_changes": rank_changes({r["id"]: r["sustained"]["windows"] for r in rows if r["sustained"]}),
    }


def _names(bundles: Mapping[str, Bundle]) -> dict[str, str]:
    """What each bundle is called in the report: its name, with the beginning of its hash where several share it."""
    given = [bundle.manifest.name for bundle in bundles.values()]
    return {
        path: bundle.manifest.name
        if given.count(bundle.manifest.name) == 1
        else f"{bundle.manifest.name}@{bundle.digest[:8]}"
        for path, bundle in bundles.items()
    }


def _row(
    record: SubjectRecord, plan: Plan, bundle: Bundle, name: str, energy: EnergyBook | None, number: int
) -> dict[str, Any]:
    subject, first = record.subject, record.processes[0]
    described = first.ready["described"]
    checks = [check for process in record.processes for check in process.parity]
    times = record.times_ns(CLOSED)
    medians = process_medians_us(times)
    happened, cpu_share, floor = record.disturbance(plan), record.cpu_share, aa_floor(medians)
    wrong = parity_reasons(checks)
    reasons = (
        *wrong,
        *read_back_reasons(
            described,
            backend=subject.backend,
            precision=subject.precision,
            threads=subject.threads,
            device=subject.device,
        ),
        *disturbance_reasons(
            happened, cpu_share=cpu_share, threads=described["threads"], floor=floor, processes=len(record.processes)
        ),
    )
    verdict = Verdict(not wrong, reasons)
    told = verdict.right and bool(times)
    peaks = [process.peak_bytes for process in record.processes if process.peak_bytes is not None]
    row: dict[str, Any] = {
        "id": f"{name} {subject.name}",
        "bundle": name,
        "bundle_sha256": bundle.digest,
        "what": subject.what,
        "precision": subject.precision,
        "backend": subject.backend,
        "device": subject.device,
        "threads": subject.threads,
        **verdict.to_json(),
        "warnings": _warnings(record),
        "read_back": described,
        "correctness": _correctness(checks),
        "processes": len(record.processes),
        "cold_start": _cold_start(record),
        "warm_up": [process.warm_up for process in record.processes if process.warm_up],
        "closed": _distribution(times, verdict) if told else None,
        "process_p50_us": medians,
        "aa_floor": floor,
        "units": _units(bundle, times) if told else None,
        "modes": _modes(record, plan, bundle, verdict) if told else [],
        "batches": _batches(record, plan, bundle, verdict) if told else [],
        "stages": _stages(record, verdict) if told else [],
        "memory": {
            "peak_bytes": max(peaks, default=None),
            "after_first_sample_bytes": first.ready["memory_after_first_sample_bytes"],
            "variant_bytes": _variant_bytes(bundle, subject.precision, subject.backend),
        },
        "energy": energy.of(number).to_json() if energy and told else _NO_ENERGY,
        "trust": {
            "cpu_share": cpu_share,
            **vars(happened),
            "frequency_change": happened.frequency_change,
            "priority": first.ready["priority"],
            "harness_ns": float(np.median([process.ready["harness_ns"] for process in record.processes])),
        },
        "sustained": sustained_report(record.sustained),
    }
    return {**row, "headline": _headline(row) if verdict.valid and told else None}


_NO_ENERGY = {"method": "unavailable", "reason": "nothing was timed, or nobody asked for it"}


def _headline(row: Mapping[str, Any]) -> str:
    """The row in a sentence that can stand alone."""
    closed, parity = row["closed"], row["correctness"]
    highest = [name for name in ("p99.9", "p99", "p90", "p50") if closed[name]["value_us"] is not None]
    tail = ""
    if highest:
        told = closed[highest[0]]
        tail = f", {highest[0]} {_time(told['value_us'])} (99 % upper bound {_time(told['upper_us'])})"
    middle = "" if closed["p50"]["value_us"] is None else f"p50 {_time(closed['p50']['value_us'])}"
    factor = row["units"]["real_time_factor"]
    real_time = "" if factor is None else f", {factor:,.0f} times real time"
    right = "outputs not compared with a record"
    if parity["checked"]:
        right = f"outputs {parity['error']:.2g} off the record" if parity["error"] else "outputs as recorded"
    return (
        f"{row['bundle']} {row['what']} {row['precision']} on {row['backend']}: {middle}{tail}, "
        f"n = {closed['n']:,} calls of {row['processes']} processes{real_time}, {this_host().cpu}, {right}"
    )


def _time(us: float) -> str:
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.3g} ms"


def _warnings(record: SubjectRecord) -> list[str]:
    unsettled = sum(1 for process in record.processes if process.warm_up and not process.warm_up["settled"])
    found = []
    if unsettled:
        found.append(f"warm-up did not settle within its time in {unsettled} of {len(record.processes)} processes")
    return found


def _correctness(checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    done = [check for check in checks if check["checked"]]
    if not done:
        return {"checked": False, "reason": "there are no golden samples of it: it is what the bundle was made from"}
    errors = [check["error"] for check in done]
    return {
        "checked": True,
        "error": None if None in errors else max(errors),
        "tolerance": done[0]["tolerance"],
        "passed": all(check["passed"] for check in done),
        "checks": len(done),
    }


def _cold_start(record: SubjectRecord) -> dict[str, Any]:
    """Milliseconds from the start of a process to its first sample, by stage; files were read before, so in memory."""
    found: dict[str, Any] = {"n": len(record.processes)}
    for name, (begin, end) in _COLD.items():
        ms = [
            (process.ready["moments_ns"][end] - process.ready["moments_ns"][begin]) * 1e-6
            for process in record.processes
        ]
        found[name] = {"median_ms": float(np.median(ms)), "min_ms": min(ms), "max_ms": max(ms)}
    return found


def _distribution(processes: Sequence[Sequence[IntArray]], verdict: Verdict) -> dict[str, Any]:
    """Of all calls of a mode; the tail only of a valid row."""
    calls = np.concatenate([block for process in processes for block in process])
    middle = float(np.median(calls))
    interval = hierarchical_interval(processes)
    found: dict[str, Any] = {
        "n": len(calls),
        "mean_us": float(calls.mean()) / 1000,
        "min_us": float(calls.min()) / 1000,
        "max_us": float(calls.max()) / 1000,
        "mad_us": float(np.median(np.abs(calls - middle))) / 1000,
        "p50_interval": None if interval is None else interval.to_json(),
        "process_p50_us": process_medians_us(processes),
    }
    for name, percentile in percentiles_of(calls).items():
        found[name] = percentile.to_json()
        if not verdict.valid and percentile.percent > 50 and percentile.value_us is not None:
            found[name] = {"value_us": None, "upper_us": None, "n": percentile.n, "reason": _WITHHELD}
    if not verdict.valid:
        found["max_us"] = None
    return found


def _units(bundle: Bundle, times: Sequence[Sequence[IntArray]]) -> dict[str, Any]:
    mean_us = float(np.concatenate([block for process in times for block in process]).mean()) / 1000
    calls = network_calls(bundle.manifest.lineage)
    units = units_of(bundle.manifest.data, mean_us)
    return {
        **units.to_json(),
        "network_calls": calls,
        "ms_a_network_call": None if calls is None else units.ms_a_record / calls,
    }


def _modes(record: SubjectRecord, plan: Plan, bundle: Bundle, verdict: Verdict) -> list[dict[str, Any]]:
    """Paced and open loops."""
    found = []
    for task in plan.tasks:
        blocks = record.blocks(task.name)
        if task.do not in ("paced", "open") or not blocks:
            continue
        mode: dict[str, Any] = {
            "name": task.name,
            "kind": task.do,
            **task.arguments,
            "service": _distribution(record.times_ns(task.name), verdict),
            "response": None,
            "deadlines": [],
        }
        if task.do == "open":
            response = [[b.response_ns for b in process if b.response_ns is not None] for process in blocks]
            together = np.concatenate([block for process in response for block in process])
            late = deadlines(bundle.manifest.data, together, task.arguments["rate_hz"])
            mode["response"] = _distribution(response, verdict)
            mode["deadlines"] = [deadline.to_json() for deadline in late]
        found.append(mode)
    return found


def _batches(record: SubjectRecord, plan: Plan, bundle: Bundle, verdict: Verdict) -> list[dict[str, Any]]:
    """The batch curve, single records first."""
    found = []
    for task in plan.tasks:
        times = record.times_ns(task.name)
        if task.do != "closed" or not times:
            continue
        distribution = _distribution(times, verdict)
        units = units_of(bundle.manifest.data, distribution["mean_us"], task.batch)
        found.append({"batch": task.batch, "call": distribution, "units": units.to_json()})
    return found


def _stages(record: SubjectRecord, verdict: Verdict) -> list[dict[str, Any]]:
    """What a record's time goes into; shares are of the mean, without the second way to encode."""
    taken = [process.stages_ns for process in record.processes if process.stages_ns]
    if not taken:
        return []
    together = {name: np.concatenate([stages[name] for stages in taken]) for name in taken[0]}
    total = sum(float(times.mean()) for name, times in together.items() if name != "encode_json")
    found: list[dict[str, Any]] = [
        {
            "name": "bind",
            "n": 0,
            "reason": "the engine's call binds its inputs and outputs itself: it is part of infer",
        }
    ]
    for name, times in together.items():
        p50, p99 = percentiles_of(times, (50.0, 99.0)).values()
        tail = p99.to_json() if verdict.valid else {"value_us": None, "n": p99.n, "reason": _WITHHELD}
        share = None if name == "encode_json" else float(times.mean()) / total
        found.append(
            {
                "name": name,
                "n": len(times),
                "mean_us": float(times.mean()) / 1000,
                "share": share,
                "p50": p50.to_json(),
                "p99": tail,
            }
        )
    return found


def _variant_bytes(bundle: Bundle, precision: str, backend: str) -> int | None:
    fitting = [v for v in bundle.manifest.variants_for(backend) if v.precision == precision]
    return sum(bundle.manifest.files[file].size for file in fitting[0].files) if fitting else None


def _ratios(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many times faster `generate` is than what it is compared with in the same run."""
    found = []
    for row in rows:
        if row["what"] != GENERATE or not row["process_p50_us"]:
            continue
        for other in rows:
            same = (other["bundle_sha256"], other["threads"]) == (row["bundle_sha256"], row["threads"])
            loop_of_either = other["backend"] in (row["backend"], REFERENCE_ENGINE)
            bare = other["what"] == BARE and other["precision"] == row["precision"] and loop_of_either
            if not same or not other["process_p50_us"] or not (bare or other["what"] in (TEACHER, COMPILED_TEACHER)):
                continue
            apart = difference(row["process_p50_us"], other["process_p50_us"], least_effect=WITHIN_A_RUN)
            found.append(
                {
                    "row": row["id"],
                    "baseline": other["id"],
                    "times_faster": apart.ratio,
                    "low": apart.low,
                    "high": apart.high,
                    "aa_floor": apart.floor,
                    "finding": {"slower": "faster", "faster": "slower"}.get(apart.finding, apart.finding),
                }
            )
    return found


def _beside(baseline: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Another program's figures, the row that does the same, and how much more than that row they tell."""
    keys = ("bundle_sha256", "precision", "backend")
    for row in rows:
        same = row["what"] == baseline.get("like") and all(row[key] == baseline.get(key) for key in keys)
        if same and row["threads"] == 1 and row["closed"]:
            apart = {}
            for name in ("p50", "p90"):
                ours, theirs = row["closed"][name]["value_us"], baseline.get(f"{name}_us")
                if ours and theirs:
                    apart[name] = {"us": theirs - ours, "share": theirs / ours - 1}
            return {**baseline, "row": row["id"], "apart": apart}
    return dict(baseline)


def raw_samples(record: SubjectRecord, task: Task) -> IntArray:
    """Every call of a task: [n, 3] of process, turn, and service time in nanoseconds."""
    parts = [
        np.column_stack([np.full(len(times), process), np.full(len(times), turn), times])
        for process, turns in enumerate(record.times_ns(task.name))
        for turn, times in enumerate(turns)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 3), np.int64)
