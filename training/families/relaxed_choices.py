"""Choices through which gradients flow: what a network says of categories and gaps as probabilities, and what is seen.

A diffusion model's estimate of a choice is its probabilities. A GAN's critic must see a choice made, as real samples
show it: probabilities alone would give a generated one away. So it sees the likeliest, and the gradient passes as if it
had seen the probabilities ("straight through", Bengio, Léonard & Courville 2013; Jang, Gu & Poole, ICLR 2017). Which
choice is made, the noise decides as it decides the numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..codecs import Codec
from ..codecs.choices import NEVER


def relaxed(codec: Codec, raw: Tensor) -> Tensor:
    """A network's output in model space [n, *codec.shape]: of choices the probabilities, from -1 for 0 to 1 for 1."""
    if not codec.choices:
        return raw
    return torch.cat([raw[:, : codec.numbers], 2.0 * codec.of_choices.probabilities(raw) - 1.0], dim=1)


def chosen(codec: Codec, encoded: Tensor) -> Tensor:
    """Relaxed samples as the codec encodes real ones: the likeliest chosen, what is missing 0; the gradient passes."""
    if not codec.choices:
        return encoded
    rows = codec.of_choices.rows(encoded.detach(), pad=NEVER)
    made = [F.one_hot(part.argmax(dim=2), part.shape[2]).movedim(-1, 2).to(encoded.dtype) for part in rows]
    hard = torch.cat([encoded[:, : codec.numbers].detach(), 2.0 * codec.of_choices.features(made) - 1.0], dim=1)
    passed = encoded[:, codec.numbers :]
    choices = hard[:, codec.numbers :] + (passed - passed.detach())
    return torch.cat([encoded[:, : codec.numbers] * codec.known(hard), choices], dim=1)


def cross_entropies(codec: Codec, raw: Tensor, encoded: Tensor) -> Tensor:
    """-log of the probability that a network's output gives each choice made, in nats.

    Args:
        codec: Says which features are choices; there must be some.
        raw: The network's output, of choices their logits, [n, *codec.shape].
        encoded: Samples as the codec encodes them, [n, *codec.shape].

    Returns:
        [n, groups, *axes].
    """
    found = [
        -(0.5 * (made + 1.0) * torch.log_softmax(logits, dim=2)).sum(dim=2)
        for logits, made in zip(
            codec.of_choices.rows(raw, pad=NEVER), codec.of_choices.rows(encoded, pad=-1.0), strict=True
        )
    ]
    return torch.cat(found, dim=1)
