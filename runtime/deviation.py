"""How far samples are from others of the same noise and conditions, entry by entry, missing ones among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def deviations(
    samples: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], scale: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """`samples - reference`, in units of `scale`; where both miss an entry 0, where one of them does 1.

    Where the reference misses nothing, nothing may be missing: then a NaN of the samples stays one.

    Args:
        samples: [n, *shape].
        reference: [n, *shape].
        scale: Broadcasts against them.
    """
    truth, found = reference.astype(np.float64), samples.astype(np.float64)
    apart = (found - truth) / scale
    missing, missing_here = np.isnan(truth), np.isnan(found)
    if not missing.any():
        return apart
    return np.where(missing != missing_here, 1.0, np.where(missing, 0.0, apart))
