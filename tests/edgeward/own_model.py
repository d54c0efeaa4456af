"""Generators as a user may bring them, right and wrong: what `edgeward import` is tried on."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Gan(nn.Module):
    """A small conditional DCGAN: [n, 16] and a class's one-hot [n, 2] to images [n, 1, 28, 28] from -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(18, 32, 7),
            nn.BatchNorm2d(32),
            nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = torch.cat([z, y], dim=1)
        made: Tensor = self.main(x.view(x.size(0), -1, 1, 1))
        return made


class Strange(nn.Module):
    """Something flat of the right size, that goes wrong in one way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.layer = way, nn.Linear(18, 784)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = torch.cat([z, y], dim=1)
        if self.way == "random":
            x = x + torch.randn_like(x)
        if self.way == "dropout":
            x = F.dropout(x, training=True)
        if self.way == "nan":
            x = x / torch.zeros_like(x)
        if self.way == "mixed":
            x = x - x.mean(dim=0, keepdim=True)
        if self.way == "deaf":
            x = x * 0.0
        if self.way == "branch" and x.sum() > 1e9:
            x = -x
        if self.way == "unknown":
            x = torch.special.i0(x)
        if self.way == "huge":
            x = x * 1e4
        if self.way == "class-deaf":
            x = torch.cat([z, y * 0.0], dim=1)
        made: Tensor = torch.tanh(self.layer(x)) if self.way != "huge" else self.layer(x)
        return made[:, :700] if self.way == "short" else made


class SteeredSignal(nn.Module):
    """Uniform noise [n, 4], a class's index [n] and a rate [n, 1] to [n, 64, 2]: channels last, from -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layer = nn.Embedding(3, 3), nn.Linear(8, 128)

    def forward(self, u: Tensor, label: Tensor, rate: Tensor, gain: float = 1.0) -> Tensor:
        assert gain == 0.5
        x = torch.cat([u, self.embed(label), rate], dim=1)
        return torch.tanh(self.layer(x)).reshape(-1, 64, 2)


def gan() -> nn.Module:
    torch.manual_seed(0)
    return Gan().train()


def signal() -> nn.Module:
    torch.manual_seed(0)
    return SteeredSignal()


def _strange(way: str) -> nn.Module:
    torch.manual_seed(0)
    return Strange(way)


def __getattr__(name: str) -> object:
    if name.startswith("strange_"):
        return lambda: _strange(name.removeprefix("strange_").replace("_", "-"))
    raise AttributeError(name)


def number() -> float:
    return 1.0


def fails() -> nn.Module:
    raise ValueError("no GPU")
