"""The drawing is true to scale: a clinician may lay a ruler on it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from edgeward.benchmarks.report.ecg_paper import ECG_PAPER_DEFINITIONS, ecg_strip, ranges_mv
from edgeward.runtime.errors import DataError, RequestError


def draw(samples, **changes):
    settings = {
        "channel_names": [f"lead {i}" for i in range(samples.shape[1])],
        "sampling_rate_hz": 250.0,
        "origin": "synthetic",
        "description": "beats",
    }
    return ecg_strip(samples, **(settings | changes))


def panels(strip, kind):
    # Our own output, not foreign XML.
    return [svg for svg in ET.fromstring(strip).iter("svg") if svg.get("class") == kind]  # noqa: S314


def points_mm(path):
    """Positions [n, 2] of a path `M x y l dx dy dx dy …`."""
    start, steps = re.fullmatch(r"M(\S+ \S+)l(.+)", path.get("d")).groups()
    numbers = np.array([float(number) for number in f"{start} {steps}".split()]).reshape(-1, 2)
    return np.cumsum(numbers, axis=0)


def trace(strip, *, panel=0, channel=0):
    return points_mm(panels(strip, "ecg-beat")[panel].findall(".//path")[channel])


def test_one_millivolt_is_ten_millimetres_and_upward():
    samples = np.zeros((1, 1, 250), np.float32)
    samples[0, 0, 100] = 1.0
    y = trace(draw(samples))[:, 1]
    assert y[0] - y[100] == pytest.approx(10, abs=0.011)


@pytest.mark.parametrize("rate", [125.0, 250.0, 360.0, 500.0])
def test_one_second_is_25_millimetres_at_any_rate(rate):
    x = trace(draw(np.zeros((1, 1, int(rate) + 1), np.float32), sampling_rate_hz=rate))[:, 0]
    assert x[-1] - x[0] == pytest.approx(25, abs=0.011)


def test_rounding_does_not_add_up_along_the_trace():
    samples = np.random.default_rng(0).normal(0, 0.3, (1, 1, 2000)).astype(np.float32)
    y = trace(draw(samples))[:, 1]
    np.testing.assert_allclose(y[0] - y, 10 * (samples[0, 0] - samples[0, 0, 0]), atol=0.011)


def test_a_user_unit_is_one_millimetre():
    strip = draw(np.zeros((2, 2, 256), np.float32))
    for svg in panels(strip, "ecg-beat") + panels(strip, "ecg-pulse"):
        assert svg.get("viewBox") == f"0 0 {svg.get('width')[:-2]} {svg.get('height')[:-2]}"
        assert svg.get("width").endswith("mm")
        assert svg.get("height").endswith("mm")


def test_the_calibration_pulse_is_ten_millimetres_high():
    (pulse,) = panels(draw(np.zeros((1, 1, 256), np.float32)), "ecg-pulse")
    assert "v-10h5v10" in pulse.find("path").get("d")


def test_the_grid_has_squares_of_one_and_five_millimetres():
    pattern = ET.fromstring(ECG_PAPER_DEFINITIONS).find(".//pattern")  # noqa: S314
    assert (pattern.get("width"), pattern.get("height")) == ("5", "5")
    assert pattern.find("path[@class='ecg-fine']").get("d").startswith("M1 0V5M2 0V5M3 0V5M4 0V5")


def test_zero_lies_on_a_heavy_line_of_the_grid():
    samples = np.zeros((1, 2, 256), np.float32)
    samples[0, 0, 50], samples[0, 1, 50] = 1.27, -1.84
    strip = draw(samples)
    for channel in (0, 1):
        assert trace(strip, channel=channel)[0, 1] % 5 == pytest.approx(0)


def test_everything_lies_within_the_paper():
    samples = np.random.default_rng(1).normal(0, 2, (3, 2, 256)).astype(np.float32)
    strip = draw(samples)
    for number, svg in enumerate(panels(strip, "ecg-beat")):
        sheet = svg.find("rect")
        for channel in (0, 1):
            x, y = trace(strip, panel=number, channel=channel).T
            assert x.min() >= 0
            assert x.max() <= float(sheet.get("width"))
            assert y.min() >= 0
            assert y.max() <= float(sheet.get("height"))


def test_every_panel_says_what_its_beat_is():
    strip = draw(np.zeros((4, 2, 256), np.float32), origin="simulated")
    feet = [svg.find("text").text for svg in panels(strip, "ecg-beat")]
    assert feet == ["simulated"] * 4


def test_strips_that_share_ranges_have_the_same_height():
    small, large = np.full((1, 1, 256), 0.1, np.float32), np.full((1, 1, 256), 3.2, np.float32)
    ranges = ranges_mv(small, large)
    heights = {panels(draw(s, ranges=ranges), "ecg-beat")[0].get("height") for s in (small, large)}
    assert ranges == ((0.0, 3.5),)
    assert len(heights) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_with_its_place(value):
    samples = np.zeros((3, 2, 256), np.float32)
    samples[2, 1, 17] = value
    with pytest.raises(DataError, match=r"sample 2 is (nan|inf) at channel 1, point 17"):
        draw(samples)


def test_a_trace_that_would_be_cut_off_is_refused():
    with pytest.raises(RequestError, match="'lead 0' leaves the range -1 to 1 mV"):
        draw(np.full((1, 1, 256), 1.2, np.float32), ranges=[(-1.0, 1.0)])


@pytest.mark.parametrize("shape", [(2, 256), (0, 1, 256), (1, 1, 1)])
def test_samples_of_another_shape_are_refused(shape):
    with pytest.raises(RequestError, match=r"\[k, channels, length\]"):
        draw(np.zeros(shape, np.float32), channel_names=["MLII"])


def test_names_are_escaped():
    strip = draw(np.zeros((1, 1, 256), np.float32), channel_names=["<b>"], origin="<i>", description='"><script>')
    assert not re.search("<(b|i|script)>", strip)


def test_a_beat_of_two_leads_takes_less_than_five_kilobytes():
    samples = np.random.default_rng(2).normal(0, 0.3, (1, 2, 256)).astype(np.float32)
    assert len(draw(np.repeat(samples, 10, axis=0))) < 10 * 5000 + 2000
