"""What the runtime adds to the engines it runs on, and whether that is as little as is promised.

    python -m edgeward.benchmarks.latency.runtime_goals ecg-beats.edgeward [--cpu-time]

Contenders take turns, and ratios are medians over the turns. With --cpu-time the process's own time counts: on a
machine that others load, a clock on the wall measures them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...runtime.backends import BACKENDS, Options
from ...runtime.backends.onnxruntime import inference_session
from ...runtime.bundle import Bundle, open_bundle
from ...runtime.choosing import CPU_ENGINES
from ...runtime.feed import Feed
from ...runtime.generator import load
from ...runtime.manifest import Variant
from ...runtime.noise import NoiseStream
from .benchmark_app import BENCHMARK_APP, has_benchmark_app, run_benchmark_app
from .bundle_work import bare_work
from .closed_loop import take_turns
from .subject import BARE, Subject

Call = Callable[[int], object]

_TURNS, _MANY = 15, 10_000
_BATCHES = (16, 32, 64, 128, 256)
_NOISE_SIZE = 64


def bare_call(bundle: Bundle, backend: str, variant: Variant, n: int) -> Call:
    """The engine alone on `n` prepared inputs, as it is fastest: fixed shapes, tensors set, results left in place."""
    if backend == "openvino":
        return bare_work(Subject(BARE, variant.precision, backend, 1, str(bundle.path))).call(n)
    inputs = Feed(1, bundle.manifest.noise_shape, bundle.manifest.data.conditions, {}).take(0, n)
    session = inference_session(bundle.read(variant.file), Options())
    binding = session.io_binding()
    for name, value in {"noise": inputs.noise, "condition": inputs.condition}.items():
        binding.bind_cpu_input(name, value.copy())
    binding.bind_output("sample")
    return lambda _: session.run_with_iobinding(binding)


def overhead_of_one(bundle: Bundle, backend: str, variant: Variant, clock: Callable[[], int]) -> str:
    """generate(1) over the bare call."""
    with load(bundle, backend=backend, precision=variant.precision) as generator:
        bare, own = take_turns(
            [bare_call(bundle, backend, variant, 1), lambda _: generator.generate(1)],
            each=100,
            turns=_TURNS,
            clock=clock,
        )
    above, base = float(np.median(own - bare)) / 1e3, float(np.median(bare)) / 1e3
    return f"bare {base:.1f} µs, generate(1) {above:+.1f} µs ({above / base:+.1%})"


def cost_of_many(bundle: Bundle, backend: str, variant: Variant, clock: Callable[[], int]) -> str:
    """generate(n) of many over the engine's own best batch."""
    calls = [bare_call(bundle, backend, variant, n) for n in _BATCHES]
    with load(bundle, backend=backend, precision=variant.precision) as generator:
        n = 6 * max(_BATCHES)
        repeated = [
            lambda _, call=call, size=size: [call(0) for _ in range(n // size)]
            for call, size in zip(calls, _BATCHES, strict=True)
        ]
        times = take_turns([*repeated, lambda _: generator.generate(n, seed=1)], each=1, turns=7, clock=clock) / n / 1e3
        size = generator.batch_size
    bare, own = times[:-1], times[-1]
    best = int(np.median(bare, axis=1).argmin())
    ratio = float(np.median(own / bare[best]))
    least = float(np.median(bare[best]))
    return f"best batch {_BATCHES[best]}: {least:.2f} µs a sample; generate in batches of {size}: {ratio - 1:+.1%}"


def cost_of_noise(clock: Callable[[], int]) -> str:
    """Time of one number of noise, in portions as generation takes them and in a large one."""
    stream, next_sample = NoiseStream(1, (_NOISE_SIZE,)), [0]

    def take(n: int) -> Call:
        def call(_: int) -> None:
            stream.take(next_sample[0], n)
            next_sample[0] += n

        return call

    portions = (256, _MANY)
    times = take_turns([take(n) for n in portions], each=5, turns=_TURNS, clock=clock)
    return ", ".join(
        f"{float(np.median(row)) / (n * _NOISE_SIZE):.1f} ns in portions of {n * _NOISE_SIZE:,}"
        for n, row in zip(portions, times, strict=True)
    )


def beside_benchmark_app(bundle: Bundle, variant: Variant) -> str:
    """Latency of `generate(1)` over what OpenVINO's own tool tells, in turns of two seconds."""
    if not has_benchmark_app():
        return f"{BENCHMARK_APP} is not here"
    ratios = []
    with load(bundle, backend="openvino", precision=variant.precision) as generator:
        for _ in range(5):
            told = run_benchmark_app(bundle, variant, processes=1, seconds=2)
            if "reason" in told:
                return f"{BENCHMARK_APP}: {told['reason']}"
            ours = float(np.median(take_turns([lambda _: generator.generate(1)], each=1000, turns=3))) / 1e3
            ratios.append(ours / told["p50_us"])
    low, middle, high = (ratio - 1 for ratio in (min(ratios), float(np.median(ratios)), max(ratios)))
    return f"{BENCHMARK_APP} {told['p50_us']:.0f} µs; generate(1) {middle:+.1%} ({low:+.1%} to {high:+.1%})"


def idle_share(bundle: Bundle, backend: str) -> str:
    """Processor time of a loaded generator that nobody asks for anything."""
    with load(bundle, backend=backend) as generator:
        generator.generate(300)
        before = time.process_time()
        time.sleep(2)
        return f"{(time.process_time() - before) / 2:.2%} of a core"


def cold_start(bundle: Bundle) -> str:
    """Process start to file, and memory, of `edgeward generate -n 1`."""
    # The most that the process itself held: what the system tells its parent includes what the parent held.
    program = (
        "import sys; from edgeward.cli import main\ntry: main()\n"
        "finally: sys.stderr.write(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    path = str(bundle.path.resolve())  # the command runs in a folder of its own
    command = [sys.executable, "-c", program, "generate", path, "-n", "1", "--backend", "onnxruntime", "-o"]
    walls, peaks, cpus = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(7):
            before, start = os.times(), time.perf_counter()
            ended = subprocess.run(  # noqa: S603 - ourselves
                [*command, str(Path(folder, f"{number}.npz"))], capture_output=True, text=True, check=True, cwd=folder
            )
            walls.append(time.perf_counter() - start)
            after = os.times()
            cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
            peaks.append(int(ended.stderr.split()[-1]) * 1024 / 1e6)
    return f"{np.median(walls) * 1e3:.0f} ms ({np.median(cpus) * 1e3:.0f} ms of processor), {np.median(peaks):.0f} MB"


def lines(bundle: Bundle, clock: Callable[[], int]) -> Iterator[str]:
    """The report, as it is measured."""
    yield f"load of the machine before: {' '.join(f'{load:.1f}' for load in os.getloadavg())}"
    yield f"noise: {cost_of_noise(clock)}"
    for backend in CPU_ENGINES:
        if not BACKENDS[backend].probe().available:
            continue
        for variant in bundle.manifest.variants_for(backend):
            yield f"{backend} {variant.name}, one: {overhead_of_one(bundle, backend, variant, clock)}"
            yield f"{backend} {variant.name}, many: {cost_of_many(bundle, backend, variant, clock)}"
            if backend == "openvino":
                yield f"{backend} {variant.name}: {beside_benchmark_app(bundle, variant)}"
        yield f"{backend}, idle: {idle_share(bundle, backend)}"
    yield f"edgeward generate -n 1: {cold_start(bundle)}"
    yield f"load of the machine after: {' '.join(f'{load:.1f}' for load in os.getloadavg())}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--cpu-time", action="store_true")
    asked = parser.parse_args()
    for line in lines(open_bundle(asked.bundle), time.process_time_ns if asked.cpu_time else time.perf_counter_ns):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
