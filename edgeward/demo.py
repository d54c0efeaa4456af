"""The whole chain once, small enough for three minutes, and a page that shows what came of it."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .benchmarks.latency.bundle_latency import BARE, GENERATE, TEACHER, LatencyReport, measure_bundle
from .benchmarks.quality.utility.tstr import Tested
from .benchmarks.report import (
    BeatClass,
    BundleFacts,
    Command,
    CompressionStep,
    DataSource,
    DemoPage,
    Fact,
    LatencyRow,
    QualityRow,
    render_demo_page,
)
from .benchmarks.report.demo_content import Role
from .compression import Compressed, compress, load_compression_recipe, pack
from .compression.cost import one_torch_thread, torch_call
from .devices import this_host
from .judgement import compare_usefulness
from .runtime.atomic import atomic_file
from .runtime.bundle import Bundle
from .runtime.formats.npz import write_npz
from .runtime.generator import Generator, load
from .runtime.manifest import REFERENCE_ENGINE
from .runtime.schema import SignalSchema
from .training.datasets.dataset import Dataset
from .training.loop import train
from .training.recipe import load_training_recipe

TRAINING_RECIPE, COMPRESSION_RECIPE = "ecg-beats-vae-demo", "ecg-beats-demo"
_BENCH_CALLS = 1000
_CLASSIFIERS, _CLASSIFIER_STEPS, _BEATS_PER_CLASS = 2, 300, 2000
_SHOWN_BEATS, _SHOWN_SEED = 4, 7
_SAVED_BEATS = 1000

Step = Callable[[str], Callable[..., None]]
"""Announces a step by its title, and gives back its progress callback (done, of, note)."""


@dataclass(frozen=True)
class Demo:
    """What the demo leaves in its folder, and what it found."""

    page: Path
    bundle: Bundle
    compressed: Compressed
    latency: LatencyReport
    quality: dict[str, Tested]
    """Per row what its classifiers make of the test beats."""
    scored: list[str]
    """The classes they tell apart."""
    simulated: bool
    seconds: float


def run_demo(load_data: Callable[[], Dataset], folder: Path, *, seed: int, step: Step) -> Demo:
    """Train, compress, generate, measure, judge, and draw the page, into `folder`.

    Args:
        load_data: Reads or simulates the data.
        folder: Where everything goes; made if absent, its own files replaced.
        seed: Of everything that is drawn.
        step: Announces each step.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    dataset = load_data()
    training = step("Training the full model")
    teacher = train(
        dataset,
        load_training_recipe(TRAINING_RECIPE),
        folder / "teacher.pt",
        seed=seed,
        on_progress=lambda p: training(p.step, p.steps),
    )
    compressing = step("Compressing it")
    recipe = load_compression_recipe(COMPRESSION_RECIPE)
    compressed = compress(
        teacher,
        recipe,
        folder / "work",
        seed=seed,
        on_progress=lambda _, done, of: compressing(done, of),
    )
    bundle = pack(
        folder / "ecg-beats.edgeward",
        teacher,
        compressed,
        recipe,
        name=dataset.schema.name,
        version="0.1.0",
        seed=seed,
    )
    generating = step("Generating beats")
    with _loaded(bundle) as generator:
        series = generator.series(_SAVED_BEATS, seed=seed)
        write_npz(series, folder / "beats.npz", lambda done: generating(done, _SAVED_BEATS))
    with one_torch_thread():
        latency = measure_bundle(
            bundle,
            teacher=torch_call(teacher.generator(), dataset.schema),
            calls=_BENCH_CALLS,
            on_progress=step("Measuring latency"),
        )
    quality, scored = compare_usefulness(
        dataset,
        bundle,
        teacher,
        seed=seed,
        per_class=_BEATS_PER_CLASS,
        seeds=_CLASSIFIERS,
        steps=_CLASSIFIER_STEPS,
        on_progress=step("Judging quality"),
    )
    results = {
        "latency": latency.to_json(),
        "quality": {name: tested.macro_f1().to_json() for name, tested in quality.items()},
    }
    demo = Demo(
        page=folder / "index.html",
        bundle=bundle,
        compressed=compressed,
        latency=latency,
        quality=quality,
        scored=scored,
        simulated=dataset.provenance.synthetic,
        seconds=time.monotonic() - started,
    )
    page = render_demo_page(_page(demo, dataset))
    for path, text in (
        (folder / "results.json", json.dumps(results, indent=1) + "\n"),
        (demo.page, page),
    ):
        with atomic_file(path) as file:
            file.write(text.encode())
    return demo


