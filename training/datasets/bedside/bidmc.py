"""The BIDMC dataset as bedside windows: adults in intensive care at a monitor, split by subject.

Source: Pimentel MAF et al., Toward a robust estimation of respiratory rate from pulse oximeters, IEEE TBME
64(8):1914-1923, 2017. Several records are of one subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ....runtime.errors import DataError
from ..dataset import Dataset
from ..label_classes import chosen_values
from ..patient_samples import SPLITS, PatientSamples
from ..recorded import Recording, recorded_dataset
from ..wfdb.folder import record_names, refuse_missing
from .bidmc_notes import notes
from .bidmc_record import BidmcHeader, is_record, read_bidmc_header, read_bidmc_record
from .bidmc_split import deal_subjects
from .bidmc_windows import RecordWindows, cut_windows
from .definition import bedside_schema

_ADVICE = "download the WFDB files from https://physionet.org/content/bidmc/1.0.0/ and name their folder"
_FEWEST_SUBJECTS = 5
_ATTRIBUTION = (
    "Pimentel MAF, Johnson AEW, Charlton PH, Birrenkott D, Watkinson PJ, Tarassenko L, Clifton DA. Toward a robust "
    "estimation of respiratory rate from pulse oximeters. IEEE Trans Biomed Eng 64(8):1914-1923, 2017. Goldberger AL "
    "et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220, 2000. Made available under the "
    "Open Data Commons Attribution License v1.0."
)


def load_bidmc(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Read the WFDB files of a folder into windows of 8.192 s: lead II in mV, pleth and respiration from 0 to 1.

    Args:
        path: The folder that holds bidmc01.hea and so on; only its own files are read.
        classes: Bands of heart rate to keep; `None` keeps those with 20 windows of 3 subjects in train and in test.
        on_progress: Told after every record.

    Raises:
        RequestError: A band is unknown.
        DataError: The folder, a record or a file is missing, damaged or foreign, or there is too little of a band.
    """
    return _load(path, classes, on_progress, pressure=False)


def load_bidmc_with_pressure(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Read the records with an arterial pressure into the same windows with it beside, in mm[Hg].

    Subjects are parted as by `load_bidmc`; they are too few to judge by.

    Args:
        path: As for `load_bidmc`.
        classes: Bands of heart rate to keep; `None` keeps those with 20 windows in train.
        on_progress: Told after every record.

    Raises:
        RequestError: A band is unknown.
        DataError: As `load_bidmc`, or too few subjects have an arterial pressure.
    """
    return _load(path, classes, on_progress, pressure=True)


def _load(
    path: Path,
    classes: Sequence[str] | None,
    on_progress: Callable[[int, int, str], None] | None,
    *,
    pressure: bool,
) -> Dataset:
    schema = bedside_schema(pressure=pressure)
    chosen_values(schema.label, classes)
    names = record_names(path, "BIDMC records", _ADVICE, is_record)
    refuse_missing(path, [f"{name}n" for name in names], _ADVICE)
    headers = [read_bidmc_header(path, name) for name in names]
    parts = _parts(path, headers)
    wanted = [header for header in headers if header.pressure or not pressure]
    subjects = {header.person.subject for header in wanted}
    if len(subjects) < _FEWEST_SUBJECTS:
        with_pressure = " with an arterial pressure" if pressure else ""
        raise DataError(
            f"{path} holds records of {len(subjects)} subjects{with_pressure}, and at least {_FEWEST_SUBJECTS} are "
            f"needed to part them; {_ADVICE}"
        )
    records: dict[str, list[tuple[str, PatientSamples]]] = {split: [] for split in SPLITS}
    read: dict[str, RecordWindows] = {}
    for done, header in enumerate(wanted, start=1):
        name, person = header.waves.name, header.person
        windows = cut_windows(read_bidmc_record(header), pressure=pressure)
        read[name] = windows
        samples = PatientSamples(windows.samples, windows.columns, person.attributes)
        records[parts[person.subject]].append((person.subject, samples))
        if on_progress is not None:
            on_progress(done, len(wanted), f"record {name}")
    recording = Recording(schema.name, "BIDMC PPG and Respiration Dataset 1.0.0", "ODC-BY-1.0", _ATTRIBUTION, "windows")
    told = notes(read, subjects, pressure=pressure)
    return recorded_dataset(recording, schema, records, classes, told, judged=not pressure)


def _parts(path: Path, headers: Sequence[BidmcHeader]) -> dict[str, str]:
    """The split of every subject."""
    sexes: dict[str, str] = {}
    for header in headers:
        person = header.person
        if sexes.setdefault(person.subject, person.sex) != person.sex:
            raise DataError(
                f"{path}: subject {person.subject} is {sexes[person.subject]} in one record and {person.sex} in "
                f"{header.waves.name}, so one of the headers is of somebody else; {_ADVICE}"
            )
    return deal_subjects(sexes, {header.person.subject for header in headers if header.pressure})
