"""The network that says how real a sample looks for its condition: a GAN's critic."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 64
_LEAK = 0.2


class Critic(nn.Module):
    """A sample's features, projected on those of its condition (Miyato & Koyama, ICLR 2018).

    Args:
        encoder: From samples [n, *shape] and conditions of size 0 to vectors [n, `FEATURES`]. It normalises nothing:
            the score of a record, and its slope, must be those of this record alone.
        condition_size: Size of the condition vector.
    """

    def __init__(self, encoder: nn.Module, condition_size: int) -> None:
        super().__init__()
        self.encoder = encoder
        # Two layers: what a quantity asks for need not be linear in it. The last bias scores whatever is asked.
        self.embedding = nn.Sequential(
            nn.Linear(condition_size, FEATURES), nn.LeakyReLU(_LEAK), nn.Linear(FEATURES, FEATURES)
        )
        he_start(self)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[n, *shape] and [n, c] to scores [n], of which only differences mean anything."""
        # Bent once more: a bias that all samples of a condition share would drop out of every difference of scores.
        features = F.leaky_relu(self.encoder(x, condition[:, :0]), _LEAK)
        score: Tensor = (features * self.embedding(condition)).sum(dim=1)
        return score / math.sqrt(FEATURES)


def he_start(network: nn.Module) -> None:
    """Give a network with leaky ReLUs and no norm weights that keep the size of what passes (He et al., ICCV 2015).

    PyTorch's own start lets it shrink from layer to layer, which a norm would make good.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, _LEAK)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
