"""What a heart beat is here, for recorded and simulated ones alike: window, leads, schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ....runtime.errors import RequestError
from ....runtime.schema import Channel, ClassCondition, SignalSchema
from ..dataset import Split
from ..ecg.beat_classes import BEAT_CLASSES
from ..ecg.mitbih_database import RANGE_MV
from ..ecg.plausible import lead_rules

SAMPLING_RATE_HZ = 250
WINDOW_LENGTH = 256
"""Samples of one window: 1.024 s."""
R_SAMPLE = 96
"""Sample of the window at which the R peak lies: 0.384 s before it hold the P wave, 0.64 s after it the T."""


@dataclass(frozen=True)
class PatientBeats:
    """The beats of one patient, of every class."""

    patient: str
    samples: npt.NDArray[np.float32]
    """[beats, 2, WINDOW_LENGTH] in mV."""
    classes: npt.NDArray[np.str_]
    """[beats], AAMI classes."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What is known of the patient, by the names of `Split.attributes`; the same names for all patients."""


def join_beats(patients: Sequence[PatientBeats], classes: Sequence[str]) -> Split:
    """One split of these patients' beats of these classes; its column holds the index in `classes`."""
    labels = np.concatenate([beats.classes for beats in patients])
    kept = [np.isin(beats.classes, classes) for beats in patients]
    index = {name: float(position) for position, name in enumerate(classes)}
    beats_kept = [int(keep.sum()) for keep in kept]
    return Split(
        samples=np.concatenate([beats.samples[keep] for beats, keep in zip(patients, kept, strict=True)]),
        columns={"beat_class": np.array([index[name] for name in labels.tolist() if name in index])},
        patients=np.repeat([beats.patient for beats in patients], beats_kept),
        attributes={
            name: np.repeat([beats.attributes[name] for beats in patients], beats_kept)
            for name in patients[0].attributes
        },
    )


def beat_schema(classes: Sequence[str]) -> SignalSchema:
    """The schema of beats of these classes, a subset of `BEAT_CLASSES`."""
    return SignalSchema(
        name="ecg-beats",
        description=(
            "One heart beat in two ECG leads, with what its neighbours leave in the window: MLII, and the "
            "chest lead as recorded (V1 in most, V2, V4 or V5 in a few); R peak at sample "
            f"{R_SAMPLE}, counted from 0."
        ),
        channels=(Channel("MLII", "mV", *RANGE_MV), Channel("V", "mV", *RANGE_MV)),
        sampling_rate_hz=SAMPLING_RATE_HZ,
        length=WINDOW_LENGTH,
        conditions=(ClassCondition("beat_class", tuple(classes), tuple(BEAT_CLASSES[name] for name in classes)),),
        event_sample=R_SAMPLE,
        rules=(*lead_rules("MLII"), *lead_rules("V")),
    )


def chosen_classes(wanted: Sequence[str] | None, default: Sequence[str]) -> tuple[str, ...]:
    """The classes to keep, in AAMI order whatever the order asked in; `None` means `default`.

    Raises:
        RequestError: A class is unknown, or none is asked for.
    """
    names = default if wanted is None else wanted
    unknown = [name for name in names if name not in BEAT_CLASSES]
    if unknown or not names:
        asked = f"there is no beat class {unknown[0]!r}" if unknown else "no beat class is asked for"
        raise RequestError(f"{asked}; give some of {','.join(BEAT_CLASSES)}, e.g. --classes N,S,V,F")
    return tuple(name for name in BEAT_CLASSES if name in names)
