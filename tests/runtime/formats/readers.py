"""How each format is read by somebody who does not have Edgeward. A new format must be added here."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Provenance = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Of a file that holds everything, or of each record of a folder."""

    marks: Callable[[Path], list[str]]
    """Every place where the format says that it is synthetic; all must be `SYNTHETIC`."""
    provenance: Callable[[Path], Provenance]
    data: str = "waves"
    """Data that suit it."""
    suffix: str = ""
    """Of the file by which a record is read; empty where one file holds everything."""
    library: str = ""
    """What it is read with, or also written; the thin install has none."""

    def files(self, path: Path) -> Iterator[Path]:
        """The file, or those of the records in their order."""
        return iter(sorted(path.glob(f"*{self.suffix}"))) if self.suffix else iter([path])


def starts(text: str) -> str:
    """The mark, if the text begins with it."""
    return text[: len("SYNTHETIC")]


def npz_marks(path: Path) -> list[str]:
    with np.load(path, allow_pickle=False) as content:
        return [str(content["synthetic"])]


def npz_provenance(path: Path) -> Provenance:
    with np.load(path, allow_pickle=False) as content:
        return dict(json.loads(str(content["provenance"])))


def csv_marks(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["synthetic"] for row in csv.DictReader(file)]


def provenance_beside(path: Path) -> Provenance:
    return dict(json.loads(path.with_name(path.name + ".provenance.json").read_text()))


def jsonl_marks(path: Path) -> list[str]:
    return [json.loads(line)["synthetic"] for line in path.read_text().splitlines()]


def parquet_marks(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return [*table["synthetic"].to_pylist(), table.schema.metadata[b"synthetic"].decode()]


def parquet_provenance(path: Path) -> Provenance:
    import pyarrow.parquet as pq

    return dict(json.loads(pq.read_schema(path).metadata[b"provenance"]))


def wfdb_marks(path: Path) -> list[str]:
    import wfdb

    notes = wfdb.rdann(str(path.with_suffix("")), "atr").aux_note
    comment = wfdb.rdrecord(str(path.with_suffix(""))).comments[0]
    return [starts(comment), next((starts(note) for note in notes if note.startswith("SYNTHETIC")), "")]


def wfdb_provenance(path: Path) -> Provenance:
    import wfdb

    comments = wfdb.rdheader(str(path.with_suffix(""))).comments
    found = dict(comment.split(": ", 1) for comment in comments[1:] if not comment.startswith("condition "))
    return {"statement": comments[0], **{name: json.loads(value) for name, value in found.items()}}


def edf_marks(path: Path) -> list[str]:
    import edfio

    file = edfio.read_edf(path)
    transducers = [starts(signal.transducer_type) for signal in file.signals]
    equipment = file.recording.equipment_code
    return [file.patient.code, starts(equipment), *transducers, starts(file.annotations[0].text)]


def edf_provenance(path: Path) -> Provenance:
    import edfio

    texts = [note.text for note in edfio.read_edf(path).annotations]
    return dict(json.loads(next(text for text in texts if text.startswith("provenance: "))[len("provenance: ") :]))


def dicom_marks(path: Path) -> list[str]:
    import pydicom

    found = pydicom.dcmread(path)
    (equipment,) = found.ContributingEquipmentSequence
    purposes = [code.CodeMeaning for code in equipment.PurposeOfReferenceCodeSequence]
    return [
        {"YES": "SYNTHETIC"}.get(found[0x0008, 0x001C].value, ""),
        starts(str(found.PatientName)),
        starts(found.PatientID),
        starts(found.StudyDescription),
        starts(found.SeriesDescription),
        {"Synthesizing Equipment": "SYNTHETIC"}.get(purposes[0], ""),
    ]


def dicom_provenance(path: Path) -> Provenance:
    import pydicom

    (equipment,) = pydicom.dcmread(path).ContributingEquipmentSequence
    return dict(json.loads(equipment.ContributionDescription))


def png_texts(path: Path) -> dict[str, str]:
    from PIL import Image

    with Image.open(path) as image:
        return dict(image.text)  # type: ignore[attr-defined]


def png_marks(path: Path) -> list[str]:
    texts = png_texts(path)
    source = "digitalsourcetype/trainedAlgorithmicMedia" in texts["XML:com.adobe.xmp"]
    return [texts["Synthetic"], starts(texts["Title"]), starts(texts["Disclaimer"]), "SYNTHETIC" if source else ""]


def png_provenance(path: Path) -> Provenance:
    return dict(json.loads(png_texts(path)["Provenance"]))


def fhir_marks(path: Path) -> list[str]:
    bundle = json.loads(path.read_text())
    marked = [bundle, *(entry["resource"] for entry in bundle["entry"])]
    codes = [{code["code"] for code in found["meta"]["security"]} for found in marked]
    return ["SYNTHETIC" if found == {"HTEST", "AIAST"} else "" for found in codes]


def fhir_provenance(path: Path) -> Provenance:
    resources = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    (device,) = [found for found in resources if found["resourceType"] == "Device"]
    return dict(json.loads(device["note"][1]["text"]))


READERS = {
    "npz": Reader(npz_marks, npz_provenance),
    "csv": Reader(csv_marks, provenance_beside),
    "jsonl": Reader(jsonl_marks, provenance_beside),
    "parquet": Reader(parquet_marks, parquet_provenance, library="pyarrow"),
    "wfdb": Reader(wfdb_marks, wfdb_provenance, suffix=".hea", library="wfdb"),
    "edf": Reader(edf_marks, edf_provenance, suffix=".edf", library="edfio"),
    "dicom": Reader(dicom_marks, dicom_provenance, data="beats", suffix=".dcm", library="pydicom"),
    "png": Reader(png_marks, png_provenance, data="scans", suffix=".png", library="PIL"),
    "fhir": Reader(fhir_marks, fhir_provenance, suffix="_*.json"),
}
