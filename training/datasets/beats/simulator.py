"""The data to start without any data: simulated beats of simulated patients, split by patient.

Same schema as the recorded beats, so what is tried on these runs unchanged on those. Patients are drawn in
`patient`, their beats' looks in `ecg.morphology`, their timing in `ecg.rhythm`; the signal is solved in `ecg.dynamics`.
They look like ECGs; they are not evidence about patients.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....runtime.errors import RequestError
from ..dataset import Dataset
from ..ecg.beat_classes import BEAT_CLASSES
from ..patient_samples import SPLITS, Progress
from ..simulation import Simulator, places
from .definition import PatientBeats, beat_schema, chosen_classes, join_beats
from .patient import draw_patient, record_beats

_SIMULATOR = Simulator(
    kind="ecg-beats",
    name="ECG simulator 1",
    attribution=(
        "Simulated by Edgeward after the model of McSharry PE, Clifford GD, Tarassenko L, Smith LA, "
        "IEEE Trans Biomed Eng 50(3):289-294, 2003."
    ),
    notes=("Class shares, wave shapes and intervals are set by hand to be plausible and learnable.",),
)
_EVERY_PACED = 3  # the first, fourth, … patient of a split has a pacemaker, so every split holds Q beats
_FEWEST_BEATS = 50  # with fewer, a patient may have no F beat


def simulate_beats(
    *,
    patients: tuple[int, int, int] = (40, 10, 20),
    beats_per_patient: int = 200,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Simulate beats of 1.024 s in mV; about N 61, S 12, V 16, F 6, Q 6 in a hundred.

    A patient depends on the seed, the split and the place in it alone: more patients or other classes leave
    those there were as they are.

    Args:
        patients: How many in train, validation and test.
        beats_per_patient: Of all classes together, before `classes` picks some; at least 50.
        seed: Not negative.
        classes: AAMI classes to keep; `None` keeps all five.
        on_progress: Called as (patients done, patients in all, which patient) after each.

    Raises:
        RequestError: A number is too small, or a class is unknown.
    """
    chosen = chosen_classes(classes, tuple(BEAT_CLASSES))
    if beats_per_patient < _FEWEST_BEATS:
        raise RequestError(f"a simulation needs {_FEWEST_BEATS} beats a patient or more, not {beats_per_patient}")
    recorded: dict[str, list[PatientBeats]] = {split: [] for split in SPLITS}
    for place in places(patients, seed, on_progress):
        patient = draw_patient(place.generator, beats_per_patient, paced=place.position % _EVERY_PACED == 0)
        recorded[place.split].append(PatientBeats(place.patient, *record_beats(patient, place.generator)))
    splits = {split: join_beats(beats, chosen) for split, beats in recorded.items()}
    provenance = _SIMULATOR.provenance(seed, splits)
    return Dataset(beat_schema(chosen), splits["train"], splits["validation"], splits["test"], provenance)
