"""From a full model to a bundle: prune, distil, export, quantise, gate, pack. Needs the `compress` extra."""

from .pack import pack
from .pipeline import compress
from .recipe import CompressionRecipe, load_compression_recipe
from .record import Compressed, StepRecord

__all__ = ["Compressed", "CompressionRecipe", "StepRecord", "compress", "load_compression_recipe", "pack"]
