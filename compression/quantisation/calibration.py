"""The samples on which activation ranges are found: drawn noise and conditions, no real record, every class among them.

The graph holds all steps of an unrolled sampler, so that ranges are found along whole trajectories: calibrated on a
part of the steps only, samples were 3.5 to 25 times worse (Li et al., ICCV 2023, and our own trials).
"""

from __future__ import annotations

import numpy as np

from ...runtime.feed import Feed, GraphInputs
from ...runtime.schema import ClassCondition, Schema
from ..drawn_classes import check_every_class

BATCH = 32
_FEWEST_A_CLASS = 8


def calibration_batches(
    noise_shape: tuple[int, ...], schema: Schema, *, samples: int, seed: int
) -> tuple[GraphInputs, ...]:
    """Noise and conditions in batches: drawn as a user's are, and more of each class that was hardly drawn.

    Args:
        noise_shape: Shape of one sample's noise.
        schema: The data's schema; its conditions may be drawn by shares, in which a rare class is seldom.
        samples: How many to draw, rounded up to whole batches; the additional ones come on top.
        seed: Of the noise and conditions.
    """
    feed = Feed(seed, noise_shape, schema.conditions, {})
    batches = [feed.take(first, BATCH) for first in range(0, samples, BATCH)]
    next_sample = len(batches) * BATCH
    for condition in schema.conditions:
        if not isinstance(condition, ClassCondition):
            continue
        drawn = np.concatenate([batch.columns[condition.name] for batch in batches])
        for index in range(len(condition.values)):
            if (drawn == index).sum() < _FEWEST_A_CLASS:
                rare = Feed(seed, noise_shape, schema.conditions, {condition.name: float(index)})
                batches.append(rare.take(next_sample, BATCH))
                next_sample += BATCH
    columns = {c.name: np.concatenate([batch.columns[c.name] for batch in batches]) for c in schema.conditions}
    check_every_class(schema.conditions, columns, "calibration")
    return tuple(batches)
