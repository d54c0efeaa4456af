"""Images and traces are drawn as they are: every pixel, every known moment, on one scale."""

import base64
import io
import re
import struct
import zlib

import numpy as np
import pytest
from edgeward.benchmarks.report.image_sheet import image_strip, images_in_row, png
from edgeward.benchmarks.report.traces import scales_of, trace_strip
from edgeward.runtime.errors import DataError, RequestError
from edgeward.runtime.provenance import STATEMENT
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread


def chunks(content: bytes) -> dict[bytes, bytes]:
    """A PNG's chunks by name, their checksums checked."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = {}, 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", content, at + 8 + length)[0] == zlib.crc32(name + body)
        found[name], at = body, at + 12 + length
    return found


@settings(max_examples=40, deadline=None)
@given(channels=st.sampled_from([1, 3]), height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_png_holds_every_pixel(channels: int, height: int, width: int, seed: int) -> None:
    """As matplotlib reads it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (channels, height, width))
    read = imread(io.BytesIO(png(pixels.astype(np.float32) / np.float32(255), "x")), format="png")
    assert np.array_equal(np.rint(read.reshape(height, width, -1)[..., :channels] * 255), pixels.transpose(1, 2, 0))


def test_what_lies_outside_0_to_1_is_black_or_white() -> None:
    read = imread(io.BytesIO(png(np.array([[[-3.0, 0.0, 0.5, 1.0, 7.0]]], np.float32), "x")), format="png")
    assert np.rint(read * 255).tolist() == [[0, 0, 128, 255, 255]]


def test_an_image_of_two_channels_is_refused() -> None:
    with pytest.raises(RequestError, match="grey and RGB"):
        png(np.zeros((2, 4, 4), np.float32), "x")


def test_an_image_that_is_not_finite_is_refused() -> None:
    with pytest.raises(DataError, match="NaN or an infinity"):
        image_strip(np.full((1, 1, 4, 4), np.nan, np.float32), origin="synthetic", description="one")


@pytest.mark.parametrize(("origin", "said"), [("synthetic", STATEMENT), ("real", "real test image, not synthetic")])
def test_each_picture_says_what_it_is_wherever_it_is_copied_to(origin: str, said: str) -> None:
    strip = image_strip(np.zeros((2, 3, 28, 28), np.float32), origin=origin, description="two")
    pictures = [base64.b64decode(found) for found in re.findall(r"base64,([^\"]+)", strip)]
    assert [chunks(picture)[b"tEXt"] for picture in pictures] == [b"Comment\0" + said.encode()] * 2


@pytest.mark.parametrize(
    ("side", "shown", "in_row"), [(28, 112, 8), (32, 128, 7), (64, 128, 7), (96, 96, 8), (128, 128, 7), (2000, 2000, 1)]
)
def test_images_are_enlarged_by_whole_pixels_and_fill_a_row(side: int, shown: int, in_row: int) -> None:
    strip = image_strip(np.zeros((1, 1, side, side), np.float32), origin="real", description="one")
    assert f'width="{shown}" height="{shown}"' in strip
    assert images_in_row((1, side, side)) == in_row


def test_a_strip_of_images_is_described() -> None:
    strip = image_strip(np.zeros((3, 1, 28, 28), np.float32), origin="real", description="3 <made> images")
    assert strip.count("<img") == 3
    assert 'aria-label="3 &lt;made&gt; images"' in strip


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
