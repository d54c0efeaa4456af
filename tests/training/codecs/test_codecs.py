"""Model space and back: what is encoded decodes to itself, and nothing leaves the ranges, steps and categories."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    ImageSchema,
    NumberColumn,
    SignalSchema,
    TableSchema,
)
from edgeward.training.codecs import Codec, ImageCodec, SeriesCodec, SignalCodec, TableCodec, codec_for
from edgeward.training.codecs.normal_scores import NormalScores
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest

CONDITION = (ClassCondition("kind", ("a", "b"), ("first", "second")),)
TABLE = TableSchema(
    "ward",
    "A ward.",
    (
        CategoryColumn("sex", ("F", "M")),
        NumberColumn("age", "a", 0.0, 120.0, step=1.0),
        NumberColumn("depression", "mm", 0.0, 7.0, step=0.1, may_be_missing=True),
        CategoryColumn("drug", ("none", "one", "two"), may_be_missing=True),
        NumberColumn("lactate", "mmol/L", 0.0, 30.0),
    ),
    CONDITION,
)
SERIES = SignalSchema(
    "stays",
    "Two channels.",
    (
        Channel("HR", "/min", 20.0, 250.0, may_be_missing=True),
        Channel("Vent", "1", 0.0, 1.0),
        Channel("Lactate", "mmol/L", 0.0, 30.0, may_be_missing=True),
    ),
    1 / 3600,
    12,
    CONDITION,
)
SIGNAL = SignalSchema("toy", "One.", (Channel("II", "mV", -2.0, 2.0),), 100.0, 16, CONDITION)
IMAGE = ImageSchema("scan", "One.", ("grey",), 8, 8, CONDITION)


def rows(n: int, seed: int = 1) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    depression = np.where(rng.random(n) < 0.4, 0.0, np.round(rng.gamma(2.0, 0.7, n), 1).clip(0.0, 7.0))
    depression[rng.random(n) < 0.2] = np.nan
    drug = rng.integers(0, 3, n).astype(float)
    drug[rng.random(n) < 0.3] = np.nan
    columns = [rng.integers(0, 2, n), rng.normal(60, 15, n).round().clip(18, 99), depression, drug, rng.gamma(2, 1, n)]
    return np.stack(columns, axis=1).astype(np.float32)


def series(n: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(2)
    values = np.stack(
        [rng.normal(90, 20, (n, 12)).clip(20, 250), rng.random((n, 12)), rng.gamma(2, 1, (n, 12)).clip(0, 30)], axis=1
    )
    values[:, 0][rng.random((n, 12)) < 0.1] = np.nan
    values[:, 2][rng.random((n, 12)) < 0.9] = np.nan
    return values.astype(np.float32)


def fitted(codec: Codec, samples: npt.NDArray[np.float32]) -> Codec:
    codec.fit(samples)
    return codec.eval()


@pytest.mark.parametrize(
    ("schema", "kind"), [(SIGNAL, SignalCodec), (SERIES, SeriesCodec), (IMAGE, ImageCodec), (TABLE, TableCodec)]
)
def test_each_kind_of_data_has_its_codec(schema: SignalSchema, kind: type[Codec]) -> None:
    assert type(codec_for(schema)) is kind


def test_rows_come_back_equal() -> None:
    samples = rows(500)
    codec = fitted(TableCodec(TABLE), samples)
    encoded = codec.encode(torch.from_numpy(samples))
    assert encoded.shape == (500, *codec.shape) == (500, 3 + 2 + 2 + 4)
    assert torch.isfinite(encoded).all()
    # A column of more distinct values than knots is interpolated between them; the others are exact.
    decoded = codec.decode(encoded).numpy()
    np.testing.assert_array_equal(decoded[:, [0, 1, 3]], samples[:, [0, 1, 3]])
    np.testing.assert_allclose(decoded[:, 2], samples[:, 2], atol=1e-6)
    np.testing.assert_allclose(decoded[:, 4], samples[:, 4], rtol=1e-4, atol=1e-4)


def test_series_come_back_equal_with_the_same_gaps() -> None:
    samples = series(50)
    codec = fitted(SeriesCodec(SERIES), samples)
    encoded = codec.encode(torch.from_numpy(samples))
    assert encoded.shape == (50, *codec.shape) == (50, 3 + 4, 12)
    np.testing.assert_allclose(codec.decode(encoded).numpy(), samples, rtol=1e-4, atol=1e-4)


def test_known_says_which_numbers_are_known() -> None:
    for codec, samples, numbers in (
        (TableCodec(TABLE), rows(50), [1, 2, 4]),
        (SeriesCodec(SERIES), series(50), [0, 1, 2]),
    ):
        fitted(codec, samples)
        known = codec.known(codec.encode(torch.from_numpy(samples))).numpy()
        np.testing.assert_array_equal(known, ~np.isnan(samples[:, numbers]))


def test_an_images_pixels_come_back_equal_and_stay_within_0_and_1() -> None:
    codec = ImageCodec(IMAGE)
    pixels = torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(codec.decode(codec.encode(pixels)), pixels)
    wild = codec.decode(10.0 * torch.randn(5, 1, 8, 8))
    assert wild.min() == 0.0
    assert wild.max() == 1.0


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (4, 11), elements=st.floats(-50, 50, width=32)))
def test_whatever_a_network_gives_decodes_to_a_row_the_schema_allows(encoded: npt.NDArray[np.float32]) -> None:
    codec = fitted(TableCodec(TABLE), rows(200))
    decoded = codec.decode(torch.from_numpy(encoded)).numpy().astype(np.float64)
    for column, entries in zip(TABLE.columns, decoded.T, strict=True):
        known = entries[~np.isnan(entries)]
        assert column.may_be_missing or len(known) == len(entries)
        if isinstance(column, CategoryColumn):
            assert np.isin(known, np.arange(len(column.values))).all()
        else:
            assert ((known >= column.minimum - 1e-5) & (known <= column.maximum + 1e-5)).all()
            if column.step:
                np.testing.assert_allclose(known / column.step, np.round(known / column.step), atol=1e-4)


def test_numbers_become_standard_normal_whatever_their_distribution() -> None:
    values = np.random.default_rng(3).gamma(1.0, 5.0, 5000)
    scores = NormalScores([0.0], [500.0])
    scores.fit([values])
    encoded = scores.to_scores(torch.from_numpy(values[:, None].astype(np.float32))).numpy()[:, 0]
    assert kstest(encoded, "norm").statistic < 0.02


def test_normal_numbers_become_the_columns_distribution() -> None:
    values = np.random.default_rng(4).gamma(1.0, 5.0, 5000)
    scores = NormalScores([0.0], [500.0])
    scores.fit([values])
    drawn = scores.to_values(torch.randn(20_000, 1, generator=torch.Generator().manual_seed(1))).numpy()[:, 0]
    assert kstest(drawn, values).statistic < 0.03


def test_a_heap_at_one_value_keeps_its_share() -> None:
    values = np.where(np.random.default_rng(5).random(4000) < 0.35, 0.0, 1.0)
    scores = NormalScores([0.0], [1.0])
    scores.fit([values])
    drawn = scores.to_values(torch.randn(20_000, 1, generator=torch.Generator().manual_seed(2))).round()
    assert (drawn == 0).float().mean().item() == pytest.approx((values == 0).mean(), abs=0.02)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=200))
def test_the_map_is_monotone_and_inverts_on_what_occurs(values: list[float]) -> None:
    known = np.array(values)
    scores = NormalScores([-100.0], [100.0])
    scores.fit([known])
    grid = torch.linspace(-100, 100, 301)[:, None]
    there = scores.to_scores(grid)
    assert (there.diff(dim=0) >= -1e-5).all()
    assert (scores.to_values(torch.linspace(-4, 4, 301)[:, None]).diff(dim=0) >= -1e-3).all()
    # What occurs comes back as it was, but for values so rare that their scores are those of the column's end.
    seen = torch.from_numpy(np.unique(known).astype(np.float32))[:, None]
    assert (scores.to_values(scores.to_scores(seen)) - seen).abs().max() <= 0.02 * float(np.ptp(known)) + 1e-3


def test_a_column_that_is_never_known_keeps_its_range() -> None:
    scores = NormalScores([0.0], [10.0])
    scores.fit([np.empty(0)])
    assert scores.to_values(torch.tensor([[-9.0], [0.0], [9.0]])).flatten().tolist() == pytest.approx([0.0, 5.0, 10.0])


@pytest.mark.parametrize(
    ("codec", "samples"),
    [
        (SignalCodec(SIGNAL), np.zeros((9, 1, 16), np.float32)),
        (TableCodec(TABLE), rows(30)),
        (SeriesCodec(SERIES), series(9)),
    ],
)
def test_public_constants_do_not_depend_on_any_record(codec: Codec, samples: npt.NDArray[np.float32]) -> None:
    codec.fit_public()
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    codec.fit(samples)
    codec.fit_public()
    assert all(torch.equal(before[name], tensor) for name, tensor in codec.state_dict().items())


@pytest.mark.parametrize("end", [0.1, 30.1])
def test_an_end_of_the_range_that_float32_rounds_moves_nothing(end: float) -> None:
    """0.1 is more in float32 and 30.1 is less: neither may become a second knot in the place of the first."""
    creatinine = np.round(np.random.default_rng(3).lognormal(0.2, 0.8, 3000), 1).clip(0.1, 30.1)
    known = np.append(creatinine, end).astype(np.float32)
    scores = NormalScores([0.1], [30.1])
    scores.fit([known.astype(np.float64)])
    values = torch.from_numpy(known)[:, None]
    np.testing.assert_allclose(scores.to_values(scores.to_scores(values)), values, atol=2e-3)
