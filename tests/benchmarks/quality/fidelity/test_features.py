"""The feature space: learned from training data alone, kept between runs, the same for real and generated records."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.benchmarks.quality.classifier import ImageClassifier, SignalClassifier, predict, train_classifier
from edgeward.benchmarks.quality.fidelity import features
from edgeward.benchmarks.quality.fidelity.features import Embedder, embed, fit_embedder
from edgeward.benchmarks.quality.records import Records, Schema, Task
from edgeward.runtime.errors import DataError
from edgeward.runtime.schema import CategoryColumn, Channel, ImageSchema, NumberColumn, SignalSchema, TableSchema

SIGNALS = SignalSchema("waves", "Two rhythms.", (Channel("I", "mV", -5.0, 5.0),), 100.0, 64, ())
IMAGES = ImageSchema("spots", "Bright or dark.", ("grey",), 12, 12)
TABLE = TableSchema(
    "rows",
    "Patients.",
    (
        NumberColumn("age", "a", 0.0, 120.0),
        NumberColumn("lactate", "mmol/L", 0.0, 30.0),
        NumberColumn("constant", "1", 0.0, 9.0),
        CategoryColumn("ward", ("a", "b", "c")),
    ),
)
ROWS = np.array(
    [[20, 1, 7, 0], [40, np.nan, 7, 1], [60, 3, 7, 0], [80, 2, 7, np.nan]],
    dtype=np.float32,
)
STEPS = 30


def task_of(schema: Schema, values: npt.NDArray[np.float32], labels: npt.NDArray[np.intp] | None = None) -> Task:
    labels = np.arange(len(values)) % 2 if labels is None else labels
    records = Records(values, labels, np.arange(len(values)).astype(np.str_))
    return Task(schema, ("first", "second"), records, records.take(np.array([0])), records.take(np.array([1])))


def waves(n: int = 120) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(1)
    time = np.arange(64) / 100.0
    rates_hz = np.where(np.arange(n) % 2 == 0, 4.0, 11.0)[:, None]
    phases = rng.uniform(0.0, 6.28, (n, 1))
    values = np.sin(6.28 * rates_hz * time + phases) + rng.normal(0.0, 0.2, (n, 64))
    return values[:, None].astype(np.float32)


def spots(n: int = 120) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(2)
    values = rng.uniform(0.0, 0.3, (n, 1, 12, 12)).astype(np.float32)
    values[::2, :, 4:8, 4:8] += 0.6
    return values


@pytest.mark.parametrize(("values", "kind"), [(waves(), SignalClassifier), (spots(), ImageClassifier)])
@pytest.mark.parametrize("balanced", [True, False])
def test_one_training_function_fits_the_classifier_of_signals_and_of_images(
    values: npt.NDArray[np.float32], kind: type, balanced: bool
) -> None:
    labels = np.arange(len(values)) % 2
    model = train_classifier(values, labels, 2, steps=60, seed=0, balanced=balanced)
    assert isinstance(model, kind)
    assert (predict(model, values) == labels).mean() > 0.95


@pytest.mark.parametrize(("schema", "values"), [(SIGNALS, waves()), (IMAGES, spots())])
def test_network_features_are_standardised_over_the_training_data_and_tell_classes_apart(
    schema: Schema, values: npt.NDArray[np.float32]
) -> None:
    vectors = fit_embedder(task_of(schema, values), steps=STEPS)(values)
    assert vectors.shape == (len(values), 128)
    assert vectors.dtype == np.float64
    varies = vectors.std(axis=0) > 1e-3
    assert varies.sum() > 64
    np.testing.assert_allclose(vectors.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(vectors[:, varies].std(axis=0), 1.0, rtol=1e-6)
    assert np.abs(vectors[::2].mean(axis=0) - vectors[1::2].mean(axis=0)).max() > 1.0


def test_constant_signals_have_finite_features() -> None:
    values = np.ones((20, 1, 64), np.float32)
    assert np.isfinite(fit_embedder(task_of(SIGNALS, values), steps=3)(values)).all()


def test_the_space_does_not_depend_on_validation_or_test_data() -> None:
    values = waves()
    task = task_of(SIGNALS, values)
    other = Task(SIGNALS, task.classes, task.train, task.train.take(np.arange(9)), task.train.take(np.arange(5)))
    assert fit_embedder(task, steps=3).digest == fit_embedder(other, steps=3).digest


def test_a_class_absent_from_the_training_data_is_no_obstacle() -> None:
    values = waves(20)
    embedder = fit_embedder(task_of(SIGNALS, values, np.ones(20, np.intp)), steps=3)
    assert np.isfinite(embedder(values)).all()


def test_a_cached_network_is_read_back_equal_and_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(SIGNALS, waves())
    fitted = fit_embedder(task, steps=STEPS, cache=tmp_path / "networks")
    monkeypatch.delattr(features, "train_classifier")
    kept = fit_embedder(task, steps=STEPS, cache=tmp_path / "networks")
    assert kept.digest == fitted.digest
    np.testing.assert_array_equal(kept(task.train.values), fitted(task.train.values))


def test_other_data_labels_steps_or_seed_are_another_cache_file(tmp_path: Path) -> None:
    values = waves(40)
    moved = values.copy()
    moved[3, 0, 5] += 1e-3
    relabelled = task_of(SIGNALS, values, np.arange(40) // 20)
    fits: list[Embedder] = [
        fit_embedder(task_of(SIGNALS, values), steps=3, cache=tmp_path),
        fit_embedder(task_of(SIGNALS, values), steps=4, cache=tmp_path),
        fit_embedder(task_of(SIGNALS, values), steps=3, cache=tmp_path, seed=1),
        fit_embedder(task_of(SIGNALS, moved), steps=3, cache=tmp_path),
        fit_embedder(relabelled, steps=3, cache=tmp_path),
    ]
    assert len(list(tmp_path.iterdir())) == len(fits) == len({embedder.digest for embedder in fits})


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "text"])
def test_a_damaged_cache_file_is_replaced(tmp_path: Path, damage: str) -> None:
    task = task_of(SIGNALS, waves(40))
    fitted = fit_embedder(task, steps=3, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "cut": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 0x10]) + whole[middle + 1 :],
            "emptied": b"",
            "text": b"no archive",
        }[damage]
    )
    again = fit_embedder(task, steps=3, cache=tmp_path)
    assert again.digest == fitted.digest
    with np.load(path, allow_pickle=False) as file:
        assert all(np.isfinite(file[name]).all() for name in file.files)


def test_table_columns_are_standardised_and_categories_lie_one_apart() -> None:
    vectors = fit_embedder(task_of(TABLE, ROWS), steps=0)(ROWS)
    half = np.sqrt(0.5)
    age = (np.array([20, 40, 60, 80]) - 50) / np.sqrt(500)
    lactate = np.array([-1, 0, 1, 0]) / np.sqrt(2 / 3)
    expected = [age, lactate, [0, 1, 0, 0], [0, 0, 0, 0], [half, 0, half, 0], [0, half, 0, 0]]
    np.testing.assert_allclose(vectors, np.array(expected).T, atol=1e-12)
    assert np.linalg.norm(vectors[0, -2:] - vectors[1, -2:]) == pytest.approx(1.0)


def test_missing_entries_unseen_categories_and_constant_columns_stay_finite() -> None:
    embedder = fit_embedder(task_of(TABLE, ROWS), steps=0)
    odd = np.array([[np.nan, np.nan, 8, 2], [np.nan, np.nan, np.nan, np.nan]], np.float32)
    vectors = embedder(odd)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors[:, -2:], 0.0)
    np.testing.assert_array_equal(vectors[:, 2], 1.0)
    np.testing.assert_array_equal(vectors[:, 3], [1.0, 0.0])


def test_a_column_missing_throughout_has_a_place() -> None:
    rows = ROWS.copy()
    rows[:, 1] = np.nan
    rows[:, 3] = np.nan
    assert np.isfinite(fit_embedder(task_of(TABLE, rows), steps=0)(ROWS)).all()


def test_a_tables_digest_tells_other_training_data() -> None:
    digests = {fit_embedder(task_of(TABLE, rows), steps=0).digest for rows in (ROWS, ROWS.copy(), ROWS[:3])}
    assert len(digests) == 2


def test_features_that_are_not_finite_are_refused() -> None:
    task = task_of(SIGNALS, waves(20))
    broken = task.train.values.copy()
    broken[7, 0, 0] = np.nan
    with pytest.raises(DataError, match="record 7"):
        embed(fit_embedder(task, steps=3), Records(broken, task.train.labels, task.train.patients))
