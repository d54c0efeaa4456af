"""One simulated chest X-ray, seen from the front: what lies in the beam's way, and the grey that comes of it.

Coordinates run from 0 to 1, x from left to right of the image and y from top to bottom; the patient's left is on the
right. Shapes are smooth-edged densities that add up, as absorption does along a ray; all set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

_Floats = npt.NDArray[np.float64]

_OVERSAMPLING = 2  # per axis; shapes have smooth edges
_EDGE = 0.018  # width of a smooth edge


@dataclass(frozen=True)
class Blob:
    """A round opacity: fluid or cells where air should be."""

    x: float
    y: float
    width: float
    """Standard deviation."""
    density: float


@dataclass(frozen=True)
class Chest:
    """Anatomy, position and exposure of one image."""

    centre: float
    """x of the spine."""
    tilt: float
    """How much x shifts from top to bottom: the patient lies askew."""
    zoom: float
    """Above 1 where the image shows less around the lungs."""
    lung_width: float
    """Half of one lung's."""
    lung_top: float
    lung_base: float
    """y of the diaphragm's domes; the image's left one is a little higher, over the liver."""
    heart_width: float
    """Half."""
    rib_spacing: float
    rib_phase: float
    rib_density: float
    body_width: float
    """Half; beyond it the beam meets nothing."""
    air: float
    """How much less the lungs absorb than soft tissue."""
    haze: float
    """What both lungs have gained in density all over."""
    blobs: tuple[Blob, ...]
    exposure: float
    """Grey of soft tissue."""
    contrast: float
    blur_pixels: float
    noise: float
    """Standard deviation of the grain, of the full range."""


def draw_chest(generator: np.random.Generator, *, opacity: bool) -> Chest:
    """One patient's chest, with clear lungs or with opacities in them."""
    severity = generator.beta(2.0, 1.6) if opacity else 0.0
    return Chest(
        centre=0.5 + generator.normal(0.0, 0.025),
        tilt=generator.normal(0.0, 0.03),
        # The sicker a patient, the worse they can be placed.
        zoom=1.04 + 0.07 * generator.standard_normal() + 0.25 * severity * generator.random(),
        lung_width=generator.uniform(0.165, 0.205),
        lung_top=generator.uniform(0.06, 0.16),
        lung_base=generator.uniform(0.74, 0.86),
        heart_width=generator.uniform(0.12, 0.17) + 0.02 * severity,
        rib_spacing=generator.uniform(0.08, 0.105),
        rib_phase=generator.random(),
        rib_density=generator.uniform(0.05, 0.13),
        body_width=generator.uniform(0.44, 0.64),
        air=generator.uniform(0.32, 0.48),
        haze=severity * generator.uniform(0.0, 0.20),
        blobs=_blobs(generator, severity),
        exposure=generator.uniform(0.60, 0.74),
        contrast=generator.uniform(0.85, 1.15),
        blur_pixels=generator.uniform(0.3, 0.6),
        noise=generator.uniform(0.004, 0.012),
    )


def _blobs(generator: np.random.Generator, severity: float) -> tuple[Blob, ...]:
    """One to four opacities, mostly in the lower lungs; none where nothing is wrong."""
    if severity == 0.0:
        return ()
    return tuple(
        Blob(
            x=0.5 + generator.choice([-1.0, 1.0]) * generator.uniform(0.10, 0.30),
            y=generator.uniform(0.30, 0.78),
            width=generator.uniform(0.06, 0.16),
            density=(0.15 + 0.30 * severity) * generator.uniform(0.7, 1.1),
        )
        for _ in range(int(generator.integers(1, 5)))
    )


