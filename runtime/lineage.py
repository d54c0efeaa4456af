"""The record of compression in a bundle: does it lead, step by step, from the teacher to what ships?

Each step tells the hashes of what went in and of what came out. A record whose steps do not meet, or that ends in other
graphs than the bundle's, is of another bundle or has been changed.
"""

from __future__ import annotations

from .errors import BundleError
from .manifest import Manifest

WEIGHTS = "weights"
"""Name of the model's hash among those of graphs."""


def check_lineage(manifest: Manifest) -> int:
    """Follow the record from the teacher's weights to the graphs of the variants.

    Returns:
        How many steps it holds; 0 where it tells no hashes, as bundles of an older version do not.

    Raises:
        BundleError: It is broken; the message names the step or the variant.
    """
    compression = manifest.lineage.get("compression")
    steps = compression.get("steps") if isinstance(compression, dict) else None
    if not isinstance(steps, list) or not any(isinstance(step, dict) and "after" in step for step in steps):
        return 0
    teacher = manifest.lineage.get("teacher")
    state = {WEIGHTS: teacher.get("sha256") if isinstance(teacher, dict) else None}
    for number, step in enumerate(steps):
        before, after = (step.get(side) if isinstance(step, dict) else None for side in ("before", "after"))
        if not isinstance(before, dict) or not isinstance(after, dict):
            raise BundleError(f"{manifest.name}: step {number + 1} of its lineage does not tell what went in and out")
        if before != state:
            raise BundleError(
                f"{manifest.name}: step {number + 1} of its lineage began with something else than what "
                f"{'the teacher was' if number == 0 else f'step {number} left'}; the record is of another bundle, "
                "or has been changed"
            )
        state = after
    for variant in manifest.variants:
        left = {digest for name, digest in state.items() if name != WEIGHTS}
        if not left.issuperset(manifest.files[file].sha256 for file in variant.files):
            raise BundleError(
                f"{manifest.name}: its lineage does not end in the graph of variant {variant.name}; the record is "
                "of another bundle, or has been changed"
            )
    return len(steps)