def _loaded(bundle: Bundle) -> Generator:
    """What ships as the default, on the reference engine: the same seed gives the same demo."""
    return load(bundle, backend=REFERENCE_ENGINE, precision=bundle.manifest.default_precision)


def _page(demo: Demo, dataset: Dataset) -> DemoPage:
    bundle, schema, source = demo.bundle, dataset.schema, dataset.provenance
    assert isinstance(schema, SignalSchema)  # noqa: S101 - the demo is of heart beats
    manifest, host = bundle.manifest, this_host()
    shown = manifest.default_precision
    with _loaded(bundle) as generator:
        classes = tuple(
            BeatClass(
                code=code,
                meaning=meaning,
                training_beats=int((dataset.train.columns[dataset.label.name] == index).sum()),
                real=_spread_over_patients(dataset, index),
                synthetic=generator.generate(
                    _SHOWN_BEATS, condition={dataset.label.name: code}, seed=_SHOWN_SEED
                ).samples,
            )
            for index, (code, meaning) in enumerate(zip(dataset.label.values, dataset.label.meanings, strict=True))
        )
        provenance = generator.generate(_SHOWN_BEATS, seed=_SHOWN_SEED).provenance
    return DemoPage(
        title="A heart-beat generator, made small",
        data=DataSource(source.source, source.synthetic, source.licence, source.attribution, source.notes),
        channel_names=tuple(channel.name for channel in schema.channels),
        sampling_rate_hz=schema.sampling_rate_hz,
        classes=classes,
        steps=_steps(demo.compressed),
        latency=_latency_rows(demo.latency, shown),
        quality=_quality_rows(demo, shown),
        quality_method=_quality_method(demo),
        bundle=BundleFacts(
            path=str(bundle.path),
            digest=bundle.digest,
            size_bytes=bundle.size,
            variants=tuple((v.name, sum(manifest.files[f].size for f in v.files)) for v in manifest.variants),
            shown_variant=shown,
        ),
        machine=(
            Fact("Processor", f"{host.cpu}, {host.logical_cores} cores used, one per measurement"),
            Fact("CPU class", host.cpu_class),
            Fact("System", f"{host.system}, Python {host.python}"),
        ),
        wall_time_s=demo.seconds,
        made_on=datetime.date.today().isoformat(),
        provenance=provenance,
        commands=_commands(bundle),
        limits=_limits(demo),
    )


def _spread_over_patients(dataset: Dataset, index: int) -> npt.NDArray[np.float32]:
    """A few held-out beats of a class, from different patients where there are enough."""
    members = np.flatnonzero(dataset.test.columns[dataset.label.name] == index)
    _, first_of_patient = np.unique(dataset.test.patients[members], return_index=True)
    order = np.concatenate([first_of_patient, np.setdiff1d(np.arange(len(members)), first_of_patient)])
    shown: npt.NDArray[np.float32] = dataset.test.samples[members[order[:_SHOWN_BEATS]]]
    return shown


_WHAT = {
    "teacher": "The full model's decoder, as trained (PyTorch).",
    "prune": "Whole channels taken out, those that matter least.",
    "distil": "The smaller network learnt the full model's samples again (PyTorch).",
    "export": "Written as one ONNX graph (onnxruntime from here on).",
    "quantise": "Weights and activations in 8 bits where that pays.",
}


