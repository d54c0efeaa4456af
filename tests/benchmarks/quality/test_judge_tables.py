"""The judgement of tables as they are: many categories, missing entries, constant columns, and the real ones."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from edgeward.benchmarks.quality import QUICK, Evidence, Records, Source, Task, generated, judge
from edgeward.benchmarks.quality.verdicts import unusable
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema
from edgeward.training.datasets import load_dataset
from edgeward.training.datasets.dataset import Dataset, Split

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("fewer_trees")]
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
SMALL = dataclasses.replace(QUICK, seeds=2, per_class=100, fidelity_records=150)
DATA = {"source": "a test", "simulated": False, "notes": []}


def task_of(dataset: Dataset) -> Task:
    def records(split: Split) -> Records:
        labels = split.columns[dataset.label.name].astype(np.intp)
        return Records(split.samples, labels, split.patients, split.attributes)

    return Task(dataset.schema, dataset.label.values, *map(records, (dataset.train, dataset.validation, dataset.test)))


def resampled(task: Task, per_class: int) -> Records:
    """Training rows of each class, their numbers blurred and a tenth of their categories from another row."""
    rng, parts = np.random.default_rng(1), []
    assert isinstance(task.schema, TableSchema)
    for label in range(len(task.classes)):
        pool = task.train.of_class(label).values
        rows, others = (pool[rng.integers(0, len(pool), per_class)] for _ in range(2))
        for place, column in enumerate(task.schema.columns):
            if isinstance(column, NumberColumn):
                spread = np.nanstd(pool[:, place]) if np.isfinite(pool[:, place]).any() else 0.0
                noisy = rows[:, place] + rng.normal(0, 0.3 * spread, per_class)
                noisy = np.round(noisy / column.step) * column.step if column.step else noisy
                rows[:, place] = noisy.clip(column.minimum, column.maximum)
            else:
                rows[:, place] = np.where(rng.random(per_class) < 0.1, others[:, place], rows[:, place])
        parts.append(rows)
    return generated(np.concatenate(parts), np.repeat(np.arange(len(task.classes)), per_class))


def judged(task: Task, effort: object = SMALL) -> Evidence:
    made = resampled(task, effort.per_class * effort.seeds)  # type: ignore[attr-defined]
    return judge(task, [Source("resampled", "0" * 64, made)], effort, data=DATA)  # type: ignore[arg-type]


def value(evidence: Evidence, measure: str, source: str) -> float:
    figure = evidence.figure(measure, source)
    assert figure is not None, measure
    assert figure.value is not None, f"{measure} of {source}: {figure.note}"
    return figure.value


def hard_rows(n: int, seed: int) -> Records:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    values = np.column_stack(
        [
            np.where(rng.random(n) < 0.4, np.nan, rng.normal(labels, 1.0)),
            rng.zipf(1.5, n).clip(1, 400) - 1,
            np.full(n, 3.0),
            np.zeros(n),
            np.full(n, np.nan),
            np.where(rng.random(n) < 0.5, np.nan, 0.0),
            np.where(rng.random(n) < 0.2 + 0.5 * labels, 1.0, 0.0),
        ]
    )
    return Records(values.astype(np.float32), labels, np.array([f"{seed}-{i}" for i in range(n)]))


HARD = TableSchema(
    "hard",
    "Columns of every awkward kind.",
    (
        NumberColumn("gaps", "1", -9, 9, may_be_missing=True),
        CategoryColumn("code", tuple(f"c{i}" for i in range(400))),
        NumberColumn("constant", "1", 0, 9),
        CategoryColumn("one_value", ("a", "b")),
        NumberColumn("never", "1", 0, 1, may_be_missing=True),
        CategoryColumn("flag", ("yes",), may_be_missing=True),
        CategoryColumn("sign", ("no", "yes")),
    ),
)


@pytest.mark.parametrize("thorough", [False, True])
def test_columns_of_every_awkward_kind_are_judged(thorough: bool) -> None:
    task = Task(HARD, ("a", "b"), hard_rows(240, 1), hard_rows(80, 2), hard_rows(240, 3))
    evidence = judged(task, dataclasses.replace(SMALL, thorough=thorough))
    assert value(evidence, "column_shape", "real") > 0.85
    assert value(evidence, "violations", "resampled") == 0.0
    assert value(evidence, "tstr", "real") > 0.62
    assert value(evidence, "dcr_share", "copies") > 0.75  # where nothing but categories is known, rows are equal
    assert "dcr_share" not in unusable(evidence)


@pytest.fixture(scope="module")
def uci() -> Path:
    folder = Path(os.environ.get("EDGEWARD_DATA", ""), "uci")
    if not os.environ.get("EDGEWARD_DATA") or not folder.is_dir():
        pytest.skip("EDGEWARD_DATA does not name a folder that holds uci/")
    return folder


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("example", "table", "best_f1", "mixed_rows_break_rules"),
    [
        ("heart-cleveland", "heart_cleveland_297", 0.7, False),
        ("breast-cancer-wisconsin", "breast_cancer_wisconsin_original_683", 0.92, False),
        # Its rules tie columns together: drugs to doses, diagnoses to their number. Categories of two rows break them.
        ("diabetes-130", "diabetes_130us_subset_2501", 0.34, True),
    ],
)
def test_the_real_tables_are_judged_and_a_resampler_of_patients_is_caught(
    uci: Path, tmp_path: Path, example: str, table: str, best_f1: float, mixed_rows_break_rules: bool
) -> None:
    shutil.copy(uci / f"{table}.csv", tmp_path)
    dataset = load_dataset("table", Path(shutil.copy(EXAMPLES / f"{example}.toml", tmp_path)))
    evidence = judged(task_of(dataset), QUICK)
    assert value(evidence, "tstr", "real") > best_f1
    assert (value(evidence, "violations", "resampled") > 0.0) == mixed_rows_break_rules
    assert value(evidence, "violations", "real") == 0.0
    assert value(evidence, "dcr_share", "copies") > 0.75
    lights = {verdict.axis: verdict.light for verdict in evidence.verdicts}
    assert lights["fidelity"] == "green"
    assert lights["privacy"] == "red"
