"""The first samples of a batch as a picture, marked as synthetic: traces, image sheets, histograms.

Needs matplotlib, which is imported when a picture is asked for.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import BackendError
from .provenance import MARK, STATEMENT
from .schema import CategoryColumn, Column, Condition, ImageSchema, NumberColumn, Schema, SignalSchema, TableSchema

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.floating]
Conditions = Mapping[str, npt.NDArray[np.str_] | npt.NDArray[np.float64]]

_INK, _FAINT, _FILL, _WARN = "#1b2a41", "#68758a", "#0b7285", "#b3261e"
_PAPER, _FINE, _COARSE = "#fffaf9", "#fae3e0", "#efb8b2"
_STYLE: dict[Any, Any] = {
    **{"font.size": 8.5, "font.family": "sans-serif", "text.color": _INK, "axes.labelcolor": _INK},
    **{"axes.edgecolor": _FAINT, "axes.linewidth": 0.6, "xtick.color": _FAINT, "ytick.color": _FAINT},
    **{"xtick.major.width": 0.6, "ytick.major.width": 0.6, "axes.spines.top": False, "axes.spines.right": False},
}
_INCHES_PER_S = 25 / 25.4
"""Of ECG paper at its usual speed; short signals are drawn larger."""
_MV_PER_S = 2.5
"""Millivolts as high as a second is wide: 10 mm a mV at 25 mm a second."""
_WIDTH, _HEIGHT = 10.0, 9.0
"""Inches that a picture of traces has for them."""
_LONGEST_ON_PAPER_S = 30.0
_BINS = 24
_TITLE_CHARACTERS = 90
_GAP_MV = 0.6
_MOST_ROWS = 3
_MOST_CHANNELS, _MOST_IMAGES, _MOST_COLUMNS, _MOST_BARS = 10, 24, 16, 12


def draw(
    schema: Schema, samples: npt.NDArray[np.float32], conditions: Conditions, provenance: Mapping[str, Any]
) -> Figure:
    """The picture; see `Batch.plot`."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise BackendError(
            f"matplotlib cannot be imported ({error}); install it with: pip install 'edgeward[report]'"
        ) from error
    with mpl.rc_context(_STYLE):
        if isinstance(schema, ImageSchema):
            figure, shown = _sheet(samples, _captions(schema.conditions, conditions, len(samples)))
        elif isinstance(schema, TableSchema):
            figure, shown = _histograms(schema, samples)
        else:
            captions = _captions(schema.conditions, conditions, len(samples))
            on_paper = all(c.unit == "mV" for c in schema.channels) and schema.duration_s <= _LONGEST_ON_PAPER_S
            figure, shown = (_paper_strips if on_paper else _small_multiples)(schema, samples, captions)
        _mark(figure, schema, provenance, shown)
    return figure


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white", layout="constrained", dpi=110)


def _mark(figure: Figure, schema: Schema, provenance: Mapping[str, Any], shown: int) -> None:
    """What every picture says: what it is, that it is synthetic, and where it comes from."""
    title = textwrap.fill(schema.description.rstrip("."), _TITLE_CHARACTERS)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    # Beside the title, whose place the layout keeps free.
    figure.text(0.99, 0.99, MARK, ha="right", va="top", fontsize=11, fontweight="bold", color=_WARN)
    first, n = provenance["first"], provenance["n"]
    which = f"sample {first}" if shown == 1 else f"samples {first} to {first + shown - 1}"
    rest = f", {shown} of {n} shown" if shown < n else ""
    source = f"{provenance['bundle']}, {provenance['variant']} on {provenance['backend']}, seed {provenance['seed']}"
    figure.supxlabel(f"{STATEMENT}\n{source}, {which}{rest}", x=0.01, ha="left", fontsize=7.5, color=_FAINT)


def _captions(described: Sequence[Condition], conditions: Conditions, n: int) -> list[str]:
    units = {condition.name: getattr(condition, "unit", "") for condition in described}
    return [
        ", ".join(
            f"{name.replace('_', ' ')} {value if isinstance(value, str) else f'{value:.3g}'} {units[name]}".rstrip()
            for name, value in ((name, values[row].item()) for name, values in conditions.items())
        )
        for row in range(n)
    ]


