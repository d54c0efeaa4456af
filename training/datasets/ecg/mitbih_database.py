"""What the MIT-BIH Arrhythmia Database is: its records, who is whom, the published split, how to cite it.

Source: Moody GB, Mark RG, IEEE Eng Med Biol 20(3):45-50, 2001. Split: de Chazal P, O'Dwyer M, Reilly RB, IEEE
TBME 51(7):1196-1206, 2004. The four paced records belong to neither of their two halves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
PACED = ("102", "104", "107", "217")
# These four hold every default class (N 7968, S 119, V 634, F 34) and leave most of each to train on; record
# 208, with nine in ten of the F beats of DS1, has to stay there.
VALIDATION = ("114", "124", "205", "223")

RECORDS: Mapping[str, Sequence[str]] = {
    "train": tuple(name for name in DS1 if name not in VALIDATION),
    "validation": VALIDATION,
    "test": DS2,
}
"""The records of each split; a record is one patient, except that 201 and 202 are the same man: patient 201."""

# The database's own notes; de Chazal's split parts them.
_PERSON_OF = {"202": "201"}

# The recorders' 11-bit converter spans 10.24 mV about its zero: -5.12 to 5.115 mV in steps of 5 uV. With
# the baseline taken out, zero is the resting level instead, so a wave may reach as far either way; the
# largest that the 48 records hold after filtering is 5.06 mV (103, chest lead).
RANGE_MV = (-5.12, 5.12)

SOURCE = "MIT-BIH Arrhythmia Database 1.0.0"
LICENCE = "ODC-BY-1.0"
ATTRIBUTION = (
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol "
    "20(3):45-50, 2001. Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation "
    "101(23):e215-e220, 2000. Made available under the Open Data Commons Attribution License v1.0."
)
ADVICE = "download the WFDB files from https://physionet.org/content/mitdb/1.0.0/ and name their folder"


def patient_of(record: str) -> str:
    """Whose a record is: every record is a patient, but 201 and 202 are one man's."""
    return _PERSON_OF.get(record, record)
