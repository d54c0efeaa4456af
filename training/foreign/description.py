"""What a user says of a generator made elsewhere: what it makes, what it learnt from, what goes in and comes out."""

from __future__ import annotations

from dataclasses import dataclass

from ...runtime.schema import Schema
from ..datasets.dataset import Provenance

NOISE = "noise"
CONDITION = "condition"
"""What an input is fed with besides a condition by its name: drawn numbers, or the whole condition vector."""
FORMS = ("one-hot", "index", "value")
"""How one condition is given: a class as one column a value or as its index from 0, a number in its unit."""
DISTRIBUTIONS = ("normal", "uniform")
"""Of noise: standard normal, or uniform from 0 to 1."""
LAYOUTS = ("channels first", "channels last")


@dataclass(frozen=True)
class ForeignInput:
    """One input of the model, and what it is fed with."""

    name: str
    """As the model calls it: the argument's of `forward`, the input's of an ONNX graph."""
    source: str | None
    """`noise`, `condition`, or a condition's name; None: the constant."""
    form: str = "value"
    """One of `FORMS`, where the source is a condition's name."""
    shape: tuple[int, ...] | None = None
    """Of one sample's input; None: as the form has it by itself."""
    scale: float = 1.0
    offset: float = 0.0
    """The model is given `source * scale + offset`."""
    distribution: str = "normal"
    """One of `DISTRIBUTIONS`, where the source is noise."""
    constant: float | tuple[float, ...] | None = None


@dataclass(frozen=True)
class ForeignOutput:
    """How what comes out of the model becomes samples in physical units."""

    name: str | None = None
    """Which of the graph's outputs, of an ONNX file that has several."""
    layout: str = LAYOUTS[0]
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    """A sample is `output * scale + offset`: one for all, or one for each channel or column."""


@dataclass(frozen=True)
class ForeignModel:
    """All that has to be known of a model, but the model."""

    schema: Schema
    provenance: Provenance
    """What it learnt from, as its user states it."""
    inputs: tuple[ForeignInput, ...]
    output: ForeignOutput
