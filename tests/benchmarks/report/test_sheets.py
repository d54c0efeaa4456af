"""Images and traces are drawn as they are: every pixel, every known moment, on one scale."""

import io
import re

import numpy as np
import pytest
from edgeward.benchmarks.report.image_sheet import image_strip, png
from edgeward.benchmarks.report.traces import scales_of, trace_strip
from edgeward.runtime.errors import RequestError
from matplotlib.image import imread


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_every_pixel(channels: int) -> None:
    sample = np.random.default_rng(1).integers(0, 256, (channels, 5, 7)).astype(np.float32) / 255
    read = imread(io.BytesIO(png(sample)), format="png")
    np.testing.assert_allclose(read.reshape(5, 7, -1)[..., :channels], sample.transpose(1, 2, 0), atol=1e-6)


def test_an_image_of_two_channels_is_refused() -> None:
    with pytest.raises(RequestError, match="grey and RGB"):
        png(np.zeros((2, 4, 4), np.float32))


def test_images_are_enlarged_by_whole_pixels_and_described() -> None:
    strip = image_strip(np.zeros((3, 1, 28, 28), np.float32), description="3 <made> images")
    assert strip.count("<img") == 3
    assert 'width="84" height="84"' in strip
    assert "3 &lt;made&gt; images" in strip


def test_records_of_a_sheet_share_a_scale_and_gaps_are_left_out() -> None:
    rng = np.random.default_rng(2)
    one, other = (rng.normal(size=(2, 2, 40)).astype(np.float32) for _ in range(2))
    other[:, 0] *= 10
    other[0, 1, ::2] = np.nan
    scales = scales_of(one, other)
    assert scales[0][1] > 10 > scales[1][1]
    strip = trace_strip(other, channel_names=("HR", "SpO2 <%>"), scales=scales, description="two")
    assert strip.count("<svg") == 2
    assert strip.count("trace-line") == 3
    assert strip.count("<circle") == 20
    assert "SpO2 &lt;%&gt;" in strip
    drawn = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", strip)]
    assert min(drawn) >= 0
    assert max(drawn) <= 100


def test_a_channel_that_is_never_known_has_a_scale_still() -> None:
    assert scales_of(np.full((1, 1, 5), np.nan, np.float32)) == ((0.0, 1.0),)
