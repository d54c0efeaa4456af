"""Whether a folder holds the WFDB records that are wanted, and if not, which folder to name or what to download."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ....runtime.errors import DataError

_LIST = "RECORDS"
"""The file in which PhysioNet's databases list their records, one a line."""
_MAX_LIST_BYTES = 1024 * 1024
_RECORD_NAME = re.compile(r"[\w-][\w.-]{0,63}")
_NAMED = 10  # of missing records, in a message


def any_record(name: str) -> bool:  # noqa: ARG001 - the rule of a database whose records all are wanted
    """Every record is of the kind that is wanted."""
    return True


def check_folder(folder: Path, what: str, advice: str, of_kind: Callable[[str], bool] = any_record) -> None:
    """Refuse a folder that is not there or holds no header of the records wanted; say which folder does.

    Args:
        folder: Where the WFDB files should lie.
        what: What its records are wanted to be, e.g. `MIT-BIH records`.
        advice: What to do where they are not there.
        of_kind: Whether a record of this name is one of those wanted.

    Raises:
        DataError: As said.
    """
    if folder.is_file():
        near = any(of_kind(path.stem) for path in folder.parent.glob("*.hea"))
        remedy = f"name {folder.parent} instead" if near else advice
        raise DataError(f"{folder} is a file, and what is wanted is the folder of {what}; {remedy}")
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; {advice}, or use the data 'simulated'")
    if any(of_kind(path.stem) for path in folder.glob("*.hea")):
        return
    inner = next((path.parent for path in sorted(folder.glob("*/*.hea")) if of_kind(path.stem)), None)
    remedy = f"name {inner} instead" if inner else advice
    held = "holds other WFDB records" if any(folder.glob("*.hea")) else "holds no WFDB header (*.hea)"
    raise DataError(f"{folder} {held}, so no {what}; {remedy}")


def record_names(folder: Path, what: str, advice: str, of_kind: Callable[[str], bool] = any_record) -> list[str]:
    """The records of a folder by name, in order: those that its list names, or else those that have a header.

    Raises:
        DataError: As `check_folder` and `refuse_missing` do.
    """
    check_folder(folder, what, advice, of_kind)
    listed = sorted(name for name in _listed(folder / _LIST) if of_kind(name))
    refuse_missing(folder, listed, advice)
    return listed or sorted(path.stem for path in folder.glob("*.hea") if of_kind(path.stem))


def refuse_missing(folder: Path, names: Sequence[str], advice: str) -> None:
    """Refuse a folder that has not the header of every one of these records.

    Raises:
        DataError: One is missing; the message lists them.
    """
    missing = [name for name in names if not (folder / f"{name}.hea").is_file()]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise DataError(
            f"{folder} lacks the headers of {len(missing)} of {len(names)} records (half a download?): "
            f"{', '.join(missing[:_NAMED])}{more}; {advice}"
        )


def _listed(path: Path) -> list[str]:
    """What a list of records names; nothing where there is none."""
    if not path.is_file():
        return []
    if path.stat().st_size > _MAX_LIST_BYTES:
        raise DataError(f"{path} is no list of records: it is larger than {_MAX_LIST_BYTES} bytes; remove it")
    names = path.read_text(encoding="ascii", errors="replace").split()
    for name in names:
        if not _RECORD_NAME.fullmatch(name):
            raise DataError(
                f"{path} lists {name[:80]!r}, which is no record of this folder; name a folder whose records lie in "
                "itself, or remove the list"
            )
    return list(dict.fromkeys(names))
