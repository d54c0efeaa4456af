"""Conditional diffusion by flow matching: a network learns the velocity that turns noise into samples.

Lipman et al., ICLR 2023 (flow matching); Liu, Gong & Liu, ICLR 2023 (rectified flow: the straight path);
Esser et al., ICML 2024 (times from a logit-normal distribution: the middle of the path is what is hard);
Ho & Salimans 2022 (classifier-free guidance); Kingma et al., NeurIPS 2021 (times spread evenly over a batch).

Rather than the preconditioned network of Karras et al. 2022: model space has unit variance, and so has noise; what is
on the way between them stays within a half of that, and needs no scaling. The path is straight, so few steps follow it,
and of numbers the network's output is what the solver adds: nothing around it is left to export or to quantise.

Of choices (categories, gaps) the network's output is logits, learnt by cross-entropy; the velocity is that towards the
expected choice (score interpolation: Dieleman et al. 2022; Mueller, Gruber & Fok, ICLR 2025, for tables). A squared
error over ±1 features all but forgets a rare category, and lets samples end between two. Each column, or channel, and
each gap counts as one in the loss, however many categories it has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...runtime.errors import TrainingError
from ...runtime.schema import Schema
from ..codecs import Codec, codec_for
from ..draws import Draws
from ..networks import denoiser_for
from ..networks.condition import ConditionScaling
from ..recipe import is_number
from .family import Family, Generative
from .ode import SAMPLERS, Sampler, Velocity, times_between
from .relaxed_choices import cross_entropies

_LOG_ODDS_SPREAD = 1.5
"""Of the times trained on; wider than the 1 of Esser et al., as it did better on heart beats."""


class DiffusionGenerator(Generative):
    """The network in its solver: noise [n, *codec.shape] goes the way to samples in a fixed number of steps.

    Args:
        model: Its network is shared.
        steps: Of the solver.
        sampler: `heun` or `euler`.
        guidance: Weight of classifier-free guidance; 1: none.
    """

    def __init__(self, model: Diffusion, steps: int, sampler: Sampler, guidance: float) -> None:
        super().__init__()
        self.codec, self.conditioning, self.network = model.codec, model.conditioning, model.network
        self.noise_shape, self.condition_size = model.codec.shape, model.condition_size
        self.steps, self.sampler, self.guidance, self.shift = steps, sampler, guidance, model.shift

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *codec.shape] and [n, c] to samples in model space [n, *codec.shape]."""
        asked = self.conditioning(condition)
        return self.solved(lambda x, t: self.velocity(x, t, asked), noise)

    def solved(self, velocity: Velocity, noise: Tensor) -> Tensor:
        """Where a velocity leads noise [n, *codec.shape] in the solver's steps."""
        return SAMPLERS[self.sampler](velocity, noise, times_between(self.steps, self.shift))

    def velocity(self, x: Tensor, t: Tensor, asked: Tensor) -> Tensor:
        """What the solver follows, guidance included: [n, *codec.shape], times [n] or [1], scaled conditions."""
        conditional = velocity_of(self.codec, self.network(x, t, asked), x, t)
        if self.guidance == 1.0:
            return conditional
        unconditional = velocity_of(self.codec, self.network(x, t, torch.zeros_like(asked)), x, t)
        return unconditional + self.guidance * (conditional - unconditional)


