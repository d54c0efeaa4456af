"""Drawn conditions must hold every class: what is fitted without one knows nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runtime.condition import ConditionColumns
from ..runtime.errors import GateError
from ..runtime.schema import ClassCondition, Condition


def check_every_class(conditions: Sequence[Condition], columns: ConditionColumns, what: str) -> None:
    """Check that each value of each class was drawn; a value of share 0 never is.

    Args:
        conditions: The schema's.
        columns: What was drawn, per condition [n].
        what: What they are for, at the beginning of a sentence.

    Raises:
        GateError: One was not; the message names it and says how many samples there were.
    """
    for condition in conditions:
        if not isinstance(condition, ClassCondition):
            continue
        drawn = {int(value) for value in np.unique(columns[condition.name])}
        shares = condition.shares or (1.0,) * len(condition.values)
        missing = [
            v for k, (v, share) in enumerate(zip(condition.values, shares, strict=True)) if share and k not in drawn
        ]
        if missing:
            raise GateError(
                f"{what} drew {len(columns[condition.name])} samples, and none of {condition.name} "
                f"{', '.join(missing)}: it would know nothing of them; take more samples"
            )
