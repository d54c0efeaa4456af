"""The MIT-BIH Arrhythmia Database as beats: 44 half-hour records of two leads, split by patient.

Split and classes: de Chazal P, O'Dwyer M, Reilly RB, IEEE TBME 51(7):1196-1206, 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ....runtime.errors import DataError, RequestError
from ..dataset import Dataset, Provenance
from ..digest import dataset_digest
from ..ecg.beat_classes import BEAT_CLASSES
from ..ecg.mitbih_database import ADVICE, ATTRIBUTION, DS1, DS2, LICENCE, RECORDS, SOURCE, VALIDATION
from ..wfdb.folder import check_folder, refuse_missing
from .definition import beat_schema, chosen_classes, join_beats
from .mitbih_beats import RecordBeats, cut_beats
from .mitbih_notes import notes
from .mitbih_record import read_record

__all__ = ["DEFAULT_CLASSES", "DS1", "DS2", "RECORDS", "load_mitbih"]

_PUBLISHED_SPLIT = (
    "Split between patients as published by de Chazal et al. 2004 (DS1 to learn from, DS2 to test); "
    f"validation is {', '.join(VALIDATION)}, taken out of DS1."
)

DEFAULT_CLASSES = ("N", "S", "V", "F")
"""Without Q: DS1 holds 8 such beats in 3 records, too few to learn from."""

MINIMUM_TRAIN_BEATS = 20
"""A class with fewer beats to train on is refused."""

Progress = Callable[[int, int, str], None]
"""Called as (steps done, steps in all, what was just done)."""


def load_mitbih(
    folder: Path,
    *,
    classes: Sequence[str] | None = None,
    records: Mapping[str, Sequence[str]] = RECORDS,
    on_progress: Progress | None = None,
) -> Dataset:
    """Read the database's WFDB files (.hea, .dat, .atr) from a folder into beats of 1.024 s in mV.

    Args:
        folder: Where the records lie; only these local files are read.
        classes: AAMI classes to keep; `None` keeps `DEFAULT_CLASSES`.
        records: Names of the records of the splits `train`, `validation` and `test`, none of them in two.
        on_progress: Told after every record.

    Raises:
        RequestError: A class is unknown, or `records` is not three separate, non-empty splits.
        DataError: A folder, record or file is missing, damaged or foreign, or a class has too few beats.
    """
    chosen = chosen_classes(classes, DEFAULT_CLASSES)
    _check_records(records)
    check_folder(folder, "MIT-BIH records", ADVICE)
    refuse_missing(folder, [name for names in records.values() for name in names], ADVICE)
    total = sum(len(names) for names in records.values())
    read: dict[str, list[RecordBeats]] = {}
    done = 0
    for split_name in RECORDS:
        read[split_name] = []
        for name in records[split_name]:
            read[split_name].append(cut_beats(read_record(folder, name)))
            done += 1
            if on_progress is not None:
                on_progress(done, total, f"record {name}")
    _check_class_counts(read, chosen)
    split_note = _PUBLISHED_SPLIT if records == RECORDS else "The split is not the published one."
    remarks = (split_note, *notes(read, chosen))
    # Taken out one by one, so that a split's beats are not held twice for longer than it takes to join them.
    splits = {split_name: join_beats(read.pop(split_name), chosen) for split_name in RECORDS}
    provenance = Provenance(
        kind="ecg-beats",
        source=SOURCE,
        licence=LICENCE,
        attribution=ATTRIBUTION,
        synthetic=False,
        digest=dataset_digest(splits),
        notes=remarks,
    )
    return Dataset(beat_schema(chosen), splits["train"], splits["validation"], splits["test"], provenance)


def _check_records(records: Mapping[str, Sequence[str]]) -> None:
    names = [name for split_names in records.values() for name in split_names]
    if set(records) != set(RECORDS) or not all(records.values()) or len(set(names)) != len(names):
        raise RequestError(
            "records must name train, validation and test, each with at least one record and none in two"
        )


def _check_class_counts(read: Mapping[str, Sequence[RecordBeats]], chosen: tuple[str, ...]) -> None:
    counts = {name: sum(int((part.classes == name).sum()) for part in read["train"]) for name in BEAT_CLASSES}
    enough = [name for name in counts if counts[name] >= MINIMUM_TRAIN_BEATS]
    for name in chosen:
        if name not in enough:
            remedy = f"leave it out with --classes {','.join(enough)}" if enough else "add records"
            raise DataError(
                f"beat class {name} has {counts[name]} beats in the train split, and at least "
                f"{MINIMUM_TRAIN_BEATS} are needed to learn it; {remedy}"
            )
