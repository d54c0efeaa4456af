"""An invertible map between plain noise and the latent vectors of one class: the learnt prior of a VAE."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_MAX_LOG_SCALE = 1.5


class Coupling(nn.Module):
    """Affine coupling (Dinh, Sohl-Dickstein & Bengio, ICLR 2017): one half scales and shifts the other.

    Args:
        size: Of the vectors; even.
        condition_size: Size of the condition vector.
        hidden: Width of the network that makes scale and shift.
    """

    def __init__(self, size: int, condition_size: int, hidden: int) -> None:
        super().__init__()
        last = nn.Linear(hidden, size)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(size // 2 + condition_size, hidden), nn.ReLU(), last)

    def _scale_and_shift(self, kept: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(torch.cat([kept, condition], dim=1)).chunk(2, dim=1)
        return _MAX_LOG_SCALE * torch.tanh(log_scale), shift

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """From noise towards latents, [n, size]; the halves change places."""
        kept, changed = x.chunk(2, dim=1)
        log_scale, shift = self._scale_and_shift(kept, condition)
        return torch.cat([changed * torch.exp(log_scale) + shift, kept], dim=1)

    def inverse(self, y: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Back, with the log-determinant [n] of the backward map."""
        changed, kept = y.chunk(2, dim=1)
        log_scale, shift = self._scale_and_shift(kept, condition)
        return torch.cat([kept, (changed - shift) * torch.exp(-log_scale)], dim=1), -log_scale.sum(dim=1)


class ConditionalFlow(nn.Module):
    """A chain of couplings, then a scale and shift per condition.

    Args:
        size: Of noise and latents; even.
        condition_size: Size of the condition vector.
        hidden: Width of each coupling's network.
        couplings: How many; 0 leaves a diagonal normal distribution per condition.
    """

    def __init__(self, size: int, condition_size: int, hidden: int, couplings: int) -> None:
        super().__init__()
        if size % 2:
            raise ValueError(f"noise_size must be even, not {size}")
        self.couplings = nn.ModuleList(Coupling(size, condition_size, hidden) for _ in range(couplings))
        self.affine = nn.Linear(condition_size, 2 * size)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Standard normal noise [n, size] to latents [n, size]."""
        for coupling in self.couplings:
            noise = coupling(noise, condition)
        log_scale, shift = self.affine(condition).chunk(2, dim=1)
        latents: Tensor = noise * torch.exp(log_scale) + shift
        return latents

    def log_density(self, latents: Tensor, condition: Tensor) -> Tensor:
        """Log-density [n] of latents [n, size]."""
        log_scale, shift = self.affine(condition).chunk(2, dim=1)
        noise = (latents - shift) * torch.exp(-log_scale)
        log_determinant = -log_scale.sum(dim=1)
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)  # noqa: S101 - for the type checker: a ModuleList forgets it
            noise, change = coupling.inverse(noise, condition)
            log_determinant = log_determinant + change
        normal = -0.5 * (noise.square() + math.log(2.0 * math.pi)).sum(dim=1)
        density: Tensor = normal + log_determinant
        return density
