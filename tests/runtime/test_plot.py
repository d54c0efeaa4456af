"""Pictures of batches show the samples, in their units, and say that they are synthetic."""

import io
from typing import Any

import numpy as np
import pytest
from edgeward.runtime import Batch
from edgeward.runtime.batch import Source
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    Schema,
    SignalSchema,
    TableSchema,
)

figure = pytest.importorskip("matplotlib.figure")

RHYTHM = ClassCondition("rhythm", ("SR", "AF"), ("sinus rhythm", "atrial fibrillation"))
BEATS = SignalSchema("b", "Beats.", (Channel("MLII", "mV", -5, 5), Channel("V1", "mV", -5, 5)), 250.0, 256, (RHYTHM,))
STRIPS = SignalSchema("s", "Strips.", (Channel("II", "mV", -5, 5),), 250.0, 2500, (RHYTHM,))
WINDOWS = SignalSchema(
    "w", "Windows.", (Channel("ECG", "mV", -5, 5), Channel("ABP", "mm[Hg]", 0, 250)), 125.0, 500, (RHYTHM,)
)
STAYS = SignalSchema("i", "Stays.", (Channel("HR", "/min", 0, 300, True),), 1 / 3600, 48, (RHYTHM,))
SCANS = ImageSchema("x", "Scans.", ("grey",), 8, 8, (RHYTHM,))
COLOURS = ImageSchema("c", "Scans.", ("red", "green", "blue"), 8, 8, (RHYTHM,))
WARD = TableSchema(
    "t",
    "A ward.",
    (
        CategoryColumn("sex", ("F", "M")),
        CategoryColumn("ward", tuple(f"ward {number}" for number in range(30))),
        NumberColumn("age", "a", 18, 100, 1.0, True),
        NumberColumn("lactate", "mmol/L", 0, 30),
    ),
    (RHYTHM,),
)
KINDS = [BEATS, STRIPS, WINDOWS, STAYS, SCANS, COLOURS, WARD]


def batch_of(schema: Schema, n: int = 40, *, value: float | None = None) -> Batch:
    random = np.random.default_rng(1)
    samples = random.random((n, *schema.shape)) if value is None else np.full((n, *schema.shape), value)
    if isinstance(schema, TableSchema):
        samples[:, :3] = np.floor(samples[:, :3] * [2, 30, 80])
    if schema.has_gaps and value is None:
        samples[random.random(samples.shape) < 0.3] = np.nan
        if isinstance(schema, TableSchema):
            samples[:, :2] = 0
    source = Source("waves 0.1.0", "d" * 64, "int8", "int8-openvino", "openvino 2026.4", "noise", schema)
    return Batch(samples.astype(np.float32), {"rhythm": np.arange(n) % 2 * 1.0}, 7, 100, source)


def texts(figure: figure.Figure) -> list[str]:
    from matplotlib.text import Text

    return [found.get_text() for found in figure.findobj(Text)]


def pixels(figure: figure.Figure) -> Any:
    from matplotlib.image import imread

    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return imread(file)


@pytest.mark.parametrize("schema", KINDS, ids=lambda schema: schema.name)
def test_every_picture_says_that_it_is_synthetic_and_from_where(schema: Schema) -> None:
    figure = batch_of(schema).plot()
    told = "\n".join(texts(figure))
    assert "SYNTHETIC" in texts(figure)
    for part in (
        "not from a patient, not for clinical use",
        "waves 0.1.0, int8-openvino on openvino 2026.4, seed 7, samples 100 to",
        schema.description.rstrip("."),
    ):
        assert part in told


@pytest.mark.parametrize("schema", KINDS, ids=lambda schema: schema.name)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_number_of_samples_is_drawn_inside_the_picture(schema: Schema, n: int) -> None:
    drawn = pixels(batch_of(schema, n).plot())
    assert 200 < drawn.shape[0] < 1400
    assert 300 < drawn.shape[1] < 1400
    assert drawn[..., :3].std() > 0.01


@pytest.mark.parametrize("schema", KINDS, ids=lambda schema: schema.name)
def test_flat_samples_are_drawn_too(schema: Schema) -> None:
    pixels(batch_of(schema, value=0.0).plot())


def test_samples_in_which_all_is_missing_are_drawn_too() -> None:
    pixels(batch_of(STAYS, value=np.nan).plot())
    pixels(batch_of(WARD, value=np.nan).plot())


def test_ecg_paper_has_its_proportions_and_holds_every_trace() -> None:
    figure = batch_of(BEATS).plot()
    place = figure.axes[0]
    assert place.get_aspect() == pytest.approx(0.4)  # 0.2 s is as wide as 0.5 mV is high
    low, high = place.get_ylim()
    for axes in figure.axes:
        for line in axes.lines:
            assert low <= line.get_ydata().min() <= line.get_ydata().max() <= high
    assert [text.get_text() for text in place.texts] == ["MLII", "V1"]


def test_a_sample_that_finds_no_room_leaves_it_to_those_that_are_drawn() -> None:
    batch = batch_of(BEATS, 8)
    batch.samples[7] *= 20  # in the second row
    figure, usual = batch.plot(), batch_of(BEATS, 4).plot()
    assert len(figure.axes) == 4
    assert figure.axes[0].get_ylim() == usual.axes[0].get_ylim()


def test_traces_are_the_samples() -> None:
    batch = batch_of(WINDOWS)
    figure = batch.plot()
    line = figure.axes[3].lines[0]  # second channel, first of three samples
    np.testing.assert_array_equal(line.get_ydata(), batch.samples[0, 1])
    np.testing.assert_allclose(line.get_xdata(), np.arange(500) / 125)
    assert "ABP\nmm[Hg]" in texts(figure)


def test_samples_have_their_conditions_above_them() -> None:
    titles = [place.get_title(loc="left") for place in batch_of(BEATS).plot().axes]
    assert titles[:2] == ["rhythm SR", "rhythm AF"]


def test_long_signals_are_in_hours() -> None:
    assert "h" in texts(batch_of(STAYS).plot())


def test_histograms_count_every_row() -> None:
    batch = batch_of(WARD)
    figure = batch.plot()
    _, _, age, lactate = figure.axes[:4]
    known = int((~np.isnan(batch.samples[:, 2])).sum())
    assert sum(patch.get_height() for patch in age.patches) == known
    assert sum(patch.get_height() for patch in lactate.patches) == int((~np.isnan(batch.samples[:, 3])).sum())
    assert "missing" in age.get_title(loc="left")
    sex = figure.axes[0]
    assert sum(patch.get_width() for patch in sex.patches) == 40
    figure.draw_without_rendering()
    assert any("19 more" in text for text in texts(figure))  # 30 wards are too many bars


def test_a_picture_leaves_the_users_settings_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    batch_of(BEATS).plot()
    assert dict(mpl.rcParams) == before
