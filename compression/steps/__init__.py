"""The steps of compression by name, one file each: from model to model, and from graph to graph."""

from __future__ import annotations

from . import distil, export, few_steps, half, prune, quantise, weights_only
from .step import Option, Step

__all__ = ["EXPORT", "STEPS", "Option", "Step"]

EXPORT = "export"
STEPS: dict[str, Step] = {
    "few_steps": few_steps.STEP,
    "prune": prune.STEP,
    "distil": distil.STEP,
    EXPORT: export.STEP,
    "quantise": quantise.STEP,
    "half": half.STEP,
    "weights_only": weights_only.STEP,
}
