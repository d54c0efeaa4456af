"""Every operator that can be imported, and its translation."""

from __future__ import annotations

from .activations import ACTIVATIONS
from .arithmetic import ARITHMETIC
from .convolutions import CONVOLUTIONS
from .node import Translation
from .normalisations import NORMALISATIONS
from .padding import PADDING
from .products import PRODUCTS
from .reductions import REDUCTIONS
from .resampling import RESAMPLING
from .selection import SELECTION
from .shapes import SHAPES

TRANSLATIONS: dict[str, Translation] = {
    **ARITHMETIC,
    **ACTIVATIONS,
    **CONVOLUTIONS,
    **PRODUCTS,
    **NORMALISATIONS,
    **SHAPES,
    **SELECTION,
    **REDUCTIONS,
    **PADDING,
    **RESAMPLING,
}
