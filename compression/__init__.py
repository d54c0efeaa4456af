"""From a full model to a bundle: prune, distil, export, quantise, gate, pack. Needs the `compress` extra."""

from .pack import pack
from .pipeline import Compressed, StepRecord, compress
from .recipe import CompressionRecipe, load_compression_recipe

__all__ = ["Compressed", "CompressionRecipe", "StepRecord", "compress", "load_compression_recipe", "pack"]
