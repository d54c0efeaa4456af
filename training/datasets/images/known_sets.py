"""The sets of images that are known by the name of their file: those of MedMNIST with one label an image, and BCCD.

Labels, channels and numbers of images as in `medmnist/info.py` 2.1.0 (Yang J et al., Sci Data 10:41, 2023); the licence
of DermaMNIST as in MedMNIST's README. ChestMNIST has many labels an image and is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .image_set import ImageSet

_MEDMNIST = "Yang J et al. MedMNIST v2. Sci Data 10:41, 2023."
_KERMANY = "Kermany DS et al. Cell 172(5):1122-1131, 2018."
_LITS = "Bilic P et al. Med Image Anal 84:102680, 2023. Xu X et al. IEEE Trans Med Imaging 38(8):1885-1898, 2019."

_SIZE = re.compile(r"(.+mnist)_(?:28|64|128)|(bccd)(?:_?(?:28|32|64|128))?")
"""MedMNIST+ puts the pixels of a side behind the name."""


def known_set(stem: str) -> ImageSet | None:
    """The set that a file of this name, without its ending, holds; None where the name tells nothing."""
    lower = stem.lower()
    sized = _SIZE.fullmatch(lower)
    return KNOWN.get((sized[1] or sized[2]) if sized else lower)


def _medmnist(
    source: str,
    what: tuple[str, str],
    classes: Mapping[str, str],
    origin: str,
    channels: int,
    listed: tuple[int, int, int],
    *,
    licence: str = "CC-BY-4.0",
    notes: tuple[str, ...] = (),
) -> ImageSet:
    name, description = what
    return ImageSet(name, source, description, classes, licence, f"{_MEDMNIST} {origin}", channels, listed, notes)


_ORGANS = {
    "bladder": "bladder",
    "femur-left": "left femur",
    "femur-right": "right femur",
    "heart": "heart",
    "kidney-left": "left kidney",
    "kidney-right": "right kidney",
    "liver": "liver",
    "lung-left": "left lung",
    "lung-right": "right lung",
    "pancreas": "pancreas",
    "spleen": "spleen",
}


def _organs(letter: str, plane: str, listed: tuple[int, int, int]) -> ImageSet:
    what = (f"abdomen-ct-{plane}", f"An organ in a {plane} slice of an abdominal CT, in grey.")
    note = "Left and right are the patient's as the publishers name them; organs of one scan are several images."
    return _medmnist(f"Organ{letter}MNIST", what, _ORGANS, _LITS, 1, listed, notes=(note,))


KNOWN: Mapping[str, ImageSet] = {
    "pneumoniamnist": _medmnist(
        "PneumoniaMNIST",
        ("chest-xrays", "A chest X-ray of a child from the front, in grey."),
        {"normal": "normal chest", "pneumonia": "pneumonia, bacterial or viral"},
        _KERMANY,
        1,
        (4708, 524, 624),
        notes=("Children of one to five years at one hospital: nothing follows for adults.",),
    ),
    "bccd": ImageSet(
        name="blood-cells",
        source="BCCD Dataset, cells cut out",
        description="A cell of a stained blood smear, in colour.",
        classes={"RBC": "red blood cell", "WBC": "white blood cell", "platelet": "platelet"},
        licence="MIT",
        attribution="Copyright 2017 Shenggan, BCCD Dataset, https://github.com/Shenggan/BCCD_Dataset.",
        channels=3,
        notes=(
            "Cells of a smear field are in one split, but the file names no field: cells that lie side by side count "
            "as independent.",
        ),
    ),
    "bloodmnist": _medmnist(
        "BloodMNIST",
        ("peripheral-blood-cells", "A blood cell of a stained smear, in colour."),
        {
            "basophil": "basophil",
            "eosinophil": "eosinophil",
            "erythroblast": "erythroblast",
            "immature-granulocyte": "immature granulocyte: myelocyte, metamyelocyte or promyelocyte",
            "lymphocyte": "lymphocyte",
            "monocyte": "monocyte",
            "neutrophil": "neutrophil",
            "platelet": "platelet",
        },
        "Acevedo A et al. Data Brief 30:105474, 2020.",
        3,
        (11959, 1712, 3421),
        notes=("Split by image: cells of one person may be in more than one split.",),
    ),
    "pathmnist": _medmnist(
        "PathMNIST",
        ("colon-tissue", "A patch of a colorectal tissue slide stained with haematoxylin and eosin, in colour."),
        {
            "ADI": "adipose tissue",
            "BACK": "background",
            "DEB": "debris",
            "LYM": "lymphocytes",
            "MUC": "mucus",
            "MUS": "smooth muscle",
            "NORM": "normal colon mucosa",
            "STR": "cancer-associated stroma",
            "TUM": "colorectal adenocarcinoma epithelium",
        },
        "Kather JN et al. PLoS Med 16(1):e1002730, 2019.",
        3,
        (89996, 10004, 7180),
        notes=("Train and validation may share the slides they are cut from; test is of another centre.",),
    ),
    "dermamnist": _medmnist(
        "DermaMNIST",
        ("skin-lesions", "A pigmented skin lesion under a dermatoscope, in colour."),
        {
            "akiec": "actinic keratosis or intraepithelial carcinoma",
            "bcc": "basal cell carcinoma",
            "bkl": "benign keratosis-like lesion",
            "df": "dermatofibroma",
            "mel": "melanoma",
            "nv": "melanocytic naevus",
            "vasc": "vascular lesion",
        },
        "Tschandl P, Rosendahl C, Kittler H. Sci Data 5:180161, 2018.",
        3,
        (7007, 1003, 2005),
        licence="CC-BY-NC-4.0",
        notes=("Split by image: a lesion that was photographed twice may be in two splits. No commercial use.",),
    ),
    "octmnist": _medmnist(
        "OCTMNIST",
        ("retinal-oct", "A slice of the retina by optical coherence tomography, in grey."),
        {
            "CNV": "choroidal neovascularisation",
            "DME": "diabetic macular oedema",
            "drusen": "drusen",
            "normal": "normal retina",
        },
        _KERMANY,
        1,
        (97477, 10832, 1000),
        notes=("Train and validation are split by image: slices of one eye may be in both.",),
    ),
    "retinamnist": _medmnist(
        "RetinaMNIST",
        ("fundus-photographs", "A photograph of the back of the eye, in colour."),
        {f"grade-{grade}": f"diabetic retinopathy of grade {grade}, of 0 to 4" for grade in range(5)},
        "Liu R et al. Patterns 3(6):100512, 2022.",
        3,
        (1080, 120, 400),
        notes=("The classes are grades in order; here they are learnt as if they had none.",),
    ),
    "breastmnist": _medmnist(
        "BreastMNIST",
        ("breast-ultrasound", "An ultrasound image of the breast, in grey."),
        {"malignant": "malignant lesion", "normal-or-benign": "no lesion, or a benign one"},
        "Al-Dhabyani W et al. Data Brief 28:104863, 2020.",
        1,
        (546, 78, 156),
    ),
    "tissuemnist": _medmnist(
        "TissueMNIST",
        ("kidney-cells", "A cell of the kidney cortex under the microscope, brightest of seven layers, in grey."),
        {
            "CD-CNT": "collecting duct or connecting tubule",
            "DCT": "distal convoluted tubule",
            "GEC": "glomerular endothelial cell",
            "IEC": "interstitial endothelial cell",
            "LEU": "leukocyte",
            "POD": "podocyte",
            "PT": "proximal tubule segment",
            "TAL": "thick ascending limb",
        },
        "Ljosa V, Sokolnicki KL, Carpenter AE. Nat Methods 9(7):637, 2012 (BBBC051).",
        1,
        (165466, 23640, 47280),
        notes=("The cells are of three specimens, split by cell: what is learnt is what three people look like.",),
    ),
    "organamnist": _organs("A", "axial", (34581, 6491, 17778)),
    "organcmnist": _organs("C", "coronal", (13000, 2392, 8268)),
    "organsmnist": _organs("S", "sagittal", (13940, 2452, 8829)),
}
"""By name of the file, small letters, without its ending and its size."""