def _steps(compressed: Compressed) -> tuple[CompressionStep, ...]:
    return tuple(
        CompressionStep(
            name=row.step,
            what=_WHAT[row.step],
            parameters=row.cost.parameters,
            multiply_adds=row.cost.multiply_adds,
            size_bytes=row.cost.bytes,
            latency_us=row.cost.latency_ms * 1000,
            change=row.error,
        )
        for row in compressed.rows()
    )


def _latency_rows(report: LatencyReport, shown: str) -> tuple[LatencyRow, ...]:
    rows = []
    for row in report.rows:
        role: Role = "other"
        if row.what == TEACHER:
            role = "teacher"
        elif row.what == GENERATE and row.backend == "onnxruntime":
            role = "bundle" if row.precision == shown else "student"
        name = {
            TEACHER: TEACHER,
            GENERATE: f"Edgeward {row.precision}",
            BARE: f"Bare engine loop, {row.precision}",
        }
        times = row.latency
        assert times.p50_us and times.p90_us and times.p99_us  # noqa: S101, PT018 - enough calls for all three
        rows.append(
            LatencyRow(
                role=role,
                contender=name[row.what],
                variant=row.precision,
                backend=row.backend,
                batch=1,
                n=times.n,
                p50_us=times.p50_us,
                p90_us=times.p90_us,
                p99_us=times.p99_us,
            )
        )
    return tuple(rows)


def _quality_rows(demo: Demo, shown: str) -> tuple[QualityRow, ...]:
    origin = "simulated" if demo.simulated else "real"
    labels: dict[str, tuple[Role, str]] = {
        "real": ("real", f"trained on {origin} beats"),
        "teacher": ("teacher", "trained on the full model's beats"),
    }
    rows = []
    for name, tested in demo.quality.items():
        small: Role = "bundle" if name == shown else "student"
        role, label = labels.get(name, (small, f"trained on the bundle's {name} beats"))
        score = tested.macro_f1()
        assert score.value is not None and score.low is not None and score.high is not None  # noqa: S101, PT018
        by_class = {code: tested.class_f1(number).value or 0.0 for number, code in enumerate(demo.scored)}
        rows.append(QualityRow(role, label, score.value, score.low, score.high, score.n, by_class))
    return tuple(rows)


def _quality_method(demo: Demo) -> str:
    score = demo.quality["real"].macro_f1()
    origin = "simulated" if demo.simulated else "real"
    return (
        f"A small convolutional classifier learns from one kind of beats only, and is tested on {score.n:,} "
        f"{origin} beats of {score.patients} patients that nothing was trained on. Macro-F1 over "
        f"{', '.join(demo.scored)}; mean of {score.seeds} classifiers; 95 % intervals "
        "from resampling patients and classifiers. A short training: the full judgement is `edgeward evaluate`."
    )


def _commands(bundle: Bundle) -> tuple[Command, ...]:
    path = bundle.path
    return (
        Command(
            f"edgeward generate {path} -n 100 --condition beat_class=V --seed 7 -o beats.csv",
            "A hundred ventricular beats as a table; the same seed gives the same beats anywhere.",
        ),
        Command(f"edgeward bundle verify {path}", "Check that this machine computes what the maker recorded."),
        Command(f"edgeward bench {path}", "How long one beat takes here, on every engine present."),
        Command(
            "edgeward demo --data mitdb/ -o demo-real",
            "The same on the real MIT-BIH Arrhythmia Database, once you have downloaded it.",
        ),
    )


def _limits(demo: Demo) -> tuple[str, ...]:
    limits = [
        "Synthetic data, not for clinical use: no diagnosis, no alarm, no proof of a device.",
        "This is a small model trained for less than a minute. It shows the way, not the quality to be had.",
        "One beat at a time, two leads: there is no rhythm here, and no ten-second strip.",
        "Whether a training patient can be recognised from the generator has not been tested here.",
        "Latency is of this machine, on one thread, as busy as it was; measure your own.",
    ]
    if demo.simulated:
        limits.insert(1, "The data learnt from were simulated: nothing here was checked against real patients.")
    return tuple(limits)
