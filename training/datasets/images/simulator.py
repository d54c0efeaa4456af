"""Images to start without any data: simulated chest X-rays of `chest_image`, one a patient, split by patient."""

from __future__ import annotations

from collections.abc import Sequence

from ....runtime.schema import ImageSchema
from ..dataset import Dataset
from ..patient_samples import PatientSamples, Progress
from ..simulation import Place, Simulator, simulated_dataset
from .chest_image import draw_chest, take_image
from .definition import LABEL, image_schema

PIXELS = 28

CLASSES = {"normal": "clear lungs", "opacity": "opacities in the lungs"}

_OPACITY_SHARE = 0.5


_SIMULATOR = Simulator(
    kind="images",
    name="chest image simulator 1",
    attribution="Simulated by Edgeward.",
    notes=("Shapes, densities and exposure are set by hand to look like small chest X-rays.",),
)


def simulate_images(
    *,
    patients: tuple[int, int, int] = (1600, 300, 600),
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate chest X-rays of 28 by 28 grey pixels, half of them with opacities, one image a patient.

    Args:
        patients: How many in train, validation and test, before `classes` picks some.
        seed: Not negative.
        classes: Classes to keep, `normal` or `opacity`; `None` keeps both.
        on_progress: Told after every patient.

    Raises:
        RequestError: A number is too small, or a class is unknown.
    """
    return simulated_dataset(
        _SIMULATOR,
        chest_schema(),
        _draw,
        patients=patients,
        seed=seed,
        classes=classes,
        on_progress=on_progress,
    )


def chest_schema() -> ImageSchema:
    """The schema of the images."""
    description = "A chest X-ray from the front, in grey; air is dark."
    return image_schema("chest-xrays", description, CLASSES, channels=1, pixels=PIXELS)


def _draw(place: Place) -> PatientSamples:
    opacity = bool(place.generator.random() < _OPACITY_SHARE)
    image = take_image(draw_chest(place.generator, opacity=opacity), PIXELS, place.generator)
    return PatientSamples(samples=image[None, None], columns={LABEL: float(opacity)})
