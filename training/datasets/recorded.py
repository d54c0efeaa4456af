"""What recorded signals share: records joined to splits, classes chosen by what there is, conditions as they occur."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...runtime.errors import DataError
from ...runtime.schema import SignalSchema
from .class_support import FEWEST_PATIENTS, FEWEST_SAMPLES, check_support, support_notes, supported_classes
from .dataset import Dataset, Provenance
from .digest import dataset_digest
from .label_classes import chosen_values, keep_classes, narrowed
from .occurrence import as_they_occur
from .patient_samples import SPLITS, PatientSamples, join_patients


@dataclass(frozen=True)
class Recording:
    """What is said of recorded data."""

    kind: str
    """Which of `KINDS` they are read as."""
    source: str
    licence: str
    attribution: str
    noun: str
    """What a sample is, in the plural, e.g. `strips`."""


def recorded_dataset(
    recording: Recording,
    schema: SignalSchema,
    records: Mapping[str, Sequence[tuple[str, PatientSamples]]],
    classes: Sequence[str] | None,
    notes: Sequence[str],
    *,
    judged: bool = True,
) -> Dataset:
    """Join what was read.

    Args:
        recording: What is said of the data.
        schema: With every class of the label; how often conditions occur is filled in from train.
        records: Per split the records, each with its patient's name.
        classes: Of the label, to keep; `None` keeps those that train and test hold enough of.
        notes: What was decided and left out while reading.
        judged: As for `supported_classes`.

    Raises:
        RequestError: A class is unknown.
        DataError: A split is empty, or train holds too little of a class.
    """
    label, noun = schema.label, recording.noun
    empty = [name for name in SPLITS if not any(len(samples.samples) for _, samples in records.get(name, ()))]
    if empty:
        raise DataError(
            f"too few records: none of those that can be read gives {noun} to {' and '.join(empty)}; add records"
        )
    everything = {name: join_patients(records[name]) for name in SPLITS}
    chosen = supported_classes(label, everything, judged=judged) if classes is None else chosen_values(label, classes)
    if not chosen:
        asked = f" of {FEWEST_PATIENTS} patients in train and in test" if judged else " in train"
        raise DataError(
            f"no {label.name} has {FEWEST_SAMPLES} {noun}{asked}; add records, or name what to keep with --classes. "
            + " ".join(support_notes(label, everything, (), noun))
        )
    check_support(label, everything, chosen, noun)
    of_classes = support_notes(label, everything, chosen, noun)
    splits = {name: keep_classes(everything.pop(name), label, chosen) for name in SPLITS}
    for name, split in splits.items():
        if not len(split):
            raise DataError(f"{name} holds no {noun} of {label.name} {' or '.join(chosen)}; name other --classes")
    conditions = tuple(
        narrowed(condition, chosen) if condition == label else condition for condition in schema.conditions
    )
    provenance = Provenance(
        kind=recording.kind,
        source=recording.source,
        licence=recording.licence,
        attribution=recording.attribution,
        synthetic=False,
        digest=dataset_digest(splits),
        notes=(*notes, *of_classes),
    )
    occurring = replace(schema, conditions=as_they_occur(conditions, splits["train"].columns))
    return Dataset(occurring, splits["train"], splits["validation"], splits["test"], provenance)
