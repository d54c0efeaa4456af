"""The short test of speed: its graphs are what they say, and its figures hang together."""

import numpy as np
import onnx
import pytest
from edgeward.benchmarks.latency.machine_speed import PRODUCT, call_us, copy_speed, product_graph, product_speed
from edgeward.runtime.backends import Options
from edgeward.runtime.backends.onnxruntime import inference_session
from onnx import numpy_helper


@pytest.mark.parametrize("int8", [False, True])
def test_a_graph_written_by_hand_is_onnx_and_multiplies(int8: bool) -> None:
    content = product_graph(int8=int8)
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    right = numpy_helper.to_array(model.graph.initializer[0])
    left = np.random.default_rng(3).integers(0, 9, (PRODUCT, PRODUCT)).astype(np.uint8 if int8 else np.float32)
    (made,) = inference_session(content, Options()).run(None, {"left": left})
    np.testing.assert_array_equal(made, left.astype(np.int64) @ right.astype(np.int64))
    assert (right.min(), right.max(), right.dtype) == (-9, 8, np.int8 if int8 else np.float32)


def test_a_product_takes_as_long_as_its_speed_says() -> None:
    speed = product_speed(int8=False)
    left = np.ones((PRODUCT, PRODUCT), np.float32)
    us = min(call_us(product_graph(int8=False), {"left": left}) for _ in range(3))
    assert speed.best == pytest.approx(2 * PRODUCT**3 / us / 1000, rel=0.5)
    assert 0 < speed.median <= speed.best
    assert f"{PRODUCT} x {PRODUCT}" in speed.method


@pytest.mark.parametrize(
    ("memory", "told"),
    [(None, "numpy copies 64 MiB"), (64 * 2**20, "numpy copies 8 MiB"), (2**40, "numpy copies 64 MiB")],
)
def test_memory_is_copied_that_no_cache_holds_and_little_of_a_small_machine_s(memory: int | None, told: str) -> None:
    speed = copy_speed(1, 2 * 2**20, memory)
    assert speed.method.startswith(told)
    assert "cache" not in speed.method
    assert speed.best >= speed.median > 0.1


def test_a_cache_larger_than_what_is_copied_is_told() -> None:
    assert "of which the last cache may hold a part" in copy_speed(1, 260 * 2**20, 128 * 2**20).method
