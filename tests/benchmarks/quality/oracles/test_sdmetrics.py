"""Figures of tables are SDMetrics': column shapes, correlations, copies; and both call the same records near."""

import numpy as np
import pytest
from edgeward.benchmarks.quality.fidelity.features import Embedded
from edgeward.benchmarks.quality.fidelity.shapes import column_shapes, pair_correlations
from edgeward.benchmarks.quality.privacy.nearest import nearest_record_figures
from edgeward.benchmarks.quality.records import Records
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema

REASON = "an oracle, not a dependency: make test-oracles"
pytest.importorskip("sdmetrics", reason=REASON)
pandas = pytest.importorskip("pandas", reason=REASON)
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity  # noqa: E402
from sdmetrics.single_column import KSComplement, TVComplement  # noqa: E402
from sdmetrics.single_table import DCROverfittingProtection  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::FutureWarning:sdmetrics")]

NUMBERS, WARDS = ("age", "systolic", "lactate"), ("a", "b", "c", "d")
SCHEMA = TableSchema(
    "ward", "", (*(NumberColumn(name, "1", -100, 300) for name in NUMBERS), CategoryColumn("ward", WARDS))
)


def patients(n: int, seed: int, older: float = 0.0, tie: float = 1.0) -> Records:
    """Columns that hang together by `tie`; the label is one for all, so that it is no column."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60 + older, 15, n)
    systolic = 120 + tie * 0.5 * (age - 60) + rng.normal(0, 10, n)
    lactate = rng.gamma(2.0, 1.0, n) + tie * 0.02 * systolic
    ward = np.clip((tie * (age - 60) / 15 + rng.normal(0, 1, n) + 2).round(), 0, 3)
    values = np.stack([age, systolic, lactate, ward], axis=1).astype(np.float32)
    return Records(values, np.zeros(n, np.intp), np.arange(n).astype(np.str_))


def frame(records: Records) -> "pandas.DataFrame":
    table = pandas.DataFrame(records.values[:, :3].astype(np.float64), columns=list(NUMBERS))
    return table.assign(ward=[WARDS[int(index)] for index in records.values[:, 3]])


PAIRS = [
    (patients(500, 1), patients(500, 2)),
    (patients(500, 1), patients(500, 3, older=8.0)),
    (patients(300, 4), patients(300, 5, tie=0.0)),
]


@pytest.mark.parametrize(("real", "synthetic"), [*PAIRS, (patients(500, 1), patients(333, 6, older=3.0))])
def test_column_shapes_are_ks_and_tv_complement(real: Records, synthetic: Records) -> None:
    found = {name: figure.value for name, figure in column_shapes(real, synthetic, SCHEMA).items()}
    one, other = frame(real), frame(synthetic)
    expected = {name: KSComplement.compute(one[name], other[name]) for name in NUMBERS}
    expected["ward"] = TVComplement.compute(one["ward"], other["ward"])
    expected["column_shape"] = np.mean(list(expected.values()))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("real", "synthetic"), PAIRS)
def test_numbers_hang_together_as_correlation_similarity_says(real: Records, synthetic: Records) -> None:
    schema = TableSchema("numbers", "", SCHEMA.columns[:3])
    sides = [Records(side.values[:, :3], side.labels, side.patients) for side in (real, synthetic)]
    one, other = frame(real), frame(synthetic)
    scores = [
        CorrelationSimilarity.compute(one[list(pair)], other[list(pair)], coefficient="Spearman")
        for pair in ((NUMBERS[0], NUMBERS[1]), (NUMBERS[0], NUMBERS[2]), (NUMBERS[1], NUMBERS[2]))
    ]
    # Their score is 1 - |difference| / 2.
    assert pair_correlations(*sides, schema, 1).value == pytest.approx(2 * (1 - np.mean(scores)), abs=1e-6)


def test_both_rank_tables_alike_by_how_a_number_and_a_category_hang_together() -> None:
    real = patients(1000, 7)
    schema = TableSchema("pair", "", (SCHEMA.columns[0], SCHEMA.columns[3]))
    ours, theirs = [], []
    for tie in (1.0, 0.6, 0.3, 0.0):
        synthetic = patients(1000, 8, tie=tie)
        sides = [Records(side.values[:, [0, 3]], side.labels, side.patients) for side in (real, synthetic)]
        ours.append(pair_correlations(*sides, schema, 1).value)
        pair = ["age", "ward"]
        theirs.append(
            ContingencySimilarity.compute(frame(real)[pair], frame(synthetic)[pair], continuous_column_names=["age"])
        )
    assert ours == sorted(ours)
    assert theirs == sorted(theirs, reverse=True)


METADATA = {
    "tables": {
        "ward": {"columns": {name: {"sdtype": "numerical"} for name in NUMBERS} | {"ward": {"sdtype": "categorical"}}}
    }
}


@pytest.mark.parametrize("copied", [0.0, 0.3, 1.0])
def test_as_many_records_lie_closer_to_training_as_dcr_protection_says(copied: float) -> None:
    train, holdout, fresh = patients(400, 9), patients(400, 10), patients(600, 11)
    values = fresh.values.copy()
    chosen = np.random.default_rng(12).random(600) < copied
    values[chosen] = train.values[np.random.default_rng(13).integers(0, 400, int(chosen.sum()))]
    made = Records(values, fresh.labels, fresh.patients)
    breakdown = DCROverfittingProtection.compute_breakdown(
        **{"real_training_data": frame(train), "synthetic_data": frame(made), "real_validation_data": frame(holdout)},
        **{"metadata": METADATA, "table_name": "ward"},
    )
    theirs = breakdown["synthetic_data_percentages"]["closer_to_training"]
    ours = nearest_record_figures(*(by_range(side, train) for side in (train, holdout, made)))["dcr_share"]
    assert ours.value == pytest.approx(theirs, abs=0.02)
    assert ours.value == pytest.approx(0.5 + copied / 2, abs=0.06)


def by_range(records: Records, train: Records) -> Embedded:
    """Numbers over their range, categories one-hot and one apart: the nearest the two libraries' spaces come."""
    numbers, ward = records.values[:, :3].astype(np.float64), records.values[:, 3]
    one_hot = (ward[:, None] == np.arange(4)) / np.sqrt(2.0)
    return Embedded(np.hstack([numbers / np.ptp(train.values[:, :3], axis=0), one_hot]), records.patients)
