"""Conditional generative adversarial network with a regularised relativistic loss.

Huang et al., NeurIPS 2024 (R3GAN: the loss and both penalties together converge, and need no other tricks);
Jolicoeur-Martineau, ICLR 2019 (relativistic pairing: a real sample's score counts against a generated one's, so that no
mode can be dropped unpunished); Mescheder, Geiger & Nowozin, ICML 2018 (zero-centred gradient penalties).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...runtime.errors import TrainingError
from ...runtime.schema import Schema
from ..codecs import codec_for
from ..draws import Draws
from ..networks import Norm, critic_for, decoder_for
from ..networks.condition import ConditionScaling
from ..networks.critic import he_start
from ..recipe import is_number
from .family import Family, Generative
from .relaxed_choices import chosen, relaxed


class GanGenerator(Generative):
    """The generating network: noise [n, noise_size] to samples in one pass.

    Args:
        model: Its networks are shared.
    """

    def __init__(self, model: Gan) -> None:
        super().__init__()
        self.codec, self.scaling, self.decoder = model.codec, model.scaling, model.decoder
        self.noise_shape, self.condition_size = (model.noise_size,), model.condition_size

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, noise_size] and [n, c] to samples in model space [n, *codec.shape]."""
        return relaxed(self.codec, self.decoder(torch.cat([noise, self.scaling(condition)], dim=1)))


class Gan(Family):
    """A generator and its critic, for signals, images, tables and series with gaps.

    Args:
        schema: The data's schema.
        noise_size: Of the generator's noise.
        widths: Channels of the generator, coarsest first; of a table's rows the widths of its layers.
        critic_widths: The same of the critic.
        penalty: Weight of the squared slope of the critic's score, at real and at generated samples.
        norm: What normalises the generator; the critic has none.
    """

    # A player that went on in the direction of earlier steps would circle about the other.
    momentum: ClassVar[bool] = False

    def __init__(
        self,
        schema: Schema,
        noise_size: int,
        widths: Sequence[int],
        critic_widths: Sequence[int],
        penalty: float,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        for name, value in (
            ("noise_size", noise_size),
            ("the number of widths", len(widths)),
            *(("each of the widths", width) for width in widths),
            ("the number of critic_widths", len(critic_widths)),
            *(("each of the critic_widths", width) for width in critic_widths),
        ):
            if not is_number(int, value) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")
        if not is_number(float, penalty) or not 0.0 <= penalty < math.inf:
            raise ValueError(f"penalty must be 0 or more, not {penalty!r}")
        self.noise_size, self.condition_size = noise_size, schema.condition_size
        self.codec = codec_for(schema)
        self.scaling = ConditionScaling(schema)
        self.decoder = decoder_for(noise_size + self.condition_size, self.codec.shape, widths, norm)
        if norm == "none":
            he_start(self.decoder)
        self.critic = critic_for(self.codec.shape, self.condition_size, critic_widths)
        self._penalty = penalty

    def players(self) -> dict[str, nn.Module]:
        """The critic learns first, then the generator learns from what the critic has become."""
        return {"critic": self.critic, "generator": self.decoder}

    def losses(self, player: str, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:
        """Of the critic its relativistic loss and the penalties at real and generated samples; of the generator its."""
        real, generator = self.codec.encode(samples), self.generator()
        noise = draws.normal(len(real), self.noise_size)
        if player == "critic":
            with torch.no_grad():
                fake = chosen(self.codec, generator.encoded(noise, condition))
            return self._critic_losses(real, fake, self.scaling(condition))
        fake = chosen(self.codec, generator.encoded(noise, condition))
        return {"generator": self._generator_loss(real, fake, self.scaling(condition))}

    def generator(self) -> GanGenerator:
        """The generating network as it ships; shares its weights with the model."""
        return GanGenerator(self)

    def _critic_losses(self, real: Tensor, fake: Tensor, condition: Tensor) -> dict[str, Tensor]:
        """Generated samples [n, *codec.shape] count against real ones that were asked for by the same condition."""
        with _full_precision(real.device):
            x = torch.cat([real.float(), fake.float()]).requires_grad_()
            scores = self.critic(x, condition.repeat(2, 1))
            # A record's score depends on this record alone, so the slope of their sum holds the slopes of all.
            (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
            at_real, at_fake = (0.5 * self._penalty * slope.square().flatten(1).sum(dim=1)).chunk(2)
            of_real, of_fake = scores.chunk(2)
            loss = F.softplus(of_fake - of_real).mean()
            return {"critic": loss, "penalty_real": at_real.mean(), "penalty_generated": at_fake.mean()}

    def _generator_loss(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        with _full_precision(real.device), _held(self.critic):
            with torch.no_grad():
                of_real = self.critic(real.float(), condition)
            return F.softplus(of_real - self.critic(fake.float(), condition)).mean()


def _full_precision(device: torch.device) -> torch.autocast:
    """Context for the critic: its slopes, and small differences of its scores, are lost in bfloat16."""
    return torch.autocast(device.type, enabled=False)


@contextlib.contextmanager
def _held(network: nn.Module) -> Iterator[None]:
    """Within it, gradients flow through the network but not into it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def build_gan(schema: Schema, options: Mapping[str, Any]) -> Gan:
    """Build an untrained model from a recipe's `[gan]` table, whose keys are the arguments of `Gan`.

    Raises:
        TrainingError: An option is missing, unknown, or does not suit the data.
    """
    try:
        return Gan(schema, **options)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[gan] does not suit {schema.name!r}: {error}") from error
