"""When to compute in bfloat16."""

from __future__ import annotations

import torch

from ..devices import this_host


def mixed_precision() -> torch.autocast:
    """Context in which PyTorch computes in bfloat16 where the processor does so itself.

    There it halves the time of a training step; on other processors it would be emulated, and slower.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=this_host().native_bf16)
