"""The data to start without any data: simulated beats of simulated patients, split by patient.

Same schema as the recorded beats, so what is tried on these runs unchanged on those. Patients are drawn in
`ecg_patient`, their beats' looks in `ecg_morphology`, their timing in `ecg_rhythm`; the signal is solved in
`ecg_dynamics`. They look like ECGs; they are not evidence about patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...runtime.errors import RequestError
from .beats import BEAT_CLASSES, PatientBeats, beat_schema, chosen_classes, join_beats
from .dataset import Dataset, Provenance, Split
from .digest import dataset_digest
from .ecg_patient import draw_patient, record_beats

_SPLITS = ("train", "validation", "test")
_EVERY_PACED = 3  # the first, fourth, … patient of a split has a pacemaker, so every split holds Q beats
_FEWEST_BEATS = 50  # with fewer, a patient may have no F beat


def simulate_beats(
    *,
    patients: tuple[int, int, int] = (40, 10, 20),
    beats_per_patient: int = 200,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
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
    if len(patients) != len(_SPLITS) or min(patients) < 1 or beats_per_patient < _FEWEST_BEATS or seed < 0:
        raise RequestError(
            f"a simulation needs three splits of at least 1 patient, {_FEWEST_BEATS} beats a patient and a "
            f"seed of 0 or more, not {patients}, {beats_per_patient} and {seed}"
        )
    splits: dict[str, Split] = {}
    done = 0
    for split_number, (split_name, count) in enumerate(zip(_SPLITS, patients, strict=True)):
        recorded: list[PatientBeats] = []
        for position in range(count):
            generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, split_number, position])))
            patient = draw_patient(generator, beats_per_patient, paced=position % _EVERY_PACED == 0)
            name = f"{split_name}-{position:04d}"
            recorded.append(PatientBeats(name, *record_beats(patient, generator)))
            done += 1
            if on_progress is not None:
                on_progress(done, sum(patients), f"patient {name}")
        splits[split_name] = join_beats(recorded, chosen)
    provenance = Provenance(
        kind="ecg-beats",
        source=f"Edgeward ECG simulator 1, seed {seed}",
        licence="Apache-2.0",
        attribution=(
            "Simulated by Edgeward after the model of McSharry PE, Clifford GD, Tarassenko L, Smith LA, "
            "IEEE Trans Biomed Eng 50(3):289-294, 2003."
        ),
        synthetic=True,
        digest=dataset_digest(splits),
        notes=(
            "Simulated: no patient stands behind these beats, and no clinical claim can rest on them.",
            "Class shares, wave shapes and intervals are set by hand to be plausible and learnable.",
        ),
    )
    return Dataset(beat_schema(chosen), splits["train"], splits["validation"], splits["test"], provenance)
