"""What breaks a rule is found, counted, and kept, drawn anew or refused; whatever the batches."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.runtime import Batch, GateError, Generator, RequestError, load, open_bundle
from edgeward.runtime.noise import NoiseStream, normals_from_bits
from edgeward.runtime.plausibility import MAX_REDRAWS, Checker
from edgeward.runtime.schema import (
    CategoryColumn,
    Channel,
    ClassCondition,
    Entry,
    ImageSchema,
    Implies,
    Limit,
    NumberColumn,
    Order,
    SignalSchema,
    TableSchema,
)
from edgeward.runtime.violations import MAX_LISTED, Broken, OnViolation, Tally, Violations
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

RATE_HZ = 4.0
STAYS = SignalSchema(
    "stays",
    "",
    (Channel("low", "mm", -5.0, 5.0, may_be_missing=True), Channel("high", "mm", -5.0, 5.0, may_be_missing=True)),
    RATE_HZ,
    3,
    (),
    rules=(
        Order("low", "high", apart=1.0),
        Limit("mean", "low", least=-3.0, most=2.0),
        Limit("peak_to_peak", "high", least=0.5),
        Limit("steepest", "low", most=RATE_HZ * 4.0),
    ),
)
ROWS = TableSchema(
    "rows",
    "",
    (
        NumberColumn("first", "mg", 0.0, 4.0, step=0.5),
        NumberColumn("last", "mg", 0.0, 4.0, may_be_missing=True),
        CategoryColumn("drug", ("no", "low", "high"), may_be_missing=True),
    ),
    (ClassCondition("outcome", ("home", "died"), ("", "")),),
    (
        Order("first", "last"),
        Implies(Entry("drug", one_of=("no", "low")), Entry("last", missing=True)),
        Implies(Entry("outcome", none_of=("home",)), Entry("drug", one_of=("high",))),
        Implies(Entry("drug", missing=True), Entry("first", within=(0.0, 1.0))),
    ),
)
NUMBERS = st.one_of(
    st.sampled_from([math.nan, math.nan, math.inf, -math.inf, -6.0, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]),
    st.integers(-96, 96).map(lambda sixteenth: sixteenth / 16),
)


def broken_stay(low: list[float], high: list[float]) -> list[bool]:
    """By the words of the rules, number by number; what is near enough to a bound to be rounded is not drawn."""
    out_of_range = [any(not -5.0 <= v <= 5.0 for v in channel if not math.isnan(v)) for channel in (low, high)]
    known_low, known_high = ([v for v in channel if not math.isnan(v)] for channel in (low, high))
    steps = [abs(b - a) for a, b in itertools.pairwise(low) if not math.isnan(b - a)]
    mean = sum(known_low) / len(known_low) if known_low else math.nan
    spread = max(known_high) - min(known_high) if known_high else math.nan
    return [
        *out_of_range,
        any(h - lo < 1.0 for lo, h in zip(low, high, strict=True) if not math.isnan(h - lo)),
        mean < -3.0 or mean > 2.0,
        spread < 0.5,
        max(steps, default=0.0) > 4.0,
    ]


@settings(max_examples=300, deadline=None)
@given(samples=arrays(np.float32, st.tuples(st.integers(0, 4), st.just(2), st.just(3)), elements=NUMBERS))
def test_a_signal_breaks_what_the_words_of_the_rules_say(samples: npt.NDArray[np.float32]) -> None:
    checker = Checker(STAYS)
    assert checker.names == (
        *("range_of_low", "range_of_high", "high_above_low"),
        *("mean_of_low", "peak_to_peak_of_high", "steepest_of_low"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = checker.broken(samples, {})
    assert found.tolist() == [broken_stay(low, high) for low, high in samples.tolist()]


def broken_row(first: float, last: float, drug: float, outcome: float) -> list[bool]:
    high, known = drug == 2.0, not math.isnan(drug)
    return [
        not (0.0 <= first <= 4.0 and (2 * first).is_integer()),
        not (math.isnan(last) or 0.0 <= last <= 4.0),
        known and drug not in (0.0, 1.0, 2.0),
        last < first,
        drug in (0.0, 1.0) and not math.isnan(last),
        outcome == 1.0 and known and not high,
        not known and not (math.isnan(first) or 0.0 <= first <= 1.0),
    ]


@settings(max_examples=300, deadline=None)
@given(
    rows=arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=NUMBERS),
    outcome=arrays(np.float64, 5, elements=st.sampled_from([0.0, 1.0])),
)
def test_a_row_breaks_what_the_words_of_the_rules_say(
    rows: npt.NDArray[np.float32], outcome: npt.NDArray[np.float64]
) -> None:
    found = Checker(ROWS).broken(rows, {"outcome": outcome[: len(rows)]})
    expected = [broken_row(*row, of) for row, of in zip(rows.tolist(), outcome.tolist(), strict=False)]
    assert found.tolist() == expected


def test_a_rule_about_a_condition_that_is_not_told_is_not_broken() -> None:
    assert not Checker(ROWS).broken(np.array([[0, np.nan, 1]], np.float32), {}).any()


def test_a_channel_that_is_always_known_may_not_be_missing_beside_one_that_may() -> None:
    schema = replace(STAYS, channels=(STAYS.channels[0], Channel("high", "mm", -5.0, 5.0)), rules=())
    samples = np.zeros((3, 2, 3), np.float32)
    samples[1, 0, 1] = samples[2, 1, 1] = np.nan
    assert Checker(schema).broken(samples, {}).tolist() == [[False, False], [False, False], [False, True]]


def test_values_that_are_just_far_enough_apart_are_so_in_float32_too() -> None:
    narrow = NumberColumn("high", "mmol/L", 130.0, 135.0, 0.1)
    columns = (replace(narrow, name="low"), narrow)
    schema = TableSchema("salt", "Sodium.", columns, (), (Order("low", "high", 0.1),))
    tenths = np.arange(1300, 1350)
    kept = np.stack([tenths / 10, (tenths + 1) / 10], axis=1).astype(np.float32)
    broken = np.stack([tenths / 10, tenths / 10], axis=1).astype(np.float32)
    assert not Checker(schema).broken(kept, {}).any()
    assert Checker(schema).broken(broken, {})[:, -1].all()


@pytest.mark.filterwarnings("error")
def test_an_infinite_sample_is_outside_of_any_range() -> None:
    ends = (-1.7e308, 1.7e308)
    channels = (Channel("low", "mV", *ends), Channel("high", "mV", *ends))
    rules = (Order("low", "high", 1e300), Limit("peak_to_peak", "low", 1e300), Limit("mean", "high", most=1e300))
    checker = Checker(SignalSchema("wide", "Anything.", channels, 125.0, 3, (), rules=rules))
    samples = np.zeros((4, 2, 3), np.float32)
    samples[1, 0, 1], samples[2, 1, 2] = np.inf, -np.inf
    samples[3, 0] = [3e38, -3e38, 0]  # further from each other than float32 holds
    assert checker.broken(samples, {})[:, :2].tolist() == [[False, False], [True, False], [False, True], [False, False]]


def test_an_image_is_checked_over_all_its_pixels() -> None:
    schema = ImageSchema("scans", "", ("red", "blue"), 2, 3, (), (Limit("peak_to_peak", "blue", least=0.5),))
    images = np.zeros((3, 2, 2, 3), np.float32)
    images[0, 1, 1, 2] = 1.0
    images[1, 0, 0, 0] = 1.5
    images[1, 1, 0, 1] = 0.5
    assert Checker(schema).broken(images, {}).tolist() == [
        [False, False, False],
        [True, False, False],
        [False, False, True],
    ]


def test_more_samples_than_are_checked_at_once_are_checked_all() -> None:
    rng = np.random.default_rng(0)
    samples = (rng.normal(0, 1, (3000, 2, 300)) * rng.uniform(0, 3, (3000, 1, 1))).astype(np.float32)
    checker = Checker(replace(STAYS, length=300))
    whole = checker.broken(samples, {})
    assert whole.any(axis=1).sum() > 100
    assert not whole.all(axis=1).any()
    np.testing.assert_array_equal(whole, np.concatenate([checker.broken(samples[i : i + 1], {}) for i in range(3000)]))


SPREAD = Limit("peak_to_peak", "ECG", most=4.5)
"""What about one in four of the small generator's samples breaks."""


