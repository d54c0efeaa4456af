"""Strips of ECG to start without any data: simulated patients whose rhythm comes and goes, split by patient.

Patients and their strips are drawn in `patient`; beats, leads and signals are those of the simulated beats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....runtime.errors import RequestError
from ..dataset import Dataset
from ..patient_samples import PatientSamples, Progress
from ..simulation import Place, Simulator, simulated_dataset
from .definition import RHYTHM, SAMPLING_RATE_HZ, STRIP_LENGTH, mean_heart_rate, strip_schema
from .patient import draw_strip_patient, record_strip

_SIMULATOR = Simulator(
    kind="ecg-strips",
    name="strip simulator 1",
    attribution=(
        "Simulated by Edgeward after McSharry PE, Clifford GD, Tarassenko L, Smith LA, IEEE Trans Biomed Eng "
        "50(3):289-294, 2003, and Stridh M, Sörnmo L, IEEE Trans Biomed Eng 48(1):105-111, 2001."
    ),
    notes=("Rhythms, wave shapes and intervals are set by hand to be plausible and learnable.",),
)

# By place in the split, round and round, so that every split of three patients or more holds every rhythm. Few people
# have two such rhythms; all but a few have sinus rhythm at times.
_SHARES = ({"N": 1.0}, {"N": 0.3, "AFIB": 0.7}, {"N": 0.4, "B": 0.6})


def simulate_strips(
    *,
    patients: tuple[int, int, int] = (60, 15, 30),
    strips_per_patient: int = 24,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate strips of 10.24 s in mV; about N 57, AFIB 23, B 20 in a hundred.

    Args:
        patients: How many in train, validation and test.
        strips_per_patient: Before `classes` picks some; at least 10, so that each has strips of every rhythm of theirs.
        seed: Not negative.
        classes: Rhythms to keep; `None` keeps all.
        on_progress: Told after every patient.

    Raises:
        RequestError: A number is too small, or a rhythm is unknown.
    """
    if strips_per_patient < 10:
        raise RequestError(f"a simulation needs at least 10 strips a patient, not {strips_per_patient}")

    def draw(place: Place) -> PatientSamples:
        return _draw(place, strips_per_patient)

    return simulated_dataset(
        _SIMULATOR, strip_schema(), draw, patients=patients, seed=seed, classes=classes, on_progress=on_progress
    )


def _draw(place: Place, strips: int) -> PatientSamples:
    schema = strip_schema()
    patient = draw_strip_patient(place.generator)
    rhythms = _rhythms(_SHARES[place.position % len(_SHARES)], strips, place.generator)
    samples = np.empty((strips, *schema.shape), dtype=np.float32)
    heart_rates = np.empty(strips)
    for number, rhythm in enumerate(rhythms):
        strip, r_times_s = record_strip(patient, rhythm, STRIP_LENGTH, SAMPLING_RATE_HZ, place.generator)
        for lead, channel in enumerate(schema.channels):
            samples[number, lead] = strip[lead].clip(channel.minimum, channel.maximum)
        heart_rates[number] = mean_heart_rate(r_times_s)
    indices = np.array([RHYTHM.values.index(rhythm) for rhythm in rhythms], dtype=np.float64)
    return PatientSamples(samples, {"rhythm": indices, "heart_rate": heart_rates})


def _rhythms(shares: dict[str, float], strips: int, generator: np.random.Generator) -> list[str]:
    """The rhythm of each strip: exactly the shares but for rounding, each in one or two stretches, from anywhere."""
    ends = np.rint(np.cumsum(list(shares.values())) * strips).astype(int)
    in_order = np.repeat(list(shares), np.diff(ends, prepend=0))
    turned: list[str] = np.roll(in_order, int(generator.integers(strips))).tolist()
    return turned
