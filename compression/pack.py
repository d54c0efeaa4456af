"""Write a bundle: graphs, golden vectors, card and manifest, all or nothing."""

from __future__ import annotations

import hashlib
import io
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..devices import this_host
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.feed import Feed
from ..runtime.golden import relative_error
from ..runtime.lineage import check_lineage
from ..runtime.manifest import (
    CARD_NAME,
    ENGINES,
    GOLDEN_NAME,
    MANIFEST_NAME,
    REFERENCE_ENGINE,
    FileEntry,
    Manifest,
    Variant,
)
from ..runtime.noise import ALGORITHM
from ..runtime.provenance import edgeward_version
from ..runtime.rewrite import write_folder
from ..runtime.schema import ImageSchema, Schema, SignalSchema, TableSchema
from ..training.checkpoint import Checkpoint
from ..training.recipe import IMPORTED, TrainingRecipe
from .card import make_card
from .default_variant import default_precision, split_name
from .privacy import lineage_of_data, lineage_of_privacy, lineage_of_quality, lineage_of_steps
from .quantisation.judge import samples_of
from .recipe import CompressionRecipe
from .record import Compressed
from .steps import STEPS

GOLDEN_SEED = 19610412
_GOLDEN_SAMPLES = 16
_FLOAT_TOLERANCE = 1e-4

FORBIDDEN_USE = (
    "diagnosis, monitoring, alarms or any other clinical decision",
    "evidence of the performance of a medical device in place of clinical data",
    "any attempt to identify a person in the training data",
)


def intended_use(schema: Schema) -> tuple[str, ...]:
    """What data of this kind are made for."""
    made = {SignalSchema: "signals", ImageSchema: "images", TableSchema: "tables"}[type(schema)]
    return (
        f"teaching, demonstrations and software tests that need realistic but synthetic {made}",
        "augmenting training data for research, evaluated on real held-out patients",
    )


def pack(
    path: Path,
    teacher: Checkpoint,
    compressed: Compressed,
    recipe: CompressionRecipe,
    *,
    name: str,
    version: str,
    seed: int,
    default: str | None = None,
) -> Bundle:
    """Write a bundle folder at `path` and open it as a user would.

    Args:
        path: Where it goes; a bundle there is replaced.
        teacher: What was compressed.
        compressed: The graphs and the record of the steps.
        recipe: How it was compressed.
        name: Name of the bundle.
        version: Version of the bundle.
        seed: Of the compression.
        default: Variant that runs where none is asked for; None: on each engine the
            fastest of those that were measurably faster than fp32.

    Raises:
        OutputError: The system refused to write; nothing is left behind.
    """
    graphs, weights = compressed.graphs, compressed.weights
    noise_shape = teacher.generator().noise_shape
    golden = _golden_outputs(graphs, weights, teacher, noise_shape)
    # An engine may round differently, but not by more than quantisation itself has changed the samples.
    tolerance = {
        precision: max(relative_error(outputs, golden["fp32"]), _FLOAT_TOLERANCE)
        for precision, outputs in golden.items()
    }
    defaults = {engine: default or default_precision(compressed.speeds, engine) for engine in ENGINES}
    usual = defaults[REFERENCE_ENGINE]
    files: dict[str, bytes] = {}
    variants = tuple(
        _variant(name, compressed, tolerance[name], _add_files(files, graphs[name], weights.get(name)))
        for name in graphs
    )
    golden_file = io.BytesIO()
    np.savez(golden_file, **golden)  # type: ignore[arg-type]
    files[GOLDEN_NAME] = golden_file.getvalue()
    manifest = Manifest(
        name=name,
        version=version,
        data=teacher.schema,
        noise_shape=noise_shape,
        noise_algorithm=ALGORITHM,
        variants=variants,
        default_precision=usual,
        default_precision_on={engine: own for engine, own in defaults.items() if own != usual},
        golden_seed=GOLDEN_SEED,
        files={},
        lineage=_lineage(teacher, compressed, recipe, seed),
        licence=teacher.provenance.licence,
        attribution=teacher.provenance.attribution,
        intended_use=intended_use(teacher.schema),
        forbidden_use=FORBIDDEN_USE,
    )
    files[CARD_NAME] = make_card(manifest, compressed, recipe, teacher.privacy).encode()
    entries = {file: FileEntry(hashlib.sha256(content).hexdigest(), len(content)) for file, content in files.items()}
    files[MANIFEST_NAME] = _with_files(manifest, entries).to_bytes()
    write_folder(path, files, files.__getitem__)
    bundle = read_bundle(path)  # its maker's: not signed yet, whatever the settings ask of others
    check_lineage(bundle.manifest)
    return bundle


def _with_files(manifest: Manifest, files: dict[str, FileEntry]) -> Manifest:
    return Manifest(**{**vars(manifest), "files": files})


def _add_files(files: dict[str, bytes], graph: bytes, weights: bytes | None) -> list[str]:
    """Put a variant's files among the bundle's; returns their paths."""
    contents = {"onnx": graph} if weights is None else {"xml": graph, "bin": weights}
    paths = {f"variants/{hashlib.sha256(content).hexdigest()}.{end}": content for end, content in contents.items()}
    files |= paths
    return list(paths)


def _variant(name: str, compressed: Compressed, tolerance: float, paths: list[str]) -> Variant:
    cost = compressed.made(name).cost
    precision, engine = split_name(name)
    return Variant(
        precision=precision,
        file=paths[0],
        parameters=cost.parameters,
        multiply_adds=cost.multiply_adds,
        tolerance={"default": tolerance},
        engine=engine,
        weights=paths[1] if len(paths) > 1 else None,
    )


def _golden_outputs(
    graphs: Mapping[str, bytes], weights: Mapping[str, bytes], teacher: Checkpoint, noise_shape: tuple[int, ...]
) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    inputs = Feed(GOLDEN_SEED, noise_shape, teacher.schema.conditions, {}).take(0, _GOLDEN_SAMPLES)
    return {name: samples_of(graph, inputs, weights.get(name)) for name, graph in graphs.items()}


def _lineage(teacher: Checkpoint, compressed: Compressed, recipe: CompressionRecipe, seed: int) -> dict[str, Any]:
    return {
        "data": lineage_of_data(teacher),
        "teacher": {
            "recipe": _told(teacher.recipe),
            "seed": teacher.seed,
            "sha256": compressed.teacher_digest,
            "cost": compressed.teacher_cost.to_json(),
        },
        **lineage_of_privacy(teacher),
        "compression": {
            "recipe": recipe.to_json(),
            "seed": seed,
            "student_relative_l2": compressed.student_relative_l2,
            "speed": [speed.to_json() for speed in compressed.speeds],
            "data_free": all(STEPS[step.do].data_free for step in compressed.steps),
            "quality": lineage_of_quality(teacher, compressed, recipe),
            "steps": lineage_of_steps(teacher, compressed),
        },
        "made_with": {
            "edgeward": edgeward_version(),
            "python": platform.python_version(),
            "cpu": this_host().cpu,
            "cpu_class": this_host().cpu_class,
        },
    }


def _told(recipe: TrainingRecipe) -> dict[str, Any]:
    """A recipe without the steps of an imported network: they are in the graph, and no reading for people."""
    plain = recipe.to_json()
    options = {name: value for name, value in recipe.options.items() if name != "network"}
    return {**plain, recipe.family: options} if recipe.family == IMPORTED else plain