@pytest.fixture(scope="module")
def pack(
    schema: SignalSchema,
    small_graph: Callable[..., bytes],
    pack_by_hand: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Path]:
    def make(*rules: Limit | Order) -> Path:
        folder = tmp_path_factory.mktemp("ruled") / "waves.edgeward"
        return pack_by_hand(folder, small_graph(), data=replace(schema, rules=rules))

    return make


@pytest.fixture(scope="module")
def ruled(pack: Callable[..., Path]) -> Iterator[Generator]:
    with load(open_bundle(pack(SPREAD))) as generator:
        yield generator


def spread(batch: Batch) -> npt.NDArray[np.float32]:
    return np.asarray(np.ptp(batch.samples[:, 0], axis=1))


def test_without_being_asked_nothing_is_checked(ruled: Generator) -> None:
    batch = ruled.generate(40, seed=1)
    assert batch.violations is None
    assert not {"on_violation", "violations"} & set(batch.provenance)
    assert (spread(batch) > 4.5).any()


@pytest.mark.parametrize("n", [1, 5, 100])
def test_a_report_keeps_the_samples_and_says_which_break_what(ruled: Generator, n: int) -> None:
    plain, batch = ruled.generate(n, seed=1, first=7), ruled.generate(n, seed=1, first=7, on_violation="report")
    np.testing.assert_array_equal(batch.samples, plain.samples)
    places = np.flatnonzero(spread(plain) > 4.5)
    assert batch.violations == Violations("report", n, {int(7 + p): Broken(("peak_to_peak_of_ECG",)) for p in places})
    told = batch.provenance
    assert told["on_violation"] == "report"
    assert told["violations"] == {
        "checked": n,
        "violating": len(places),
        "redraws": 0,
        "by_rule": {"peak_to_peak_of_ECG": len(places)} if len(places) else {},
        "samples": [7 + p for p in places.tolist()],
    }


