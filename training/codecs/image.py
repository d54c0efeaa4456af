"""Images: pixels from 0 to 1 become -1 to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...runtime.schema import ImageSchema
from .codec import Codec


class ImageCodec(Codec):
    """Pixels from 0 to 1 to -1 to 1, and back, clamped; nothing is fitted."""

    def __init__(self, schema: ImageSchema) -> None:
        super().__init__()
        self.shape = schema.shape
        self.numbers, self.choices = len(schema.channels), ()

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Nothing to take: a pixel's range is known."""

    def fit_public(self) -> None:
        """Nothing to take."""

    def encode(self, samples: Tensor) -> Tensor:
        """[n, channels, height, width] from 0..1 to -1..1."""
        return 2.0 * samples - 1.0

    def decode(self, encoded: Tensor) -> Tensor:
        """[n, channels, height, width] from -1..1 to 0..1, clamped."""
        return (0.5 * encoded + 0.5).clamp(0.0, 1.0)
