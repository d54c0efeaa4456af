"""The page is one honest file: self-contained, marked, escaped, well-formed, no bolder than its numbers."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from edgeward.benchmarks.report.demo_content import (
    BeatClass,
    BundleFacts,
    Command,
    CompressionStep,
    DataSource,
    DemoPage,
    Fact,
    LatencyRow,
    QualityRow,
)
from edgeward.benchmarks.report.demo_page import SYNTHETIC_MARK, render_demo_page
from edgeward.benchmarks.report.headline import headline
from edgeward.runtime.errors import DataError, RequestError

PLAIN = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{MULTIPLICATION SIGN}": "x"})
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def beats(k=2, seed=0):
    return np.random.default_rng(seed).normal(0, 0.4, (k, 2, 256)).astype(np.float32)


def latency(role, p50, batch=1):
    return LatencyRow(role, f"{role} contender", "fp32", "an engine", batch, 100, p50, p50 * 1.1, p50 * 1.5)


def quality(role, value):
    return QualityRow(role, f"{role} label", value, value - 0.02, value + 0.02, 500, {"N": 0.9, "V": 0.8})


def content(**changes):
    page = DemoPage(
        title="A demo",
        data=DataSource("the simulator, seed 0", True, "Apache-2.0", "by its authors"),
        channel_names=("MLII", "V"),
        sampling_rate_hz=250.0,
        classes=tuple(BeatClass(code, f"meaning of {code}", 1234, beats(), beats(seed=1)) for code in "NV"),
        steps=(
            CompressionStep("Teacher", "as trained", 1000, 20_000, 4_000_000),
            CompressionStep("INT8", "8 bits", 100, 2_000, 100_000, 40.0, 0.004),
        ),
        latency=(latency("teacher", 800.0), latency("student", 90.0), latency("bundle", 40.0)),
        quality=(quality("real", 0.80), quality("teacher", 0.79), quality("bundle", 0.78)),
        quality_method="How it was done.",
        bundle=BundleFacts("/tmp/x.edgeward", "ab" * 32, 500_000, (("int8", 100_000),), "int8"),  # noqa: S108
        machine=(Fact("CPU", "some"),),
        wall_time_s=61.0,
        made_on="today",
        provenance={"synthetic": "SYNTHETIC", "seed": 3},
        commands=(Command("edgeward generate x", "Make more"),),
        limits=("It is a demo.",),
    )
    return dataclasses.replace(page, **changes)


REAL = DataSource("MIT-BIH Arrhythmia Database 1.0.0", False, "ODC-BY-1.0", "Moody and Mark, https://doi.org/x")


class Elements(HTMLParser):
    """Collects elements and text, and fails on a tag that is not closed where it should be."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


def test_every_tag_is_closed_where_it_should_be():
    Elements(render_demo_page(content()))


@pytest.mark.parametrize("missing", ["steps", "latency", "quality", "commands", "limits", "machine", "classes"])
def test_what_was_not_measured_is_left_out_and_the_page_stays_whole(missing):
    Elements(render_demo_page(content(**{missing: ()})))


def test_nothing_is_loaded_from_anywhere():
    page = render_demo_page(content(data=REAL))
    for tag, attributes in Elements(page).elements:
        assert tag not in {"script", "iframe", "object", "embed", "img", "base", "form"}
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            assert attributes.get(name) in (None, "data:,")
    style = re.search("<style>(.*?)</style>", page, re.DOTALL).group(1)
    assert not re.search(r"@import|@font-face|url\(", style)
    assert set(re.findall(r"url\(.*?\)", page)) == {"url(#ecg-paper)"}