def take_image(chest: Chest, pixels: int, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """The image [pixels, pixels] of a chest, from 0 (dark) to 1 (bright)."""
    grid = (np.arange(_OVERSAMPLING * pixels) + 0.5) / (_OVERSAMPLING * pixels)
    y = 0.5 + (grid[:, None] - 0.5) / chest.zoom
    x = 0.5 + (grid[None, :] - 0.5) / chest.zoom - (chest.centre - 0.5) - chest.tilt * (y - 0.5)
    density = _density(chest, x, y)
    blurred = gaussian_filter(density, _OVERSAMPLING * chest.blur_pixels, mode="nearest")
    seen = blurred.reshape(pixels, _OVERSAMPLING, pixels, _OVERSAMPLING).mean(axis=(1, 3))
    grey: _Floats = chest.exposure + chest.contrast * seen + chest.noise * generator.standard_normal(seen.shape)
    return grey.clip(0.0, 1.0).astype(np.float32)


def _density(chest: Chest, x: _Floats, y: _Floats) -> _Floats:
    """What is in the way, as a difference from soft tissue."""
    from_spine = np.abs(x - 0.5)
    heart = _heart(chest, x, y)
    opacity = chest.haze + sum(
        blob.density * np.exp(-0.5 * (((x - blob.x) ** 2 + (y - blob.y) ** 2) / blob.width**2)) for blob in chest.blobs
    )
    # Where the heart or fluid lies in front of air, there is as much less air in the way.
    air = np.clip(chest.air - 0.9 * chest.air * heart - opacity, 0.02, None)
    lungs = air * (_lung(chest, x, y, -1.0) + _lung(chest, x, y, 1.0))
    spine = 0.09 * np.exp(-0.5 * (from_spine / 0.05) ** 2)
    clavicles = 0.10 * np.exp(-0.5 * ((y - chest.lung_top - 0.05 + 0.22 * (from_spine - 0.1)) / 0.02) ** 2)
    belly = 0.08 * _inside(y - chest.lung_base, 0.05)
    inside = 0.07 * heart + spine + clavicles * _inside(from_spine - 0.05) + belly + _ribs(chest, from_spine, y) - lungs
    # Beside the neck, over the shoulders and beyond the sides the beam meets little or nothing.
    shoulders = chest.lung_top - 0.10 + 0.5 * (from_spine - 0.28).clip(0.0)
    beside = _inside(shoulders - y, 0.04) * _inside(from_spine - 0.15, 0.04)
    beyond = _inside(from_spine - chest.body_width, 0.03)
    outside = np.maximum(0.6 * beside, beyond)
    return inside * (1.0 - outside) - 0.8 * outside


def _lung(chest: Chest, x: _Floats, y: _Floats, side: float) -> _Floats:
    """How much a ray runs through the lung on one side, from 0 to 1: a dome at the top, hollow at the base."""
    base = chest.lung_base + (0.02 if side > 0.0 else -0.02)
    rise = ((y - chest.lung_top) / (0.8 * (base - chest.lung_top))).clip(0.0, 1.0)
    half = chest.lung_width * np.sqrt(1.0 - (1.0 - rise) ** 2)
    # The lungs lean outwards: their tops are closer together than their bases.
    middle = 0.5 + side * (0.01 + chest.lung_width + 0.13 * (y - chest.lung_top))
    across = (x - middle) / chest.lung_width
    dome = base - 0.05 + 0.09 * (across + 0.4 * side) ** 2
    thick = np.sqrt((1.0 - 0.65 * across**2).clip(0.2))
    thickness: _Floats = thick * _inside(half - np.abs(x - middle), 0.03) * _inside(dome - y, 0.03)
    return thickness


def _heart(chest: Chest, x: _Floats, y: _Floats) -> _Floats:
    """An ellipse over the diaphragm, mostly on the patient's left, and the vessels above it."""
    across = (x - 0.54 - 0.25 * (y - chest.lung_base + 0.12)) / chest.heart_width
    along = (y - chest.lung_base + 0.12) / 0.20
    body = _inside(1.0 - np.hypot(across, along), 0.22)
    vessels = _inside(0.07 - np.abs(x - 0.505), 0.03) * _inside(y - 0.15, 0.05)
    return np.maximum(body, vessels)


def _ribs(chest: Chest, from_spine: _Floats, y: _Floats) -> _Floats:
    """Bands that leave the spine and slope down to the sides, over the lungs and the chest's wall."""
    along = (y - 0.9 * from_spine**1.6) / chest.rib_spacing + chest.rib_phase
    bands = (0.5 + 0.5 * np.cos(2.0 * np.pi * along)) ** 1.5
    return chest.rib_density * bands * _inside(y - chest.lung_top, 0.05) * _inside(chest.lung_base + 0.08 - y, 0.05)


def _inside(depth: _Floats, edge: float = _EDGE) -> _Floats:
    """From 0 outside to 1 inside, where `depth` is how far inside."""
    return 0.5 + 0.5 * np.tanh(depth / edge)
