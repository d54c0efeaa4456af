"""Conditional variational autoencoder with a learnt prior and a calibrated decoder.

Kingma & Welling, ICLR 2014 (the model and its bound); Sohn, Lee & Yan, NeurIPS 2015 (condition and prior network);
Chen et al., ICLR 2017 (a flow as the prior: without it, samples drawn for a rare class look like the common one);
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
from ..networks.flow import ConditionalFlow
from .family import Family, Generative, Normalisation

_LOG_VARIANCE_RANGE = (-12.0, 4.0)


class VaeGenerator(Generative):
    """Prior and decoder: the mean of p(sample | latent, condition), in physical units."""

    def __init__(
        self, prior: ConditionalFlow, decoder: SignalDecoder, normalisation: Normalisation, noise: int, condition: int
    ) -> None:
        super().__init__()
        self.prior = prior
        self.decoder = decoder
        self.normalisation = normalisation
        self.noise_shape = (noise,)
        self.condition_size = condition

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, noise] and [n, c] to samples [n, channels, length]."""
        latents = self.prior(noise, condition)
        decoded = self.decoder(torch.cat([latents, condition], dim=1))
        return self.normalisation.to_physical(decoded)


class Vae(Family):
    """Conditional sigma-VAE for fixed-length signals.

    Args:
        schema: The data's schema.
        noise_size: Size of the latent vector.
        widths: Channels of encoder and decoder, coarsest first.
        prior_couplings: Couplings of the prior's flow.
        prior_hidden: Width of their networks.
    """

    def __init__(
        self, schema: SignalSchema, noise_size: int, widths: Sequence[int], prior_couplings: int, prior_hidden: int
    ) -> None:
        super().__init__()
        for name, value, fewest in (
            ("noise_size", noise_size, 2),
            ("prior_couplings", prior_couplings, 0),
            ("prior_hidden", prior_hidden, 1),
            ("the number of widths", len(widths), 1),
            *(("each of the widths", width, 1) for width in widths),
        ):
            if not isinstance(value, int) or value < fewest:
                raise ValueError(f"{name} must be a whole number, {fewest} or more, not {value!r}")
        channels, length = schema.shape
        self._noise_size, self._condition_size = noise_size, schema.condition_size
        self.normalisation = Normalisation(schema)
        self.encoder = SignalEncoder(channels, length, schema.condition_size, 2 * noise_size, widths)
        self.prior = ConditionalFlow(noise_size, schema.condition_size, prior_hidden, prior_couplings)
        self.decoder = SignalDecoder(noise_size + schema.condition_size, channels, length, widths)

    def fit_normalisation(self, samples: npt.NDArray[np.float32]) -> None:
        """Take location and scale of the channels from the training samples [n, channels, length]."""
        self.normalisation.fit(samples)

    def losses(self, samples: Tensor, condition: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """The negative evidence lower bound per number of a sample, as its two terms."""
        x = self.normalisation.normalise(samples)
        mean, log_variance = self.encoder(x, condition).chunk(2, dim=1)
        # An untrained encoder can ask for a variance that blows the decoder's batch statistics up for good.
        log_variance = log_variance.clamp(*_LOG_VARIANCE_RANGE)
        epsilon = torch.randn(mean.shape, generator=rng)
        z = mean + torch.exp(0.5 * log_variance) * epsilon
        error = x - self.decoder(torch.cat([z, condition], dim=1))
        numbers = x[0].numel()
        # With sigma^2 at its optimum, the mean squared error, -log p(x|z) is log sigma plus constants.
        sigma_squared = error.square().mean()
        reconstruction = 0.5 * (torch.log(sigma_squared) + 1.0 + math.log(2.0 * math.pi))
        # The flow's density has no closed divergence; one sample a record estimates it without bias.
        log_posterior = -0.5 * (epsilon.square() + log_variance + math.log(2.0 * math.pi)).sum(dim=1)
        divergence = (log_posterior - self.prior.log_density(z, condition)).mean()
        return {"reconstruction": reconstruction, "divergence": divergence / numbers}

    def generator(self) -> VaeGenerator:
        """Prior and decoder as they ship; they share their weights with the model."""
        return VaeGenerator(self.prior, self.decoder, self.normalisation, self._noise_size, self._condition_size)


def build_vae(schema: SignalSchema, options: Mapping[str, Any]) -> Vae:
    """Build an untrained VAE from a recipe's `[vae]` table, whose keys are the arguments of `Vae`.

    Raises:
        TrainingError: An option is missing, unknown, or does not suit the data.
    """
    try:
        return Vae(schema, **options)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[vae] does not suit {schema.name!r}: {error}") from error
