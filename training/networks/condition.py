"""Condition vectors in physical units to numbers a network likes; part of every shipped graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...runtime.schema import ClassCondition, Schema


class ConditionScaling(nn.Module):
    """One-hot columns stay as they are; a quantity's range becomes -1 to 1."""

    factor: Tensor
    offset: Tensor

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        factors, offsets = [], []
        for condition in schema.conditions:
            if isinstance(condition, ClassCondition):
                factors += [1.0] * len(condition.values)
                offsets += [0.0] * len(condition.values)
            else:
                span = condition.maximum - condition.minimum
                factors.append(2.0 / span)
                offsets.append(-(condition.maximum + condition.minimum) / span)
        self.register_buffer("factor", torch.tensor(factors))
        self.register_buffer("offset", torch.tensor(offsets))

    def forward(self, condition: Tensor) -> Tensor:
        """[n, c] to [n, c]."""
        return condition * self.factor + self.offset
