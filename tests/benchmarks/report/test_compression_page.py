"""The report of compress: every step and figure on it, drawn to scale, one honest file that asks nothing of anyone."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from edgeward.benchmarks.quality.paired import Paired
from edgeward.benchmarks.report import SYNTHETIC_MARK
from edgeward.benchmarks.report.compression_content import Allowed, CompressionPage, Stage
from edgeward.benchmarks.report.compression_page import render_compression_page
from edgeward.benchmarks.report.evidence_tables import Fact
from edgeward.benchmarks.report.waterfall import Fall, waterfall
from edgeward.runtime.errors import RequestError

RECIPE = 'name = "mine <b>"\n\n[[step]]\ndo = "export"\n'


def figures(tstr: float, frechet: float, *, decided: bool) -> tuple[Paired, ...]:
    bound = (tstr - 0.01, frechet + 0.02) if decided else (None, None)
    return (
        Paired("tstr", 0.8 + tstr, 0.8, tstr, tstr - 0.012, tstr + 0.012, bound[0], seeds=5, n=60, patients=60),
        Paired("frechet_distance", frechet, 1.0, frechet, frechet - 0.03, frechet + 0.03, bound[1], seeds=5, n=60),
        Paired("physiology", 0.1, 0.1, 0.0, -0.01, 0.01, 0.01, group="measurement=heart_rate", seeds=5, n=60),
    )


STAGES = (
    Stage("teacher", "", 589_000, 30_600_000, 2_400_000, 14_000.0, digest="aa" * 32),
    Stage(
        "1 prune", "ratio 0.5", 173_000, 7_800_000, 700_000, 900.0, 0.8, 0,
        figures=figures(-0.4, 3.6, decided=False), seconds=3, seed=1, machine="cpu a", digest="bb" * 32,
    ),
    Stage(
        "2 export", "", 170_000, 7_800_000, 690_000, 450.0, 0.0, 1, "fp32",
        figures(-0.004, 1.02, decided=True), 9, 2, "cpu a", "cc" * 32,
    ),
    Stage(
        "3 quantise", "samples 64", 170_000, 7_800_000, 240_000, 210.0, 0.01, 2, "int8",
        figures(-0.006, 1.04, decided=True), 4, 3, "cpu a", "dd" * 32,
    ),
)  # fmt: skip
PAGE = CompressionPage(
    title="How beats were made small",
    name="beats",
    stages=STAGES,
    default="int8",
    allowed=(
        Allowed("student_relative_l2", None, "Samples", 0.3, "student", 0.1, None, True, False, ""),
        Allowed("tstr_drop", "tstr", "Train on it, test on real", 0.02, "int8", 0.006, 0.016, True, False, ""),
        Allowed("frechet_ratio", "frechet_distance", "Fréchet distance", 1.1, "int8", 1.04, 1.06, True, False, ""),
    ),
    judged_on="60 validation records of 60 patients",
    simulated=False,
    private=False,
    seeds=5,
    glance_seeds=2,
    recipe_toml=RECIPE,
    recipe_name="mine <b>",
    facts=(Fact("Seed", ("1",)),),
    notes=("Class F is <not> scored.",),
    provenance={"synthetic": "marked"},
)


def text_of(page: CompressionPage) -> str:
    """What one reads, with signs that look alike made one."""
    words = unescape(re.sub(r"<[^>]+>", " ", render_compression_page(page))).split()
    return " ".join(words).replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{MINUS SIGN}", "-")


def test_the_page_is_one_marked_file_that_loads_nothing() -> None:
    html = render_compression_page(PAGE)
    assert SYNTHETIC_MARK in html
    assert '<meta name="synthetic-data"' in html
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link(?! rel=\"icon\" href=\"data:)|https?://|url\(", html)


def test_what_comes_from_users_is_escaped() -> None:
    html = render_compression_page(PAGE)
    assert "mine <b>" not in html
    assert "mine &lt;b&gt;" in html
    assert "&lt;not&gt;" in html


def test_every_tag_is_closed() -> None:
    void = {"br", "hr", "img", "input", "link", "meta", "rect", "line", "path", "circle"}

    class Tags(HTMLParser):
        open: list[str] = []  # noqa: RUF012 - a parser a test

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in void:
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Tags()
    parser.feed(render_compression_page(PAGE))
    assert not parser.open


def test_every_step_stands_there_with_its_numbers_and_hash() -> None:
    text = text_of(PAGE)
    for stage in STAGES:
        assert stage.name in text
        assert stage.digest in text
    assert "10x smaller, 67x faster, and within all that the recipe allows." in text
    assert "2.40 MB" in text
    assert "÷ 2.9" in text, "700 kB to 240 kB is less than 3: of the export's 690 kB"


def test_every_measure_has_a_chart_with_interval_allowance_and_the_worst_part_by_name() -> None:
    html = render_compression_page(PAGE)
    assert html.count('class="chart intervals"') == 3
    assert html.count("chart-shade") >= 2 * 3, "of the two measures with an allowance, in each row"
    text = text_of(PAGE)
    assert "-0.006 (-0.018 to 0.006)" in text
    assert "heart rate" in text


def test_a_step_on_the_way_that_was_far_off_does_not_flatten_what_ships() -> None:
    html = render_compression_page(PAGE)
    chart = html[html.index("Fréchet distance</b>") :]
    chart = chart[: chart.index("</figure>")]
    assert "mark-arrow" in chart
    assert re.search(r"<span>1\.\d+</span></div>", chart), "the scale ends below 2"


def test_a_refused_result_says_so_first_and_why() -> None:
    broken = dataclasses.replace(
        PAGE.allowed[1], bound=0.05, passed=False, surely=True, why="Most came with step 1, prune"
    )
    text = text_of(dataclasses.replace(PAGE, allowed=(PAGE.allowed[0], broken)))
    assert "refused: tstr_drop beyond what the recipe allows." in text
    assert "not written" in text
    assert "Most came with step 1, prune" in text
    assert "light-red" in render_compression_page(dataclasses.replace(PAGE, allowed=(broken,)))
    unsure = dataclasses.replace(broken, surely=False)
    assert "light-amber" in render_compression_page(dataclasses.replace(PAGE, allowed=(unsure,)))


def test_a_run_that_was_not_judged_says_so_and_shows_no_quality() -> None:
    bare = tuple(dataclasses.replace(stage, figures=()) for stage in STAGES)
    page = dataclasses.replace(PAGE, stages=bare, judged_on="", allowed=PAGE.allowed[:1])
    text = text_of(page)
    assert "its quality was not judged." in text
    assert "Quality was not judged. Only how far samples moved" in text
    assert "What it cost" not in text


def test_simulated_records_and_private_training_are_warned_of() -> None:
    assert "No patient is behind this page." in text_of(dataclasses.replace(PAGE, simulated=True))
    assert "Keep this page to yourself." in text_of(dataclasses.replace(PAGE, private=True))
    assert "Keep this page" not in text_of(PAGE)


def test_equal_factors_are_equal_lengths_in_a_waterfall() -> None:
    drawn = waterfall(
        [Fall("a", 1000, "a"), Fall("b", 100, "b", 1000), Fall("c", 10, "c", 100), Fall("d", 50, "d", 10)]
    )
    widths = [float(width) for width in re.findall(r'fall-won" x="[\d.]+%" width="([\d.]+)%', drawn)]
    assert len(widths) == 2
    assert widths[0] == pytest.approx(widths[1], abs=0.02)
    assert drawn.count("fall-lost") == 1
    assert "÷\N{NO-BREAK SPACE}10" in drawn
    assert "\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}5.0" in drawn


@pytest.mark.parametrize(
    "falls", [[], [Fall("a", 0.0, "a")], [Fall("a", 1.0, "a", -1.0)], [Fall("a", float("nan"), "")]]
)
def test_what_a_waterfall_cannot_show_is_refused(falls: list[Fall]) -> None:
    with pytest.raises(RequestError, match="waterfall"):
        waterfall(falls)
