"""Generators under judgement, as PyTorch modules or as shipped: their samples, and what an attacker reads of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from .benchmarks.quality import Loss, Records, Task
from .benchmarks.quality.fidelity.features import fit_embedder
from .benchmarks.quality.privacy.inversion import inversion_loss
from .benchmarks.quality.privacy.onnx_torch import TorchGraph
from .benchmarks.quality.privacy.sampling import Sample, sampling_loss
from .benchmarks.quality.view import values_as_judged
from .runtime.backends import Options, backend_named
from .runtime.bundle import Bundle
from .runtime.manifest import Variant
from .runtime.noise import NoiseStream
from .runtime.schema import Schema, SignalSchema, TableSchema
from .training.checkpoint import Checkpoint
from .training.datasets.conditions import vectors_for
from .training.families import Generative
from .training.families.own_loss import mean_record_losses
from .training.families.sampling import in_batches, samples_for

_STEPS_A_DESCENT = 25
_SAMPLES_A_DESCENT = 100
_DRAWS_A_DESCENT = 32


@dataclass(frozen=True)
class Maker:
    """A generator with the seed of its noise."""

    schema: Schema
    noise_shape: tuple[int, ...]
    graph: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None
    """(noise, condition) to samples, through which gradients flow; None where numbers are rounded and values chosen."""
    sample: Sample
    """In the view of the judge."""


def maker_of_module(model: Generative, schema: Schema, seed: int) -> Maker:
    """A model in PyTorch."""

    def sample(condition: npt.NDArray[np.float32], first: int) -> npt.NDArray[np.float32]:
        return values_as_judged(samples_for(model, condition, seed=seed, first=first), schema)

    return Maker(schema, model.noise_shape, None if _discrete(schema) else model, sample)


def maker_of_variant(bundle: Bundle, variant: Variant, seed: int) -> Maker:
    """A variant of a bundle: sampled on onnxruntime, attacked through the same graph read into PyTorch."""
    return maker_of_graph(bundle.read(variant.file), bundle.manifest.data, bundle.manifest.noise_shape, seed)


def maker_of_graph(content: bytes, schema: Schema, noise_shape: tuple[int, ...], seed: int) -> Maker:
    """An ONNX graph of the contract, likewise."""
    noise = NoiseStream(seed, noise_shape)
    session = backend_named("onnxruntime").open(content, Options())

    def sample(condition: npt.NDArray[np.float32], first: int) -> npt.NDArray[np.float32]:
        samples = in_batches(lambda drawn, asked: session.run((drawn, asked))[0], noise, condition, first)
        return values_as_judged(samples, schema)

    return Maker(schema, noise_shape, None if _discrete(schema) else TorchGraph(content), sample)


def _discrete(schema: Schema) -> bool:
    """Whether a sample is rounded and chosen, so that no gradient flows through it."""
    return isinstance(schema, TableSchema) or schema.has_gaps


def loss_of(maker: Maker, task: Task, schema: Schema, descents: int) -> Loss:
    """How badly the weights can reproduce a record under its own conditions.

    By descent over the noise where a gradient flows through samples; by many samples where numbers are rounded and
    categories chosen: of tables, and of signals with gaps.

    Args:
        maker: The generator.
        task: The real data.
        schema: Of the data, whose records' conditions are in its terms.
        descents: How hard to try.
    """
    embedder = None if maker.graph else fit_embedder(task, steps=0)
    scale = task.train.values.std(axis=(0, *range(2, task.train.values.ndim)), keepdims=True)[0]

    def loss(records: Records) -> npt.NDArray[np.float64]:
        condition = vectors_for(maker.schema, schema, records.columns, len(records))
        if not maker.graph:
            assert embedder  # noqa: S101 - fitted above for such makers
            samples = descents * _SAMPLES_A_DESCENT
            return sampling_loss(maker.sample, condition, embedder(records.values), embedder, samples=samples)
        return inversion_loss(
            maker.graph,
            maker.noise_shape,
            condition,
            records.values,
            scale=scale,
            restarts=descents,
            steps=descents * _STEPS_A_DESCENT,
            seed=0,
        )

    return loss


def own_loss(model: Checkpoint, schema: Schema, descents: int) -> Loss | None:
    """A diffusion model's own loss of a record, averaged over draws (Carlini et al., USENIX Security 2023).

    It tells more of who trained a model than its samples do, and costs less; but only the model as trained has it.

    Args:
        model: As trained.
        schema: Of the data, whose records' conditions are in its terms.
        descents: How hard to try.

    Returns:
        None of a family that has no such loss, and of records that are judged by summaries of them.
    """
    family = model.family()
    if not family.explains_records or (isinstance(schema, SignalSchema) and schema.has_gaps):
        return None

    def loss(records: Records) -> npt.NDArray[np.float64]:
        condition = vectors_for(model.schema, schema, records.columns, len(records))
        return mean_record_losses(family, records.values, condition, draws=descents * _DRAWS_A_DESCENT)

    return loss
