"""What holds for every simulator: seeds decide all, splits share nobody, samples fit their schema and its codec."""

import itertools
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from edgeward.runtime.errors import RequestError
from edgeward.runtime.plausibility import Checker
from edgeward.runtime.schema import ImageSchema, NumberCondition, TableSchema, schema_from_json
from edgeward.runtime.schema.table import NumberColumn
from edgeward.training.codecs import codec_for
from edgeward.training.datasets.bedside.simulator import simulate_pressure_windows, simulate_windows
from edgeward.training.datasets.dataset import Dataset, Split
from edgeward.training.datasets.digest import dataset_digest
from edgeward.training.datasets.images.simulator import simulate_images
from edgeward.training.datasets.stays.simulator import simulate_stays
from edgeward.training.datasets.strips.simulator import simulate_strips
from edgeward.training.datasets.table.simulator import simulate_table

SMALL = (8, 4, 4)
SIMULATORS: dict[str, Callable[..., Dataset]] = {
    "bedside-windows": simulate_windows,
    "bedside-windows-abp": simulate_pressure_windows,
    "ecg-strips": simulate_strips,
    "icu-stays": simulate_stays,
    "images": simulate_images,
    "table": simulate_table,
}
every_simulator = pytest.mark.parametrize("kind", SIMULATORS)


@pytest.fixture(scope="module")
def small() -> dict[str, Dataset]:
    return {kind: simulate(patients=SMALL, seed=11) for kind, simulate in SIMULATORS.items()}


def splits(dataset: Dataset) -> dict[str, Split]:
    return {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}


@every_simulator
def test_same_seed_same_bytes_and_another_seed_others(small: dict[str, Dataset], kind: str) -> None:
    again, other = (SIMULATORS[kind](patients=SMALL, seed=seed) for seed in (11, 12))
    assert again.train.samples.tobytes() == small[kind].train.samples.tobytes()
    assert again.provenance.digest == small[kind].provenance.digest == dataset_digest(splits(again))
    assert other.provenance.digest != again.provenance.digest


@every_simulator
def test_a_patient_depends_on_seed_split_and_place_alone(small: dict[str, Dataset], kind: str) -> None:
    more = SIMULATORS[kind](patients=(9, 5, 4), seed=11)
    for name, split in splits(small[kind]).items():
        n = len(split)
        assert splits(more)[name].samples[:n].tobytes() == split.samples.tobytes()
        assert splits(more)[name].patients[:n].tolist() == split.patients.tolist()
        for column, values in split.columns.items():
            assert np.array_equal(splits(more)[name].columns[column][:n], values)


@every_simulator
def test_no_patient_is_in_two_splits_under_any_name(small: dict[str, Dataset], kind: str) -> None:
    found = [set(split.patients.tolist()) for split in splits(small[kind]).values()]
    assert [len(names) for names in found] == list(SMALL)
    assert len(set.union(*found)) == sum(SMALL)
    samples = [sample.tobytes() for split in splits(small[kind]).values() for sample in split.samples]
    assert len(set(samples)) == len(samples)


@every_simulator
def test_samples_fit_their_schema(small: dict[str, Dataset], kind: str) -> None:
    dataset = small[kind]
    for split in splits(dataset).values():
        assert split.samples.dtype == np.float32
        assert split.samples.shape == (len(split), *dataset.schema.shape)
        assert not np.isinf(split.samples).any()
        for number, entries in enumerate(np.moveaxis(split.samples, 1, 0)):
            low, high, may_be_missing = 0.0, 1.0, False
            if not isinstance(dataset.schema, ImageSchema):
                table = isinstance(dataset.schema, TableSchema)
                of = dataset.schema.columns[number] if table else dataset.schema.channels[number]  # type: ignore[union-attr]
                may_be_missing = of.may_be_missing
                numeric = not table or isinstance(of, NumberColumn)
                low, high = (of.minimum, of.maximum) if numeric else (0.0, len(of.values) - 1.0)
            assert may_be_missing or not np.isnan(entries).any()
            known = entries[~np.isnan(entries)]
            # Few patients may have no value of what is rarely measured.
            assert ((known >= np.float32(low)) & (known <= np.float32(high))).all()


