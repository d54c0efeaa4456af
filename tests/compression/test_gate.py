"""The gate: decided by the bound and not by the point, told by name with the step that cost most, and on real data."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from edgeward.compression import Compressed, CompressionRecipe, compress, load_compression_recipe
from edgeward.compression import cost as cost_module
from edgeward.compression.gate import as_allowed, held, let_through
from edgeward.compression.recipe import QUALITY_ALLOWANCES, Allowance
from edgeward.runtime.errors import GateError, RequestError
from edgeward.training.checkpoint import Checkpoint

from .stand_in_judge import StandInJudge


@pytest.fixture(autouse=True)
def fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_module, "_LATENCY_CALLS", 40)


@pytest.fixture(scope="module")
def recipe(compression_recipe_path: Path) -> CompressionRecipe:
    return load_compression_recipe(compression_recipe_path)


@pytest.fixture
def work(compressed: Compressed, finished_work: Path, tmp_path: Path) -> Path:
    """A work folder in which all steps are done."""
    return Path(shutil.copytree(finished_work, tmp_path / "work"))


def allowing(recipe: CompressionRecipe, **allowed: float) -> CompressionRecipe:
    return dataclasses.replace(recipe, allowance=dataclasses.replace(recipe.allowance, **allowed))


def judged(compressed: Compressed, *changes: dict[str, tuple[float, float]]) -> Compressed:
    """The tiny result as if a judge had said this of each step in turn; of the last, of all that follow."""
    judge = StandInJudge(lambda number: changes[min(number, len(changes) - 1)])
    steps = tuple(dataclasses.replace(step, quality=judge(b"", decide=True)) for step in compressed.steps)
    return dataclasses.replace(compressed, steps=steps, judged_on=judge.about)


def test_models_on_the_way_are_glanced_at_and_every_variant_is_decided_on(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    judge = StandInJudge(lambda _: {"tstr": (0.0, 0.0)})
    compressed = compress(teacher, recipe, work, seed=1, judge=judge)
    assert judge.asked == [("model", False), ("model", False), ("graph", True), ("graph", True)]
    assert compressed.judged_on == judge.about
    assert all(step.quality and step.quality.figure("tstr") for step in compressed.steps)


def test_what_was_judged_before_is_taken_up_and_another_judge_judges_anew(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    first = compress(teacher, recipe, work, seed=1, judge=StandInJudge(lambda _: {"tstr": (-0.002, -0.004)}))
    again, other = (StandInJudge(lambda _: {"tstr": (0.0, 0.0)}, key=key * 64) for key in "01")
    assert [s.quality for s in compress(teacher, recipe, work, seed=1, judge=again).steps] == [
        s.quality for s in first.steps
    ]
    assert not again.asked
    compress(teacher, recipe, work, seed=1, judge=other)
    assert len(other.asked) == 4
    kept = sorted(work.glob("*glanced.json"))
    kept[0].write_bytes(kept[0].read_bytes()[:20])
    compress(teacher, recipe, work, seed=1, judge=again)
    assert len(again.asked) == 1, "a damaged file is judged again, and no other"


@pytest.mark.parametrize(
    ("allowance", "allowed", "inside", "outside"),
    [
        ("tstr_drop", 0.01, -0.009, -0.011),
        ("coverage_drop", 0.03, -0.029, -0.031),
        ("frechet_ratio", 1.1, 1.09, 1.11),
        ("variance_ratio", 0.97, 0.98, 0.96),
        ("two_sample_rise", 0.02, 0.019, 0.021),
        ("rare_share_change", 0.1, 0.91, 0.89),
        ("rare_share_change", 0.1, 1.09, 1.11),
        ("spectrum_rise_db", 0.5, 0.49, 0.51),
        ("physiology_rise", 0.05, 0.04, 0.06),
        ("violations_rise", 0.0, 0.0, 0.001),
        ("attack_auc_rise", 0.01, 0.009, 0.011),
    ],
)
def test_every_allowance_is_decided_by_the_bound(
    compressed: Compressed,
    recipe: CompressionRecipe,
    allowance: str,
    allowed: float,
    inside: float,
    outside: float,
) -> None:
    tight = allowing(recipe, **{allowance: allowed})
    measure = QUALITY_ALLOWANCES[allowance]
    good = judged(compressed, {measure: (inside, inside)})
    let_through(tight, good)
    for found in held(tight, good):
        assert found.passed
        if found.allowance == allowance:
            assert found.bound == as_allowed(allowance, inside)
    bad = judged(compressed, {measure: (inside, outside)})
    with pytest.raises(GateError, match=rf"^{allowance} \(.*\) of fp32 is .*, with 95 % confidence no worse than"):
        let_through(tight, bad)


def test_a_loss_that_is_inside_but_not_surely_so_asks_for_more_seeds(
    compressed: Compressed,
    recipe: CompressionRecipe,
) -> None:
    tight = allowing(recipe, tstr_drop=0.01)
    unsure = judged(compressed, {"tstr": (-0.004, -0.02)})
    with pytest.raises(GateError, match="inside, but that is not sure enough: judge with more seeds"):
        let_through(tight, unsure)


def test_the_message_names_the_allowance_the_bound_the_step_that_cost_most_and_what_to_do(
    compressed: Compressed,
    recipe: CompressionRecipe,
) -> None:
    tight = allowing(recipe, tstr_drop=0.01, variance_ratio=0.97)
    bad = judged(
        compressed,
        {"tstr": (-0.1, -0.2), "within_class_variance": (0.9, 0.8)},  # prune
        {"tstr": (-0.02, -0.1), "within_class_variance": (0.99, 0.9)},  # distil
        {"tstr": (-0.02, -0.03), "within_class_variance": (0.99, 0.98)},  # export
        {"tstr": (-0.02, -0.03), "within_class_variance": (0.8, 0.79)},  # quantise
    )
    with pytest.raises(GateError) as told:
        let_through(tight, bad)
    message = str(told.value)
    assert "tstr_drop (Train on it, test on real) of fp32 is 0.020, with 95 % confidence no worse than 0.030" in message
    assert "recipe 'tiny' allows 0.01; no bundle was written" in message
    assert "Also broken: tstr_drop of int8, variance_ratio of int8." in message
    assert "Most came with step 1, prune (from the teacher's own to -0.100): prune less, or distil longer" in message
    (variance,) = (one for one in held(tight, bad) if not one.passed and one.allowance == "variance_ratio")
    assert variance.step == "step 4, quantise"
    assert "(from 0.99 times to 0.8 times): calibrate on more samples" in variance.why


def test_a_figure_that_could_not_be_found_is_no_pass(
    compressed: Compressed,
    recipe: CompressionRecipe,
) -> None:
    tight = allowing(recipe, tstr_drop=0.01)
    with pytest.raises(GateError, match=r"tstr_drop of fp32 could not be found.*The judge says: it was not read"):
        let_through(tight, judged(compressed, {"coverage": (0.0, 0.0)}))


def test_without_records_a_recipe_that_is_held_to_them_alone_is_refused_before_any_work(
    teacher: Checkpoint, recipe: CompressionRecipe, tmp_path: Path
) -> None:
    alone = dataclasses.replace(recipe, allowance=Allowance(int8_relative_l2=1.0, tstr_drop=0.01))
    with pytest.raises(RequestError, match="held to what is read on real records .tstr_drop.*--against DATA"):
        compress(teacher, alone, tmp_path / "work", seed=1)
    assert not (tmp_path / "work").exists()


def test_an_allowance_of_what_the_records_cannot_tell_is_refused_before_any_work(
    teacher: Checkpoint, recipe: CompressionRecipe, tmp_path: Path
) -> None:
    judge = StandInJudge(lambda _: {}, measures=frozenset({"coverage"}))
    with pytest.raises(RequestError, match="allows physiology_rise, which a test's records cannot tell"):
        compress(teacher, allowing(recipe, physiology_rise=0.1), tmp_path / "work", seed=1, judge=judge)
    assert not (tmp_path / "work").exists()


def test_without_a_judge_the_allowances_of_quality_are_not_checked(
    teacher: Checkpoint, recipe: CompressionRecipe, work: Path
) -> None:
    compressed = compress(teacher, allowing(recipe, tstr_drop=0.0), work, seed=1)
    assert compressed.judged_on is None
    assert {one.allowance for one in held(allowing(recipe, tstr_drop=0.0), compressed)} == {
        "student_relative_l2",
        "int8_relative_l2",
    }
