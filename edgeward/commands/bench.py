"""`edgeward bench`: measure how long a bundle takes on this machine, and compare two measurements."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..benchmarks.latency.benchmark_app import BENCHMARK_APP, has_benchmark_app, run_benchmark_app
from ..benchmarks.latency.bundle_work import BARE_ENGINES
from ..benchmarks.latency.compare import compare_reports, read_report
from ..benchmarks.latency.energy import EnergyBook, open_book
from ..benchmarks.latency.history import append_history, check_history
from ..benchmarks.latency.loadgen import LOADGEN, check_loadgen, run_loadgen
from ..benchmarks.latency.plan import CLOSED, QUICK_MODES, Modes, Plan, full_plan, quick_plan
from ..benchmarks.latency.processes import WorkerProcess
from ..benchmarks.latency.report import bench_report, raw_samples
from ..benchmarks.latency.run import SubjectRecord, run_plan
from ..benchmarks.latency.subject import BARE, COMPILED_TEACHER, GENERATE, TEACHER, Subject
from ..benchmarks.latency.uncertainty import BETWEEN_RUNS, process_medians_us
from ..devices import this_host
from ..runtime.atomic import atomic_file, check_output
from ..runtime.backends import BACKENDS, Backend, Options, backend_named
from ..runtime.backends.base import device_for
from ..runtime.bundle import Bundle, open_bundle
from ..runtime.errors import BackendError, GateError, RequestError, TrainingError
from .bench_kit import contribute, kit
from .bench_tables import compared_markdown, print_compared, print_report
from .options import JSON_OPTION, OVERWRITE_OPTION
from .server_side import server_side
from .terminal import Progress, print_json

_TEACHER_WORKER = "edgeward.teacher_worker"


class DefaultGroup(click.Group):
    """A group whose `run` is meant where no other of its commands is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before arguments that do not begin with a command's name."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup, no_args_is_help=True, epilog="Example:  edgeward bench run ecg-beats.edgeward --quick")
def command() -> None:
    """Measure how long a bundle takes on this machine, or compare two measurements.

    'run' may be left out: edgeward bench ecg-beats.edgeward
    """


