"""The processes that train together: one alone, or those that `torchrun` started, on one machine or many."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn


def join_processes() -> None:
    """Join the group that `torchrun` describes in the environment; without it, train alone."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def leave_processes() -> None:
    """Leave the group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0; the first one writes files and reports."""
    return dist.get_rank() if dist.is_initialized() else 0


def wait_for_all() -> None:
    """Go on when all have come here."""
    if dist.is_initialized():
        dist.barrier()


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, each of which had its share of the batch."""
    if world_size() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def mean_over_all(value: torch.Tensor) -> torch.Tensor:
    """Mean of a tensor over the processes, through which gradients flow back to each."""
    if world_size() == 1:
        return value
    from torch.distributed.nn.functional import all_reduce

    total: torch.Tensor = all_reduce(value)  # type: ignore[no-untyped-call]
    return total / world_size()
