"""Stays in intensive care of the PhysioNet/CinC Challenge 2012: 48 hours of up to 36 variables, and who died.

Source: Silva I, Moody G, Scott DJ, Celi LA, Mark RG, Predicting in-hospital mortality of ICU patients: the
PhysioNet/Computing in Cardiology Challenge 2012, Comput Cardiol 39:245-248, 2012.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....runtime.errors import DataError
from ..dataset import Dataset, Provenance, Split
from ..digest import dataset_digest
from ..label_classes import chosen_values, keep_classes, narrowed
from ..occurrence import as_they_occur
from .challenge2012_files import REMEDY, StaySet, find_sets, read_stays
from .challenge2012_notes import notes, unusable
from .challenge2012_outcomes import read_outcomes
from .challenge2012_stay import Stay, parse_stay
from .definition import ICU_TYPE, OUTCOME, SEX, age_band, stay_schema

SPLITS = ("train", "validation", "test")

MINIMUM_STAYS: Mapping[str, int] = {"train": 20, "validation": 5, "test": 5}
"""With fewer of an outcome it is refused: it can be neither learnt nor judged."""

_SHOWN = 5

Progress = Callable[[int, int, str], None]
"""Called as (steps done, steps in all, what was just done)."""


def load_stays(folder: Path, *, classes: Sequence[str] | None = None, on_progress: Progress | None = None) -> Dataset:
    """Read all sets in a folder: set-<letter>.tar.gz or set-<letter>/ with Outcomes-<letter>.txt beside it.

    Args:
        folder: Where the sets lie; nothing is unpacked there or anywhere.
        classes: Outcomes to keep, `survived` or `died`; `None` keeps both.
        on_progress: Told after every stay.

    Returns:
        Stays [n, variables, 48] in the variables' units, NaN where nothing was measured in the hour; conditions
        `outcome`, `icu_type`, `sex` and `age`, with how often they occur in the train split.

    Raises:
        RequestError: An outcome is unknown.
        DataError: A file is missing, damaged, foreign or hostile, stays and outcomes do not match, or there are too
            few stays of an outcome.
    """
    chosen = chosen_values(OUTCOME, classes)
    sets = find_sets(folder)
    stays, died = _stays_of_all(sets, on_progress)
    kept = [stay for stay in stays if stay.age_a is not None and stay.sex and stay.icu_type and stay.measured]
    everyone = {name: _split([stay for stay in kept if split_of(stay.record_id) == name], died) for name in SPLITS}
    _check_enough(everyone, chosen, unusable(stays))
    splits = {name: keep_classes(split, OUTCOME, chosen) for name, split in everyone.items()}
    schema = stay_schema()
    conditions = tuple(
        narrowed(OUTCOME, chosen) if condition == OUTCOME else condition for condition in schema.conditions
    )
    letters = ", ".join(found.letter for found in sets)
    provenance = Provenance(
        kind="icu-stays",
        source=f"PhysioNet/CinC Challenge 2012 1.0.0, set {letters}",
        licence="ODC-BY-1.0",
        attribution=(
            "Silva I, Moody G, Scott DJ, Celi LA, Mark RG. Predicting in-hospital mortality of ICU patients: The "
            "PhysioNet/Computing in Cardiology Challenge 2012. Comput Cardiol 39:245-248, 2012. Goldberger AL et al. "
            "PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220, 2000. Made available under the "
            "Open Data Commons Attribution License v1.0."
        ),
        synthetic=False,
        digest=dataset_digest(splits),
        notes=notes(stays, splits, everyone),
    )
    occurring = replace(schema, conditions=as_they_occur(conditions, splits["train"].columns))
    return Dataset(occurring, splits["train"], splits["validation"], splits["test"], provenance)


def split_of(record_id: int) -> str:
    """Three in five stays train, one validates, one tests: by the SHA-256 of the RecordID's digits, modulo 5.

    So a stay is always in the same split, whatever other sets and stays are there.
    """
    remainder = int(hashlib.sha256(str(record_id).encode("ascii")).hexdigest(), 16) % 5
    return ("train", "train", "train", "validation", "test")[remainder]


def _stays_of_all(sets: Sequence[StaySet], on_progress: Progress | None) -> tuple[list[Stay], dict[int, bool]]:
    """All stays by RecordID, so that it makes no difference how they were packed, and who died."""
    outcomes = [read_outcomes(found.outcomes) for found in sets]
    died: dict[int, bool] = {}
    for found, of_set in zip(sets, outcomes, strict=True):
        twice = died.keys() & of_set.keys()
        if twice:
            raise DataError(f"{found.outcomes} and another set both hold stay {min(twice)}; {REMEDY}")
        died |= of_set
    stays: dict[int, Stay] = {}
    for found, of_set in zip(sets, outcomes, strict=True):
        for text in read_stays(found.stays, found.letter):
            if text.record_id not in of_set:
                raise DataError(f"{found.outcomes} has no outcome of {text.where} (half a download?); {REMEDY}")
            stays[text.record_id] = parse_stay(text)
            if on_progress is not None:
                on_progress(len(stays), len(died), f"stay {text.record_id}")
        absent = sorted(of_set.keys() - stays.keys())
        if absent:
            more = ", …" if len(absent) > _SHOWN else ""
            raise DataError(
                f"{found.stays} lacks {len(absent)} of the {len(of_set)} stays in {found.outcomes.name} (half a "
                f"download?): {', '.join(map(str, absent[:_SHOWN]))}{more}; {REMEDY}"
            )
    return [stays[record_id] for record_id in sorted(stays)], died


def _split(stays: Sequence[Stay], died: Mapping[int, bool]) -> Split:
    sexes, icu_types = [stay.sex for stay in stays], [stay.icu_type for stay in stays]
    ages = np.array([stay.age_a for stay in stays], dtype=np.float64)
    series = [stay.series for stay in stays]
    return Split(
        samples=np.stack(series) if series else np.empty((0, *stay_schema().shape), np.float32),
        columns={
            "outcome": np.array([float(died[stay.record_id]) for stay in stays]),
            "icu_type": np.array([float(ICU_TYPE.values.index(name)) for name in icu_types]),
            "sex": np.array([float(SEX.values.index(name)) for name in sexes]),
            "age": ages,
        },
        patients=np.array([str(stay.record_id) for stay in stays], dtype=np.str_),
        attributes={
            "sex": np.array(sexes, dtype=np.str_),
            "age": np.array([age_band(age) for age in ages.tolist()], dtype=np.str_),
            "icu_type": np.array(icu_types, dtype=np.str_),
        },
    )


def _check_enough(splits: Mapping[str, Split], chosen: Sequence[str], left_out: Sequence[str]) -> None:
    for split_name, split in splits.items():
        for name in chosen:
            count = int((split.columns["outcome"] == OUTCOME.values.index(name)).sum())
            if count < MINIMUM_STAYS[split_name]:
                raise DataError(
                    f"the {split_name} split has {count} stays with outcome {name}, and at least "
                    + " ".join([f"{MINIMUM_STAYS[split_name]} are needed; add sets, of 4000 stays each.", *left_out])
                )