@every_simulator
def test_columns_are_those_of_the_conditions(small: dict[str, Dataset], kind: str) -> None:
    dataset = small[kind]
    assert set(dataset.train.columns) == {condition.name for condition in dataset.schema.conditions}
    for condition in dataset.schema.conditions:
        for name, split in splits(dataset).items():
            values = split.columns[condition.name]
            assert values.shape == (len(split),)
            if isinstance(condition, NumberCondition):
                assert np.isfinite(values).all()
                assert name != "train" or (condition.minimum <= values.min() and values.max() <= condition.maximum)
            else:
                assert set(values.tolist()) <= set(range(len(condition.values)))
    vectors = dataset.condition_vectors(dataset.test)
    assert vectors.shape == (len(dataset.test), dataset.schema.condition_size)


@every_simulator
def test_what_occurs_in_train_stands_in_the_schema_which_is_read_back(small: dict[str, Dataset], kind: str) -> None:
    schema = small[kind].schema
    for condition in schema.conditions:
        if isinstance(condition, NumberCondition):
            assert len(condition.quantiles) > 2
            middle = condition.quantiles[len(condition.quantiles) // 2]
            step = (condition.maximum - condition.minimum) / 50.0
            assert middle == pytest.approx(np.median(small[kind].train.columns[condition.name]), abs=step)
        else:
            assert sum(condition.shares) == pytest.approx(1.0)
    assert schema_from_json(json.loads(json.dumps(schema.to_json())), "here") == schema


@every_simulator
def test_every_class_of_the_label_occurs_by_default_in_every_split(kind: str) -> None:
    dataset = SIMULATORS[kind]() if kind in {"table", "icu-stays"} else SIMULATORS[kind](patients=(60, 20, 40))
    for split in splits(dataset).values():
        assert len(np.unique(split.columns[dataset.label.name])) == len(dataset.label.values)


@every_simulator
def test_the_codec_gives_back_what_it_is_given(small: dict[str, Dataset], kind: str) -> None:
    dataset = small[kind]
    codec = codec_for(dataset.schema)
    codec.fit(dataset.train.samples)
    samples = torch.from_numpy(dataset.train.samples[:20])
    back = codec.decode(codec.encode(samples))
    assert torch.equal(back.isnan(), samples.isnan())
    spread = np.nanmax(dataset.train.samples) - np.nanmin(dataset.train.samples)
    # Of few records, three that agree make a heap, and what lies beside it comes back a little moved.
    assert float((back - samples).nan_to_num(0.0).abs().max()) < 5e-3 * spread


@every_simulator
def test_it_is_marked_as_simulated_under_its_kind(small: dict[str, Dataset], kind: str) -> None:
    provenance = small[kind].provenance
    assert provenance.synthetic
    assert provenance.kind == kind
    assert "seed 11" in provenance.source
    assert "no patient stands behind" in provenance.notes[0]


@every_simulator
def test_classes_asked_for_are_the_samples_kept(small: dict[str, Dataset], kind: str) -> None:
    label = small[kind].label
    wanted = label.values[0]
    some = SIMULATORS[kind](patients=SMALL, seed=11, classes=[wanted])
    assert some.label.values == (wanted,)
    kept = small[kind].train.columns[label.name] == 0.0
    assert some.train.samples.tobytes() == small[kind].train.samples[kept].tobytes()


@every_simulator
@pytest.mark.parametrize("wrong", [{"patients": (3, 0, 1)}, {"seed": -1}, {"classes": ["X"]}, {"classes": []}])
def test_a_request_that_makes_no_sense_is_refused(kind: str, wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError, match=r"a simulation needs|give some of"):
        SIMULATORS[kind](**wrong)


@every_simulator
def test_progress_counts_patients(kind: str) -> None:
    seen: list[tuple[int, int, str]] = []
    SIMULATORS[kind](patients=(6, 5, 5), on_progress=lambda *step: seen.append(step))
    assert [step[:2] for step in seen] == [(k, 16) for k in range(1, 17)]


def test_kinds_do_not_share_their_patients_samples(small: dict[str, Dataset]) -> None:
    for one, other in itertools.combinations(small.values(), 2):
        pressure = "bedside" in one.provenance.kind and "bedside" in other.provenance.kind
        assert pressure or one.provenance.digest != other.provenance.digest


@every_simulator
def test_simulated_samples_keep_the_rules_of_their_kind_but_for_rounded_pressures(
    small: dict[str, Dataset], kind: str
) -> None:
    for split in splits(small[kind]).values():
        assert Checker(small[kind].schema).broken(split.samples, split.columns).any(axis=1).mean() <= 0.01
    assert small[kind].schema.rules or kind == "table"
