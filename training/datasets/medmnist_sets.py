"""What is known of image sets: classes, licence, attribution; and how a user tells it of a set of their own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runtime.errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_YANG = (
    "Yang J et al. MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image classification. "
    "Sci Data 10:41, 2023."
)


@dataclass(frozen=True)
class ImageSet:
    """One set of images."""

    name: str
    """Name of the kind of data, e.g. `chest-xrays`."""
    description: str
    source: str
    licence: str
    attribution: str
    classes: tuple[str, ...]
    """In the order of the labels 0, 1, …"""
    meanings: tuple[str, ...]


_PNEUMONIA = ImageSet(
    "chest-xrays",
    "A child's chest X-ray from the front, in grey.",
    "PneumoniaMNIST",
    "CC-BY-4.0",
    f"{_YANG} Kermany DS et al. Identifying medical diagnoses and treatable diseases by image-based deep learning. "
    "Cell 172(5):1122-1131, 2018.",
    ("normal", "pneumonia"),
    ("no pneumonia", "bacterial or viral pneumonia"),
)
_BCCD = ImageSet(
    "blood-cells",
    "One cell of a stained blood smear, in colour.",
    "BCCD Dataset, cells cut out",
    "MIT",
    "Shenggan/BCCD_Dataset, MIT licence.",
    ("RBC", "WBC", "platelet"),
    ("red blood cell", "white blood cell", "platelet"),
)
_BREAST = ImageSet(
    "breast-ultrasound",
    "A breast ultrasound image, in grey.",
    "BreastMNIST",
    "CC-BY-4.0",
    f"{_YANG} Al-Dhabyani W et al. Dataset of breast ultrasound images. Data Brief 28:104863, 2020.",
    ("malignant", "benign"),
    ("malignant", "normal or benign"),
)
_BLOOD = ImageSet(
    "blood-cells-8",
    "One cell of a stained blood smear, in colour.",
    "BloodMNIST",
    "CC-BY-4.0",
    f"{_YANG} Acevedo A et al. A dataset of microscopic peripheral blood cell images. Data Brief 30:105474, 2020.",
    ("basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil", "platelet"),
    (
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature granulocyte",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
    ),
)
_KNOWN = {"pneumoniamnist": _PNEUMONIA, "bccd": _BCCD, "breastmnist": _BREAST, "bloodmnist": _BLOOD}
"""By the beginning of the file's name; MedMNIST adds the size, as in `bloodmnist_64.npz`."""

_EXAMPLE = """name = "retina"
description = "A fundus photograph, in colour."
source = "where it comes from"
licence = "CC-BY-4.0"
attribution = "who is to be named"
classes = ["normal", "sick"]
meanings = ["no finding", "a finding"]"""


def set_of(path: Path) -> ImageSet:
    """What is known of a file: told by a TOML of the same name beside it, or by its own name.

    Raises:
        DataError: Nothing is known, or the TOML makes no sense; the message shows one that does.
    """
    beside = path.with_suffix(".toml")
    if beside.is_file():
        return _told(beside)
    for beginning, known in _KNOWN.items():
        if path.name.lower().startswith(beginning):
            return known
    raise DataError(
        f"nothing is known of the images in {path.name}: its name begins with none of {', '.join(_KNOWN)}. "
        f"Tell it in {beside}, for example:\n{_EXAMPLE}"
    )


def _told(path: Path) -> ImageSet:
    wrong = f"it must hold, and hold nothing but:\n{_EXAMPLE}"
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; {wrong}") from error
    texts = ("name", "description", "source", "licence", "attribution")
    if set(values) != {*texts, "classes", "meanings"} or not all(
        isinstance(values[name], str) and values[name] for name in texts
    ):
        raise DataError(f"{path} has other entries than it needs; {wrong}")
    classes, meanings = values["classes"], values["meanings"]
    lists = all(isinstance(each, list) and all(isinstance(v, str) for v in each) for each in (classes, meanings))
    if not lists or len(set(classes)) != len(classes) or len(classes) < 2 or len(meanings) != len(classes):
        raise DataError(f"{path}: classes must be two or more different texts, each with a meaning; {wrong}")
    return ImageSet(**{name: values[name] for name in texts}, classes=tuple(classes), meanings=tuple(meanings))
