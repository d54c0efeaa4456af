"""Layers are named by their weights, counted over the steps of a sampler, and left alone where 8 bits cannot pay."""

import onnx
import pytest
from edgeward.compression.quantisation.layers import NothingToQuantiseError, find_layers, worth_quantising
from edgeward.runtime.errors import GateError
from onnx import helper

from ..quantised import drawn, graph_of, unrolled_sampler


def test_an_unrolled_layer_is_one_with_a_node_in_each_step() -> None:
    found = {layer.weight: layer for layer in find_layers(onnx.load_model_from_string(unrolled_sampler(steps=3)))}
    assert found["middle"].nodes == ("middle_0", "middle_1", "middle_2")
    assert found["middle"].multiply_adds == 3 * 16 * 16 * 3 * 8


def test_the_embedding_of_the_time_is_no_layer_to_quantise() -> None:
    found = {layer.weight for layer in find_layers(onnx.load_model_from_string(unrolled_sampler(steps=2)))}
    assert found == {"shift", "first", "middle", "last"}, "time_weight meets neither noise nor condition"


def test_the_last_convolution_and_small_layers_stay_in_float() -> None:
    layers = find_layers(onnx.load_model_from_string(unrolled_sampler(steps=2)))
    assert [layer.weight for layer in worth_quantising(layers)] == ["first", "middle"]


def test_a_layer_that_computes_next_to_nothing_is_left_alone() -> None:
    wide = graph_of(
        helper.make_node("MatMul", ["noise", "little"], ["a"], "little"),
        helper.make_node("MatMul", ["a", "much"], ["b"], "much"),
        helper.make_node("MatMul", ["b", "more"], ["sample"], "more"),
        noise=(2,),
        little=drawn(2, 2048),
        much=drawn(2048, 512),
        more=drawn(512, 512),
    )
    layers = find_layers(onnx.load_model_from_string(wide))
    assert [layer.weight for layer in layers] == ["little", "much", "more"]
    assert [layer.weight for layer in worth_quantising(layers)] == ["much", "more"], "4,096 of 1,314,816"


@pytest.mark.parametrize(
    "graph",
    [
        graph_of(helper.make_node("Mul", ["noise", "w"], ["sample"], "mul"), w=drawn(8)),
        graph_of(helper.make_node("Conv", ["noise", "w"], ["sample"], "last"), w=drawn(2, 6, 3)),
        graph_of(helper.make_node("MatMul", ["noise", "w"], ["sample"], "small"), w=drawn(8, 8)),
        graph_of(helper.make_node("ConvTranspose", ["noise", "w"], ["sample"], "up"), w=drawn(6, 64, 4)),
    ],
    ids=["no layer", "only a last convolution", "only a small product", "transposed convolutions only"],
)
def test_a_graph_with_nothing_to_quantise_is_told_as_such(graph: bytes) -> None:
    with pytest.raises(NothingToQuantiseError, match="nothing in the graph can be quantised"):
        worth_quantising(find_layers(onnx.load_model_from_string(graph)))
    assert issubclass(NothingToQuantiseError, GateError)
