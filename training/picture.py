"""A picture of samples, real ones above generated ones, class by class: what a person looks at first."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from ..benchmarks.quality.records import Records
from ..runtime.schema import ImageSchema, Schema, SignalSchema, TableSchema
from .datasets.dataset import Dataset
from .datasets.records import task_of

_A_CLASS = 4
_CLASSES = 6
_INK, _PAPER = "#1b2a41", "#ffffff"
_COLOURS = ("#0b7285", "#c2255c", "#5f3dc4", "#2b8a3e", "#e67700", "#495057")
_COLUMNS = 9


def draw_samples(dataset: Dataset, records: Records) -> bytes:
    """A PNG: for each class a row of validation samples and below it one of generated ones.

    Args:
        dataset: Its validation split is drawn.
        records: Generated samples of the same classes.
    """
    task = task_of(dataset)
    classes = task.classes[:_CLASSES]
    with mpl.rc_context({"font.size": 8, "axes.edgecolor": _INK, "text.color": _INK}):
        if isinstance(dataset.schema, TableSchema):
            figure = _distributions(dataset.schema, task.validation, records)
        else:
            figure = Figure(figsize=(10, 1.5 * 2 * len(classes) + 0.5), facecolor=_PAPER, layout="constrained")
            axes = figure.subplots(2 * len(classes), _A_CLASS, squeeze=False)
            for row, name in enumerate(classes):
                for below, (source, of) in enumerate((("real", task.validation), ("generated", records))):
                    members = of.of_class(row).values[:_A_CLASS]
                    for place in range(_A_CLASS):
                        spot = axes[2 * row + below][place]
                        spot.set_axis_off()
                        if place < len(members):
                            _draw(spot, members[place], dataset.schema)
                        if place == 0:
                            spot.set_title(f"{name}, {source}", loc="left")
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=100, metadata={"Comment": "SYNTHETIC samples beside real ones"})
    return file.getvalue()


def _draw(spot: Any, sample: npt.NDArray[np.float32], schema: Schema) -> None:
    if isinstance(schema, ImageSchema):
        picture = sample.transpose(1, 2, 0)
        spot.imshow(picture if len(sample) == 3 else picture[..., 0], cmap="gray", vmin=0.0, vmax=1.0)
        return
    assert isinstance(schema, SignalSchema)  # noqa: S101 - tables are drawn as distributions
    for number, channel in enumerate(sample[: len(_COLOURS)]):
        known = channel[~np.isnan(channel)]
        if not len(known):
            continue
        described = schema.channels[number]
        spread = max(float(known.std()), 1e-3 * (described.maximum - described.minimum))
        level = (channel - known.mean()) / spread - 5.0 * number
        spot.plot(level, color=_COLOURS[number], linewidth=0.8, marker="." if schema.has_gaps else None, markersize=2)


def _distributions(schema: TableSchema, real: Records, made: Records) -> Figure:
    """Histograms of the first columns."""
    columns = schema.columns[:_COLUMNS]
    figure = Figure(figsize=(10, 2.2 * -(-len(columns) // 3)), facecolor=_PAPER, layout="constrained")
    for number, column in enumerate(columns):
        spot = figure.add_subplot(-(-len(columns) // 3), 3, number + 1)
        sides = [records.values[:, number] for records in (real, made)]
        known = [side[~np.isnan(side)] for side in sides]
        bins = np.histogram_bin_edges(np.concatenate(known), bins=20).tolist()
        for side, colour, name in zip(known, _COLOURS, ("real", "generated"), strict=False):
            spot.hist(side, bins=bins, density=True, histtype="step", color=colour, label=name)
        spot.set_title(column.name, loc="left")
        spot.set_yticks([])
        if number == 0:
            spot.legend(frameon=False)
    return figure
