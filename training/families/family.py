"""What a generative family must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ..codecs import Codec
from ..draws import Draws


class Generative(nn.Module, ABC):
    """A generator as it ships: (noise, condition) to samples in physical units.

    Everything is inside: condition embedding, de-normalisation, clamping to the ranges.
    """

    noise_shape: tuple[int, ...]
    condition_size: int
    codec: Codec

    @abstractmethod
    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *noise_shape] and [n, c] to samples in model space [n, *codec.shape]: what a student learns from."""

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *noise_shape] and [n, c] to samples [n, *schema.shape] in physical units."""
        return self.codec.decode(self.encoded(noise, condition))


class Family(nn.Module, ABC):
    """A model to train. Its generator is the part that ships; the rest exists for training only."""

    codec: Codec
    """Fitted before training starts."""
    momentum: ClassVar[bool] = True
    """Whether the optimisers go on in the direction of earlier steps."""
    explains_records: ClassVar[bool] = False
    """Whether `record_losses` tells how well the model explains a record it has not seen, however it was built."""

    def players(self) -> dict[str, nn.Module]:
        """The parts that take turns in a step, each with an optimiser of its own, in order; most families have one."""
        return {"model": self}

    @abstractmethod
    def losses(self, player: str, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:
        """The terms of a player's loss of one batch; their sum is minimised over its parameters, and no others.

        With several training processes each sees its part of the batch, and the mean of their losses must be the loss
        of the whole batch.

        Args:
            player: Whose turn it is, one of `players`.
            samples: [n, *schema.shape] in physical units.
            condition: [n, c].
            draws: The only source of randomness.
        """

    def why_not_private(self) -> str | None:
        """Why it cannot be trained with differential privacy, and what to do; None where it can."""
        return "its loss is no sum of losses of single records; choose another family"

    def record_losses(self, samples: Tensor, condition: Tensor, draws: Draws) -> Tensor:
        """Each record's loss [n], which depends on no other record; arguments as of `losses`.

        What private training needs, of families that say nothing against it.
        """
        raise NotImplementedError

    @abstractmethod
    def generator(self) -> Generative:
        """The part that ships; shares its weights with the model."""
