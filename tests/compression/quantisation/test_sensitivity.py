"""As many layers as the budget allows are quantised, those first that cost little for what they hold."""

import math
from collections.abc import Callable, Sequence

import pytest
from edgeward.compression.quantisation.layers import Layer, NothingToQuantiseError
from edgeward.compression.quantisation.sensitivity import choose_layers
from hypothesis import given
from hypothesis import strategies as st


def layer(name: str, multiply_adds: int = 100) -> Layer:
    return Layer(name, "Conv", (name,), 9, multiply_adds)


def together(alone: dict[Layer, float]) -> Callable[[Sequence[Layer]], float]:
    """Errors that add up as independent ones do."""
    return lambda chosen: math.sqrt(sum(alone[one] ** 2 for one in chosen))


def test_all_are_quantised_where_the_budget_allows() -> None:
    alone = {layer("a"): 0.003, layer("b"): 0.004}
    choice = choose_layers(list(alone), alone, together(alone), 0.005)
    assert [row.quantised for row in choice] == [True, True]
    assert [(row.layer.weight, row.error_alone) for row in choice] == [("a", 0.003), ("b", 0.004)]


def test_the_layer_that_costs_most_for_what_it_holds_goes_back_to_float_first() -> None:
    alone = {layer("dear", 10): 0.005, layer("heavy", 1000): 0.008, layer("light", 10): 0.001}
    choice = choose_layers(list(alone), alone, together(alone), 0.009)
    assert {row.layer.weight: row.quantised for row in choice} == {"dear": False, "heavy": True, "light": True}


def test_a_budget_too_small_for_any_layer_is_told_with_what_the_best_costs() -> None:
    alone = {layer("a"): 0.03, layer("b"): 0.02}
    with pytest.raises(NothingToQuantiseError, match=r"error_budget = 0\.01: the most robust alone costs 0\.020"):
        choose_layers(list(alone), alone, together(alone), 0.01)


@given(st.lists(st.tuples(st.floats(1e-5, 0.1), st.integers(1, 10**6)), min_size=1, max_size=12), st.floats(1e-4, 0.2))
def test_the_choice_keeps_the_budget_and_one_more_layer_would_not(
    costs: Sequence[tuple[float, int]], budget: float
) -> None:
    layers = [layer(str(number), macs) for number, (_, macs) in enumerate(costs)]
    alone = {one: error for one, (error, _) in zip(layers, costs, strict=True)}
    error_of = together(alone)
    ranked = sorted(layers, key=lambda one: alone[one] ** 2 / one.multiply_adds)
    try:
        choice = choose_layers(layers, alone, error_of, budget)
    except NothingToQuantiseError:
        assert error_of(ranked[:1]) > budget
        return
    kept = [row.layer for row in choice if row.quantised]
    assert error_of(kept) <= budget
    assert set(kept) == set(ranked[: len(kept)])
    assert len(kept) == len(layers) or error_of(ranked[: len(kept) + 1]) > budget
