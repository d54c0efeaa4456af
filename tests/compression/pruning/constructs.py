"""What pruners trip over, one construct a network: (noise, condition) to signals [n, 2, 16], as users bring them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from edgeward.runtime.schema import Channel, ClassCondition, SignalSchema
from edgeward.training.codecs import OwnUnitsCodec
from edgeward.training.families import Generative
from edgeward.training.foreign.trace import trace
from torch import Tensor, nn

SCHEMA = SignalSchema(
    "toy",
    "Two channels.",
    (Channel("a", "mV", -9.0, 9.0), Channel("b", "mV", -9.0, 9.0)),
    10.0,
    16,
    (ClassCondition("kind", ("a", "b", "c"), ("first", "second", "third")),),
)
_NOISE = (4, 16)


class Bare(Generative):
    """A network as a generator, nothing around it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.codec = network, OwnUnitsCodec(SCHEMA)
        self.noise_shape, self.condition_size = _NOISE, 3

    def encoded(self, noise: Tensor, condition: Tensor) -> Tensor:
        made: Tensor = self.network(noise, condition)
        return made


def bare(network: nn.Module, *, traced: bool) -> Bare:
    """With weights that all matter; as it is, or as `edgeward import` writes it down."""
    torch.manual_seed(0)
    network.eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 1.5)
    return Bare(trace(network)[1] if traced else network).eval()


class Chain(nn.Module):
    """Two convolutions with something between them, and one after: the frame of most constructs."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, channels, 3, padding=1)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)
        self.last = nn.Conv1d(channels, 2, 3, padding=1)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        return x

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        x = F.silu(self.between(self.first(noise), condition))
        made: Tensor = self.last(F.silu(self.second(x)))
        return made


class ChunkedFilm(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.film = nn.Linear(3, 32)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition).chunk(2, dim=1)
        return x * (1.0 + scale.unsqueeze(-1)) + shift[:, :, None]


class TwoLinearFilm(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Linear(3, 16), nn.Linear(3, 16)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        return x * (1.0 + self.scale(condition)[..., None]) + self.shift(condition)[..., None]


class ReshapedFilm(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.film = nn.Linear(3, 32)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        steered = self.film(condition).reshape(-1, 2, 16, 1)
        return x * (1.0 + steered[:, 0]) + steered[:, 1]


class InterleavedFilm(Chain):
    """Scale and shift of a channel lie side by side, not in halves."""

    def __init__(self) -> None:
        super().__init__()
        self.film = nn.Linear(3, 32)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        steered = self.film(condition).reshape(condition.shape[0], -1, 2)
        return x * (1.0 + steered[:, :, 0].unsqueeze(-1)) + steered[:, :, 1].unsqueeze(-1)


class SkipConcat(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(16, 24, 3, stride=2, padding=1)
        self.join = nn.Conv1d(40, 16, 3, padding=1)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        coarse = F.relu(self.down(x))
        joined: Tensor = self.join(torch.cat([F.interpolate(coarse, scale_factor=2.0), x], dim=1))
        return joined


class GroupNormed(Chain):
    def __init__(self) -> None:
        super().__init__(channels=32)
        self.norm = nn.GroupNorm(4, 32)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        normal: Tensor = self.norm(x)
        return normal


class GroupNormedConcat(SkipConcat):
    """A norm after a concatenation, as in the way up of a U-Net of DDPM; one of its groups lies across the seam."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(5, 40)
        self.down = nn.Conv1d(16, 24, 3, stride=2, padding=1)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        coarse = F.relu(self.down(x))
        joined: Tensor = self.join(self.norm(torch.cat([F.interpolate(coarse, scale_factor=2.0), x], dim=1)))
        return joined


class Attention(Chain):
    """Four heads, their size from the tensor or a number in the code; three projections, or one split in three."""

    def __init__(self, head: int | None, *, joint: bool = False) -> None:
        super().__init__()
        self.head, self.joint = head, joint
        self.norm = nn.GroupNorm(4, 16)
        self.qkv = nn.Linear(16, 48) if joint else nn.ModuleList(nn.Linear(16, 16) for _ in range(3))
        self.proj = nn.Linear(16, 16)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        places = self.norm(x).transpose(1, 2)
        if isinstance(self.qkv, nn.ModuleList):
            parts = [each(places) for each in self.qkv]
        else:
            together = self.qkv(places).chunk(3, dim=2)
            parts = [together[0], together[1], together[2]]
        q, k, v = (
            part.reshape(part.shape[0], part.shape[1], 4, self.head or -1).transpose(1, 2).contiguous()
            for part in parts
        )
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(4.0), dim=-1)
        seen = (weights @ v).transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)
        attended: Tensor = x + self.proj(seen).transpose(1, 2)
        return attended


