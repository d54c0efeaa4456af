"""A compression that takes no time: its graphs are the tiny bundle's, spoilt the more the more was cut."""

from collections.abc import Callable

import numpy as np
import onnx
from edgeward.compression import Compressed, CompressionRecipe, StepRecord
from edgeward.compression.cost import Cost
from edgeward.runtime.errors import GateError
from onnx import numpy_helper

Calls = list[CompressionRecipe]


class MadeUp:
    """Stands in for `compress`: sizes and times go with what is cut, distances shrink with what is learnt.

    Args:
        compressed: Of the tiny teacher, whose graphs are spoilt.
        refuse: Raised for candidates whose name holds this.
    """

    def __init__(self, compressed: Compressed, refuse: str = "no such name") -> None:
        self._compressed, self._refuse = compressed, refuse
        self.recipes: Calls = []
        self.before: Callable[[int], None] = lambda _: None
        """Called with the number of the call before it does anything."""

    def __call__(self, _teacher: object, recipe: CompressionRecipe, _work: object, **_: object) -> Compressed:
        self.before(len(self.recipes))
        self.recipes.append(recipe)
        if self._refuse in recipe.name:
            raise GateError("the pruner refuses")
        left, learnt, records = 1.0, 0, []
        for step in recipe.steps:
            left *= 1 - step.options.get("ratio", 0.0)
            learnt += step.options.get("steps", 0)
        spoilt = (1 - left) * 2 * (1 + 300 / (learnt + 300))
        graphs = {"fp32": spoil(self._compressed.graphs["fp32"], spoilt)}
        if any(step.do == "quantise" for step in recipe.steps):
            graphs["int8"] = spoil(self._compressed.graphs["int8"], spoilt + 0.01)
        for step in recipe.steps:
            variant = {"export": "fp32", "quantise": "int8"}.get(step.do)
            size = 100_000 * left * (0.25 if variant == "int8" else 1)
            cost = Cost(int(1000 * left), int(10**6 * left), int(size), 10 * left * (0.6 if variant == "int8" else 1))
            records.append(
                StepRecord(
                    do=step.do,
                    options=dict(step.options),
                    cost=cost,
                    error=spoilt,
                    from_teacher=spoilt,
                    seconds=0.01,
                    variant=variant,
                    seed=1,
                    before={},
                    after={},
                    machine={},
                )
            )
        digest = self._compressed.teacher_digest
        return Compressed(self._compressed.teacher_cost, graphs, tuple(records), spoilt, digest)


def spoil(graph: bytes, share: float) -> bytes:
    """The graph with the weights of its last convolution disturbed by so many times their own spread."""
    model = onnx.load_model_from_string(graph)
    name = [node.input[1] for node in model.graph.node if node.op_type == "Conv"][-1]
    (tensor,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
    weights = numpy_helper.to_array(tensor)
    noise = np.random.default_rng(1).standard_normal(weights.shape).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array((weights + share * weights.std() * noise).astype(np.float32), name))
    return bytes(model.SerializeToString())
