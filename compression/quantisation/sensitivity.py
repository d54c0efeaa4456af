"""Which layers to compute in 8 bits: what each costs in fidelity against what it saves, under a budget.

Each layer is quantised alone and its samples compared with the float graph's, same noise and conditions. Where all of
them together cost more than the budget, those go back to float first that cost most for the multiply-adds they hold.
Multiply-adds stand for time in that choice, so that a recipe and a seed give the same graph on every machine; the time
that each layer really saves here is measured beside it, for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .layers import Layer, NothingToQuantiseError

Errors = Callable[[Sequence[Layer]], float]
"""Relative L2 of the samples with these layers in 8 bits, against the float graph's."""


@dataclass(frozen=True)
class Sensitivity:
    """What one layer costs and holds."""

    layer: Layer
    error_alone: float
    """Relative L2 of the samples where only this layer is in 8 bits."""
    quantised: bool
    """Whether it is in 8 bits in the end."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "weight": self.layer.weight,
            "operator": self.layer.operator,
            "nodes": len(self.layer.nodes),
            "weights": self.layer.weights,
            "multiply_adds": self.layer.multiply_adds,
            "error_alone": self.error_alone,
            "quantised": self.quantised,
        }


def choose_layers(
    layers: Sequence[Layer], alone: Mapping[Layer, float], error_of: Errors, budget: float
) -> tuple[Sensitivity, ...]:
    """Quantise as many layers as the budget allows, the cheapest for what they hold first.

    Args:
        layers: Those that may be quantised.
        alone: Relative L2 where only this layer is in 8 bits.
        error_of: Measures a choice.
        budget: Largest relative L2 of all quantised layers together.

    Returns:
        One entry a layer, in their order.

    Raises:
        NothingToQuantiseError: Not even one layer keeps within the budget.
    """
    ranked = sorted(layers, key=lambda layer: alone[layer] ** 2 / max(1, layer.multiply_adds))
    kept = _most_within(ranked, error_of, budget)
    if not kept:
        cheapest = error_of(ranked[:1])
        raise NothingToQuantiseError(
            f"no layer can be quantised within error_budget = {budget:g}: the most robust alone costs {cheapest:.3f}; "
            "raise the budget knowingly, or leave the step out"
        )
    return tuple(Sensitivity(layer, alone[layer], layer in kept) for layer in layers)


def _most_within(ranked: Sequence[Layer], error_of: Errors, budget: float) -> Sequence[Layer]:
    """The longest beginning of the ranking within the budget, by bisection: errors add up, so they grow with it."""
    if error_of(ranked) <= budget:
        return ranked
    within, beyond = 0, len(ranked)
    while beyond - within > 1:
        middle = (within + beyond) // 2
        if error_of(ranked[:middle]) <= budget:
            within = middle
        else:
            beyond = middle
    return ranked[:within]