def test_samples_drawn_anew_keep_the_rules_their_conditions_and_their_neighbours(ruled: Generator) -> None:
    plain, batch = ruled.generate(100, seed=1), ruled.generate(100, seed=1, on_violation="resample")
    kept = spread(plain) <= 4.5
    assert 10 < kept.sum() < 90
    assert (spread(batch) <= 4.5).all()
    np.testing.assert_array_equal(batch.samples[kept], plain.samples[kept])
    for name, values in plain.columns.items():
        np.testing.assert_array_equal(batch.columns[name], values)
    assert batch.violations is not None
    assert sorted(batch.violations.broken) == np.flatnonzero(~kept).tolist()
    assert batch.violations.tally.redraws >= (~kept).sum()
    assert any(broken.redraws > 1 for broken in batch.violations.broken.values())


def test_a_redraw_takes_its_noise_from_a_stream_of_its_own(ruled: Generator, weights: npt.NDArray[np.float32]) -> None:
    batch = ruled.generate(30, seed=9, condition={"rhythm": "AF", "heart_rate": 60}, on_violation="resample")
    assert batch.violations is not None
    assert len(batch.violations.broken) > 3
    for index, broken in batch.violations.broken.items():
        # A sample of 4 numbers takes a block of four words, of which it uses two.
        philox = np.random.Philox(key=np.array([9, 2**32 + broken.redraws], np.uint64)).advance(index)
        noise = normals_from_bits(philox.random_raw(2).astype("<u8").view("<u4"))
        flat = np.concatenate([noise, [0.0, 1.0, 60.0]]) @ weights
        np.testing.assert_allclose(batch.samples[index].ravel(), flat.clip(-5, 5), atol=1e-4)


