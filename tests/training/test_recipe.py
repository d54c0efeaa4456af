"""Training recipes: what is shipped loads, and what makes no sense is refused by the name of its field."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from edgeward.runtime.errors import TrainingError
from edgeward.training.recipe import load_training_recipe, training_recipe_from_mapping

GOOD: Mapping[str, Any] = {
    "name": "mine",
    "data": "ecg-beats",
    "family": "vae",
    "steps": 10,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "weight_decay": 0,
    "ema_decay": 0.9,
    "class_balance": 1,
    "evaluations": 0,
    "vae": {"noise_size": 4, "widths": [8, 8], "prior_couplings": 1, "prior_hidden": 8},
}
SHIPPED = sorted(
    file.name.removesuffix(".toml")
    for file in resources.files("edgeward.training").joinpath("recipes").iterdir()
    if file.name.endswith(".toml")
)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_and_is_called_like_its_file(name: str) -> None:
    assert load_training_recipe(name).name == name


def test_both_the_full_and_the_demo_recipe_are_shipped() -> None:
    assert {"ecg-beats-vae", "ecg-beats-vae-demo"} <= set(SHIPPED)


@pytest.mark.parametrize("name", [name for name in SHIPPED if not name.endswith("-demo")])
def test_the_gpu_size_of_a_shipped_recipe_is_larger_and_trains_longer(name: str) -> None:
    cpu, gpu = load_training_recipe(name), load_training_recipe(name, "gpu")
    assert gpu.name == f"{name}-gpu"
    assert (gpu.data, gpu.family, set(gpu.options)) == (cpu.data, cpu.family, set(cpu.options))
    assert gpu.steps > cpu.steps
    assert sum(gpu.options["widths"]) > sum(cpu.options["widths"])


def test_a_size_that_a_recipe_does_not_have_is_refused() -> None:
    with pytest.raises(TrainingError, match="recipe ecg-beats-vae-demo has no gpu size"):
        load_training_recipe("ecg-beats-vae-demo", "gpu")


def test_a_size_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    shipped = resources.files("edgeward.training").joinpath("recipes", "table-vae.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(f"{shipped}\nstepps = 7\n")
    with pytest.raises(TrainingError, match="not known \\['stepps'\\]"):
        load_training_recipe(tmp_path / "mine.toml", "gpu")


def test_json_reads_back_to_an_equal_recipe() -> None:
    recipe = training_recipe_from_mapping(GOOD, "mine")
    assert training_recipe_from_mapping(recipe.to_json(), "again") == recipe


def test_whole_numbers_do_where_a_fraction_is_allowed() -> None:
    recipe = training_recipe_from_mapping(GOOD, "mine")
    assert (recipe.weight_decay, recipe.class_balance) == (0, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 3),
        ("steps", 0),
        ("steps", -1),
        ("steps", 1.5),
        ("steps", "10"),
        ("steps", True),
        ("batch_size", 1),
        ("batch_size", 2.0),
        ("batch_size", "4"),
        ("learning_rate", 0),
        ("learning_rate", 1),
        ("learning_rate", float("nan")),
        ("learning_rate", "1e-3"),
        ("learning_rate", True),
        ("weight_decay", -1e-9),
        ("weight_decay", float("inf")),
        ("weight_decay", "none"),
        ("ema_decay", -0.1),
        ("ema_decay", 1),
        ("ema_decay", None),
        ("class_balance", 1.01),
        ("class_balance", -0.01),
        ("class_balance", [1]),
        ("vae", 3),
        ("vae", [1]),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(TrainingError, match=rf"recipe mine: \[?{field}"):
        training_recipe_from_mapping({**GOOD, field: value}, "mine")


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(TrainingError, match=rf"missing \[.*'{field}'"):
        training_recipe_from_mapping({name: value for name, value in GOOD.items() if name != field}, "mine")


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(TrainingError, match=r"not known \['stepz'\]"):
        training_recipe_from_mapping({**GOOD, "stepz": 1}, "mine")


def test_the_table_of_another_family_is_refused() -> None:
    with pytest.raises(TrainingError, match="diffusion"):
        training_recipe_from_mapping({**GOOD, "family": "diffusion"}, "mine")


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(TrainingError, match="'no-such-recipe'") as caught:
        load_training_recipe("no-such-recipe")
    assert all(name in str(caught.value) for name in SHIPPED)


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no recipe"):
        load_training_recipe(tmp_path)


@pytest.mark.parametrize("content", [b"steps = ", b"steps = 1\nsteps = 2\n", b'name = "\xff\xfe"\n', b"\x00"])
def test_broken_toml_is_named_as_such(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(TrainingError, match=r"broken\.toml is not valid TOML"):
        load_training_recipe(file)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.touch()
    with pytest.raises(TrainingError, match="missing"):
        load_training_recipe(file)
