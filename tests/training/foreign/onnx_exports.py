"""Generators of several kinds, and their ONNX files by both of PyTorch's exporters: what users bring."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = """
name = "made"
description = "One sample."
source = "samples of nobody"
licence = "CC0-1.0"
attribution = "nobody"
conditions = [{kind = "class", name = "state", values = ["p", "q"]}]
"""
IMAGE = HEAD + 'kind = "image"\nchannels = ["grey"]\nheight = 28\nwidth = 28\n'
SIGNAL = HEAD + (
    'kind = "signal"\nsampling_rate_hz = 64\nlength = 64\n'
    'channels = [{name = "a", unit = "1", range = [-1, 1]}, {name = "b", unit = "1", range = [-1, 1]}]\n'
)
ROW = HEAD + (
    'kind = "table"\ncolumns = [{kind = "number", name = "a", unit = "1", range = [-1, 1]}, '
    '{kind = "number", name = "b", unit = "1", range = [-1, 1]}, '
    '{kind = "category", name = "c", values = ["p", "q", "r"]}]\n'
)
ONE_HOT, INDEX = 'inputs.y = {from = "state"}\n', 'inputs.y = {from = "state", as = "index"}\n'


class Dcgan(nn.Module):
    """[n, 16] and a class's index [n] to images [n, 1, 28, 28] from -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(2, 4)
        self.main = nn.Sequential(
            nn.ConvTranspose2d(20, 16, 7),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
            nn.PReLU(8),
            nn.Conv2d(8, 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = torch.cat([z, self.embed(y)], dim=1)
        made: Tensor = self.main(x.view(x.size(0), -1, 1, 1))
        return made


class SignalDecoder(nn.Module):
    """A decoder of a VAE: [n, 8] and a class's one-hot [n, 2] to signals [n, 2, 64]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(10, 128), nn.GroupNorm(4, 16)
        self.inner, self.instance = nn.Conv1d(16, 24, 5, padding=2), nn.InstanceNorm1d(24, affine=True)
        self.up, self.last = nn.ConvTranspose1d(24, 16, 4, 2, 1), nn.Conv1d(16, 2, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = F.silu(self.norm(self.first(torch.cat([z, y], dim=1)).reshape(z.shape[0], 16, 8)))
        x = F.gelu(self.instance(self.inner(F.interpolate(x, scale_factor=2, mode="linear"))))
        x = F.pad(F.elu(self.up(x)), (2, 2), mode="reflect")[:, :, 2:-2]
        return torch.tanh(self.last(F.interpolate(x, size=64, mode="nearest")))


class Styled(nn.Module):
    """A mapping and adaptive normalisation, as StyleGAN has it: [n, 8] to images [n, 1, 28, 28] from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(10, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.LeakyReLU(0.2))
        self.start, self.last = nn.Parameter(torch.randn(1, 8, 7, 7)), nn.Conv2d(8, 1, 1)
        self.inner = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.styles = nn.ModuleList(nn.Linear(16, 16) for _ in range(2))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        style = self.mapping(torch.cat([z / (z.pow(2).mean(dim=1, keepdim=True) + 1e-8).sqrt(), y], dim=1))
        x = self.start.repeat(z.shape[0], 1, 1, 1)
        for conv, affine in zip(self.inner, self.styles, strict=True):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)), 0.2)
            spread = (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
            gain, shift = affine(style).chunk(2, dim=1)
            x = (x - x.mean((2, 3), keepdim=True)) / spread * (1 + gain[:, :, None, None]) + shift[:, :, None, None]
        return torch.sigmoid(self.last(x))


class UNet(nn.Module):
    """A U-Net with attention: noise [n, 1, 28, 28] and a class's one-hot to images from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, 2, 1), nn.GroupNorm(2, 8)
        self.heads, self.join = nn.Conv2d(8, 24, 1), nn.Conv2d(12, 4, 3, padding=1)
        self.steer, self.last = nn.Linear(2, 8), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        wide = F.silu(self.first(z))
        x = F.silu(self.norm(self.down(wide))) + self.steer(y)[:, :, None, None]
        n, channels, height, width = x.shape
        query, key, value = self.heads(x).reshape(n, 3, 2, channels // 2, height * width).unbind(1)
        seen = torch.softmax(query.transpose(-1, -2) @ key / 2.0, dim=-1) @ value.transpose(-1, -2)
        x = x + seen.transpose(-1, -2).reshape(n, channels, height, width)
        x = torch.cat([F.interpolate(x, size=wide.shape[2:], mode="nearest"), wide], dim=1)
        return torch.sigmoid(self.last(F.silu(self.join(x))))


class TabGan(nn.Module):
    """A residual generator of rows, as CTGAN has it: [n, 8] and a class's one-hot to [n, 3]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.batch = nn.Linear(10, 16), nn.BatchNorm1d(16)
        self.second, self.layer, self.last = nn.Linear(26, 16), nn.LayerNorm(16), nn.Linear(42, 5)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = torch.cat([z, y], dim=1)
        x = torch.cat([F.relu(self.batch(self.first(x))), x], dim=1)
        made = self.last(torch.cat([F.elu(self.layer(self.second(x))), x], dim=1))
        category = torch.softmax(made[:, 2:], dim=-1).argmax(dim=1, keepdim=True).float()
        return torch.cat([torch.tanh(made[:, :2]), category], dim=1)


@dataclass(frozen=True)
class Kind:
    """A generator, the shape of one sample's noise, and what is said of it."""

    build: Callable[[], nn.Module]
    noise: tuple[int, ...]
    index: bool
    description: str


KINDS = {
    "DCGAN": Kind(
        Dcgan, (16,), True, IMAGE + INDEX + 'inputs.z = {from = "noise"}\noutput.scale = 0.5\noutput.offset = 0.5\n'
    ),
    "decoder of signals": Kind(SignalDecoder, (8,), False, SIGNAL + ONE_HOT + 'inputs.z = {from = "noise"}\n'),
    "StyleGAN": Kind(Styled, (8,), False, IMAGE + ONE_HOT + 'inputs.z = {from = "noise"}\n'),
    "U-Net": Kind(UNet, (1, 28, 28), False, IMAGE + ONE_HOT + 'inputs.z = {from = "noise"}\n'),
    "TabGAN": Kind(TabGan, (8,), False, ROW + ONE_HOT + 'inputs.z = {from = "noise"}\n'),
}


def built(kind: str) -> nn.Module:
    """The generator, with statistics as training leaves them."""
    torch.manual_seed(0)
    module = KINDS[kind].build()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0.0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return module.eval()


def exported(kind: str, path: Path, *, dynamo: bool, opset: int, batch: int | None = None) -> Path:
    """An ONNX file of a generator; `batch` is baked in, None is free."""
    chosen = KINDS[kind]
    label = torch.zeros(batch or 2, dtype=torch.int64) if chosen.index else torch.zeros(batch or 2, 2)
    inputs = (torch.zeros(batch or 2, *chosen.noise), label)
    names = {"input_names": ["z", "y"], "output_names": ["made"], "opset_version": opset}
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            if dynamo:
                free = torch.export.Dim("n", min=1, max=4096)
                shapes = None if batch else {"z": {0: free}, "y": {0: free}}
                torch.onnx.export(built(kind), inputs, path, dynamo=True, dynamic_shapes=shapes, verbose=False, **names)
            else:
                axes = None if batch else {name: {0: "n"} for name in ("z", "y", "made")}
                torch.onnx.export(built(kind), inputs, path, dynamo=False, dynamic_axes=axes, **names)
    finally:
        logging.disable(level)
    return path
