"""The golden vectors of a bundle: outputs recorded where it was made, which every device must repeat."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..devices import this_host
from .backends import BACKENDS, Options, Session
from .bundle import Bundle
from .deviation import deviations
from .errors import BackendError, BundleError
from .feed import BATCH_SIZE, Feed
from .manifest import GOLDEN_NAME, Variant
from .opening import open_variant

MAX_GOLDEN_BYTES = 64 * 2**20
"""Of the file, and of what it unpacks to."""

_ALONE = 4
"""Golden samples that are also made one at a time."""


@dataclass(frozen=True)
class GoldenResult:
    """How far one variant on one engine is from what was recorded."""

    precision: str
    variant: str
    backend: str
    error: float
    """Relative error, see `relative_error`; NaN where nothing, or no number, came out."""
    tolerance: float
    """What the manifest allows on this class of CPU."""
    refusal: str = ""
    """Why the engine did not run it, in its words; empty where it did."""

    @property
    def passed(self) -> bool:
        """Whether the variant is right on this engine and machine."""
        return self.error <= self.tolerance  # false for NaN

    @property
    def told(self) -> str:
        """Why it is right or wrong, in words."""
        return self.refusal or f"error {self.error:.1e}, allowed {self.tolerance:.1e}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the error is null where it is no number."""
        return {**vars(self), "error": self.error if math.isfinite(self.error) else None, "passed": self.passed}


def relative_error(outputs: npt.NDArray[np.float32], golden: npt.NDArray[np.float32]) -> float:
    """Largest root-mean-square deviation of one sample, relative to the root mean square of all golden ones.

    Each column of a table counts in its own root mean square, as columns have units of their own. An entry that is
    missing on one side only counts as a deviation of 1; where no golden entry is missing, none may be, and the error
    is NaN.

    Args:
        outputs: [n, *shape], to be judged.
        golden: [n, *shape], the truth.
    """
    axes = (0,) if golden.ndim == 2 else None
    known = ~np.isnan(golden)
    squares = np.square(golden, where=known, out=np.zeros(golden.shape), dtype=np.float64).sum(axis=axes)
    squares = squares / np.maximum(known.sum(axis=axes), 1)
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))
    apart = deviations(outputs, golden, scale)
    return float(np.sqrt((apart**2).reshape(len(golden), -1).mean(axis=1)).max())


def check_golden(bundle: Bundle, backend: str, precision: str, *, threads: int = 1) -> GoldenResult:
    """Generate the golden samples of one variant on one engine and compare.

    Raises:
        BundleError: The bundle's golden file is unusable.
        BackendError: The engine is absent, or refuses the graph.
    """
    variant = bundle.manifest.variant(precision, backend)
    with open_variant(bundle, backend, variant, Options(threads=threads)) as session:
        return check_session(bundle, backend, variant, session)


def check_session(bundle: Bundle, backend: str, variant: Variant, session: Session) -> GoldenResult:
    """Generate the golden samples of a variant that is open already, together and some alone, and compare.

    Engines compute single samples by other code than many at once; the worse of the two counts. Errors as in
    `check_golden`.
    """
    manifest = bundle.manifest
    golden = read_golden(bundle, variant.name)
    inputs = Feed(manifest.golden_seed, manifest.noise_shape, manifest.data.conditions, {}).take(0, len(golden))
    (together,) = session.run((inputs.noise, inputs.condition))
    alone = together.copy()
    for row in range(min(_ALONE, len(golden))):
        (sample,) = session.run((inputs.noise[row : row + 1], inputs.condition[row : row + 1]))
        alone[row] = sample[0]
    # numpy's maximum, unlike Python's, is NaN where one of them is.
    error = float(np.maximum(relative_error(together, golden), relative_error(alone, golden)))
    return GoldenResult(variant.precision, variant.name, backend, error, tolerance_here(variant))


def check_everywhere(bundle: Bundle, *, threads: int = 1) -> Iterator[GoldenResult]:
    """Every variant on every engine that is present; one that an engine refuses is a result too.

    Raises:
        BundleError: The bundle is damaged, or its golden file unusable.
    """
    for backend in BACKENDS:
        if not BACKENDS[backend].probe().available:
            continue
        for variant in bundle.manifest.variants_for(backend):
            try:
                yield check_golden(bundle, backend, variant.precision, threads=threads)
            except BackendError as error:
                yield refused(variant, backend, error)


def refused(variant: Variant, backend: str, error: Exception) -> GoldenResult:
    """The result of an engine that did not run the variant."""
    return GoldenResult(variant.precision, variant.name, backend, math.nan, tolerance_here(variant), str(error))


def tolerance_here(variant: Variant) -> float:
    """What the manifest allows on this machine."""
    return variant.tolerance_for(this_host().cpu_class)


def read_golden(bundle: Bundle, variant: str) -> npt.NDArray[np.float32]:
    """The recorded outputs [n, *shape] of one variant, for the golden seed's samples 0 to n - 1.

    Raises:
        BundleError: The bundle's golden file is unusable.
    """
    if bundle.manifest.files[GOLDEN_NAME].size > MAX_GOLDEN_BYTES:  # its list of members alone could fill the memory
        raise BundleError(f"{GOLDEN_NAME} is larger than the {MAX_GOLDEN_BYTES} bytes it may have")
    golden = _unpacked(bundle.read(GOLDEN_NAME), variant)
    shape = bundle.manifest.data.shape
    if golden.dtype != np.float32 or golden.shape[1:] != shape or not 1 <= len(golden) <= BATCH_SIZE:
        raise BundleError(f"{GOLDEN_NAME}: {variant} must be float32 [1 to {BATCH_SIZE}, {shape}]")
    known = golden[~np.isnan(golden)] if bundle.manifest.data.has_gaps else golden
    if not np.isfinite(known).all() or not known.any():
        raise BundleError(f"{GOLDEN_NAME}: {variant} must be finite and not all zero")
    return golden


def _unpacked(content: bytes, variant: str) -> npt.NDArray[Any]:
    file = io.BytesIO(content)
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size <= MAX_GOLDEN_BYTES:
            file.seek(0)
            return np.asarray(np.load(file, allow_pickle=False)[variant])
    except Exception as error:  # numpy, zipfile and zlib raise many kinds for damaged content
        raise BundleError(f"{GOLDEN_NAME} does not hold the {variant} outputs: {error}") from error
    raise BundleError(f"{GOLDEN_NAME} is larger than the {MAX_GOLDEN_BYTES} bytes it may unpack to")
