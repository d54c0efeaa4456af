"""Beats on ECG paper as clinicians know it: 25 mm/s, 10 mm/mV, squares of 1 mm and 5 mm. SVG, to scale.

Each beat is a panel of its own, so a strip wraps on a narrow screen. Colours given here are a light-mode
default; a page may override them by the classes `ecg-*`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...runtime.errors import DataError, RequestError

MM_PER_S = 25.0
MM_PER_MV = 10.0

FloatArray = npt.NDArray[np.float32]
Range = tuple[float, float]

ECG_PAPER_DEFINITIONS = (
    '<svg class="ecg-definitions" width="0" height="0" aria-hidden="true" style="position:absolute">'
    '<defs><pattern id="ecg-paper" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect class="ecg-sheet" width="5" height="5" fill="#fff7f5"/>'
    '<path class="ecg-fine" d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" '
    'fill="none" stroke="#f7d3cf" stroke-width=".12"/>'
    # Half of a line on the edge of a tile is cut off, so it is drawn at twice the width it shall have.
    '<path class="ecg-bold" d="M0 0H5M0 0V5" fill="none" stroke="#e9a59f" stroke-width=".4"/>'
    "</pattern></defs></svg>"
)
"""The grid, which every strip of a page refers to: put it into the page once, before the first strip."""

_GRID_MV = 0.5  # one large square
_LEAST_SPAN_MV = 1.5  # room for the 1 mV pulse and the lead's name above it
_NAME_MV = 0.4
_FOOT_MM = 3.6
_PULSE_MM = 5.0  # 0.2 s, as electrocardiographs print it
_PULSE_LEFT_MM = 1.0


def ranges_mv(*groups: FloatArray) -> tuple[Range, ...]:
    """Per channel the range that holds all samples of all groups, so that their strips can be compared.

    Args:
        groups: Arrays [k, channels, length] in mV, of the same channels.

    Returns:
        (low, high) in mV per channel: whole large squares of the paper, zero within.

    Raises:
        DataError: A sample is not finite.
        RequestError: There is nothing to draw.
    """
    filled = [group for group in groups if group.size]
    if not filled:
        raise RequestError("there are no samples, so there is no range to draw")
    for group in filled:
        _check_finite(group)
    found = []
    for channel in range(filled[0].shape[1]):
        low = min(0.0, *(float(group[:, channel].min()) for group in filled))
        high = max(0.0, *(float(group[:, channel].max()) for group in filled))
        low, high = math.floor(low / _GRID_MV) * _GRID_MV, math.ceil(high / _GRID_MV) * _GRID_MV
        found.append((low, max(high, low + _LEAST_SPAN_MV)))
    return tuple(found)


def ecg_strip(
    samples: FloatArray,
    *,
    channel_names: Sequence[str],
    sampling_rate_hz: float,
    origin: str,
    description: str,
    ranges: Sequence[Range] | None = None,
) -> str:
    """Draw samples side by side, one panel each with its channels below each other, after 1 mV pulses.

    Args:
        samples: [k, channels, length] in mV, k at least 1.
        channel_names: One per channel; escaped here.
        sampling_rate_hz: Of every channel.
        origin: What the samples are, e.g. `synthetic`: printed on every panel, so that a copy keeps it.
        description: For people who do not see the drawing: what it shows.
        ranges: Per channel (low, high) in mV, from `ranges_mv`; `None` takes the range of these samples.

    Returns:
        HTML that refers to `ECG_PAPER_DEFINITIONS`; sizes in mm, coordinates in mm rounded to 0.01.

    Raises:
        DataError: A sample is not finite.
        RequestError: The shapes do not fit each other, or a sample lies outside `ranges`.
    """
    _check_shape(samples, channel_names, sampling_rate_hz)
    _check_finite(samples)
    bands = ranges_mv(samples) if ranges is None else tuple(ranges)
    if len(bands) != samples.shape[1]:
        raise RequestError(f"{len(bands)} ranges were given for {samples.shape[1]} channels; give one per channel")
    for channel, (low, high) in enumerate(bands):
        if samples[:, channel].min() < low or samples[:, channel].max() > high:
            raise RequestError(
                f"channel {channel_names[channel]!r} leaves the range {low:g} to {high:g} mV and would be "
                "drawn cut off; take the range from ranges_mv with all samples to be drawn"
            )
    panels = [_pulse_panel(channel_names, bands)]
    panels += [_beat_panel(sample, sampling_rate_hz, origin, bands) for sample in samples]
    return f'<div class="ecg-strip" role="img" aria-label="{html.escape(description)}">{"".join(panels)}</div>'


def _beat_panel(sample: FloatArray, sampling_rate_hz: float, origin: str, bands: Sequence[Range]) -> str:
    times_mm = np.arange(sample.shape[1]) / sampling_rate_hz * MM_PER_S
    width = max(1, math.ceil(times_mm[-1]))
    left = (width - times_mm[-1]) / 2
    traces = "".join(
        f'<path class="ecg-trace" d="{_path(left + times_mm, zero - values * MM_PER_MV)}"/>'
        for values, zero in zip(sample.astype(np.float64), _zeros_mm(bands), strict=True)
    )
    return _panel(
        "ecg-beat",
        width,
        bands,
        f'<g fill="none" stroke="#1c1a1a" stroke-width=".32" stroke-linejoin="round">{traces}</g>',
        origin,
    )


def _pulse_panel(channel_names: Sequence[str], bands: Sequence[Range]) -> str:
    # Digits and capitals of a sans serif are rarely wider than 0.7 of their height.
    width = max(10, math.ceil(2 + 0.7 * 2.6 * max(len(name) for name in channel_names)))
    parts = []
    for name, (_, high), zero in zip(channel_names, bands, _zeros_mm(bands), strict=True):
        base = zero - min(0.0, high - 1 - _NAME_MV) * MM_PER_MV
        top = zero - high * MM_PER_MV
        parts.append(
            f'<path class="ecg-trace" d="M{_PULSE_LEFT_MM:g} {_number(base)}h1.5v{-MM_PER_MV:g}h{_PULSE_MM:g}'
            f'v{MM_PER_MV:g}h1.5" fill="none" stroke="#1c1a1a" stroke-width=".32"/>'
            f'<text class="ecg-text" x="1" y="{_number(top + 3)}" font-size="2.6" font-weight="600">'
            f"{html.escape(name)}</text>"
        )
    return _panel("ecg-pulse", width, bands, "".join(parts), "1 mV")


def _panel(kind: str, width: int, bands: Sequence[Range], drawing: str, foot: str) -> str:
    height = sum(_height_mm(band) for band in bands)
    # The grid starts at the upper edge, which is whole large squares away from every zero line.
    return (
        f'<svg class="{kind}" width="{width}mm" height="{_number(height + _FOOT_MM)}mm" '
        f'viewBox="0 0 {width} {_number(height + _FOOT_MM)}" aria-hidden="true">'
        f'<rect width="{width}" height="{_number(height)}" fill="url(#ecg-paper)"/>{drawing}'
        f'<text class="ecg-text" x=".2" y="{_number(height + 2.8)}" font-size="2.4">'
        f"{html.escape(foot)}</text></svg>"
    )


def _height_mm(band: Range) -> float:
    return (band[1] - band[0]) * MM_PER_MV


def _zeros_mm(bands: Sequence[Range]) -> list[float]:
    """How far below the panel's upper edge each channel's 0 mV lies."""
    zeros, top = [], 0.0
    for band in bands:
        zeros.append(top + band[1] * MM_PER_MV)
        top += _height_mm(band)
    return zeros


def _path(x_mm: npt.NDArray[np.float64], y_mm: npt.NDArray[np.float64]) -> str:
    """An SVG path in steps from point to point: shorter than positions, and rounding does not add up."""
    points = np.rint(np.stack([x_mm, y_mm], axis=1) * 100).astype(np.int64)
    steps = " ".join(f"{_number(dx / 100)} {_number(dy / 100)}" for dx, dy in np.diff(points, axis=0))
    return f"M{_number(points[0, 0] / 100)} {_number(points[0, 1] / 100)}l{steps}"


def _number(value: float) -> str:
    """A coordinate as short as SVG allows: 0.01 mm, no trailing zeros, no zero before the point."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    if text in ("-0", "0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _check_shape(samples: FloatArray, channel_names: Sequence[str], sampling_rate_hz: float) -> None:
    if samples.ndim != 3 or samples.shape[0] < 1 or samples.shape[2] < 2:
        raise RequestError(
            f"samples must be [k, channels, length] with 1 sample of 2 points at least, not {list(samples.shape)}"
        )
    if samples.shape[1] != len(channel_names):
        raise RequestError(f"samples have {samples.shape[1]} channels, but {len(channel_names)} names were given")
    if not (math.isfinite(sampling_rate_hz) and sampling_rate_hz > 0):
        raise RequestError(f"sampling_rate_hz must be positive, not {sampling_rate_hz}")


def _check_finite(samples: FloatArray) -> None:
    if not np.isfinite(samples).all():
        sample, channel, point = np.argwhere(~np.isfinite(samples))[0]
        raise DataError(
            f"sample {sample} is {samples[sample, channel, point]} at channel {channel}, point {point}; "
            "a drawing would hide that, so find where it comes from"
        )
