"""The small convolutional classifiers that judge signals and images: fixed in advance, the same for every generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTHS = (16, 32, 64)
_BATCH = 128
_PEAK_LEARNING_RATE = 3e-3
_PREDICT_BATCH = 256


class Classifier(nn.Module):
    """Three strided convolution blocks, average and maximum pooling, one linear layer.

    Signals go through as images one row high, channels last: a third less time on a CPU than `Conv1d`.

    Args:
        channels: Channels of the samples.
        classes: Number of classes.
        kernel: Height and width of the convolutions.
    """

    location: Tensor
    scale: Tensor

    def __init__(self, channels: int, classes: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("location", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))
        height, across = kernel
        blocks: list[nn.Module] = []
        width = channels
        for following in _WIDTHS:
            blocks += [
                nn.Conv2d(width, following, kernel, stride=(min(2, height), 2), padding=(height // 2, across // 2)),
                nn.BatchNorm2d(following),
                nn.ReLU(),
            ]
            width = following
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(2 * width, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def pooled(self, x: Tensor) -> Tensor:
        """Penultimate features [n, 128] of samples in their own units: mean, then maximum, of each feature map."""
        images = x.unsqueeze(2) if x.ndim == 3 else x
        scaled = (images - self.location) / self.scale
        maps = self.features(scaled.contiguous(memory_format=torch.channels_last)).flatten(start_dim=2)
        return torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of samples in their own units."""
        logits: Tensor = self.head(self.pooled(x))
        return logits


class SignalClassifier(Classifier):
    """Judges signals [n, channels, length] in physical units.

    Args:
        channels: Channels of the signals.
        classes: Number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, classes, kernel=(1, 7))


class ImageClassifier(Classifier):
    """Judges images [n, channels, height, width] from 0 to 1.

    Args:
        channels: Channels of the images.
        classes: Number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, classes, kernel=(5, 5))


def new_classifier(shape: tuple[int, ...], classes: int) -> Classifier:
    """The untrained classifier for samples of this shape: (channels, length), or (channels, height, width)."""
    return (SignalClassifier if len(shape) == 2 else ImageClassifier)(shape[0], classes)


def train_classifier(
    samples: npt.NDArray[np.float32],
    labels: npt.NDArray[np.intp],
    classes: int,
    *,
    steps: int,
    seed: int,
    balanced: bool = True,
) -> Classifier:
    """Fit the classifier for a fixed number of steps.

    Nothing is chosen on any test data: no early stopping, no tuning.

    Args:
        samples: [n, channels, length] in physical units, or [n, channels, height, width] from 0 to 1.
        labels: [n], 0 to classes - 1, every class present if `balanced`.
        classes: Number of classes.
        steps: Optimiser steps of 128 samples.
        seed: Decides weights and batches.
        balanced: Whether every class is drawn equally often, or each sample.
    """
    torch.manual_seed(seed)
    model = new_classifier(samples.shape[1:], classes)
    axes = (0, *range(2, samples.ndim))
    model.location.copy_(torch.from_numpy(samples.mean(axis=axes))[:, None, None])
    model.scale.copy_(torch.from_numpy(samples.std(axis=axes))[:, None, None].clamp(min=1e-6))
    by_class = [np.flatnonzero(labels == label) for label in range(classes)]
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=_PEAK_LEARNING_RATE, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_LEARNING_RATE, total_steps=steps)
    model.train()
    for _ in range(steps):
        if balanced:
            drawn = rng.integers(0, classes, _BATCH)
            chosen = np.array([by_class[label][rng.integers(len(by_class[label]))] for label in drawn])
        else:
            chosen = rng.integers(0, len(labels), _BATCH)
        logits = model(torch.from_numpy(samples[chosen]))
        loss = F.cross_entropy(logits, torch.from_numpy(labels[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


def predict(model: Classifier, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """The most likely class [n] of each sample."""
    likeliest: npt.NDArray[np.intp] = _in_batches(model, samples).argmax(axis=1)
    return likeliest


def pooled_features(model: Classifier, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Penultimate features [n, 128] of each sample."""
    return _in_batches(model.pooled, samples).astype(np.float64)


@torch.no_grad()
def _in_batches(of: Callable[[Tensor], Tensor], samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    starts = range(0, len(samples), _PREDICT_BATCH)
    return np.concatenate([of(torch.from_numpy(samples[i : i + _PREDICT_BATCH])).numpy() for i in starts])
