"""A generator trained elsewhere: compressed and judged like ours, but not trained further."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from ...runtime.errors import TrainingError
from ...runtime.schema import Schema
from ..codecs import OwnUnitsCodec
from ..draws import Draws
from ..networks.traced import TracedNetwork
from ..recipe import IMPORTED
from .family import Family, Generative


class ImportedGenerator(Generative):
    """A traced network, whose output is in the units of its maker, and the way to physical ones."""

    def __init__(self, network: TracedNetwork, codec: OwnUnitsCodec, model: Imported) -> None:
        super().__init__()
        self.network, self.codec = network, codec
        self.noise_shape, self.condition_size = model.noise_shape, model.condition_size

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        """[n, *noise_shape] and [n, c] to samples in the maker's units [n, *schema.shape]."""
        samples: Tensor = self.network(noise, condition)
        return samples


class Imported(Family):
    """A foreign generator.

    Args:
        schema: The data's schema.
        noise_shape: Of one sample.
        scale: From the maker's units to physical ones; one, or one for each channel or column.
        offset: Likewise.
        network: The plan of a `TracedNetwork`.
        origin: Where it came from, for people.
    """

    def __init__(
        self,
        schema: Schema,
        noise_shape: Sequence[int],
        scale: Sequence[float],
        offset: Sequence[float],
        network: Mapping[str, Any],
        origin: Mapping[str, Any],  # noqa: ARG002 - kept in the recipe, where people and auditors read it
    ) -> None:
        super().__init__()
        if not noise_shape or math.prod(noise_shape) < 1:
            raise ValueError("the noise must have one number a sample or more")
        self.noise_shape, self.condition_size = tuple(noise_shape), schema.condition_size
        self.codec: OwnUnitsCodec = OwnUnitsCodec(schema, scale, offset)
        self.network = TracedNetwork(network)

    def players(self) -> dict[str, nn.Module]:
        """None: how the model was trained is not known here.

        Raises:
            TrainingError: Always.
        """
        self._cannot_train()

    def losses(self, player: str, samples: Tensor, condition: Tensor, draws: Draws) -> dict[str, Tensor]:  # noqa: ARG002
        """None: how the model was trained is not known here.

        Raises:
            TrainingError: Always.
        """
        self._cannot_train()

    def _cannot_train(self) -> NoReturn:
        raise TrainingError(
            "an imported generator was trained elsewhere, and cannot be trained here; take a recipe of ours"
        )

    def generator(self) -> ImportedGenerator:
        """The part that ships: all of it."""
        return ImportedGenerator(self.network, self.codec, self)


def build_imported(schema: Schema, options: Mapping[str, Any]) -> Imported:
    """Build the model from a checkpoint's options, without its weights; runs nobody's code.

    Raises:
        TrainingError: An option is missing or unknown, or the network holds what is not allowed.
    """
    try:
        model = Imported(schema, **options)
        with torch.no_grad():  # steps that do not go together are met here, and not in the middle of a compression
            model.generator().eval()(torch.zeros(1, *model.noise_shape), torch.zeros(1, model.condition_size))
    except (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError, ArithmeticError) as error:
        raise TrainingError(f"[{IMPORTED}] cannot be rebuilt: {error}") from error
    return model
