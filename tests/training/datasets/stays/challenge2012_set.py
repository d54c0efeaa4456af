"""Small sets in the layout of the Challenge 2012, made up, for the tests of this folder."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

HEADER = "Time,Parameter,Value"
OUTCOMES_HEADER = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"
FIRST = 200_001
STAYS = 120

Line = tuple[str, str, str]


def stay_text(
    record_id: int,
    series: Sequence[Line] = (("00:07", "HR", "80"),),
    *,
    age: str = "67",
    gender: str = "1",
    icu_type: str = "3",
) -> str:
    descriptors = {"RecordID": str(record_id), "Age": age, "Gender": gender, "Height": "-1", "ICUType": icu_type}
    lines = [("00:00", name, value) for name, value in descriptors.items()]
    return "\n".join([HEADER, *(",".join(line) for line in [*lines, *series])]) + "\n"


def outcomes_text(ids: Sequence[int]) -> str:
    """Odd ones died."""
    return "\n".join([OUTCOMES_HEADER, *(f"{number},6,1,5,-1,{number % 2}" for number in ids)]) + "\n"


def made_up_stays() -> dict[int, str]:
    """Enough of each outcome in each split; every number of a stay follows from its id."""
    return {
        number: stay_text(
            number,
            [
                ("00:00", "Weight", str(60 + number % 40)),
                ("00:12", "HR", str(60 + number % 50)),
                ("05:30", "GCS", str(3 + number % 13)),
                ("47:59", "Urine", str(number % 200)),
            ],
            age=str(20 + number % 70),
            gender=str(number // 2 % 2),
            icu_type=str(1 + number % 4),
        )
        for number in range(FIRST, FIRST + STAYS)
    }


def member(name: str, content: str | bytes = "", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def write_archive(path: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))


def stay_members(stays: Mapping[int, str], letter: str = "c") -> list[tuple[tarfile.TarInfo, bytes]]:
    folder = member(f"set-{letter}", type=tarfile.DIRTYPE)
    return [folder, *(member(f"set-{letter}/{number}.txt", text) for number, text in stays.items())]


def write_packed(folder: Path, stays: Mapping[int, str], letter: str = "c") -> Path:
    folder.mkdir(exist_ok=True)
    write_archive(folder / f"set-{letter}.tar.gz", stay_members(stays, letter))
    (folder / f"Outcomes-{letter}.txt").write_text(outcomes_text(list(stays)))
    return folder


def write_unpacked(folder: Path, stays: Mapping[int, str], letter: str = "c") -> Path:
    (folder / f"set-{letter}").mkdir(parents=True, exist_ok=True)
    for number, text in stays.items():
        (folder / f"set-{letter}" / f"{number}.txt").write_text(text)
    (folder / f"Outcomes-{letter}.txt").write_text(outcomes_text(list(stays)))
    return folder