# Signals


def _paper_strips(
    schema: SignalSchema, samples: npt.NDArray[np.float32], captions: Sequence[str]
) -> tuple[Figure, int]:
    """Leads above each other on ECG paper, in its proportions: a large square is 0.2 s and 0.5 mV."""
    across = max(1, min(4, math.floor(_WIDTH / (_INCHES_PER_S * 2 * schema.duration_s))))
    for down in range(min(_MOST_ROWS, math.ceil(len(samples) / across)), 0, -1):
        samples = samples[: across * down]
        levels, high = _levels(samples)  # of what is drawn, as one large sample takes room from all
        inches_high = _WIDTH / across / schema.duration_s * high / _MV_PER_S
        if down * (inches_high + 0.4) <= _HEIGHT:
            break
    shown = len(samples)
    figure = _new_figure(_WIDTH + 0.4, down * (inches_high + 0.4) + 0.8)
    for number, place in enumerate(figure.subplots(down, across, squeeze=False).flat):
        if number >= shown:
            place.set_axis_off()
            continue
        _paper(place, schema.duration_s, high)
        for lead, channel in enumerate(schema.channels):
            _trace(place, schema, samples[number, lead] + levels[lead], 1.0)
            name = {"x": 0.012 * schema.duration_s, "y": levels[lead] + float(np.nanmedian(samples[:, lead])) + 0.15}
            place.text(s=channel.name, fontsize=8, fontweight="bold", **name)
        place.set_title(captions[number], loc="left", fontsize=8.5)
    return figure, shown


def _levels(samples: npt.NDArray[np.float32]) -> tuple[list[float], float]:
    """What is added to each lead so that the leads stand above each other, the first on top; and the height in mV."""
    lowest, highest = np.nanmin(samples, axis=(0, 2)), np.nanmax(samples, axis=(0, 2))
    levels, top = [], _GAP_MV
    for low, high in zip(lowest[::-1].tolist(), highest[::-1].tolist(), strict=True):
        levels.append(top - low)
        top += high - low + _GAP_MV
    return levels[::-1], math.ceil(top / 0.5) * 0.5


def _paper(place: Axes, seconds: float, high: float) -> None:
    from matplotlib.ticker import MultipleLocator

    place.set_facecolor(_PAPER)
    place.set_xlim(0.0, seconds)
    place.set_ylim(0.0, high)
    place.set_aspect(1 / _MV_PER_S)
    for axis, large in ((place.xaxis, 0.2), (place.yaxis, 0.5)):
        axis.set_major_locator(MultipleLocator(large))
        axis.set_minor_locator(MultipleLocator(large / 5) if seconds <= 4 else MultipleLocator(large))
        axis.set_tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    place.grid(which="minor", color=_FINE, linewidth=0.4)
    place.grid(which="major", color=_COARSE, linewidth=0.6)
    for spine in place.spines.values():
        spine.set_visible(True)
        spine.set_color(_COARSE)
    place.set_axisbelow(True)


def _trace(place: Axes, schema: SignalSchema, values: FloatArray, per: float) -> None:
    """One channel over time, in units of `per` seconds; points too where values are missing."""
    times = np.arange(schema.length) / schema.sampling_rate_hz / per
    gaps = bool(np.isnan(values).any())
    place.plot(times, values, color=_INK, linewidth=0.9, marker="o" if gaps else None, markersize=2.2)


def _small_multiples(
    schema: SignalSchema, samples: npt.NDArray[np.float32], captions: Sequence[str]
) -> tuple[Figure, int]:
    """A row for each channel in its own unit, a column for each sample."""
    channels = schema.channels[:_MOST_CHANNELS]
    shown = min(len(samples), 3 if schema.duration_s <= _LONGEST_ON_PAPER_S else 4)
    per, unit = next(
        (p, u) for p, u in ((3600.0, "h"), (60.0, "min"), (1.0, "s")) if schema.duration_s >= 3 * p or p == 1
    )
    figure = _new_figure(_WIDTH + 0.4, max(1.15 * len(channels), 2.5) + 1.3)
    places = figure.subplots(len(channels), shown, squeeze=False, sharex=True, sharey="row")
    for row, channel in enumerate(channels):
        for column in range(shown):
            place = places[row][column]
            _trace(place, schema, samples[column, row], per)
            place.grid(color="#e9edf2", linewidth=0.6)
            place.margins(x=0.01, y=0.12)
            if column == 0:
                place.set_ylabel(f"{channel.name}\n{channel.unit}", rotation=0, ha="right", va="center")
            if row == 0:
                place.set_title(captions[column], loc="left", fontsize=8.5)
            if row == len(channels) - 1:
                place.set_xlabel(unit)
    figure.align_ylabels()
    return figure, shown


