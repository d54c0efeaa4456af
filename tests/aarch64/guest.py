"""Runs on the emulated machine: what a bundle and the parity operators give there, for each engine.

    python guest.py JOB OUT ENGINE…

JOB holds `bundle.edgeward`, `ops/*.onnx` and `ops.npz` (input `x`); OUT becomes an npz of results.
"""

import json
import sys
from pathlib import Path

import numpy as np
from edgeward.devices import this_host
from edgeward.runtime import load, open_bundle
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.feed import Feed
from edgeward.runtime.golden import check_golden

SEED, SAMPLES = 11, 3


def results(job: Path, engines: list[str]) -> dict[str, np.ndarray]:
    """By name: `noise`, `told` (JSON), `<engine>/sample/<variant>` and `<engine>/op/<operator>`."""
    bundle = open_bundle(job / "bundle.edgeward")
    manifest = bundle.manifest
    inputs = Feed(SEED, manifest.noise_shape, manifest.data.conditions, {}).take(0, SAMPLES)
    found = {"noise": inputs.noise, "condition": inputs.condition}
    told: dict[str, object] = {"host": this_host().to_json(), "golden": {}, "engines": {}}
    for engine in engines:
        for variant in manifest.variants_for(engine):
            golden = check_golden(bundle, engine, variant.precision)
            told["golden"][f"{engine} {variant.name}"] = [golden.error, golden.tolerance]  # type: ignore[index]
            with load(bundle, backend=engine, precision=variant.precision) as generator:
                found[f"{engine}/sample/{variant.name}"] = generator.generate(SAMPLES, seed=SEED).samples
                told["engines"][engine] = generator.describe()  # type: ignore[index]
        with np.load(job / "ops.npz") as content:
            x = content["x"]
        for file in sorted((job / "ops").glob("*.onnx")):
            with backend_named(engine).open(file.read_bytes(), Options()) as session:
                (found[f"{engine}/op/{file.stem}"],) = session.run((x,))
    found["told"] = np.array(json.dumps(told))
    return found


if __name__ == "__main__":
    np.savez(sys.argv[2], **results(Path(sys.argv[1]), sys.argv[3:]))
