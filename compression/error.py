"""How far one model's samples are from another's, for the same noise and conditions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..runtime.backends import Options, backend_named
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
    """Samples [n, channels, length] of a PyTorch generator."""
    with torch.inference_mode():
        samples = model(torch.from_numpy(inputs.noise), torch.from_numpy(inputs.condition))
    result: npt.NDArray[np.float32] = samples.numpy()
    return result


def run_onnx(model: bytes, inputs: GraphInputs) -> npt.NDArray[np.float32]:
    """Samples [n, channels, length] of an ONNX graph, by onnxruntime."""
    with backend_named("onnxruntime").open(model, Options()) as session:
        return session.run((inputs.noise, inputs.condition))[0]


def relative_l2(samples: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]) -> float:
    """Median over the samples of |sample - reference| / |reference|, paired.

    Channels count in their own spread, so that one with large numbers does not hide the others.

    Args:
        samples: [n, channels, length].
        reference: [n, channels, length], made from the same noise and conditions.
    """
    scale = reference.std(axis=(0, 2), keepdims=True, dtype=np.float64)
    difference = ((samples - reference) / scale).reshape(len(samples), -1)
    norm = (reference / scale).reshape(len(samples), -1)
    return float(np.median(np.linalg.norm(difference, axis=1) / np.linalg.norm(norm, axis=1)))
