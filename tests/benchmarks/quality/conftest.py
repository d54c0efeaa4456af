"""What tests of whole judgements share."""

from collections.abc import Iterator

import pytest
from edgeward.benchmarks.quality.fidelity import two_sample


@pytest.fixture(scope="module")
def fewer_trees() -> Iterator[None]:
    """Two folds for the two-sample test, whose trees are most of a judgement's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_sample, "_FOLDS", 2)
        yield
