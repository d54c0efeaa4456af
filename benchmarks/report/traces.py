"""Signals of any units side by side: the channels of a record below each other, each on the scale of its group."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_WIDTH, _BAND, _GAP, _NAME = 230.0, 34.0, 6.0, 10.0
_ENDS = (0.005, 0.995)
"""Quantiles of all records of a sheet that a channel's band spans."""

Scale = tuple[float, float]


def scales_of(*groups: npt.NDArray[np.float32]) -> tuple[Scale, ...]:
    """Per channel the values at the foot and the top of its band, from arrays [k, channels, length]; NaN is missing."""
    together = np.concatenate([group.transpose(1, 0, 2).reshape(group.shape[1], -1) for group in groups], axis=1)
    scales = []
    for channel in together:
        known = channel[~np.isnan(channel)]
        low, high = np.quantile(known, _ENDS) if len(known) else (0.0, 1.0)
        scales.append((float(low), float(high) if high > low else float(low) + 1.0))
    return tuple(scales)


def trace_strip(
    samples: npt.NDArray[np.float32], *, channel_names: Sequence[str], scales: Sequence[Scale], description: str
) -> str:
    """Draw records as panels next to each other.

    Args:
        samples: [k, channels, length]; NaN where a moment is missing.
        channel_names: Of the channels.
        scales: As `scales_of` gives them, so that all strips of a sheet compare.
        description: For who cannot see them.
    """
    height = len(channel_names) * (_BAND + _GAP + _NAME)
    panels = "".join(
        f'<svg width="{_WIDTH:.0f}" height="{height:.0f}" viewBox="0 0 {_WIDTH:.0f} {height:.0f}">'
        + "".join(
            _band(channel, name, scale, number * (_BAND + _GAP + _NAME))
            for number, (channel, name, scale) in enumerate(zip(sample, channel_names, scales, strict=True))
        )
        + "</svg>"
        for sample in samples
    )
    return f'<div class="traces" role="img" aria-label="{html.escape(description)}">{panels}</div>'


def _band(channel: npt.NDArray[np.float32], name: str, scale: Scale, top: float) -> str:
    low, high = scale
    known = np.flatnonzero(~np.isnan(channel))
    x = known / max(1, len(channel) - 1) * _WIDTH
    share = ((channel[known] - low) / (high - low)).clip(0.0, 1.0)
    y = top + _NAME + (1.0 - share) * _BAND
    label = f'<text class="trace-name" x="0" y="{top + _NAME - 2:.1f}">{html.escape(name)}</text>'
    if len(known) < len(channel):  # observations with gaps are points, not a curve
        points = "".join(
            f'<circle class="trace-point" cx="{a:.1f}" cy="{b:.1f}" r="1.6"/>' for a, b in zip(x, y, strict=True)
        )
        return label + points
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    return f'{label}<path class="trace-line" d="{path}"/>'