def velocity_of(codec: Codec, raw: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The velocity that a network's output stands for.

    Of a choice it is (x - expected choice) / t, so that a step of Euler's method from t to 0, the solver's last, lands
    on the expected choice itself, however small t is.

    Args:
        codec: Says which features are choices.
        raw: The network's output: velocities of numbers, logits of choices, [n, *codec.shape].
        x: Where on the path, [n, *codec.shape].
        t: [n] or [1], above 0.
    """
    if not codec.choices:
        return raw
    numbers, at = codec.numbers, t.reshape(-1, *(1,) * (x.ndim - 1))
    towards = (x[:, numbers:] - 2.0 * codec.of_choices.probabilities(raw) + 1.0) / at
    return torch.cat([raw[:, :numbers], towards], dim=1)


class Conditioning(nn.Module):
    """Conditions as the network takes them: scaled, and a last number that is 1 where the condition is given.

    Where it is not given all are 0. Without the last number that would be the middle of a quantity's range.
    """

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.scaling = ConditionScaling(schema)
        self.size = schema.condition_size + 1

    def forward(self, condition: Tensor) -> Tensor:
        """[n, c] to [n, c + 1]."""
        return F.pad(self.scaling(condition), (0, 1), value=1.0)


class Diffusion(Family):
    """Flow matching for signals, images and tables.

    Args:
        schema: The data's schema.
        widths: Channels of each level of the U-Net, coarsest first; for tables one width.
        blocks: Residual blocks of each level; for tables of the network.
        embedding: Size of the vector made of time and condition.
        shift: Above 1: more of the times, in training and of the sampler, are near noise, where what a long or large
            sample is as a whole is decided.
        condition_dropout: Share of the records that are learnt from without their condition; guidance needs some.
        guidance: Weight of classifier-free guidance in the generator; 1: none.
        sampler: `heun`, or `euler`: half as many calls of the network a step, but less exact.
        sampler_steps: Of the generator.
    """

    explains_records = True

    def __init__(
        self,
        schema: Schema,
        widths: Sequence[int],
        blocks: int,
        embedding: int,
        shift: float,
        condition_dropout: float,
        guidance: float,
        sampler: Sampler,
        sampler_steps: int,
    ) -> None:
        super().__init__()
        for name, value in (
            ("blocks", blocks),
            ("embedding", embedding),
            ("sampler_steps", sampler_steps),
            ("the number of widths", len(widths)),
            *(("each of the widths", width) for width in widths),
        ):
            if not is_number(int, value) or value < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")
        if not is_number(float, shift) or not 0.0 < shift < math.inf:
            raise ValueError(f"shift must be above 0, not {shift!r}")
        if not is_number(float, condition_dropout) or not 0.0 <= condition_dropout < 1.0:
            raise ValueError(f"condition_dropout must be from 0 to below 1, not {condition_dropout!r}")
        if not is_number(float, guidance) or not 0.0 <= guidance < math.inf:
            raise ValueError(f"guidance must be 0 or more, not {guidance!r}")
        if guidance != 1.0 and not condition_dropout:
            raise ValueError("guidance other than 1 needs a condition_dropout above 0")
        if not isinstance(sampler, str) or sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, not {sampler!r}")
        self.condition_size = schema.condition_size
        self.codec = codec_for(schema)
        self.conditioning = Conditioning(schema)
        self.network = denoiser_for(
            self.codec.shape, self.codec.numbers, self.conditioning.size, widths, blocks, embedding
        )
        self.shift = shift
        self._condition_dropout = condition_dropout
        self._steps, self._sampler, self._guidance = sampler_steps, sampler, guidance

    def losses(self, player: str, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:  # noqa: ARG002 - one player
        """The squared error of numbers' velocity and the cross-entropy of choices, where there are such."""
        return {name: term.mean() for name, term in self._terms(samples, condition, draws).items()}

    def why_not_private(self) -> str | None:
        """Nothing: its networks treat every record alone, and times are drawn for each where `draws` says so."""
        return None

    def record_losses(self, samples: Tensor, condition: Tensor, draws: Draws) -> Tensor:
        """Each record's loss [n]; their mean is the loss of the batch.

        Args:
            samples: [n, *schema.shape] in physical units.
            condition: [n, c].
            draws: The only source of randomness.
        """
        return torch.stack(list(self._terms(samples, condition, draws).values())).sum(dim=0)

    def _terms(self, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:
        """The terms of each record's loss, [n] each; arguments as of `record_losses`."""
        # What is missing is learnt as the 0 the codec gives it: left out, nothing would say what is there on the way.
        x = self.codec.encode(samples)
        asked = self.conditioning(condition)
        noise = draws.normal(*x.shape)
        log_odds = math.log(self.shift) + _LOG_ODDS_SPREAD * torch.special.ndtri(draws.stratified(len(x)))
        t = torch.sigmoid(log_odds)
        given = draws.uniform(len(x), 1) >= self._condition_dropout
        at = t.reshape(-1, *(1,) * (x.ndim - 1))
        raw = self.network((1.0 - at) * x + at * noise, t, asked * given)
        numbers, terms = self.codec.numbers, {}
        if numbers:
            terms["velocity"] = (raw - (noise - x))[:, :numbers].square()
        if self.codec.choices:
            terms["choices"] = cross_entropies(self.codec, raw, x)
        counted = numbers + len(self.codec.choices)
        return {
            name: term.reshape(*term.shape[:2], -1).mean(dim=2).sum(dim=1) / counted for name, term in terms.items()
        }

    def generator(self) -> DiffusionGenerator:
        """The network in its solver, as it ships; they share their weights with the model."""
        return DiffusionGenerator(self, self._steps, self._sampler, self._guidance)


def build_diffusion(schema: Schema, options: Mapping[str, Any]) -> Diffusion:
    """Build an untrained model from a recipe's `[diffusion]` table, whose keys are the arguments of `Diffusion`.

    Raises:
        TrainingError: An option is missing, unknown, or does not suit the data.
    """
    try:
        return Diffusion(schema, **options)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[diffusion] does not suit {schema.name!r}: {error}") from error