def test_the_page_itself_forbids_requests():
    policy = [a["content"] for _, a in Elements(render_demo_page(content())).elements if "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_synthetic_mark_is_visible_and_stays_in_view():
    page = render_demo_page(content())
    assert f'<p class="mark" role="note">{SYNTHETIC_MARK}</p>' in page
    assert "position: sticky" in re.search(r"\.mark \{.*?\}", page, re.DOTALL).group()


def test_the_synthetic_mark_and_provenance_can_be_read_by_a_machine():
    elements = Elements(render_demo_page(content())).elements
    (mark,) = (a["content"] for tag, a in elements if tag == "meta" and a.get("name") == "synthetic-data")
    assert json.loads(mark) == {"synthetic": "SYNTHETIC", "seed": 3}


@pytest.mark.parametrize(("data", "origin"), [(REAL, "real"), (content().data, "simulated")])
def test_every_drawing_says_whether_it_is_synthetic_real_or_simulated(data, origin):
    page = render_demo_page(content(data=data))
    labels = [a["aria-label"] for _, a in Elements(page).elements if a.get("class") == "ecg-strip"]
    assert [label.split()[1] for label in labels] == [origin, "synthetic"] * 2
    assert page.count(f">{origin}</text>") == page.count(">synthetic</text>") == 4


def test_a_teachers_beats_are_called_synthetic_too():
    classes = (BeatClass("N", "normal", 5, beats(), beats(), teacher=beats()),)
    assert render_demo_page(content(classes=classes)).count(">synthetic</text>") == 4


def test_simulated_data_are_never_called_real_and_the_page_says_what_that_means():
    words = Elements(render_demo_page(content(quality=(quality("bundle", 0.7),)))).words
    assert "No patient is behind this page." in words
    assert re.findall(r"\breal\b", words) == ["real"], "only where it says that others would say so"


def test_recorded_data_are_called_real_and_attributed():
    words = Elements(render_demo_page(content(data=REAL))).words
    assert "held-out real beats" in words
    assert "Moody and Mark, https://doi.org/x" in words
    assert "No patient is behind this page" not in words


def test_hostile_text_is_escaped_everywhere():
    evil = "<script>alert('x')</script>\"><img src=x>"

    def poison(value):
        if isinstance(value, str):
            return evil
        if dataclasses.is_dataclass(value):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return dataclasses.replace(value, **{k: v if k == "role" else poison(v) for k, v in fields.items()})
        if isinstance(value, tuple):
            return tuple(poison(item) for item in value)
        if isinstance(value, dict):
            return {poison(k): poison(v) for k, v in value.items()}
        return value

    poisoned = dataclasses.replace(poison(content()), provenance={evil: evil})
    page = render_demo_page(poisoned)
    assert "&lt;script&gt;" in page
    assert not {tag for tag, _ in Elements(page).elements} & {"script", "img"}


def test_five_classes_of_six_beats_in_two_leads_take_less_than_a_megabyte():
    classes = tuple(BeatClass(c, "meaning", 99, beats(6), beats(6), beats(6)) for c in "NSVFQ")
    assert len(render_demo_page(content(classes=classes)).encode()) < 1_000_000


def test_a_class_without_beats_says_so():
    classes = (
        BeatClass("F", "fusion", 0, beats(0), beats(2)),
        BeatClass("Q", "paced", 0, beats(0), beats(0)),
    )
    assert Elements(render_demo_page(content(classes=classes))).words.count("none to show") == 3


def test_a_beat_that_is_not_finite_is_refused():
    broken = beats()
    broken[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="sample 0 is nan"):
        render_demo_page(content(classes=(BeatClass("N", "normal", 5, beats(), broken),)))


def test_the_headline_gives_the_ratios():
    lead = headline(content()).lead.translate(PLAIN)
    assert lead == "Against the full model: 40x smaller, 20x faster on this machine."


def test_the_headline_says_slower_and_larger_where_the_ratio_is_below_one():
    steps = (CompressionStep("a", "", size_bytes=1000), CompressionStep("b", "", size_bytes=2500))
    lead = headline(content(steps=steps, latency=(latency("teacher", 40), latency("bundle", 60)))).lead
    assert lead.translate(PLAIN) == "Against the full model: 2.5x larger, 1.5x slower on this machine."


def test_the_headline_claims_no_difference_that_timing_cannot_show():
    lead = headline(content(steps=(), latency=(latency("teacher", 100), latency("bundle", 97)))).lead
    assert lead == "Against the full model: about the same speed on this machine."


def test_the_headline_compares_only_what_was_timed_at_the_same_batch():
    rows = (
        latency("teacher", 5000, batch=64),
        latency("bundle", 40, batch=1),
        latency("bundle", 1000, batch=64),
    )
    said = headline(content(latency=rows))
    assert "5.0x faster" in said.lead.translate(PLAIN)
    assert "Making 64 beats at once takes 1.00 ms" in said.paragraphs[0].translate(PLAIN)


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (0.78, "the intervals overlap, so this can neither tell the two apart nor prove them equal"),
        (0.60, "synthetic beats are worth less than real ones here, beyond the uncertainty"),
        (0.95, "synthetic beats score above real ones here, which deserves a second look"),
    ],
)
def test_the_headline_says_of_quality_only_what_the_intervals_allow(bundle, words):
    said = headline(content(data=REAL, quality=(quality("real", 0.80), quality("bundle", bundle))))
    assert words in said.paragraphs[-1]


@pytest.mark.parametrize(("bundle", "words"), [(0.78, "is within the uncertainty"), (0.6, "compression cost quality")])
def test_the_headline_says_what_compression_cost(bundle, words):
    said = headline(content(quality=(quality("teacher", 0.79), quality("bundle", bundle))))
    assert words in said.paragraphs[-1]


def test_the_headline_says_that_quality_was_not_measured():
    assert "was not measured" in headline(content(quality=())).paragraphs[-1]


def test_an_estimate_outside_its_own_interval_is_refused():
    row = dataclasses.replace(quality("bundle", 0.8), low=0.85)
    with pytest.raises(RequestError, match="does not fit"):
        render_demo_page(content(quality=(row,)))


def test_percentiles_that_decrease_are_refused():
    row = dataclasses.replace(latency("bundle", 40.0), p99_us=1.0)
    with pytest.raises(RequestError, match="positive and increasing"):
        render_demo_page(content(latency=(row,)))


def test_two_rows_that_stand_for_the_same_are_refused():
    with pytest.raises(RequestError, match="two latency rows stand for the 'bundle' at batch 1"):
        render_demo_page(content(latency=(latency("bundle", 40.0), latency("bundle", 50.0))))


def test_without_jinja2_the_error_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(RequestError, match=re.escape("pip install 'edgeward[report]'")):
        render_demo_page(content())
