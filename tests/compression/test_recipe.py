"""Compression recipes: what is shipped loads, and what makes no sense is refused where it stands."""

import json
from importlib import resources
from pathlib import Path

import pytest
from edgeward.compression.recipe import (
    Allowance,
    CompressionRecipe,
    StepPlan,
    compression_recipe_from_mapping,
    load_compression_recipe,
)
from edgeward.devices.toml import tomllib
from edgeward.runtime.errors import TrainingError
from hypothesis import given
from hypothesis import strategies as st

PRUNE = '{do = "prune", ratio = 0.4, round_to = 8}'
DISTIL = '{do = "distil", steps = 40, batch_size = 32, learning_rate = 5e-3}'
FEW_STEPS = (
    '{do = "few_steps", method = "pairs", network_calls = 1, pairs = 64, steps = 9, '
    "batch_size = 8, learning_rate = 1e-3}"
)
EXPORT = '{do = "export"}'
QUANTISE = '{do = "quantise", samples = 64, percentile = 99.99}'
ALLOWANCE = "student_relative_l2 = 0.3\nint8_relative_l2 = 0.1"
SHIPPED = sorted(
    file.name.removesuffix(".toml")
    for file in resources.files("edgeward.compression").joinpath("recipes").iterdir()
    if file.name.endswith(".toml")
)


def recipe_file(
    folder: Path,
    *steps: str,
    name: str = '"mine"',
    allowance: str = f"[allowance]\n{ALLOWANCE}",
    more: str = "",
) -> Path:
    file = folder / "mine.toml"
    file.write_text(f"name = {name}\nstep = [{', '.join(steps)}]\n{more}\n{allowance}\n")
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_and_is_called_like_its_file(name: str) -> None:
    assert load_compression_recipe(name).name == name


def test_both_the_full_and_the_demo_recipe_are_shipped() -> None:
    assert {"ecg-beats", "ecg-beats-demo"} <= set(SHIPPED)


def test_a_recipe_keeps_its_steps_in_order_with_their_options(tmp_path: Path) -> None:
    recipe = load_compression_recipe(recipe_file(tmp_path, PRUNE, DISTIL, PRUNE, EXPORT, QUANTISE))
    assert recipe.name == "mine"
    assert [step.do for step in recipe.steps] == ["prune", "distil", "prune", "export", "quantise"]
    assert recipe.steps[0] == StepPlan("prune", {"ratio": 0.4, "round_to": 8, "by": "global"})
    assert recipe.steps[-1] == StepPlan(
        "quantise", {"engine": "onnxruntime", "samples": 64, "percentile": 99.99, "error_budget": 0.01}
    )
    assert recipe.allowance == Allowance(student_relative_l2=0.3, int8_relative_l2=0.1)


def test_pruning_and_distillation_may_be_left_out(tmp_path: Path) -> None:
    recipe = load_compression_recipe(recipe_file(tmp_path, EXPORT, QUANTISE))
    assert [step.do for step in recipe.steps] == ["export", "quantise"]


def test_quantisation_may_be_left_out(tmp_path: Path) -> None:
    recipe = load_compression_recipe(recipe_file(tmp_path, PRUNE, EXPORT))
    assert [step.do for step in recipe.steps] == ["prune", "export"]


def test_options_left_out_are_what_they_are_by_default(tmp_path: Path) -> None:
    few_steps, distil, _ = load_compression_recipe(recipe_file(tmp_path, FEW_STEPS, DISTIL, EXPORT)).steps
    assert (few_steps.options["widths"], few_steps.options["blocks"], few_steps.options["embedding"]) == ([], 0, 0)
    assert distil.options["pairs"] == 0


