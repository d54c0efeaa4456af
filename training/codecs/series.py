"""Signals with gaps, such as hourly observations: normal scores, and beside each such channel whether it is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...runtime.schema import SignalSchema
from .choices import Choices
from .codec import Codec
from .normal_scores import NormalScores


class SeriesCodec(Codec):
    """Channels with missing moments to features and back.

    Features: every channel's normal score, 0 where it is missing; then for each channel that may be missing, known
    against missing.
    """

    def __init__(self, schema: SignalSchema) -> None:
        super().__init__()
        channels = schema.channels
        self._gappy = [place for place, channel in enumerate(channels) if channel.may_be_missing]
        self.numbers, self.choices = len(channels), (2,) * len(self._gappy)
        self.shape = (self.numbers + 2 * len(self._gappy), schema.length)
        self.of_choices = Choices(self.numbers, self.choices)
        self.scores = NormalScores([c.minimum for c in channels], [c.maximum for c in channels])

    def fit(self, samples: npt.NDArray[np.float32]) -> None:
        """Take the knots from the known entries of samples [n, channels, length]."""
        channels = samples.transpose(1, 0, 2).reshape(samples.shape[1], -1).astype(np.float64)
        self.scores.fit([entries[~np.isnan(entries)] for entries in channels])

    def fit_public(self) -> None:
        """Take the knots from the channels' ranges."""
        self.scores.fit_public()

    def encode(self, samples: Tensor) -> Tensor:
        """[n, channels, length] with NaN where missing to features [n, features, length]."""
        missing = samples.isnan()
        scores = torch.where(missing, torch.zeros_like(samples), self.scores.to_scores(samples.nan_to_num(0.0)))
        sign = 1.0 - 2.0 * missing[:, self._gappy].to(samples.dtype)  # 1 where known
        pairs = torch.stack([sign, -sign], dim=2).flatten(1, 2)
        return torch.cat([scores, pairs], dim=1)

    def known(self, encoded: Tensor) -> Tensor:
        """1 where a channel is known at a moment, else 0, [n, channels, length]."""
        known = super().known(encoded)
        known[:, self._gappy] = (encoded[:, self.numbers :: 2] > 0).to(encoded.dtype)
        return known

    def decode(self, encoded: Tensor) -> Tensor:
        """Features [n, features, length] to [n, channels, length], NaN where missing is the larger feature."""
        values = self.scores.to_values(encoded[:, : self.numbers])
        # Every other feature after the numbers: known at even places, missing at odd ones.
        missing = encoded[:, self.numbers + 1 :: 2] > encoded[:, self.numbers :: 2]
        channels = list(values.unbind(dim=1))
        for position, place in enumerate(self._gappy):
            gaps = torch.full_like(channels[place], torch.nan)
            channels[place] = torch.where(missing[:, position], gaps, channels[place])
        return torch.stack(channels, dim=1)
