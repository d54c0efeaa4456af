"""The report shows every light with what it rests on, and is one honest file: self-contained, marked, escaped."""

from __future__ import annotations

import dataclasses
import re
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest
from edgeward.benchmarks.quality import PrivacyRecord
from edgeward.benchmarks.quality.evidence import Comparison, Evidence, Finding
from edgeward.benchmarks.quality.figure import Figure, omitted
from edgeward.benchmarks.quality.verdicts import verdicts
from edgeward.benchmarks.report import SYNTHETIC_MARK
from edgeward.benchmarks.report.evidence_content import Distribution, EvidencePage, SampleSheet, Spectrum
from edgeward.benchmarks.report.evidence_page import render_evidence_page
from edgeward.benchmarks.report.evidence_tables import facts

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SOURCES = ("real", "copies", "noise", "teacher", "fp32", "int8")
CLASSES = ("N", "S", "V")

# Per measure the value of each of SOURCES, and half an interval; None where a row has no figure.
WHOLE = {
    "frechet_distance": ((2.1, 2.3, 410.0, 9.4, 9.8, 14.2), 1.1),
    "kernel_distance": ((0.004, 0.005, 1.92, 0.021, 0.022, 0.034), 0.004),
    "precision": ((0.91, 0.92, 0.01, 0.94, 0.94, 0.89), 0.03),
    "recall": ((0.90, 0.84, 0.20, 0.71, 0.70, 0.66), 0.04),
    "density": ((0.97, 0.98, 0.0, 1.12, 1.11, 0.95), 0.06),
    "coverage": ((0.93, 0.90, 0.02, 0.86, 0.85, 0.71), 0.03),
    "two_sample_auc": ((0.58, 0.59, 1.0, 0.82, 0.83, 0.91), 0.05),
    "tstr": ((0.81, 0.80, 0.22, 0.77, 0.77, 0.71), 0.05),
    "trts": ((None, None, 0.2, 0.93, 0.93, 0.88), 0.01),
    "dcr_share": ((0.51, 1.0, 0.5, 0.53, 0.53, 0.54), 0.03),
    "nndr": ((0.88, 0.02, 0.97, 0.86, 0.86, 0.87), 0.01),
    "exact_copies": ((0.0, 1.0, 0.0, 0.0, 0.0, 0.0), 0.0),
    "distance_auc": ((0.50, 0.99, 0.5, 0.52, 0.53, 0.52), 0.04),
    "distance_tpr": ((0.01, 0.98, 0.01, 0.02, 0.02, 0.01), 0.01),
    "loss_auc": ((None, None, None, 0.55, 0.55, 0.54), 0.03),
    "loss_tpr": ((None, None, None, 0.02, 0.02, 0.01), 0.01),
    "loss_control": ((None, None, None, 0.50, 0.50, 0.51), 0.04),
    "lira_auc": ((None, None, None, 0.61, 0.62, 0.60), 0.02),
    "lira_tpr": ((None, None, None, 0.06, 0.06, 0.05), 0.02),
    "lira_control": ((None, None, None, 0.50, 0.50, 0.51), 0.04),
}
PARTS = {
    ("spectrum", "channel=MLII"): ((0.3, 0.3, 18.0, 1.1, 1.1, 1.4), 0.2),
    ("spectrum", "channel=V"): ((0.4, 0.4, 17.0, 1.3, 1.3, 1.6), 0.2),
    ("physiology", "measurement=heart_rate"): ((0.08, 0.08, 0.9, 0.15, 0.15, 0.2), 0.03),
    ("violations", "check=flat_line"): ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0),
    **{("coverage", f"class={c}"): ((0.93, 0.9, 0.02, 0.86, 0.85, 0.71), 0.05) for c in CLASSES},
    **{("frechet_distance", f"class={c}"): ((3.1, 3.0, 380.0, 12.0, 12.5, 16.2), 1.1) for c in CLASSES},
    **{("tstr_class", f"class={c}"): ((0.85, 0.84, 0.2, 0.8, 0.8, 0.7), 0.06) for c in CLASSES},
    **{("group_coverage", f"sex={s}"): ((0.92, 0.9, 0.02, 0.86, 0.85, 0.7), 0.05) for s in "FM"},
    ("group_coverage", "class=S"): ((0.88, 0.85, 0.02, 0.62, 0.61, 0.41), 0.08),
    **{("group_accuracy", f"sex={s}"): ((0.84, 0.83, 0.33, 0.8, 0.8, 0.76), 0.05) for s in "FM"},
}
WAYS = {"real alone": 0.31, "repeated": 0.52, "SMOTE": 0.55, "teacher": 0.6, "fp32": 0.6, "int8": 0.57}


