"""The inputs of a graph are the same in whatever portions they are taken."""

import numpy as np
import pytest
from edgeward.runtime.condition import draw_columns, encode_columns
from edgeward.runtime.feed import Feed
from edgeward.runtime.noise import NoiseStream
from edgeward.runtime.schema import ClassCondition, NumberCondition
from hypothesis import given, settings
from hypothesis import strategies as st

CONDITIONS = (ClassCondition("rhythm", ("SR", "AF"), ("", "")), NumberCondition("heart_rate", "/min", 30.0, 200.0))


def test_a_feed_gives_the_noise_and_conditions_of_its_seed() -> None:
    noise, condition, columns = Feed(8, (3, 2), CONDITIONS, {"rhythm": 1.0}).take(100, 5)
    np.testing.assert_array_equal(noise, NoiseStream(8, (3, 2)).take(100, 5))
    drawn = draw_columns(CONDITIONS, {"rhythm": 1.0}, 8, 100, 5)
    np.testing.assert_array_equal(condition, encode_columns(CONDITIONS, drawn, 5))
    assert (condition[:, 1] == 1).all()
    for name in drawn:
        np.testing.assert_array_equal(columns[name], drawn[name])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 700), st.integers(1, 300)),
            st.integers(1, 300),  # go on where the last portion ended
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_portions_in_any_order_are_cut_from_the_same_series(portions: list[tuple[int, int] | int]) -> None:
    whole = Feed(1, (5,), CONDITIONS, {}).take(0, 5000)
    feed = Feed(1, (5,), CONDITIONS, {})
    end = 0
    for portion in portions:
        first, n = (end, portion) if isinstance(portion, int) else portion
        end = first + n
        noise, condition, columns = feed.take(first, n)
        np.testing.assert_array_equal(noise, whole.noise[first:end])
        np.testing.assert_array_equal(condition, whole.condition[first:end])
        for name, values in whole.columns.items():
            np.testing.assert_array_equal(columns[name], values[first:end])


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 700), n=st.integers(1, 900), size=st.integers(1, 300), noise=st.sampled_from([5, 200]))
def test_portions_hold_the_samples_in_order(first: int, n: int, size: int, noise: int) -> None:
    whole = Feed(1, (noise,), CONDITIONS, {}).take(first, n)
    portions = list(Feed(1, (noise,), CONDITIONS, {}).portions(first, n, size))
    assert [len(portion.noise) for portion in portions] == [size] * (n // size) + [n % size] * (n % size > 0)
    np.testing.assert_array_equal(np.concatenate([portion.noise for portion in portions]), whole.noise)
    np.testing.assert_array_equal(np.concatenate([portion.condition for portion in portions]), whole.condition)
    for name, values in whole.columns.items():
        np.testing.assert_array_equal(np.concatenate([portion.columns[name] for portion in portions]), values)


def test_little_noise_is_made_ahead_where_a_sample_takes_much_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    take = NoiseStream.take
    monkeypatch.setattr(NoiseStream, "take", lambda self, first, n: made.append(n) or take(self, first, n))
    for size in (5, 12_000, 100_000):
        feed = Feed(1, (size,), CONDITIONS, {})
        for index in range(20):
            feed.take(index, 1)
        list(feed.portions(0, 40, 16))
    assert made == [0, 1, 256, 40, 0, 1, *[5] * 4, 16, 16, 8, 0, *[1] * 20, 16, 16, 8]


def test_single_samples_one_after_the_other_are_what_engines_take() -> None:
    feed = Feed(1, (5,), CONDITIONS, {})
    for index in range(1000):
        noise, condition, _ = feed.take(index, 1)
        assert (noise.shape, condition.shape) == ((1, 5), (1, 3))
        for array in (noise, condition):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous


def test_the_columns_alone_are_those_of_the_inputs() -> None:
    feed = Feed(1, (5,), CONDITIONS, {})
    columns = feed.columns(40, 7)
    taken = feed.take(40, 7).columns
    for name in ("rhythm", "heart_rate"):
        np.testing.assert_array_equal(columns[name], taken[name])
