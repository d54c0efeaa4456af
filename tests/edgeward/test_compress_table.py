"""The table of compress grows by a row a step, keeps its columns, fits the terminal, and is plain in a pipe."""

from __future__ import annotations

import dataclasses

import pytest
from edgeward.compression import Compressed, CompressionRecipe, load_compression_recipe
from edgeward.compression.gate import held

from edgeward.commands.compress_table import CompressionTable, print_held
from edgeward.commands.terminal import Column, GrowingTable, Progress

from ..compression.stand_in_judge import StandInJudge

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def recipe(compression_recipe_path: object) -> CompressionRecipe:
    plain = load_compression_recipe(str(compression_recipe_path))
    allowed = dataclasses.replace(plain.allowance, tstr_drop=0.01, frechet_ratio=1.1)
    return dataclasses.replace(plain, allowance=allowed)


@pytest.fixture
def judged(compressed: Compressed) -> Compressed:
    judge = StandInJudge(lambda _: {"tstr": (-0.002, -0.02), "coverage": (0.01, 0.0), "frechet_distance": (1.04, 1.2)})
    steps = tuple(dataclasses.replace(step, quality=judge(b"", decide=True)) for step in compressed.steps)
    return dataclasses.replace(compressed, steps=steps, judged_on=judge.about)


def rows(recipe: CompressionRecipe, judged: Compressed, capsys: Capture, width: int) -> list[str]:
    table = CompressionTable(recipe, judged=True, width=width)
    table.teacher(judged.teacher_cost)
    for step in judged.steps:
        table.step(step)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("width", "shown"), [(80, 2), (100, 4), (120, 6)])
def test_as_many_figures_as_fit_are_shown_those_that_are_allowed_first(
    width: int, shown: int, recipe: CompressionRecipe, judged: Compressed, capsys: Capture
) -> None:
    lines = rows(recipe, judged, capsys, width)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[6:][:2] == ["TSTR", "Fréchet"]
    assert len(lines[0].split()) == 6 + shown


def test_every_step_has_a_row_and_numbers_stand_below_each_other(
    recipe: CompressionRecipe, judged: Compressed, capsys: Capture
) -> None:
    lines = rows(recipe, judged, capsys, 80)
    assert [line.split()[:2] for line in lines[3:]] == [
        ["1", "prune"], ["2", "distil"], ["3", "export"], ["4", "quantise"]
    ]  # fmt: skip
    assert lines[2].startswith("teacher")
    ends = {line.rindex("-0.002") for line in lines[3:]}
    assert len(ends) == 1
    assert all(line.endswith("1.04\N{MULTIPLICATION SIGN}") for line in lines[3:])
    assert "\x1b" not in "".join(lines), "colours are for terminals"


def test_a_row_stands_there_as_soon_as_its_step_is_done(
    recipe: CompressionRecipe, judged: Compressed, capsys: Capture
) -> None:
    table = CompressionTable(recipe, judged=True, width=80)
    table.teacher(judged.teacher_cost)
    assert len(capsys.readouterr().out.splitlines()) == 3
    table.step(judged.steps[0])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_without_a_judge_no_figure_of_quality_is_shown(
    recipe: CompressionRecipe, compressed: Compressed, capsys: Capture
) -> None:
    table = CompressionTable(recipe, judged=False, width=200)
    table.step(compressed.steps[0])
    assert capsys.readouterr().out.splitlines()[0].split() == ["step", "params", "mult-adds", "size", "ms", "change"]


def test_what_was_held_says_which_allowance_was_broken(
    recipe: CompressionRecipe, judged: Compressed, capsys: Capture
) -> None:
    print_held(held(recipe, judged))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["variant", "allowance", "found", "no", "worse", "than", "allowed"]
    (broken,) = (line for line in lines if "int8" in line and "tstr_drop" in line)
    assert broken.split() == ["~", "int8", "tstr_drop", "0.002", "0.020", "0.01"]
    assert next(line for line in lines if "int8_relative_l2" in line).startswith("✓")


def test_a_cell_that_is_too_wide_moves_the_rest_and_cuts_nothing(capsys: Capture) -> None:
    table = GrowingTable([Column("a", 3, right=False), Column("b", 4)])
    table.row(["much wider", "1"])
    table.row(["x", ""])
    assert capsys.readouterr().out.splitlines()[2:] == ["much wider     1", "x"]


def test_a_progress_that_vanishes_leaves_its_last_line_where_there_is_no_terminal(capsys: Capture) -> None:
    progress = Progress("Judging", vanish=True)
    progress(1, 2)
    progress(2, 2, "done")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["Judging                      100 %  0 s          done"]