def finding(measure, group, source, value, half):
    figure = Figure(value, value - half, value + half, n=800, patients=22, seeds=5 if measure == "tstr" else 1)
    return Finding(measure, group, source, figure)


def findings():
    parts = {(name, "all"): row for name, row in WHOLE.items()} | PARTS
    found = [
        finding(name, group, source, value, half)
        for (name, group), (values, half) in parts.items()
        for source, value in zip(SOURCES, values, strict=True)
        if value is not None
    ]
    found += [finding("rare_recall", "class=S", way, value, 0.1) for way, value in WAYS.items()]
    few = omitted("7 records of 1 patient(s): too few to tell", 7)
    found += [Finding("group_coverage", "age=80+", source, few) for source in SOURCES]
    found.append(Finding("physiology", "measurement=rmssd", "int8", Figure(0.4, n=90, patients=1, note="one patient")))
    return tuple(found)


DATA = {
    "source": "MIT-BIH Arrhythmia Database 1.0.0",
    "sha256": "cd" * 32,
    "simulated": False,
    "licence": "ODC-BY-1.0",
    "attribution": "Moody and Mark, https://doi.org/x",
    "notes": ["Class Q is in the data, but the generator does not make it."],
    "schema": "ecg-beats",
    "seed": 7,
    "shadow_recipe": None,
    "train": {"records": 51_020, "patients": 22, "classes": {"N": 45_866, "S": 944, "V": 3_788}},
    "validation": {"records": 9_000, "patients": 4, "classes": {"N": 8_000, "S": 100, "V": 700}},
    "test": {"records": 49_711, "patients": 22, "classes": {"N": 44_259, "S": 1_837, "V": 3_221}},
}
METHOD = {
    "effort": {"name": "full", "seeds": 5, "steps": 1500, "per_class": 2000},
    "feature_space": {"name": "beat classifier", "sha256": "ef" * 32},
    "scored_classes": list(CLASSES),
    "rare_class": "S",
    "notes": ["Class F is not scored by classifiers: 13 records of 1 patients in test."],
}


def evidence(**changes):
    judged = {source: f"{number}" * 64 for number, source in enumerate(SOURCES[3:])}
    comparisons = (
        Comparison("fp32", "tstr", -0.001, -0.01, 0.008, -0.009, 0.02),
        Comparison("int8", "tstr", -0.062, -0.09, -0.03, -0.085, 0.02),
        Comparison("fp32", "coverage", -0.006, -0.012, 0.001, -0.011, None),
        Comparison("int8", "coverage", -0.15, -0.17, -0.12, -0.166, None),
    )
    parts = {"judged": judged, "data": DATA, "method": METHOD, "findings": findings(), "comparisons": comparisons}
    made = Evidence(**(parts | {"verdicts": ()} | changes))
    return made if "verdicts" in changes else dataclasses.replace(made, verdicts=tuple(verdicts(made)))


def records(k=2, seed=0):
    rng = np.random.default_rng(seed)
    time = np.linspace(-1, 1, 180)
    beat = 1.2 * np.exp(-((time / 0.05) ** 2)) + 0.2 * np.exp(-(((time - 0.6) / 0.2) ** 2))
    return (beat * rng.uniform(0.7, 1.2, (k, 2, 1)) + rng.normal(0, 0.02, (k, 2, 180))).astype(np.float32)


def content(**changes):
    rng = np.random.default_rng(5)
    frequencies = np.linspace(0, 60, 61)
    levels = {
        name: (-8.0 if name == "noise" else -0.45 * frequencies) + rng.normal(0, 0.5, 61)
        for name in ("real", "noise", "teacher", "fp32", "int8")
    }
    rates = {name: rng.normal(75 + shift, 12, 500) for shift, name in enumerate(("real", "teacher", "fp32", "int8"))}
    rates["int8"][:40] = np.nan
    page = EvidencePage(
        title="What ecg-beats 1.2.0 is worth",
        judged="ecg-beats 1.2.0",
        digest="ab" * 32,
        channel_names=("MLII", "V"),
        sampling_rate_hz=250.0,
        sheets=tuple(
            SampleSheet(c, f"meaning of {c}", records(), {name: records(seed=n) for n, name in enumerate(SOURCES[3:])})
            for c in CLASSES
        ),
        spectra=(Spectrum("MLII", frequencies, levels), Spectrum("V", frequencies, levels)),
        distributions=(Distribution("Heart rate", "/min", rates),),
        provenance={"seed": 3},
    )
    return dataclasses.replace(page, **changes)


