"""Conditional variational autoencoder with a calibrated decoder.

Kingma & Welling, ICLR 2014 (the model and its bound); Sohn, Lee & Yan, NeurIPS 2015 (conditioning);
Rybkin, Daniilidis & Levine, ICML 2021 ("sigma-VAE": the decoder's variance is set to its optimum, which
balances the two terms of the bound without a weight to tune).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.errors import TrainingError
from ...runtime.schema import SignalSchema
from ..networks.conv1d import SignalDecoder, SignalEncoder
from .family import Family, Generative, Normalisation


class VaeGenerator(Generative):
    """The decoder: the mean of p(sample | noise, condition), in physical units."""

    def __init__(self, decoder: SignalDecoder, normalisation: Normalisation, noise: int, condition: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.normalisation = normalisation
        self.noise_shape = (noise,)
        self.condition_size = condition

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, noise] and [n, c] to samples [n, channels, length]."""
        decoded = self.decoder(torch.cat([noise, condition], dim=1))
        return self.normalisation.to_physical(decoded)


class Vae(Family):
    """Conditional sigma-VAE for fixed-length signals.

    Args:
        schema: The data's schema.
        noise_size: Size of the latent vector.
        widths: Channels of encoder and decoder, coarsest first.
    """

    def __init__(self, schema: SignalSchema, noise_size: int, widths: Sequence[int]) -> None:
        super().__init__()
        channels, length = schema.shape
        self._noise_size, self._condition_size = noise_size, schema.condition_size
        self.normalisation = Normalisation(schema)
        self.encoder = SignalEncoder(channels, length, schema.condition_size, 2 * noise_size, widths)
        self.decoder = SignalDecoder(noise_size + schema.condition_size, channels, length, widths)

    def fit_normalisation(self, samples: npt.NDArray[np.float32]) -> None:
        """Take location and scale of the channels from the training samples [n, channels, length]."""
        self.normalisation.fit(samples)

    def losses(self, samples: Tensor, condition: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The negative evidence lower bound per number of a sample, as its two terms."""
        x = self.normalisation.normalise(samples)
        mean, log_variance = self.encoder(x, condition).chunk(2, dim=1)
        epsilon = torch.randn(mean.shape, generator=rng)
        z = mean + torch.exp(0.5 * log_variance) * epsilon
        error = x - self.decoder(torch.cat([z, condition], dim=1))
        numbers = x[0].numel()
        # With sigma^2 at its optimum, the mean squared error, -log p(x|z) is log sigma plus constants.
        sigma_squared = error.square().mean()
        reconstruction = 0.5 * (torch.log(sigma_squared) + 1.0 + math.log(2.0 * math.pi))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1).mean()
        return {"reconstruction": reconstruction, "divergence": divergence / numbers}

    def generator(self) -> VaeGenerator:
        """The decoder as it ships; shares its weights with the model."""
        return VaeGenerator(self.decoder, self.normalisation, self._noise_size, self._condition_size)


def build_vae(schema: SignalSchema, options: Mapping[str, Any]) -> Vae:
    """Build an untrained VAE from a recipe's `[vae]` table: `noise_size`, `widths`.

    Raises:
        TrainingError: An option is missing, unknown, or does not suit the data.
    """
    try:
        return Vae(schema, **options)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[vae] does not suit {schema.name!r}: {error}") from error
