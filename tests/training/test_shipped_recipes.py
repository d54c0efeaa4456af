"""Every recipe that ships names a kind of data, and trains a generator of it that exports and keeps the schema."""

import dataclasses
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from edgeward.compression.error import probe_inputs, run_onnx
from edgeward.compression.steps.export import export
from edgeward.runtime.schema import ImageSchema
from edgeward.training.datasets import KINDS, Dataset, _function
from edgeward.training.families import build_family
from edgeward.training.journal import TABLE_NAME, Journal
from edgeward.training.loop import train
from edgeward.training.recipe import load_training_recipe

SHIPPED = sorted(
    file.name.removesuffix(".toml")
    for file in resources.files("edgeward.training").joinpath("recipes").iterdir()
    if file.name.endswith(".toml")
)


def simulated(kind: str) -> Dataset:
    """Few patients of this kind."""
    simulate = _function(KINDS[kind].simulate)
    beats = {"beats_per_patient": 50} if kind == "ecg-beats" else {}
    patients = (120, 60, 60) if kind in ("icu-stays", "images", "table") else (12, 6, 6)
    dataset: Dataset = simulate(seed=1, patients=patients, **beats)
    return dataset


def enlarged(dataset: Dataset) -> Dataset:
    """Images of twice as many pixels a side."""
    schema = dataset.schema
    assert isinstance(schema, ImageSchema)
    parts = {
        name: dataclasses.replace(part, samples=part.samples.repeat(2, axis=2).repeat(2, axis=3))
        for name, part in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test))
    }
    schema = dataclasses.replace(schema, height=2 * schema.height, width=2 * schema.width)
    return dataclasses.replace(dataset, schema=schema, **parts)


QUICK = ("ecg-beats-vae-demo", "table-vae")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SHIPPED]
)
def test_a_recipe_trains_what_its_schema_describes(name: str, tmp_path: Path) -> None:
    recipe = load_training_recipe(name)
    assert recipe.name == name
    assert name.startswith(recipe.data)
    dataset = enlarged(simulated(recipe.data)) if "64px" in name else simulated(recipe.data)
    # A solver of many steps is unrolled as many times: two show as much.
    few_steps = {"sampler_steps": 2} if "sampler_steps" in recipe.options else {}
    options = {**recipe.options, **few_steps}
    short = dataclasses.replace(recipe, steps=2, batch_size=8, evaluations=0, options=options)
    teacher = train(dataset, short, tmp_path / "teacher.pt", seed=1)
    generator = teacher.generator()
    samples = run_onnx(export(generator, dataset.schema), probe_inputs(generator.noise_shape, dataset.schema))
    assert samples.shape[1:] == dataset.schema.shape
    assert not np.isinf(samples).any()
    assert dataset.schema.has_gaps or not np.isnan(samples).any()
    if not name.endswith("-demo"):
        large = load_training_recipe(name, "gpu")
        build_family(large.family, dataset.schema, large.options)


@pytest.mark.parametrize(
    "kind", ["table", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("icu-stays", "images"))]
)
def test_the_best_model_on_validation_is_kept_and_the_way_there_recorded(kind: str, tmp_path: Path) -> None:
    recipe = load_training_recipe(f"{kind}-vae")
    short = dataclasses.replace(recipe, steps=20, batch_size=16, evaluations=4)
    journal = Journal(tmp_path / "log")
    teacher = train(simulated(kind), short, tmp_path / "teacher.pt", seed=1, journal=journal)
    scores = [row for row in teacher.history if "frechet_distance" in row]
    assert [row["step"] for row in scores] == [5, 10, 15, 20]
    assert all(np.isfinite(row["frechet_distance"]) and 0 <= row["coverage"] <= 1 for row in scores)
    table = (tmp_path / "log" / TABLE_NAME).read_text().splitlines()
    assert table[0].split(",")[0] == "step"
    assert len(table) == 1 + len({row["step"] for row in teacher.history})
    pictures = sorted((tmp_path / "log").glob("samples-*.png"))
    assert len(pictures) == 4
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
