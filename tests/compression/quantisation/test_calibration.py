"""Ranges are found over all classes, however rare they are."""

import dataclasses

import numpy as np
import pytest
from edgeward.compression.quantisation.calibration import calibration_batches
from edgeward.runtime.schema import ClassCondition, Schema

from ...training.toy_schemas import signal

RARE = ClassCondition("kind", ("usual", "rare", "unheard of"), ("", "", ""), shares=(0.999, 0.001, 0.0))
SCHEMA = signal(2, 8)


@pytest.fixture(scope="module")
def rare() -> Schema:
    return dataclasses.replace(SCHEMA, conditions=(RARE, *SCHEMA.conditions[1:]))


def test_every_class_is_among_the_samples_even_one_that_is_never_drawn(rare: Schema) -> None:
    batches = calibration_batches((3,), rare, samples=64, seed=1)
    kinds = np.concatenate([batch.columns["kind"] for batch in batches])
    assert {0.0, 1.0, 2.0} == set(kinds)
    assert min((kinds == kind).sum() for kind in (0, 1, 2)) >= 8
    assert len({batch.noise.tobytes() for batch in batches}) == len(batches), "no noise twice"


def test_common_classes_take_no_more_samples_than_asked_for() -> None:
    assert sum(len(batch.noise) for batch in calibration_batches((3,), SCHEMA, samples=128, seed=1)) == 128