# Images


def _sheet(samples: npt.NDArray[np.float32], captions: Sequence[str]) -> tuple[Figure, int]:
    shown = min(len(samples), _MOST_IMAGES)
    across = min(6, shown)
    down = math.ceil(shown / across)
    figure = _new_figure(_WIDTH * max(across, 3) / 6 + 0.4, down * (_WIDTH / 6 + 0.25) + 0.9)
    for number, place in enumerate(figure.subplots(down, across, squeeze=False).flat):
        place.set_axis_off()
        if number < shown:
            pixels = samples[number].transpose(1, 2, 0)
            place.imshow(pixels if len(samples[number]) == 3 else pixels[..., 0], cmap="gray", vmin=0.0, vmax=1.0)
            place.set_title(captions[number], fontsize=8)
    return figure, shown


# Tables


def _histograms(schema: TableSchema, rows: npt.NDArray[np.float32]) -> tuple[Figure, int]:
    columns = schema.columns[:_MOST_COLUMNS]
    across = min(4, len(columns))
    down = math.ceil(len(columns) / across)
    figure = _new_figure(_WIDTH * max(across, 2) / 4 + 0.4, 1.9 * down + 0.9)
    for number, place in enumerate(figure.subplots(down, across, squeeze=False).flat):
        if number >= len(columns):
            place.set_axis_off()
            continue
        column, entries = columns[number], rows[:, number]
        known = entries[~np.isnan(entries)]
        (_bars if isinstance(column, CategoryColumn) else _bins)(place, column, known)
        missing = 1 - len(known) / len(entries)
        place.set_title(_title(column) + (f", {missing:.0%} missing" if missing else ""), loc="left", fontsize=8.5)
    return figure, len(rows)


def _title(column: Column) -> str:
    name = column.name.replace("_", " ")
    unit = column.unit if isinstance(column, NumberColumn) and column.unit not in ("", "1") else ""
    return f"{name} ({unit})" if unit else name


def _bins(place: Axes, column: Column, known: FloatArray) -> None:
    edges = _edges(column, known)
    place.hist(known, bins=edges, color=_FILL, alpha=0.85, edgecolor="white", linewidth=0.4)
    place.set_yticks([])
    place.spines["left"].set_visible(False)


def _edges(column: Column, known: FloatArray) -> list[float]:
    """Bins from the smallest to the largest entry, each of as many whole steps of the column as any other."""
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    step = column.step if isinstance(column, NumberColumn) else 0.0
    if not step:
        return [low + part * ((high - low) or 1.0) / _BINS for part in range(_BINS + 1)]
    wide = step * max(1, math.ceil((high - low) / step / _BINS))
    return [low - step / 2 + wide * part for part in range(math.floor((high - low) / wide) + 2)]


def _bars(place: Axes, column: Column, known: FloatArray) -> None:
    assert isinstance(column, CategoryColumn)  # noqa: S101 - drawn by `_bins` otherwise
    counts = [int((known == number).sum()) for number in range(len(column.values))]
    drawn = list(zip(column.values, counts, strict=True))
    if len(drawn) > _MOST_BARS:
        drawn = sorted(drawn, key=lambda pair: -pair[1])[: _MOST_BARS - 1]
        drawn.append((f"{len(counts) - len(drawn)} more", sum(counts) - sum(count for _, count in drawn)))
    place.barh(
        [name[:18] for name, _ in reversed(drawn)], [count for _, count in reversed(drawn)], color=_FILL, alpha=0.85
    )
    place.set_xticks([])
    place.spines["bottom"].set_visible(False)
    place.tick_params(axis="y", length=0)
