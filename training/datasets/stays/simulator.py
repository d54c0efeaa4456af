"""Stays in intensive care to start without any data: simulated courses of illness, one stay a patient, by patient.

Patients are drawn in `patient` from how severely ill they are; what is measured of them stands in `courses`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dataset import Dataset
from ..patient_samples import PatientSamples, Progress
from ..simulation import Place, Simulator, simulated_dataset
from .definition import ICU_TYPE, SEX, stay_schema
from .patient import draw_stay_patient, record_stay

_SIMULATOR = Simulator(
    kind="icu-stays",
    name="stay simulator 1",
    attribution=(
        "Simulated by Edgeward; variables as in Silva I, Moody G, Scott DJ, Celi LA, Mark RG, Comput Cardiol "
        "39:245-248, 2012."
    ),
    notes=(
        "Levels, trends, gaps and outcome follow an unseen severity; how strongly is set by hand.",
        "What is written down is plausible throughout: no slips of the pen, no lines out of place.",
    ),
)


def simulate_stays(
    *,
    patients: tuple[int, int, int] = (1600, 300, 600),
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate the first 48 hours of stays, of which about one in eight ends with death in hospital.

    Args:
        patients: How many in train, validation and test, before `classes` picks some.
        seed: Not negative.
        classes: Outcomes to keep; `None` keeps both.
        on_progress: Told after every patient.

    Raises:
        RequestError: A number is too small, or an outcome is unknown.
    """
    return simulated_dataset(
        _SIMULATOR, stay_schema(), _draw, patients=patients, seed=seed, classes=classes, on_progress=on_progress
    )


def _draw(place: Place) -> PatientSamples:
    schema = stay_schema()
    patient = draw_stay_patient(place.generator, schema.length)
    recorded = record_stay(patient, place.generator)
    series = [recorded[channel.name].clip(channel.minimum, channel.maximum) for channel in schema.channels]
    return PatientSamples(
        samples=np.array([series], dtype=np.float32),
        columns={
            "outcome": float(patient.died),
            "icu_type": float(ICU_TYPE.values.index(patient.unit)),
            "sex": float(SEX.values.index(patient.sex)),
            "age": patient.age_years,
        },
        attributes={"sex": patient.sex},
    )
