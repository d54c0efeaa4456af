"""A batch's provenance is plain JSON, says synthetic, and is enough to make the samples again."""

import dataclasses
import json

import numpy as np
import pytest
from edgeward.runtime import Bundle, Generator, load


def test_provenance_survives_json(generator: Generator) -> None:
    provenance = generator.generate(2, seed=2**64 - 1, first=2**60).provenance
    assert json.loads(json.dumps(provenance, allow_nan=False)) == provenance


def test_provenance_is_enough_to_make_the_samples_again(generator: Generator, small_bundle: Bundle) -> None:
    batch = generator.generate(9, condition={"rhythm": "AF", "heart_rate": 80})
    told = batch.provenance
    with load(small_bundle, backend=told["backend"].split()[0], precision=told["precision"]) as another:
        assert another.source.bundle_digest == told["bundle_sha256"]
        again = another.generate(
            told["n"], condition={"rhythm": "AF", "heart_rate": 80}, seed=told["seed"], first=told["first"]
        )
    np.testing.assert_array_equal(again.samples, batch.samples)


def test_a_batch_cannot_be_relabelled_by_accident(generator: Generator) -> None:
    batch = generator.generate(1, seed=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.seed = 2  # type: ignore[misc]
