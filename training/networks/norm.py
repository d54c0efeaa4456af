"""What normalises a layer's outputs: over the batch (folds into the layer for shipping), over groups, or nothing."""

from __future__ import annotations

from typing import Literal

import torch
import torch.distributed.nn.functional as collective
from torch import Tensor, nn

from ..processes import world_size

Norm = Literal["batch", "group", "none"]
"""`batch` is the quickest once shipped; `group` treats every record alone, as private training must."""

_GROUP_CHANNELS = 8


def norm_for(norm: Norm, channels: int, axes: int) -> nn.Module:
    """The normalisation of [n, channels, *axes].

    Raises:
        ValueError: The norm is not known.
    """
    if norm == "batch":
        return BatchNorm2d(channels) if axes == 2 else BatchNorm1d(channels)
    if norm == "group":
        return nn.GroupNorm(channels // _GROUP_CHANNELS if channels % _GROUP_CHANNELS == 0 else 1, channels)
    if norm == "none":
        return nn.Identity()
    raise ValueError(f"norm must be batch, group or none, not {norm!r}")


class _OverAllProcesses(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over the batches of all training processes together.

    PyTorch's own SyncBatchNorm needs a GPU; training on several CPUs must give what one process gives.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[n, channels, *axes]."""
        if not self.training or world_size() == 1:
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        given, x = x.dtype, x.float()  # sums of many numbers in half precision lose them
        moments = torch.stack([x.mean(axes), x.square().mean(axes)])
        mean, square = collective.all_reduce(moments) / world_size()  # type: ignore[no-untyped-call]
        variance = square - mean.square()
        count = x.numel() // x.shape[1] * world_size()
        assert self.running_mean is not None  # noqa: S101 - made with running statistics
        assert self.running_var is not None  # noqa: S101
        assert self.num_batches_tracked is not None  # noqa: S101
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum or 0.0)
            self.num_batches_tracked += 1
        shape = (1, -1, *(1,) * (x.ndim - 2))
        scaled = (x - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        normalised: Tensor = (scaled * self.weight.view(shape) + self.bias.view(shape)).to(given)
        return normalised


class BatchNorm1d(_OverAllProcesses, nn.BatchNorm1d):
    """For [n, channels] and [n, channels, length]."""


class BatchNorm2d(_OverAllProcesses, nn.BatchNorm2d):
    """For [n, channels, height, width]."""
