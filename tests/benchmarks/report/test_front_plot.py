"""The plot of a front: every graph has its mark, what was asked is shaded, and nothing that cannot be drawn is."""

import math
import xml.etree.ElementTree as ET

import pytest
from edgeward.benchmarks.report.front_plot import FrontMark, front_plot
from edgeward.runtime.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
MARKS = [
    FrontMark("fp32", 2.0, 0.0, 2_000_000, on_front=True),
    FrontMark("int8", 0.5, 0.1, 500_000, on_front=True, taken=True, low=0.3, high=0.9),
    FrontMark("int8", 1.0, 0.3, 600_000, on_front=False),
]


def drawn(marks: list[FrontMark] = MARKS, **options: object) -> ET.Element:
    labels = {"title": "T", "x_label": "ms", "y_label": "distance", **options}
    return ET.fromstring(front_plot(marks, **labels))  # type: ignore[arg-type] # noqa: S314 - our own


def marks_of(root: ET.Element) -> list[tuple[str, float, float, float]]:
    """Class, place and size of every mark in the plot, not in its key."""
    found = []
    for path in root.iter(f"{SVG}path"):
        transform = path.get("transform", "")
        if "scale" in transform:
            numbers = [
                float(n) for n in transform.replace("translate(", "").replace(") scale(", " ").strip(")").split()
            ]
            found.append((path.get("class", ""), *numbers))
    return found


def test_every_graph_has_a_mark_and_those_of_the_front_are_filled() -> None:
    marks = marks_of(drawn())
    assert sorted(kind for kind, *_ in marks) == ["mark", "mark on", "mark on"]


def test_faster_is_left_and_more_faithful_is_lower() -> None:
    places = {(x, y) for kind, x, y, _ in marks_of(drawn()) if kind == "mark on"}
    (fast_x, fast_y), (slow_x, slow_y) = sorted(places)
    assert fast_x < slow_x
    assert fast_y < slow_y  # the vertical axis of SVG points down


def test_area_goes_with_bytes() -> None:
    marks = sorted((size, kind) for kind, _, _, size in marks_of(drawn([MARKS[0], MARKS[1]])))
    assert marks[1][0] / marks[0][0] == pytest.approx(math.sqrt(2_000_000 / 500_000), rel=0.01)


@given(
    st.lists(
        st.builds(
            FrontMark,
            st.sampled_from(["fp32", "int8", "fp16", "int4", "int2"]),
            st.floats(1e-4, 1e5),
            st.floats(0, 10),
            st.integers(1, 10**9),
            st.booleans(),
        ),
        min_size=1,
        max_size=10,
    ),
    st.none() | st.floats(1e-3, 1e4),
    st.none() | st.floats(0.001, 10),
)
def test_all_marks_lie_within_the_picture(marks: list[FrontMark], x_goal: float | None, y_goal: float | None) -> None:
    root = drawn(marks, x_goal=x_goal, y_goal=y_goal)
    places = marks_of(root)
    assert len(places) == len(marks)
    assert all(50 < x < 720 and 50 < y < 440 for _, x, y, _ in places)


def test_what_was_asked_is_shaded_and_the_one_taken_is_ringed_and_named() -> None:
    root = drawn(x_goal=0.8, y_goal=0.2, taken_label="taken")
    (ring,) = root.iter(f"{SVG}circle")
    shade = next(rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "allowed" and rect.get("y") != "37")
    x, y = float(ring.get("cx", "")), float(ring.get("cy", ""))
    assert float(shade.get("x", "")) < x < float(shade.get("x", "")) + float(shade.get("width", ""))
    assert float(shade.get("y", "")) < y < float(shade.get("y", "")) + float(shade.get("height", ""))
    assert "taken" in [text.text for text in root.iter(f"{SVG}text")]
    assert len([line for line in root.iter(f"{SVG}line") if line.get("class") == "goal"]) == 2


def test_words_are_words_and_no_markup() -> None:
    root = drawn(title="<script>&", x_label="a<b", y_label='"')
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"<script>&", "a<b", '"'} <= set(texts)
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>&" in root.get("aria-label", "")


@pytest.mark.parametrize(
    "mark",
    [
        FrontMark("fp32", 0.0, 0.1, 1, on_front=True),
        FrontMark("fp32", math.inf, 0.1, 1, on_front=True),
        FrontMark("fp32", 1.0, math.nan, 1, on_front=True),
        FrontMark("fp32", 1.0, 0.1, 0, on_front=True),
    ],
)
def test_what_cannot_be_drawn_is_refused(mark: FrontMark) -> None:
    with pytest.raises(RequestError, match="at least one candidate, with a latency"):
        drawn([mark])
    with pytest.raises(RequestError):
        drawn([])