def test_json_holds_every_option(tmp_path: Path) -> None:
    recipe = load_compression_recipe(recipe_file(tmp_path, PRUNE, EXPORT, QUANTISE))
    assert json.loads(json.dumps(recipe.to_json(), allow_nan=False)) == {
        "name": "mine",
        "steps": [
            {"do": "prune", "ratio": 0.4, "round_to": 8, "by": "global"},
            {"do": "export"},
            {"do": "quantise", "engine": "onnxruntime", "samples": 64, "percentile": 99.99, "error_budget": 0.01},
        ],
        "allowance": {"student_relative_l2": 0.3, "int8_relative_l2": 0.1},
    }


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ('{do = "shrink"}', "do = 'shrink' is not known; it is one of few_steps, prune, distil, export, quantise"),
        ("{ratio = 0.4, round_to = 8}", "do = None is not known"),
        ('{do = ["prune"], ratio = 0.4, round_to = 8}', "is not known"),
        ('{do = "prune", ratio = 0.4}', "prune takes ['by', 'ratio', 'round_to'], not ['ratio']"),
        ('{do = "prune", ratio = 0.4, round_to = 8, seed = 1}', "prune takes ['by', 'ratio', 'round_to'], not"),
        ('{do = "export", opset = 18}', "export takes [], not ['opset']"),
        ('{do = "prune", ratio = "0.4", round_to = 8}', "ratio must be a number"),
        ('{do = "prune", ratio = true, round_to = 8}', "ratio must be a number"),
        ('{do = "prune", ratio = 0.4, round_to = 8.0}', "round_to must be a whole number"),
        ('{do = "prune", ratio = 0, round_to = 8}', "ratio = 0 makes no sense"),
        ('{do = "prune", ratio = -0.1, round_to = 8}', "ratio = -0.1 makes no sense"),
        ('{do = "prune", ratio = 1, round_to = 8}', "ratio = 1 makes no sense"),
        ('{do = "prune", ratio = nan, round_to = 8}', "ratio = nan makes no sense"),
        ('{do = "prune", ratio = 0.4, round_to = 0}', "round_to = 0 makes no sense"),
        ('{do = "distil", steps = 0, batch_size = 32, learning_rate = 1e-3}', "steps = 0 makes no sense"),
        ('{do = "distil", steps = 1.5, batch_size = 32, learning_rate = 1e-3}', "steps must be a whole number"),
        ('{do = "distil", steps = 9, batch_size = -1, learning_rate = 1e-3}', "batch_size = -1 makes no sense"),
        ('{do = "distil", steps = 9, batch_size = 32, learning_rate = inf}', "learning_rate = inf makes no sense"),
        (FEW_STEPS.replace("pairs", "guessing", 1), "method must be one of pairs, mean_flow, not 'guessing'"),
        (FEW_STEPS.replace("}", ", widths = 8}"), "widths must be a list of whole numbers above 0"),
        (FEW_STEPS.replace("}", ", widths = [8, 0]}"), "widths must be a list of whole numbers above 0"),
        (FEW_STEPS.replace("}", ", widths = [8.0]}"), "widths must be a list of whole numbers above 0"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_by_its_place_and_reason(step: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        load_compression_recipe(recipe_file(tmp_path, DISTIL, step, EXPORT, QUANTISE))
    assert "mine.toml: step 2: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("percentile", ["100.001", "-1", "nan", '"99"', "true"])
def test_a_percentile_outside_its_range_is_refused(percentile: str, tmp_path: Path) -> None:
    step = f'{{do = "quantise", samples = 64, percentile = {percentile}}}'
    with pytest.raises(TrainingError, match="step 2: percentile"):
        load_compression_recipe(recipe_file(tmp_path, EXPORT, step))


def test_the_largest_percentile_is_a_hundred(tmp_path: Path) -> None:
    step = '{do = "quantise", samples = 64, percentile = 100}'
    assert load_compression_recipe(recipe_file(tmp_path, EXPORT, step)).steps[1].options["percentile"] == 100


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (PRUNE, DISTIL),
        (PRUNE, QUANTISE),
        (QUANTISE, EXPORT),
        (EXPORT, PRUNE, QUANTISE),
        (EXPORT, QUANTISE, DISTIL),
        (EXPORT, EXPORT, QUANTISE),
        (EXPORT, QUANTISE, EXPORT, QUANTISE),
    ],
)
def test_steps_of_models_come_before_the_one_export_and_those_of_graphs_after_it(
    steps: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(
        TrainingError, match="must hold export once; before it may be few_steps, prune, distil, after it quantise"
    ):
        load_compression_recipe(recipe_file(tmp_path, *steps))


@pytest.mark.parametrize(
    ("allowance", "reason"),
    [
        ("", "needs a name"),
        ("allowance = 3", r"\[allowance\]"),
        ("allowance = [1, 2]", r"\[allowance\]"),
        ("[allowance]\nstudent_relative_l2 = 1", "int8_relative_l2"),
        (f"[allowance]\n{ALLOWANCE}\nfid = 3", "fid"),
        ("[allowance]\nstudent_relative_l2 = -1\nint8_relative_l2 = 1", "student_relative_l2 must be a number"),
        ("[allowance]\nstudent_relative_l2 = 1\nint8_relative_l2 = nan", "int8_relative_l2 must be a number"),
        # It could not be written into the manifest, which is JSON.
        ("[allowance]\nstudent_relative_l2 = inf\nint8_relative_l2 = 1", "student_relative_l2 must be a number"),
        ('[allowance]\nstudent_relative_l2 = "1"\nint8_relative_l2 = 1', "student_relative_l2 must be a number"),
        ("[allowance]\nstudent_relative_l2 = true\nint8_relative_l2 = 1", "student_relative_l2 must be a number"),
    ],
)
def test_an_allowance_that_makes_no_sense_is_refused(allowance: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=reason):
        load_compression_recipe(recipe_file(tmp_path, EXPORT, QUANTISE, allowance=allowance))


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="name must be a text"):
        load_compression_recipe(recipe_file(tmp_path, EXPORT, QUANTISE, name="3"))


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="and nothing else"):
        load_compression_recipe(recipe_file(tmp_path, EXPORT, QUANTISE, more="seed = 1"))


