"""Networks the families are built from, of operations that export and quantise well, by the shape of the data."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .conv import ConvDecoder, ConvEncoder
from .critic import FEATURES, Critic
from .denoiser import Denoiser, denoiser_for
from .mlp import MlpDecoder, MlpEncoder
from .norm import Norm

__all__ = ["Critic", "Denoiser", "Norm", "critic_for", "decoder_for", "denoiser_for", "encoder_for"]


def decoder_for(inputs: int, shape: tuple[int, ...], widths: Sequence[int], norm: Norm = "batch") -> nn.Module:
    """A network from vectors [n, inputs] to samples [n, *shape]: convolutions along axes, or none for a table's row.

    Args:
        inputs: Size of the vectors.
        shape: (features, *axes) of model space.
        widths: Of the layers, from the vector on.
        norm: What normalises them.

    Raises:
        ValueError: An axis cannot be halved as often as there are stages.
    """
    if len(shape) == 1:
        return MlpDecoder(inputs, shape[0], widths, norm)
    return ConvDecoder(inputs, shape, widths, norm)


def encoder_for(
    shape: tuple[int, ...], condition_size: int, outputs: int, widths: Sequence[int], norm: Norm = "batch"
) -> nn.Module:
    """A network from samples [n, *shape] and conditions [n, c] to vectors [n, outputs]; widths as the decoder's.

    Raises:
        ValueError: An axis cannot be halved as often as there are stages.
    """
    if len(shape) == 1:
        return MlpEncoder(shape[0], condition_size, outputs, widths, norm)
    return ConvEncoder(shape, condition_size, outputs, widths, norm)


def critic_for(shape: tuple[int, ...], condition_size: int, widths: Sequence[int]) -> Critic:
    """An untrained critic of samples [n, *shape] and conditions [n, c]; widths as the decoder's.

    Raises:
        ValueError: An axis cannot be halved as often as there are stages.
    """
    return Critic(encoder_for(shape, 0, FEATURES, widths, "none"), condition_size)
