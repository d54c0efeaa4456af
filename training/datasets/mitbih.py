"""The MIT-BIH Arrhythmia Database as beats: 44 half-hour records of two leads, split by patient.

Source: Moody GB, Mark RG, IEEE Eng Med Biol 20(3):45-50, 2001. Split and classes: de Chazal P, O'Dwyer M,
Reilly RB, IEEE TBME 51(7):1196-1206, 2004. The four paced records belong to neither of their two halves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...runtime.errors import DataError, RequestError
from .beats import BEAT_CLASSES, beat_schema, chosen_classes, join_beats
from .dataset import Dataset, Provenance
from .digest import dataset_digest
from .mitbih_beats import RecordBeats, cut_beats
from .mitbih_notes import notes
from .wfdb_record import read_record

# fmt: off
DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)
DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)
# fmt: on
# These four hold every default class (N 7968, S 119, V 634, F 34) and leave most of each to train on; record
# 208, with nine in ten of the F beats of DS1, has to stay there.
VALIDATION = ("114", "124", "205", "223")

RECORDS: Mapping[str, Sequence[str]] = {
    "train": tuple(name for name in DS1 if name not in VALIDATION),
    "validation": VALIDATION,
    "test": DS2,
}
"""The records of each split; a record is one patient, except that 201 and 202 are the same man: patient 201."""

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
    _check_folder(folder, [name for names in records.values() for name in names])
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
        source="MIT-BIH Arrhythmia Database 1.0.0",
        licence="ODC-BY-1.0",
        attribution=(
            "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol "
            "20(3):45-50, 2001. Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation "
            "101(23):e215-e220, 2000. Made available under the Open Data Commons Attribution License v1.0."
        ),
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


def _check_folder(folder: Path, names: Sequence[str]) -> None:
    advice = "download the WFDB files from https://physionet.org/content/mitdb/1.0.0/ and name their folder"
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; {advice}, or use the data 'simulated'")
    if not any(folder.glob("*.hea")):
        inner = next((path.parent for path in sorted(folder.glob("*/*.hea"))), None)
        remedy = f"name {inner} instead" if inner else advice
        raise DataError(f"{folder} holds no WFDB header (*.hea), so no MIT-BIH records; {remedy}")
    missing = [name for name in names if not (folder / f"{name}.hea").is_file()]
    if missing:
        raise DataError(
            f"{folder} lacks the headers of {len(missing)} of {len(names)} records (half a download?): "
            f"{', '.join(missing)}; {advice}"
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
