"""What the page of `edgeward evaluate` shows beside the evidence's figures: things to look at. No torch, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

DrawnAs = Literal["ecg", "traces", "images"]
"""`ecg`: in mV on the paper of an electrocardiograph; `traces`: signals of any units, gaps allowed; `images`."""


@dataclass(frozen=True)
class SampleSheet:
    """Records of one class to look at, real and generated side by side."""

    code: str
    """E.g. `V`."""
    meaning: str
    real: npt.NDArray[np.float32]
    """Test records [k, *shape]; k may be 0."""
    synthetic: Mapping[str, npt.NDArray[np.float32]]
    """Per row name records [k, *shape]; k may be 0."""


@dataclass(frozen=True)
class Spectrum:
    """Mean spectra of one channel."""

    channel: str
    frequencies: FloatArray
    """[f] in Hz, increasing."""
    levels: Mapping[str, FloatArray]
    """Per row name the mean level [f] in dB."""


@dataclass(frozen=True)
class Distribution:
    """What was measured on each record, e.g. heart rates."""

    title: str
    unit: str
    values: Mapping[str, FloatArray]
    """Per row name one value a record [n]; NaN where it could not be measured."""


@dataclass(frozen=True)
class EvidencePage:
    """Everything on the page that the evidence itself does not hold. Empty tuples hide their section."""

    title: str
    judged: str
    """Name of what is judged."""
    digest: str
    """SHA-256 of a bundle's manifest, or of a model's weights."""
    drawn_as: DrawnAs = "ecg"
    """How the sheets' records are drawn."""
    channel_names: tuple[str, ...] = ()
    """Of the sheets' records."""
    sampling_rate_hz: float = 0.0
    """Of the sheets' records."""
    sheets: tuple[SampleSheet, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Of the synthetic records shown, as `Batch.provenance` gives it; the mark is added where it is missing."""