@pytest.mark.parametrize("step", ['"prune"', "[1, 2]", '{do = "export"}'])
def test_steps_that_are_no_list_of_tables_are_refused(step: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\nstep = {step}\n[allowance]\n{ALLOWANCE}\n')
    with pytest.raises(TrainingError, match="step must be a list of tables"):
        load_compression_recipe(file)


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(TrainingError, match="'no-such-recipe'") as caught:
        load_compression_recipe("no-such-recipe")
    assert all(name in str(caught.value) for name in SHIPPED)


@pytest.mark.parametrize(
    ("allowance", "told"),
    [
        ("", "it must hold student_relative_l2, or what is read on real records: tstr_drop, coverage_drop"),
        ("int8_relative_l2 = 0.1", "it must hold student_relative_l2, or what is read on real records"),
        ("student_relative_l2 = 0.1", "int8_relative_l2 must be given, as the recipe quantises"),
        ("tstr = 0.1", "tstr is not known; it may hold student_relative_l2, int8_relative_l2, tstr_drop"),
        (f"{ALLOWANCE}\nfrechet_ratio = 0.9", "frechet_ratio is in units of the teacher's; it must be 1 or more"),
        (f"{ALLOWANCE}\nvariance_ratio = 1.1", "variance_ratio is in units of the teacher's; it must be 1 or less"),
        (f"{ALLOWANCE}\nviolations_rise = -0.1", "violations_rise must be a number, 0 or more, not -0.1"),
        (f'{ALLOWANCE}\ntstr_drop = "0.1"', "tstr_drop must be a number, 0 or more, not '0.1'"),
    ],
)
def test_an_allowance_that_holds_nothing_or_makes_no_sense_is_refused(
    tmp_path: Path, allowance: str, told: str
) -> None:
    with pytest.raises(TrainingError) as error:
        load_compression_recipe(recipe_file(tmp_path, PRUNE, EXPORT, QUANTISE, allowance=f"[allowance]\n{allowance}"))
    assert told in str(error.value)


def test_a_student_taught_without_pairs_may_be_held_to_quality_alone(tmp_path: Path) -> None:
    recipe = load_compression_recipe(recipe_file(tmp_path, EXPORT, allowance="[allowance]\ntstr_drop = 0.01"))
    assert recipe.allowance == Allowance(tstr_drop=0.01)
    assert recipe.allowance.of_quality == {"tstr_drop": 0.01}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_written_as_a_file_and_as_json_is_read_back(name: str, tmp_path: Path) -> None:
    recipe = load_compression_recipe(name)
    file = tmp_path / "again.toml"
    file.write_text(recipe.to_toml())
    assert load_compression_recipe(file) == recipe
    assert compression_recipe_from_mapping(json.loads(json.dumps(recipe.to_json())), "json") == recipe


@given(st.text())
def test_any_name_is_read_back_from_the_file(name: str) -> None:
    recipe = CompressionRecipe(name, (StepPlan("export", {}),), Allowance(student_relative_l2=0.1))
    assert tomllib.loads(recipe.to_toml())["name"] == name
