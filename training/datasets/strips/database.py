"""Strips of ECG from the MIT-BIH Arrhythmia Database, or any folder of WFDB records with beats and rhythms annotated.

MIT-BIH is split as de Chazal P et al., IEEE TBME 51(7):1196-1206, 2004, did, but for two records; any other database by
a hash of its patients' names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ....runtime.errors import DataError
from ..dataset import Dataset
from ..ecg import mitbih_database as mitbih
from ..hashed_split import split_of
from ..label_classes import chosen_values
from ..patient_samples import SPLITS, PatientSamples
from ..recorded import Recording, recorded_dataset
from ..wfdb.folder import record_names, refuse_missing
from ..wfdb.record import Origin
from .definition import RHYTHMS, rhythm_condition, strip_schema
from .leads import common_names
from .notes import notes
from .wfdb_strips import RecordStrips, cut_strips

# 201 and 202 are one man's, so both teach. Of the four paced records, in neither published half, 217 has atrial
# fibrillation at times, and with it the train split has three such patients; the other three have next to nothing but
# paced rhythm, and two of them no MLII.
_TRAIN_TOO = ("202", "217")
MITBIH_RECORDS: Mapping[str, Sequence[str]] = {
    "train": (*mitbih.RECORDS["train"], *_TRAIN_TOO),
    "validation": mitbih.RECORDS["validation"],
    "test": tuple(name for name in mitbih.RECORDS["test"] if name not in _TRAIN_TOO),
}
"""The records of each split."""

_ADVICE = (
    "name a folder of WFDB records (.hea, .dat, .atr) with beats and rhythms annotated, e.g. "
    "https://physionet.org/content/mitdb/1.0.0/ once downloaded"
)
_ORIGIN = Origin("an annotated ECG record that can be read", "copy the record again from where it is published")


def load_strips(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Read the WFDB files of a folder into strips of 10.24 s in two leads in mV at 125 Hz.

    Args:
        path: The folder; only its own files are read. Records are those of its list `RECORDS`, or else all headers.
        classes: Rhythms to keep, of `RHYTHMS`; `None` keeps those with 20 strips of 3 patients in train and in test.
        on_progress: Told after every record.

    Raises:
        RequestError: A rhythm is unknown.
        DataError: The folder, a record or a file is missing, damaged or foreign, or there is too little of a rhythm.
    """
    chosen_values(rhythm_condition(tuple(RHYTHMS)), classes)
    names = record_names(path, "records", _ADVICE)
    is_mitbih = set(names) <= {*mitbih.DS1, *mitbih.DS2, *mitbih.PACED}
    if is_mitbih:
        names = [name for split in SPLITS for name in MITBIH_RECORDS[split]]
        refuse_missing(path, names, mitbih.ADVICE)
    if not any((path / f"{name}.atr").is_file() for name in names):
        raise DataError(f"{path} holds records without annotations (*.atr), so no rhythm is known; {_ADVICE}")
    read: list[RecordStrips] = []
    unread: list[str] = []
    for done, name in enumerate(names, start=1):
        strips = cut_strips(path, name, _ORIGIN)
        if strips is None:
            unread.append(name)
        else:
            read.append(strips)
        if on_progress is not None:
            on_progress(done, len(names), f"record {name}")
    if not read:
        raise DataError(f"{path}: no record has two signals in mV, so there are no strips of ECG; {_ADVICE}")
    records = _by_split(read, is_mitbih)
    schema = strip_schema(rhythm_condition(tuple(RHYTHMS)), common_names([strips.leads for strips in read]))
    return recorded_dataset(
        _recording(path, is_mitbih), schema, records, classes, notes(read, unread, is_mitbih=is_mitbih)
    )


def _by_split(read: Sequence[RecordStrips], is_mitbih: bool) -> dict[str, list[tuple[str, PatientSamples]]]:
    published = {name: split for split, names in MITBIH_RECORDS.items() for name in names}
    records: dict[str, list[tuple[str, PatientSamples]]] = {split: [] for split in SPLITS}
    order = list(RHYTHMS)
    for strips in read:
        patient = mitbih.patient_of(strips.record) if is_mitbih else strips.person.subject or strips.record
        samples = PatientSamples(
            samples=strips.samples,
            columns={
                "rhythm": np.array([order.index(name) for name in strips.rhythms.tolist()], dtype=np.float64),
                "heart_rate": strips.heart_rates,
            },
            attributes=strips.person.attributes,
        )
        records[published[strips.record] if is_mitbih else split_of(patient)].append((patient, samples))
    return records


def _recording(folder: Path, is_mitbih: bool) -> Recording:
    if is_mitbih:
        return Recording("ecg-strips", mitbih.SOURCE, mitbih.LICENCE, mitbih.ATTRIBUTION, "strips")
    return Recording(
        kind="ecg-strips",
        source=f"WFDB records of the folder {folder.resolve().name}",
        licence="not stated in the records: that of the database they are from",
        attribution="Read by Edgeward from WFDB records; cite the database they are from.",
        noun="strips",
    )
