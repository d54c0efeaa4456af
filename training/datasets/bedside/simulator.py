"""Bedside windows to start without any data: simulated patients at a monitor, split by patient.

Patients are drawn in `patient`, their rhythm of heart and breath in `phases`, what the monitor records of it in
`recording`. Conditions are what holds in the window itself, not what a monitor showed some time later.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....runtime.errors import RequestError
from ....runtime.schema import SignalSchema
from ..dataset import Dataset
from ..patient_samples import PatientSamples, Progress
from ..simulation import Place, Simulator, simulated_dataset
from .definition import SAMPLING_RATE_HZ, SEX, WINDOW_LENGTH, bedside_schema, heart_rate_bands
from .patient import draw_bedside_patient
from .recording import CHANNELS, simulate_bedside

_ATTRIBUTION = (
    "Simulated by Edgeward after Clifford GD, McSharry PE, Proc SPIE 5467:290-301, 2004, and McSharry PE et al., IEEE "
    "Trans Biomed Eng 50(3):289-294, 2003."
)
_NOTES = (
    "All patients are in sinus rhythm; rates, pressures and delays are set by hand to be plausible.",
    "Oxygen saturation is drawn plausibly, and shows in no channel.",
)

# By place in the split, round and round, so that every split of six patients or more holds every band.
_HEART_RATES = ((63.0, 97.0), (104.0, 124.0), (63.0, 97.0), (48.0, 57.0), (63.0, 97.0), (63.0, 97.0))
_WINDOWS = Simulator("bedside-windows", "bedside simulator 1", _ATTRIBUTION, _NOTES)
_PRESSURE_WINDOWS = Simulator("bedside-windows-abp", "bedside simulator 1, with pressure", _ATTRIBUTION, _NOTES)


def simulate_windows(
    *,
    patients: tuple[int, int, int] = (80, 20, 40),
    windows_per_patient: int = 20,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate windows of 8.192 s of lead II in mV, pleth and respiration.

    Args:
        patients: How many in train, validation and test.
        windows_per_patient: One after another, before `classes` picks some; at least 1.
        seed: Not negative.
        classes: Bands of heart rate to keep; `None` keeps all.
        on_progress: Told after every patient.

    Raises:
        RequestError: A number is too small, or a band is unknown.
    """
    schema = bedside_schema(pressure=False)
    return _simulate(_WINDOWS, schema, patients, windows_per_patient, seed, classes, on_progress)


def simulate_pressure_windows(
    *,
    patients: tuple[int, int, int] = (80, 20, 40),
    windows_per_patient: int = 20,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """The same windows of the same patients as `simulate_windows`, with arterial pressure in mm[Hg] beside them.

    Raises:
        RequestError: As `simulate_windows`.
    """
    schema = bedside_schema(pressure=True)
    return _simulate(_PRESSURE_WINDOWS, schema, patients, windows_per_patient, seed, classes, on_progress)


def _simulate(
    simulator: Simulator,
    schema: SignalSchema,
    patients: tuple[int, int, int],
    windows: int,
    seed: int,
    classes: Sequence[str] | None,
    on_progress: Progress | None,
) -> Dataset:
    if windows < 1:
        raise RequestError(f"a simulation needs at least 1 window a patient, not {windows}")

    def draw(place: Place) -> PatientSamples:
        return _draw(schema, windows, place)

    return simulated_dataset(
        simulator, schema, draw, patients=patients, seed=seed, classes=classes, on_progress=on_progress
    )


def _draw(schema: SignalSchema, windows: int, place: Place) -> PatientSamples:
    patient = draw_bedside_patient(place.generator, _HEART_RATES[place.position % len(_HEART_RATES)])
    duration_s = windows * WINDOW_LENGTH / SAMPLING_RATE_HZ
    recording = simulate_bedside(patient, duration_s, place.generator, SAMPLING_RATE_HZ)
    cut = recording.channels.reshape(len(CHANNELS), windows, WINDOW_LENGTH)
    shown = [cut[CHANNELS.index(channel.name)].clip(channel.minimum, channel.maximum) for channel in schema.channels]
    heart_rates, respiratory_rates = recording.mean_rates(WINDOW_LENGTH * np.arange(windows), WINDOW_LENGTH)
    return PatientSamples(
        samples=np.stack(shown, axis=1).astype(np.float32),
        columns={
            "heart_rate_band": heart_rate_bands(heart_rates),
            "heart_rate": heart_rates,
            "respiratory_rate": respiratory_rates,
            "spo2": recording.spo2_percent.reshape(windows, WINDOW_LENGTH).mean(axis=1),
            "age": np.rint(patient.age_years),
            "sex": float(SEX.values.index(patient.sex)),
        },
        attributes={"sex": patient.sex},
    )
