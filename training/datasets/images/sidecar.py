"""NAME.toml beside NAME.npz: what a set's owner says of it, checked as text from outside is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ....devices.toml import tomllib
from ....runtime.errors import DataError
from .image_set import ImageSet

_MOST_BYTES = 2**16
_LONGEST_TEXT = 2000
_MOST_CLASSES = 256
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
"""No comma and no space: values are listed in commands."""
_TEXTS = ("name", "source", "description", "licence", "attribution")


def described_set(path: Path) -> ImageSet | None:
    """What the sidecar says; None where there is none.

    Args:
        path: Of the sidecar.

    Raises:
        DataError: It cannot be read, is no TOML, lacks a field, or a field makes no sense.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise DataError(
            f"{path.name} is longer than {_MOST_BYTES} bytes; it is to describe a set of images in a few lines"
        )
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path.name} is not valid TOML: {error}") from error
    return _image_set(values, path.name)


def _image_set(values: Mapping[str, object], where: str) -> ImageSet:
    wanted = {*_TEXTS, "classes"}
    if set(values) != wanted:
        missing, unknown = sorted(wanted - set(values)), sorted(set(values) - wanted)
        raise DataError(f"{where}: missing {missing or 'nothing'}, not known {unknown or 'nothing'}")
    name, source, description, licence, attribution = (_text(values[field], field, where) for field in _TEXTS)
    if not _NAME.fullmatch(name):
        raise DataError(f"{where}: name must be of small letters, digits and single hyphens, e.g. skin-lesions")
    entries = values["classes"]
    if not isinstance(entries, list) or not 2 <= len(entries) <= _MOST_CLASSES:
        raise DataError(f"{where}: classes must be 2 to {_MOST_CLASSES} tables [[classes]], in the order of the labels")
    classes: dict[str, str] = {}
    for label, entry in enumerate(entries):
        if not isinstance(entry, dict) or set(entry) != {"value", "meaning"}:
            raise DataError(f"{where}: class {label} must be a table of a value and a meaning")
        value = _text(entry["value"], f"value of class {label}", where)
        if not _VALUE.fullmatch(value) or value in classes:
            raise DataError(
                f"{where}: value {value!r} of class {label} must be new, at most 64 letters, digits, and _ . + -, "
                "beginning with a letter or digit"
            )
        classes[value] = _text(entry["meaning"], f"meaning of class {label}", where)
    return ImageSet(name, source, description, classes, licence, attribution, notes=(f"Described by {where}.",))


def _text(value: object, field: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise DataError(f"{where}: {field} must be a text of one line, not empty, at most {_LONGEST_TEXT} characters")
    return value
