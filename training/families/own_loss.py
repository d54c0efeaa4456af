"""A family's own loss of records it may or may not have been trained on: what tells how much it knows by heart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..draws import Draws
from .family import Family


@torch.no_grad()
def mean_record_losses(
    family: Family, samples: npt.NDArray[np.float32], condition: npt.NDArray[np.float32], *, draws: int
) -> npt.NDArray[np.float64]:
    """The loss of each record [n], the mean over draws that are the same for every model.

    Args:
        family: One that `explains_records`.
        samples: [n, *schema.shape] in physical units.
        condition: [n, c].
        draws: How many.
    """
    on = next(family.parameters()).device
    x, asked = torch.from_numpy(samples).to(on), torch.from_numpy(condition).to(on)
    total = np.zeros(len(samples))
    for draw in range(draws):
        losses = family.record_losses(x, asked, Draws(torch.Generator().manual_seed(draw), on))
        total += losses.double().cpu().numpy()
    return total / draws
