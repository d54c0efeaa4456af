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

import torch
from torch import Tensor, nn

from ...runtime.errors import TrainingError
from ...runtime.schema import Schema
from ..codecs import codec_for
from ..draws import Draws
from ..networks import Norm, decoder_for, encoder_for
from ..networks.condition import ConditionScaling
from ..networks.flow import ConditionalFlow
from .family import Family, Generative
from .observation import Observation, Spread

_LOG_VARIANCE_RANGE = (-12.0, 4.0)


class VaeGenerator(Generative):
    """Prior, decoder and likelihood: a sample of p(sample | latent, condition), or its mean."""

    def __init__(
        self,
        scaling: ConditionScaling,
        prior: ConditionalFlow,
        decoder: nn.Module,
        observation: Observation,
        model: Vae,
    ) -> None:
        super().__init__()
        self.scaling, self.prior, self.decoder, self.observation = scaling, prior, decoder, observation
        self.codec = model.codec
        self._latent_size = model.noise_size
        self.noise_shape = (model.noise_size + observation.noise_size,)
        self.condition_size = model.condition_size

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, noise] and [n, c] to samples in model space [n, *codec.shape]."""
        scaled = self.scaling(condition)
        if not self.observation.drawn:
            return self._decoded(noise, scaled)
        decoded = self._decoded(noise[:, : self._latent_size], scaled)
        return self.observation.draw(decoded, noise[:, self._latent_size :])

    def _decoded(self, noise: Tensor, scaled: Tensor) -> Tensor:
        latents = self.prior(noise, scaled)
        decoded: Tensor = self.decoder(torch.cat([latents, scaled], dim=1))
        return decoded


class Vae(Family):
    """Conditional sigma-VAE for signals, images and tables.

    Args:
        schema: The data's schema.
        noise_size: Size of the latent vector.
        widths: Channels of encoder and decoder, coarsest first; of a table's rows the widths of their layers.
        prior_couplings: Couplings of the prior's flow.
        prior_hidden: Width of their networks.
        norm: What normalises encoder and decoder.
        spread: Where the decoder's variance comes from.
    """

    def __init__(
        self,
        schema: Schema,
        noise_size: int,
        widths: Sequence[int],
        prior_couplings: int,
        prior_hidden: int,
        norm: Norm = "batch",
        spread: Spread = "batch",
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
        condition_size = schema.condition_size
        self.noise_size, self.condition_size = noise_size, condition_size
        self.codec = codec_for(schema)
        self.scaling = ConditionScaling(schema)
        self.observation = Observation(self.codec, spread)
        self.encoder = encoder_for(self.codec.shape, condition_size, 2 * noise_size, widths, norm)
        self.prior = ConditionalFlow(noise_size, condition_size, prior_hidden, prior_couplings)
        self.decoder = decoder_for(noise_size + condition_size, self.codec.shape, widths, norm)

    def losses(self, player: str, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:  # noqa: ARG002 - one player
        """The negative evidence lower bound per number of a sample, as its two terms."""
        x, decoded, divergence = self._bound(samples, condition, draws)
        known = self.codec.known(x)
        reconstruction = (
            self.observation.record_losses(x, decoded, known).mean()
            if self.observation.learnt
            else self.observation.loss(x, decoded, known)
        )
        return {"reconstruction": reconstruction, "divergence": divergence.mean() / x[0].numel()}

    def why_not_private(self) -> str | None:
        """The variance of a batch mixes its records."""
        if self.observation.learnt:
            return None
        return 'its decoder\'s variance is that of the whole batch; set spread = "learnt" in [vae]'

    def record_losses(self, samples: Tensor, condition: Tensor, draws: Draws) -> Tensor:
        """Each record's negative bound per number of a sample [n], where the spread is learnt."""
        x, decoded, divergence = self._bound(samples, condition, draws)
        return self.observation.record_losses(x, decoded, self.codec.known(x)) + divergence / x[0].numel()

    def _bound(self, samples: Tensor, condition: Tensor, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
        """Samples in model space, what the decoder says of them, and the divergence [n] of posterior and prior."""
        x, condition = self.codec.encode(samples), self.scaling(condition)
        mean, log_variance = self.encoder(x, condition).chunk(2, dim=1)
        # An untrained encoder can ask for a variance that blows the decoder's batch statistics up for good.
        log_variance = log_variance.clamp(*_LOG_VARIANCE_RANGE)
        epsilon = draws.normal(*mean.shape)
        z = mean + torch.exp(0.5 * log_variance) * epsilon
        decoded = self.decoder(torch.cat([z, condition], dim=1))
        # The flow's density has no closed divergence; one sample a record estimates it without bias.
        log_posterior = -0.5 * (epsilon.square() + log_variance + math.log(2.0 * math.pi)).sum(dim=1)
        return x, decoded, log_posterior - self.prior.log_density(z, condition)

    def generator(self) -> VaeGenerator:
        """Prior, decoder and likelihood as they ship; they share their weights with the model."""
        return VaeGenerator(self.scaling, self.prior, self.decoder, self.observation, self)


def build_vae(schema: Schema, options: Mapping[str, Any]) -> Vae:
    """Build an untrained VAE from a recipe's `[vae]` table, whose keys are the arguments of `Vae`.

    Raises:
        TrainingError: An option is missing, unknown, or does not suit the data.
    """
    try:
        return Vae(schema, **options)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[vae] does not suit {schema.name!r}: {error}") from error
