"""When to compute in bfloat16."""

from __future__ import annotations

import torch

from ..devices import this_host


def mixed_precision(device: torch.device | None = None) -> torch.autocast:
    """Context in which PyTorch computes in bfloat16 where the processor does so itself.

    There it halves the time of a training step; on other processors it would be emulated, and slower.

    Args:
        device: Where it computes; None: on the CPU.
    """
    if device is not None and device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16, enabled=torch.cuda.is_bf16_supported())
    return torch.autocast("cpu", torch.bfloat16, enabled=this_host().native_bf16)
