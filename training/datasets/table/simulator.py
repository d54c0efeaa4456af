"""A table to start without any data: simulated rows of `heart_table`, one a patient, split by patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dataset import Dataset
from ..patient_samples import PatientSamples, Progress
from ..simulation import Place, Simulator, simulated_dataset
from .heart_table import HEART_COLUMNS, HEART_OUTCOME, draw_heart_row, heart_schema, missing_entries

_SIMULATOR = Simulator(
    kind="table",
    name="heart table simulator 1",
    attribution="Simulated by Edgeward.",
    notes=("Coefficients are set by hand: directions are textbook, sizes are not estimates.",),
)


def simulate_table(
    *,
    patients: tuple[int, int, int] = (1600, 300, 600),
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate a table of heart disease: 16 columns of every kind, some entries missing, half with the disease.

    Args:
        patients: How many in train, validation and test, before `classes` picks some.
        seed: Not negative.
        classes: Outcomes to keep, `no` or `yes`; `None` keeps both.
        on_progress: Told after every patient.

    Raises:
        RequestError: A number is too small, or an outcome is unknown.
    """
    return simulated_dataset(
        _SIMULATOR,
        heart_schema(),
        _draw,
        patients=patients,
        seed=seed,
        classes=classes,
        on_progress=on_progress,
    )


def _draw(place: Place) -> PatientSamples:
    generator = place.generator
    row, probability = draw_heart_row(generator)
    ill = generator.random() < probability
    unknown = missing_entries(row, generator)
    entries = [np.nan if column.name in unknown else row[column.name] for column in HEART_COLUMNS]
    return PatientSamples(
        samples=np.array([entries], dtype=np.float32),
        columns={HEART_OUTCOME.name: float(ill)},
        attributes={"sex": "FM"[int(row["sex"])]},
    )
