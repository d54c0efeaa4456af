"""The reference rows are what they stand for: a memoriser repeats training records, the floor keeps no dependence."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.records import Records
from edgeward.benchmarks.quality.rows import copies_of, drawn, shuffled, with_mix_of


def trained(n: int = 400) -> Records:
    """Two channels of which one is the other doubled, and a label that both tell."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, n)
    one = rng.normal(10.0 * labels[:, None], 1.0, (n, 8))
    values = np.stack([one, 2.0 * one], axis=1).astype(np.float32)
    return Records(values, labels, (np.arange(n) // 10).astype(np.str_), {"sex": np.where(labels == 0, "F", "M")})


def places(records: Records, among: Records) -> np.ndarray:
    """Which record of `among` each is, by its bits."""
    known = {record.tobytes(): number for number, record in enumerate(among.values)}
    return np.array([known[record.tobytes()] for record in records.values])


@pytest.mark.parametrize("n", [1, 100, 400, 1000])
def test_records_are_drawn_once_each(n: int) -> None:
    train = trained()
    taken = drawn(train, n, seed=3)
    found = places(taken, train)
    assert len(taken) == len(np.unique(found)) == min(n, 400)
    np.testing.assert_array_equal(taken.patients, train.patients[found])
    np.testing.assert_array_equal(taken.attributes["sex"], train.attributes["sex"][found])


def test_a_seed_draws_the_same_records_and_another_seed_others() -> None:
    train = trained()
    first, again, other = (places(drawn(train, 50, seed), train).tolist() for seed in (3, 3, 4))
    assert first == again != other
    assert sorted(first) != first  # in random order, or the first half would be the first patients


def test_copies_are_training_records_to_the_bit_with_their_labels_and_patients() -> None:
    train = trained()
    copies = copies_of(train, 3000)
    found = places(copies, train)
    np.testing.assert_array_equal(copies.labels, train.labels[found])
    np.testing.assert_array_equal(copies.patients, train.patients[found])
    counts = np.bincount(found, minlength=400)
    assert counts.mean() == 7.5
    assert counts.min() > 0
    assert counts.max() > 12  # with replacement: some far more often than others


def test_shuffled_records_keep_every_numbers_values_and_nothing_that_binds_them() -> None:
    train = trained()
    noise = shuffled(train, 4000)
    assert noise.values.shape == (4000, 2, 8)
    flat, kept = noise.values.reshape(4000, -1), train.values.reshape(400, -1)
    for column in range(16):
        assert np.isin(flat[:, column], kept[:, column]).all()
        assert flat[:, column].mean() == pytest.approx(kept[:, column].mean(), abs=1.5)
    bound = np.corrcoef(np.column_stack([flat, noise.labels]).T)
    assert np.corrcoef(kept.T).min() > 0.9
    assert np.abs(bound - np.eye(17)).max() < 0.08  # of 136 pairs of 4000, 0.063 is seen once in ten thousand
    assert np.bincount(noise.labels) / 4000 == pytest.approx(np.bincount(train.labels) / 400, abs=0.05)


def test_shuffled_records_are_nobodys() -> None:
    noise = shuffled(trained(), 60)
    assert len(np.unique(noise.patients)) == 60
    assert not noise.attributes


def test_missing_entries_stay_as_frequent_in_shuffled_rows() -> None:
    values = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    values[:150, 1] = np.nan
    noise = shuffled(Records(values, np.zeros(300, np.intp), np.arange(300).astype(np.str_)), 2000)
    assert np.isnan(noise.values).mean(axis=0) == pytest.approx([0.0, 0.5, 0.0], abs=0.05)


def test_a_row_gets_the_mix_of_classes_it_is_held_against() -> None:
    records = trained()
    wanted = np.repeat([0, 2], [30, 5])
    mixed = with_mix_of(records, wanted)
    assert np.bincount(mixed.labels).tolist() == [30, 0, 5]
    assert len(np.unique(places(mixed, records))) == 35


def test_a_class_with_too_few_records_gives_all_it_has() -> None:
    records = trained()
    there = int((records.labels == 1).sum())
    mixed = with_mix_of(records, np.repeat([0, 1], [10, 5000]))
    assert np.bincount(mixed.labels).tolist() == [10, there]
    assert len(with_mix_of(records.of_class(2), np.zeros(7, np.intp))) == 0