@command.command(epilog="Example:  edgeward bench run ecg-beats.edgeward --teacher teacher.pt -o latency.json")
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="Less than a minute: fewer modes, five processes.")
@click.option("--backend", "backends", multiple=True, help="Engine to measure; can be repeated. Default: all.")
@click.option("--device", help="Where the engines compute: cpu, cuda, gpu, …; see docs/backends.md.")
@click.option("--precision", "precisions", multiple=True, help="Variant to measure; can be repeated. Default: all.")
@click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(min=1),
    default=(1,),
    show_default=True,
    help="Threads of an operator; can be repeated.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(min=1, max=4096),
    help="Records a call, for the batch curve; can be repeated.  [default: 1 to 32]",
)
@click.option(
    "--pause",
    "pauses",
    multiple=True,
    type=click.FloatRange(min=0.1, max=60_000),
    help="Milliseconds between paced calls; can be repeated.  [default: 0.5 to 50]",
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=click.FloatRange(min=0.01, max=100_000),
    help="Calls a second of the open loops; can be repeated.  [default: 50]",
)
@click.option(
    "--sustained",
    "sustained_min",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Minutes of work on end, for heat; 10 or more before any claim on a passively cooled device.",
)
@click.option(
    "--teacher", type=click.Path(path_type=Path), help="Checkpoint to compare with, eager and compiled (needs torch)."
)
@click.option(
    "--calls", type=click.IntRange(min=1), help="Fewest closed-loop calls of each.  [default: 6636, what p99.9 needs]"
)
@click.option(
    "--processes", type=click.IntRange(min=1), help="Fresh processes of each.  [default: 5 with --quick, else 10 to 20]"
)
@click.option(
    "--max-time",
    "most_s",
    type=click.FloatRange(min=1),
    help="Seconds after which no further processes are started.  [default: 600, 42 with --quick]",
)
@click.option(
    "--priority/--no-priority",
    default=True,
    show_default=True,
    help="Ask the system to prefer what is measured, where it lets us.",
)
@click.option(
    "--emulated", is_flag=True, help="This machine only plays another one: its times are marked and never compared."
)
@click.option(
    "--predict", is_flag=True, help="Put a model's prediction beside each time, and how far it is off (needs onnx)."
)
@click.option(
    "--loadgen", is_flag=True, help="Have MLPerf's LoadGen time the same calls, too (needs mlcommons-loadgen)."
)
@click.option("--strict", is_flag=True, help="End with exit code 7 if a row is INVALID.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write the JSON report to a file.")
@click.option("--raw", type=click.Path(path_type=Path), help="Folder for every single time, as .npy files.")
@click.option("--history", type=click.Path(path_type=Path), help="File to add a line a row to (JSON lines).")
@OVERWRITE_OPTION
@JSON_OPTION
def run(
    bundles: tuple[Path, ...],
    quick: bool,
    backends: tuple[str, ...],
    device: str | None,
    precisions: tuple[str, ...],
    threads: tuple[int, ...],
    batches: tuple[int, ...],
    pauses: tuple[float, ...],
    rates: tuple[float, ...],
    sustained_min: float,
    teacher: Path | None,
    calls: int | None,
    processes: int | None,
    most_s: float | None,
    priority: bool,
    emulated: bool,
    predict: bool,
    loadgen: bool,
    strict: bool,
    output: Path | None,
    raw: Path | None,
    history: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure BUNDLE on every engine present: each variant in fresh processes that take turns.

    Closed loop, with pauses, on a schedule, in batches, from a cold start, and stage by stage. Outputs are checked
    against the golden samples first: what computes something else is not timed, and the command ends with exit
    code 7. What was disturbed is called INVALID, with the reason, and its tail is withheld.
    """
    for path, folder in ((output, False), (raw, True)):
        if path:
            check_output(path, overwrite=overwrite, folder=folder)
    if history:
        check_history(history)
    opened = {str(path): open_bundle(path) for path in bundles}
    _check_request(backends, device, threads)
    if predict:
        _check_predict()
    if loadgen:
        check_loadgen()
    absent: list[dict[str, str]] = []
    subjects = [
        *_teachers(teacher, opened, compiled=not quick, absent=absent),
        *_subjects(opened, backends or tuple(BACKENDS), device, precisions, threads, absent),
    ]
    if not subjects:
        raise BackendError("; ".join(f"{one['what']}: {one['reason']}" for one in absent))
    modes = _modes(QUICK_MODES if quick else Modes(), batches, pauses, rates)
    plan = quick_plan(modes=modes) if quick else full_plan(modes=modes)
    plan = replace(
        plan,
        fewest_calls=plan.fewest_calls if calls is None else calls,
        fewest_processes=processes or plan.fewest_processes,
        most_processes=processes or plan.most_processes,
        most_s=most_s or plan.most_s,
        prioritise=priority,
        sustained_s=60 * sustained_min,
    )
    records, energy = _measured(subjects, plan)
    if all(record.refused is not None for record in records):
        told = "; ".join(f"{record.subject.name}: {record.refused}" for record in records)
        raise BackendError(f"nothing could be measured: {told}")
    crossed = 1 if quick else 5
    baselines = _baselines(opened, subjects, plan, processes=crossed)
    if loadgen:
        baselines += _loadgen(opened, records, plan, processes=crossed)
    report = bench_report(
        records,
        plan,
        opened,
        absent,
        energy=energy,
        emulated=emulated,
        baselines=baselines,
    )
    if predict:
        _predict(report, opened)
    _write(report, records, opened, plan, output, raw, history)
    if as_json:
        print_json(report)
    else:
        print_report(report)
    _judge(report, strict=strict)


def _check_request(backends: Sequence[str], device: str | None, threads: Sequence[int]) -> None:
    for name in backends:
        device_for(backend_named(name), Options(device=device))
    if not backends and not any(_has_device(backend, device) for backend in BACKENDS.values()):
        offered = "; ".join(f"{backend.name} has {', '.join(backend.devices)}" for backend in BACKENDS.values())
        raise RequestError(f"no backend has a device {device!r}: {offered}")
    cores = this_host().logical_cores
    if max(threads) > cores:
        raise RequestError(f"--threads {max(threads)}: this process may use {cores} cores")


def _has_device(backend: Backend, device: str | None) -> bool:
    try:
        device_for(backend, Options(device=device))
    except RequestError:
        return False
    return True


def _teachers(
    checkpoint: Path | None, opened: Mapping[str, Bundle], *, compiled: bool, absent: list[dict[str, str]]
) -> Iterator[Subject]:
    """The full model, eager and compiled, fed with what the first bundle's records are made from."""
    if checkpoint is None:
        return
    if not checkpoint.is_file():
        raise TrainingError(f"{checkpoint} is not there; --teacher is the checkpoint that the bundle was made from")
    if importlib.util.find_spec("torch") is None:
        raise BackendError("--teacher needs torch; install it with: pip install 'edgeward[train]'")
    bundle = next(iter(opened))
    for what in (TEACHER, COMPILED_TEACHER):
        if what == COMPILED_TEACHER and not compiled:
            absent.append({"what": what, "reason": "--quick leaves it out: compiling takes longer than all the rest"})
            continue
        yield Subject(what, "fp32", "torch", 1, bundle, str(checkpoint), _TEACHER_WORKER)


def _subjects(
    opened: Mapping[str, Bundle],
    backends: Sequence[str],
    device: str | None,
    precisions: Sequence[str],
    threads: Sequence[int],
    absent: list[dict[str, str]],
) -> Iterator[Subject]:
    """Every variant on every engine present with every number of threads, and the bare engine beside."""
    present = []
    for name in backends:
        availability = BACKENDS[name].probe()
        if not availability.available:
            absent.append({"what": name, "reason": availability.reason})
        elif not _has_device(BACKENDS[name], device):
            devices = ", ".join(BACKENDS[name].devices)
            absent.append({"what": name, "reason": f"it has no device {device!r}; it has {devices}"})
        else:
            present.append(name)
    for path, bundle in opened.items():
        offered = {variant.precision for name in present for variant in bundle.manifest.variants_for(name)}
        unknown = [precision for precision in precisions if precision not in offered]
        if unknown and offered:
            raise RequestError(f"{path} has no {unknown[0]!r} variant; it has {', '.join(sorted(offered))}")
        for name in present:
            for variant in bundle.manifest.variants_for(name):
                if precisions and variant.precision not in precisions:
                    continue
                for count in dict.fromkeys(threads):
                    yield Subject(GENERATE, variant.precision, name, count, path, device=device)
                    if name in BARE_ENGINES:
                        yield Subject(BARE, variant.precision, name, count, path, device=device)


def _modes(usual: Modes, batches: Sequence[int], pauses_ms: Sequence[float], rates: Sequence[float]) -> Modes:
    return Modes(
        batches=tuple(dict.fromkeys(batches)) or usual.batches,
        pauses_s=tuple(ms / 1000 for ms in dict.fromkeys(pauses_ms)) or usual.pauses_s,
        rates_hz=tuple(dict.fromkeys(rates)) or usual.rates_hz,
    )


def _measured(subjects: Sequence[Subject], plan: Plan) -> tuple[list[SubjectRecord], EnergyBook]:
    progress = Progress("Measuring", vanish=True)
    energy = open_book()
    try:
        records = run_plan(
            subjects,
            plan,
            WorkerProcess,
            energy=energy,
            on_progress=lambda share, note: progress(round(1000 * share), 1000, note),
        )
    finally:
        if energy.meter:
            energy.meter.close()
    return records, energy


def _baselines(
    opened: Mapping[str, Bundle], subjects: Sequence[Subject], plan: Plan, *, processes: int
) -> list[dict[str, Any]]:
    """OpenVINO's own tool on what OpenVINO was measured with on one thread."""
    on_cpu = [s for s in subjects if s.device in (None, "cpu")]
    measured = [s for s in on_cpu if (s.what, s.backend, s.threads) == (GENERATE, "openvino", 1)]
    if not measured:
        return []
    if not has_benchmark_app():
        return [{"what": BENCHMARK_APP, "reason": "the installed openvino does not bring it"}]
    progress, found = Progress(f"Running {BENCHMARK_APP}", vanish=True), []
    for number, subject in enumerate(measured, start=1):
        bundle = opened[subject.bundle]
        found.append(
            run_benchmark_app(
                bundle,
                bundle.manifest.variant(subject.precision, subject.backend),
                processes=processes,
                prioritise=plan.prioritise,
            )
        )
        progress(number, len(measured))
    return found


def _loadgen(
    opened: Mapping[str, Bundle], records: Sequence[SubjectRecord], plan: Plan, *, processes: int
) -> list[dict[str, Any]]:
    """MLPerf's harness on every `generate` that was right, and so was timed, on one thread."""
    timed = [
        (record.subject, process_medians_us(record.times_ns(CLOSED)))
        for record in records
        if (record.subject.what, record.subject.threads) == (GENERATE, 1)
    ]
    timed = [(subject, medians) for subject, medians in timed if medians]
    progress, found = Progress(f"Running {LOADGEN}", vanish=True), []
    for number, (subject, medians) in enumerate(timed, start=1):
        found.append(
            run_loadgen(
                subject,
                opened[subject.bundle].digest,
                float(np.median(medians)),
                processes=processes,
                prioritise=plan.prioritise,
            )
        )
        progress(number, len(timed))
    return found


def _check_predict() -> None:
    """Refuse before the measuring what could not be told after it."""
    absent = [name for name in ("onnx", "scipy") if importlib.util.find_spec(name) is None]
    if absent:
        raise BackendError(f"--predict needs {' and '.join(absent)}; install with: pip install 'edgeward[compress]'")


def _predict(report: dict[str, Any], opened: Mapping[str, Bundle]) -> None:
    """The model of latency, calibrated here on graphs of its own, beside what was measured."""
    from ..benchmarks.latency.calibration import calibrate
    from ..benchmarks.latency.prediction import add_predictions

    add_predictions(report, opened, calibrate(on_progress=Progress("Calibrating the model", vanish=True)))


def _write(
    report: Mapping[str, Any],
    records: Sequence[SubjectRecord],
    opened: Mapping[str, Bundle],
    plan: Plan,
    output: Path | None,
    raw: Path | None,
    history: Path | None,
) -> None:
    if output:
        with atomic_file(output) as file:
            file.write((json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    if raw:
        raw.mkdir(exist_ok=True)
        for record in records:
            for task in plan.tasks:
                samples = raw_samples(record, task)
                if len(samples):
                    digest = opened[record.subject.bundle].digest[:8]
                    name = f"{record.subject.name}, {task.name}".replace(" ", "-").replace(",", "")
                    with atomic_file(raw / f"{Path(record.subject.bundle).stem}-{digest}-{name}.npy") as file:
                        np.save(file, samples)
    if history:
        append_history(history, report)


def _judge(report: Mapping[str, Any], *, strict: bool) -> None:
    """The exit code: 7 for what is wrong, and if asked for, also for what is INVALID."""
    wrong = [row for row in report["rows"] if not row["right"]]
    if wrong:
        raise GateError(
            f"{wrong[0]['id']} {wrong[0]['reasons'][0]}; it was not timed; use another backend or precision"
        )
    invalid = [row for row in report["rows"] if row["verdict"] != "VALID"]
    if strict and invalid:
        raise GateError(f"{invalid[0]['id']} is INVALID: {invalid[0]['reasons'][0]}")


@command.command(epilog="Example:  edgeward bench compare before.json after.json --markdown")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--least-effect",
    type=click.FloatRange(min=0, max=10),
    default=BETWEEN_RUNS,
    show_default=True,
    help="Smallest change that counts, as a share; none below the A/A floor does.",
)
@click.option("--markdown", is_flag=True, help="Answer as a Markdown table.")
@JSON_OPTION
def compare(before: Path, after: Path, least_effect: float, markdown: bool, as_json: bool) -> None:
    """Compare two reports of 'edgeward bench -o': AFTER against BEFORE, by the medians of their processes.

    Reports of another machine, power mode, device or precision are refused, and so are emulated ones. Ends with exit
    code 7 if a row got slower for sure, by a rank test, by its interval, and by more than the A/A floor; or if its
    outputs were right and are now wrong.
    """
    found = compare_reports(read_report(before), read_report(after), least_effect=least_effect)
    if as_json:
        print_json(found.to_json())
    elif markdown:
        click.echo(compared_markdown(found))
    else:
        print_compared(found)
    if found.regressions:
        first = found.regressions[0]
        if first.difference is None:
            raise GateError(f"{first.id} was right and is now wrong: {first.reason}")
        raise GateError(f"{first.id} got {first.difference.ratio:.2f} times slower")


@command.command(epilog="Example:  edgeward bench report before.json -o latency.html")
@click.argument("reports", metavar="REPORT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The page to write.")
@OVERWRITE_OPTION
@server_side
def report(reports: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Draw a page of one or more reports of 'edgeward bench -o', side by side if they are several.

    The page is one file that loads nothing. Needs jinja2: pip install 'edgeward[report]'.
    """
    from ..benchmarks.report.bench_page import render_bench_page

    check_output(output, overwrite=overwrite)
    page = render_bench_page([read_report(path) for path in reports])
    with atomic_file(output) as file:
        file.write(page.encode())
    click.echo(f"Look at it:  {output.resolve().as_uri()}")


command.add_command(contribute)
command.add_command(kit)
