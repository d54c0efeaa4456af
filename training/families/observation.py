"""How what a decoder says becomes a sample: the likelihood of a VAE, in model space.

Numbers are normal about the decoder's output; a choice has the decoder's outputs as its logits. Signals and images ship
the mean, as is usual: noise of every pixel is not what they are wanted for. Rows and series of observations are drawn,
numbers with their spread and choices by their probabilities (Gumbel-max, Gumbel 1954): their means would lack most of
what makes patients differ. Whatever is drawn comes from the noise input.

The numbers' variance is found in the batch at hand; or it is a parameter, learnt like the others, where every record
must be treated alone, as in private training.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..codecs import Codec
from ..processes import mean_over_all

_SPREAD_MOMENTUM = 0.05
_SMALLEST = 1e-6
_LOG_2_PI = math.log(2.0 * math.pi)
_LOG_SPREAD_RANGE = (-5.0, 2.0)
_FIRST_LOG_SPREAD = -1.5
"""A spread of 0.22. Begun at 1, the wide spread of a decoder that says nothing, latents were not worth their divergence
and stayed unused: on Diabetes-130 columns were drawn as if independent."""

Spread = Literal["batch", "learnt"]
"""`batch`: the variance that is best for the batch. `learnt`: a parameter, so that no record's loss knows another."""


class Observation(nn.Module):
    """The likelihood of one codec's samples.

    Args:
        codec: Says which features are numbers and which are choices.
        spread: Where the numbers' standard deviation about the decoder's output comes from.

    Raises:
        ValueError: The kind of spread is not known.
    """

    spread: Tensor
    """Standard deviation of each number feature about the decoder's output, as training goes; where not learnt."""

    def __init__(self, codec: Codec, spread: Spread = "batch") -> None:
        super().__init__()
        self._numbers, self._groups = codec.numbers, codec.groups()
        self.drawn = bool(codec.choices)
        """Whether a sample is drawn rather than the mean taken: where there are choices."""
        self.noise_size = math.prod(codec.shape) if self.drawn else 0
        """Numbers of noise that drawing one sample takes."""
        if spread not in ("batch", "learnt"):
            raise ValueError(f"spread must be batch or learnt, not {spread!r}")
        self.learnt = spread == "learnt"
        if self.learnt:
            self.log_spread = nn.Parameter(torch.full((codec.numbers if self.drawn else 1,), _FIRST_LOG_SPREAD))
        else:
            self.register_buffer("spread", torch.ones(codec.numbers))

    def loss(self, encoded: Tensor, decoded: Tensor, known: Tensor) -> Tensor:
        """Mean negative log-likelihood per feature of a batch [n, *codec.shape].

        The variances are at their optimum, the mean squared errors (Rybkin et al., ICML 2021): one for all numbers of a
        signal or image, one for each number feature where samples are drawn.

        Args:
            encoded: The samples.
            decoded: What the decoder says of them.
            known: [n, numbers, *axes], 1 where a number of a sample is known, else 0.
        """
        errors = (encoded - decoded)[:, : self._numbers].square()
        if not self.drawn:
            return 0.5 * (torch.log(mean_over_all(errors.mean()) + _SMALLEST**2) + 1.0 + _LOG_2_PI)
        axes = [0, *range(2, encoded.ndim)]
        n_known = mean_over_all(known.sum(axes)).clamp(min=1.0)
        variances = mean_over_all((errors * known).sum(axes)) / n_known + _SMALLEST
        if self.training:
            with torch.no_grad():
                self.spread.lerp_(variances.sqrt(), _SPREAD_MOMENTUM)
        of_numbers = 0.5 * (torch.log(variances) + 1.0 + _LOG_2_PI).sum()
        of_choices = encoded.new_zeros(())
        for group in self._groups:
            of_choices = of_choices + F.cross_entropy(decoded[:, group], encoded[:, group].argmax(dim=1))
        return (of_numbers + of_choices) / encoded.shape[1]

    def record_losses(self, encoded: Tensor, decoded: Tensor, known: Tensor) -> Tensor:
        """Each record's mean negative log-likelihood per feature [n], where the spread is learnt.

        Arguments are as of `loss`; what is not known has no likelihood.
        """
        log_spread = self._spread(self.log_spread.clamp(*_LOG_SPREAD_RANGE), encoded.ndim)
        errors = (encoded - decoded)[:, : self._numbers] * torch.exp(-log_spread)
        likelihoods = (0.5 * (errors.square() + _LOG_2_PI) + log_spread) * known
        of_features = [likelihoods.reshape(*likelihoods.shape[:2], -1).mean(dim=2).sum(dim=1)]
        for group in self._groups:
            found = F.cross_entropy(decoded[:, group], encoded[:, group].argmax(dim=1), reduction="none")
            of_features.append(found.reshape(len(found), -1).mean(dim=1))
        return torch.stack(of_features).sum(dim=0) / encoded.shape[1]

    def draw(self, decoded: Tensor, noise: Tensor) -> Tensor:
        """A sample [n, *codec.shape] from what the decoder says [n, *codec.shape] and noise [n, noise_size]."""
        if not self.drawn:
            return decoded
        noise = noise.reshape(decoded.shape)
        found = self.log_spread.clamp(*_LOG_SPREAD_RANGE).exp() if self.learnt else self.spread
        spread = self._spread(found, decoded.ndim)
        numbers = decoded[:, : self._numbers] + spread * noise[:, : self._numbers]
        uniform = (0.5 + 0.5 * torch.erf(noise[:, self._numbers :] / math.sqrt(2.0))).clamp(_SMALLEST, 1.0 - _SMALLEST)
        gumbel = -torch.log(-torch.log(uniform))
        return torch.cat([numbers, decoded[:, self._numbers :] + gumbel], dim=1)

    @staticmethod
    def _spread(of_features: Tensor, ndim: int) -> Tensor:
        """One number a feature, along all axes of samples [n, features, *axes]."""
        return of_features.view(-1, *(1,) * (ndim - 2))
