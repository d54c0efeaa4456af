"""How far one model's samples are from another's, for the same noise and conditions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..runtime.backends import Options, backend_named
from ..runtime.deviation import deviations
from ..runtime.feed import Feed, GraphInputs
from ..runtime.schema import Schema
from ..training.families import Generative

PROBE_SEED = 20030303
"""Of the noise and conditions on which models are compared; no step is fitted on it."""
PROBE_SAMPLES = 512


def probe_inputs(noise_shape: tuple[int, ...], schema: Schema) -> GraphInputs:
    """The inputs on which models are compared."""
    return Feed(PROBE_SEED, noise_shape, schema.conditions, {}).take(0, PROBE_SAMPLES)


def run_torch(model: Generative, inputs: GraphInputs) -> npt.NDArray[np.float32]:
    """Samples [n, *shape] of a PyTorch generator."""
    with torch.inference_mode():
        samples = model(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition))
    result: npt.NDArray[np.float32] = samples.numpy()
    return result


def run_onnx(model: bytes, inputs: GraphInputs) -> npt.NDArray[np.float32]:
    """Samples [n, *shape] of an ONNX graph, by onnxruntime."""
    with backend_named("onnxruntime").open(model, Options()) as session:
        return session.run((inputs.noise, inputs.condition))[0]


def relative_l2(samples: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]) -> float:
    """Median over the samples of |sample - reference| / |reference|, paired.

    Channels and columns count in their own spread, so that one with large numbers does not hide the others. An entry
    that is missing on one side only is a difference of one spread; where the reference misses none, none may be, and
    the distance is NaN.

    Args:
        samples: [n, *shape].
        reference: [n, *shape], made from the same noise and conditions.
    """
    axes = (0, *range(2, reference.ndim))
    truth = reference.astype(np.float64)
    scale = np.nanstd(truth, axis=axes, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    # A column's level is no part of it: a row is judged on what makes it differ from others.
    level = np.nanmean(truth, axis=axes, keepdims=True) if reference.ndim == 2 else 0.0
    apart = deviations(samples, reference, scale).reshape(len(samples), -1)
    norm = np.nan_to_num((truth - level) / scale).reshape(len(samples), -1)
    return float(np.median(np.linalg.norm(apart, axis=1) / np.linalg.norm(norm, axis=1)))
