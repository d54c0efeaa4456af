"""What is exported comes out the same on every engine, where codecs were fitted on columns like real ones.

OpenVINO 2026.4.1 on a CPU gets the following wrong for every n above 1, in float32 and with static shapes too. It joins
the addition (a multiplication likewise) to the sum, and takes the sum's first axis for its second:

    x float32 [n, 3, 4], all ones;  c = [[10, 20, 30]]
    y = Add(ReduceSum(x, axes=[2], keepdims=0), c)
    right, as by onnxruntime: every row [14, 24, 34];  OpenVINO: row 0 [14, 14, 14], row 1 [24, 24, 24], ...

With x of rank 4, or summed along axis 1, it is right. No graph of ours may therefore add to such a sum, or scale it.
"""

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.compression.steps.export import export
from edgeward.runtime.backends import Options, backend_named
from edgeward.runtime.feed import Feed
from edgeward.runtime.schema import CategoryColumn, NumberColumn, TableSchema
from edgeward.training.codecs import TableCodec
from edgeward.training.families import Generative
from torch import Tensor

from ...training.toy_schemas import CONDITIONS

PATIENTS = TableSchema(
    "patients",
    "Columns whose values are far from 0, skewed, heaped, and far from their range's ends.",
    (
        NumberColumn("age", "a", 0.0, 120.0, step=1.0),
        NumberColumn("systolic", "mm[Hg]", 60.0, 260.0),
        CategoryColumn("sex", ("F", "M")),
        NumberColumn("cholesterol", "mg/dL", 50.0, 700.0, may_be_missing=True),
        NumberColumn("st_depression", "mm", 0.0, 10.0, step=0.1),
    ),
    CONDITIONS,
)


def like_real(n: int) -> npt.NDArray[np.float32]:
    """Rows [n, columns] that begin and end well inside the ranges, as measured ones do."""
    rng = np.random.default_rng(3)
    columns = [
        rng.normal(55, 9, n).round().clip(29, 77),
        rng.normal(131, 17, n).round(-1).clip(94, 200),
        rng.integers(2, size=n),
        np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(5.5, 0.2, n).clip(126, 564)),
        np.where(rng.random(n) < 0.4, 0.0, rng.gamma(1.5, 1.0, n).round(1).clip(0, 6)),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


class Decoder(Generative):
    """A table's codec with nothing before it but the conditions' weight, of 0."""

    def __init__(self) -> None:
        super().__init__()
        self.codec = TableCodec(PATIENTS)
        self.codec.fit(like_real(300))
        self.noise_shape, self.condition_size = self.codec.shape, 4

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        return noise + 0.0 * condition[:, :1]


def test_a_fitted_tables_numbers_are_those_of_the_reference_on_openvino() -> None:
    pytest.importorskip("openvino")
    decoder = Decoder()
    graph = export(decoder, PATIENTS)
    for n in (1, 2, 40):
        inputs = Feed(5, decoder.noise_shape, PATIENTS.conditions, {}).take(0, n)
        with backend_named("onnxruntime").open(graph, Options()) as session:
            (wanted,) = session.run((inputs.noise, inputs.condition))
        with backend_named("openvino").open(graph, Options()) as session:
            (rows,) = session.run((inputs.noise, inputs.condition))
        np.testing.assert_allclose(rows, wanted, rtol=1e-4, atol=1e-3)