class Page(HTMLParser):
    """Reads a page as a browser does, and fails where an element is not closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.names: set[str] = set()
        self.feed(markup)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.names.add(tag if dict(attributes).get("type") != "application/json" else "data")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.names.add(tag)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return render_evidence_page(evidence(), content())


def test_the_page_is_one_well_formed_file_that_asks_nothing_of_a_network(page: str) -> None:
    read = Page(page)
    assert read.names & {"script", "iframe", "img", "object"} == set()
    assert not re.search(r"(src|href)\s*=\s*.(https?:|//)|@import|url\((?!#|data:)", page)


def test_the_page_is_marked_synthetic(page: str) -> None:
    assert SYNTHETIC_MARK in Page(page).text


def test_every_light_is_shown_with_its_text_and_threshold(page: str) -> None:
    text = " ".join(Page(page).text.split())
    for verdict in evidence().verdicts:
        assert verdict.text in text
        assert verdict.threshold in text


def test_what_was_left_out_and_why_is_told(page: str) -> None:
    text = Page(page).text
    for note in (*DATA["notes"], *METHOD["notes"], "7 records of 1 patient(s): too few to tell"):
        assert note in text


def test_names_that_look_like_markup_stay_text() -> None:
    hostile = "<script>alert(1)</script>"
    data = {**DATA, "source": hostile, "notes": [hostile]}
    found = render_evidence_page(evidence(data=data), content(title=hostile, judged=hostile))
    assert "script" not in Page(found).names
    assert escape(hostile) in found


def test_private_training_is_told_where_the_method_stands_and_only_where_there_was_any(page: str) -> None:
    record = PrivacyRecord(8.0, 1e-5, "prv", 0.84, 1.0, 0.025, entered=("quantiles",))
    made = dataclasses.replace(evidence(), dp=record)
    told = next(fact for fact in facts(made) if fact.label == "Differential privacy")
    assert told.texts == (record.promise(), record.method())
    text = Page(render_evidence_page(made, content())).text
    assert "(ε = 8, δ = 1e-05)-differential privacy of each record" in text
    assert "noise multiplier 0.84, gradients clipped at 1, sampling rate 0.025, accountant PRV" in text
    assert "ifferential privacy" not in Page(page).text


def image_content(classes=("normal", "pneumonia"), **changes):
    rng = np.random.default_rng(1)
    sheets = tuple(
        SampleSheet(
            name,
            f"meaning of {name}",
            rng.random((2, 1, 28, 28), np.float32),
            {source: rng.random((2, 1, 28, 28), np.float32) for source in SOURCES[3:]},
        )
        for name in classes
    )
    page = content(drawn_as="images", channel_names=("grey",), sheets=sheets, spectra=(), distributions=())
    return dataclasses.replace(page, **changes)


def test_images_of_every_class_and_row_are_shown_from_within_the_file() -> None:
    page = render_evidence_page(evidence(), image_content())
    read = Page(page)
    assert read.names & {"script", "iframe", "object"} == set()
    assert page.count("<img") == page.count('src="data:image/png;base64,') == 2 * (1 + 3) * 2
    assert "real images of class normal" in page
    assert "synthetic images of class pneumonia, made by int8" in page
    assert "electrocardiograph" not in read.text


def test_what_images_lack_has_no_heading() -> None:
    text = Page(render_evidence_page(evidence(), image_content())).text
    assert "Power spectra, means over records" not in text
    assert "What the field measures on a record" not in text


def test_a_generator_that_makes_none_of_a_class_has_an_empty_row() -> None:
    rng = np.random.default_rng(2)
    made = {"int8": rng.random((0, 1, 28, 28), np.float32)}
    sheet = SampleSheet("normal", "normal", rng.random((1, 1, 28, 28), np.float32), made)
    page = render_evidence_page(evidence(), image_content(sheets=(sheet,)))
    assert "none to show" in Page(page).text
    assert 'class="meaning"' not in page  # a class whose name says it all is not named twice