def test_streams_of_redraws_differ_from_the_noise_and_from_each_other() -> None:
    drawn = [NoiseStream(3, (8,), redraw).take(2, 5).tobytes() for redraw in range(4)]
    assert drawn[0] == NoiseStream(3, (8,)).take(2, 5).tobytes()
    assert len(set(drawn)) == 4


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    first=st.integers(0, 2**62),
    n=st.integers(1, 80),
    batch_size=st.integers(1, 90),
    on_violation=st.sampled_from(["report", "resample"]),
)
def test_what_becomes_of_a_sample_does_not_depend_on_the_batch(
    ruled: Generator, seed: int, first: int, n: int, batch_size: int, on_violation: OnViolation
) -> None:
    whole = ruled.generate(n, seed=seed, first=first, on_violation=on_violation)
    parts = list(ruled.iterate(n, batch_size=batch_size, seed=seed, first=first, on_violation=on_violation))
    last = ruled.generate(1, seed=seed, first=first + n - 1, on_violation=on_violation)
    np.testing.assert_allclose(np.concatenate([part.samples for part in parts]), whole.samples, atol=1e-5)
    np.testing.assert_allclose(last.samples[0], whole.samples[-1], atol=1e-5)
    total = Tally()
    for part in parts:
        assert part.violations is not None
        total = total.plus(part.violations.tally)
    assert whole.violations is not None
    assert total == whole.violations.tally


def test_the_first_sample_that_breaks_a_rule_ends_the_work_where_none_may(ruled: Generator) -> None:
    bad = int(np.flatnonzero(spread(ruled.generate(50, seed=1)) > 4.5)[0])
    with pytest.raises(GateError, match=f"sample {bad} of seed 1 breaks a rule of the bundle: peak_to_peak_of_ECG"):
        ruled.generate(50, seed=1, on_violation="fail")
    if bad:
        assert ruled.generate(bad, seed=1, on_violation="fail").violations == Violations("fail", bad, {})


def test_a_rule_that_is_hardly_ever_kept_ends_the_work_by_name(pack: Callable[..., Path]) -> None:
    never = Limit("mean", "ABP", least=4.99)
    with load(pack(never)) as generator, pytest.raises(GateError, match=f"after {MAX_REDRAWS} redraws: mean_of_ABP"):
        generator.generate(2, seed=1, on_violation="resample")


def test_a_range_is_a_rule_of_every_bundle(
    small_graph: Callable[..., bytes], pack_by_hand: Callable[..., Path], schema: SignalSchema, tmp_path: Path
) -> None:
    narrow = replace(schema, channels=(Channel("ECG", "mV", -1.0, 1.0), schema.channels[1]))
    with load(pack_by_hand(tmp_path / "x.edgeward", small_graph(), data=narrow)) as generator:
        batch = generator.generate(20, seed=1, on_violation="report")
        outside = (np.abs(batch.samples[:, 0]) > 1.00001).any(axis=1)
        assert batch.violations is not None
        assert batch.violations.tally.by_rule == {"range_of_ECG": outside.sum()}
        assert np.abs(batch.samples[:, 0]).max() > 1.5  # nothing is clipped


@pytest.mark.parametrize("asked", ["clip", "", "REPORT"])
def test_what_cannot_be_asked_for_is_refused(ruled: Generator, asked: OnViolation) -> None:
    for act in (ruled.generate, ruled.series, ruled.iterate):
        with pytest.raises(RequestError, match="on_violation must be one of report, resample, fail"):
            act(1, seed=1, on_violation=asked)


def test_a_tally_counts_all_and_names_the_first() -> None:
    total = Tally()
    for first in range(0, 300, 50):
        broken = {index: Broken(("b", "a") if index % 2 else ("b",), redraws=2) for index in range(first, first + 50)}
        total = total.plus(Violations("resample", 60, broken).tally)
    assert total == Tally(360, 300, 600, {"a": 150, "b": 300}, tuple(range(MAX_LISTED)))