class ReshapedStem(nn.Module):
    """A linear layer whose outputs become channels and places."""

    def __init__(self, *, fixed: bool) -> None:
        super().__init__()
        self.fixed = fixed
        self.stem = nn.Linear(64 + 3, 16 * 8)
        self.body, self.more = nn.Conv1d(16, 64, 3, padding=1), nn.Conv1d(64, 64, 3, padding=1)
        self.last = nn.Conv1d(64, 2, 3, padding=1)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        x = self.stem(torch.cat([noise.flatten(1), condition], dim=1))
        x = x.reshape(-1, 16, 8) if self.fixed else x.reshape(x.shape[0], -1, 8)
        x = F.relu(self.more(F.relu(self.body(F.relu(x)))))
        made: Tensor = self.last(F.interpolate(x, scale_factor=2.0))
        return made


class Embedded(Chain):
    """A class's number looked up in a table of vectors, which are added to the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(3, 16)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        return x + self.embed(condition.argmax(dim=1)).unsqueeze(-1)


class Transposed(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.halve = nn.Conv1d(16, 16, 4, stride=2, padding=1)
        self.norm = nn.BatchNorm1d(16)
        self.widen = nn.ConvTranspose1d(16, 16, 4, stride=2, padding=1)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        doubled: Tensor = self.widen(F.relu(self.norm(self.halve(x))))
        return doubled


class Depthwise(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Conv1d(16, 16, 3, padding=1, groups=16)

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        apart: Tensor = self.each(x)
        return apart


class MeanOverChannels(Chain):
    """A channel less changes what the others are divided by: what is cut is not what is zero."""

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        return x / (1.0 + (x * x).mean(dim=1, keepdim=True))


class TensorAdded(Chain):
    """A tensor of the channels' size that belongs to no layer: trained, or a constant."""

    def __init__(self, *, trained: bool) -> None:
        super().__init__()
        if trained:
            self.added = nn.Parameter(torch.randn(1, 16, 1))
        else:
            self.register_buffer("added", torch.linspace(-1.0, 1.0, 16).reshape(1, 16, 1))

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        moved: Tensor = x + self.added
        return moved


class Functional(Chain):
    """A norm that is no layer: nothing says how many channels it may have."""

    def between(self, x: Tensor, condition: Tensor) -> Tensor:
        return F.group_norm(x, 4)


class Flattened(nn.Module):
    """Channels and places become the features of a linear layer, whose bottleneck layer norm sees all of."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv1d(4, 16, 3, padding=1)
        self.narrow, self.norm, self.wide = nn.Linear(16 * 16, 24), nn.LayerNorm(24), nn.Linear(24, 32)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        made: Tensor = self.wide(F.gelu(self.norm(self.narrow(F.relu(self.body(noise)).flatten(1)))))
        return made.reshape(-1, 2, 16)


PRUNED: dict[str, tuple[Callable[[], nn.Module], dict[str, int]]] = {
    "FiLM, one layer in two chunks": (ChunkedFilm, {"first": 8, "film": 16, "second": 8}),
    "FiLM, two layers": (TwoLinearFilm, {"first": 8, "scale": 8, "shift": 8, "second": 8}),
    "FiLM, reshaped by number": (ReshapedFilm, {"first": 16, "film": 32, "second": 8}),
    "FiLM, interleaved": (InterleavedFilm, {"first": 8, "film": 16, "second": 8}),
    "skip concatenation": (SkipConcat, {"first": 8, "down": 12, "join": 8, "second": 8}),
    "group norm": (GroupNormed, {"first": 16, "second": 16}),
    "group norm of a concatenation": (GroupNormedConcat, {"first": 8, "down": 12, "join": 8, "second": 8}),
    "attention, heads from the shape": (lambda: Attention(None), {"first": 8, "proj": 8, "second": 8}),
    "attention, size of heads fixed": (lambda: Attention(4), {"first": 8, "proj": 8, "second": 8}),
    "attention, one layer for all three": (lambda: Attention(4, joint=True), {"first": 8, "qkv": 48, "proj": 8}),
    "reshape after a linear layer": (lambda: ReshapedStem(fixed=True), {"stem": 128, "body": 32, "more": 32}),
    "reshape by the shape after a linear layer": (
        lambda: ReshapedStem(fixed=False),
        {"stem": 64, "body": 32, "more": 32},
    ),
    "embedding": (Embedded, {"first": 8, "second": 8}),
    "transposed convolution": (Transposed, {"first": 8, "halve": 8, "widen": 8, "second": 8}),
    "depthwise convolution": (Depthwise, {"first": 8, "each": 8, "second": 8}),
    "mean over channels": (MeanOverChannels, {"first": 16, "second": 8}),
    "a trained tensor of no layer": (lambda: TensorAdded(trained=True), {"first": 16, "second": 8}),
    "a constant": (lambda: TensorAdded(trained=False), {"first": 16, "second": 8}),
    "a norm of no layer": (Functional, {"first": 16, "second": 8}),
    "flattened channels and a layer norm": (Flattened, {"body": 8, "narrow": 12}),
}
"""By construct, the network and the width that halving leaves of its layers: 8 of 16 where it can be followed."""
