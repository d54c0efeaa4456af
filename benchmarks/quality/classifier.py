"""The small convolutional classifier that judges signals: fixed in advance, the same for every generator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTHS = (16, 32, 64)
_BATCH = 128
_PEAK_LEARNING_RATE = 3e-3
_PREDICT_BATCH = 1024


class SignalClassifier(nn.Module):
    """Three strided convolution blocks, average pooling over time, one linear layer.

    Args:
        channels: Channels of the signals.
        classes: Number of classes.
    """

    location: Tensor
    scale: Tensor

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("location", torch.zeros(channels, 1))
        self.register_buffer("scale", torch.ones(channels, 1))
        layers: list[nn.Module] = []
        width = channels
        for following in _WIDTHS:
            layers += [
                nn.Conv1d(width, following, 7, stride=2, padding=3),
                nn.BatchNorm1d(following),
                nn.ReLU(),
            ]
            width = following
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of signals [n, channels, length] in physical units."""
        features = self.features((x - self.location) / self.scale)
        logits: Tensor = self.head(torch.cat([features.mean(dim=2), features.amax(dim=2)], dim=1))
        return logits


def train_classifier(
    samples: npt.NDArray[np.float32], labels: npt.NDArray[np.intp], classes: int, *, steps: int, seed: int
) -> SignalClassifier:
    """Fit the classifier with every class drawn equally often, for a fixed number of steps.

    Nothing is chosen on any test data: no early stopping, no tuning.

    Args:
        samples: [n, channels, length] in physical units.
        labels: [n], 0 to classes - 1, every class present.
        classes: Number of classes.
        steps: Optimiser steps of 128 samples.
        seed: Decides weights and batches.
    """
    torch.manual_seed(seed)
    model = SignalClassifier(samples.shape[1], classes)
    model.location.copy_(torch.from_numpy(samples.mean(axis=(0, 2), keepdims=True)[0]))
    model.scale.copy_(torch.from_numpy(samples.std(axis=(0, 2), keepdims=True)[0]).clamp(min=1e-6))
    by_class = [np.flatnonzero(labels == label) for label in range(classes)]
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=_PEAK_LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_LEARNING_RATE, total_steps=steps)
    model.train()
    for _ in range(steps):
        drawn = rng.integers(0, classes, _BATCH)
        chosen = np.array([by_class[label][rng.integers(len(by_class[label]))] for label in drawn])
        logits = model(torch.from_numpy(samples[chosen]))
        loss = F.cross_entropy(logits, torch.from_numpy(drawn))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def predict(model: SignalClassifier, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """The most likely class [n] of each signal [n, channels, length]."""
    parts = [
        model(torch.from_numpy(samples[first : first + _PREDICT_BATCH])).argmax(dim=1).numpy()
        for first in range(0, len(samples), _PREDICT_BATCH)
    ]
    return np.concatenate(parts).astype(np.intp)
