"""DICOM, one object a sample: an image is a Secondary Capture, an ECG a waveform; needs pydicom.

The mark stands in its own place, Synthetic Data (0008,001C) of PS3.3, and in the names of patient, study and series
for those who remove that; the provenance in Contributing Equipment. UIDs are made of the provenance: the same sample is
the same object. The date is 1 January 1900, midnight.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from ..provenance import MARK, STATEMENT, edgeward_version, provenance_text
from ..schema import ImageSchema, NumberCondition, Schema, SignalSchema
from .base import missing_library
from .dicom_ecg import NO_DATE, NO_TIME, add_ecg, ecg_refusal
from .dicom_image import add_image
from .png import image_refusal
from .records import Record, RecordFormat
from .text import condition_text, cut, patient_id, unicode_text, uuid_of

_ROOT = "2.25."  # of UIDs made of a UUID: PS3.5 B.2
_LONG, _TEXT = 64, 1024
"""Most characters of DICOM's types LO and ST."""


def _pydicom() -> Any:
    try:
        import pydicom
        import pydicom.uid
    except ImportError as error:
        raise missing_library(error, "dicom") from error
    return pydicom


def _need_library() -> None:
    _pydicom()


def _encode(record: Record) -> tuple[bytes, ...]:
    pydicom = _pydicom()
    item = pydicom.Dataset
    dataset = item()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPInstanceUID = _uid(record, "instance")
    dataset.SyntheticData = "YES"
    dataset.StudyDate, dataset.StudyTime = NO_DATE, NO_TIME
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = _line(STATEMENT)
    dataset.SeriesDescription = _line(f"{MARK} {record.schema.name}")
    dataset.Manufacturer = "Edgeward"
    dataset.PatientName = f"{MARK}^PATIENT"
    dataset.PatientID = patient_id(record)
    dataset.PatientBirthDate = ""
    dataset.StudyInstanceUID = _uid(record, "study")
    dataset.SeriesInstanceUID = _uid(record, "series")
    dataset.StudyID = MARK
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    _add_conditions(dataset, record)
    dataset.ContributingEquipmentSequence = [_equipment(item, record)]
    if isinstance(record.schema, ImageSchema):
        add_image(dataset, record)
    else:
        add_ecg(item, dataset, record)
    return (_file(pydicom, dataset),)


def _uid(record: Record, role: str) -> str:
    return f"{_ROOT}{uuid_of(record, role).int}"


def _line(text: str, limit: int = _LONG) -> str:
    """A text as DICOM's types of one line hold it: a backslash would separate values."""
    return cut(unicode_text(text, 4 * limit).replace("\\", "/"), limit).strip()


def _add_conditions(dataset: Any, record: Record) -> None:
    """Sex and age have places of their own; all conditions stand in the patient's comments."""
    texts = [condition_text(condition, record.conditions[condition.name]) for condition in record.schema.conditions]
    dataset.PatientComments = unicode_text("; ".join([STATEMENT, *texts]), 4 * _TEXT)
    sex = record.conditions.get("sex", "")
    dataset.PatientSex = sex if sex in ("F", "M") else ""
    for condition in record.schema.conditions:
        if isinstance(condition, NumberCondition) and (condition.name, condition.unit) == ("age", "a"):
            dataset.PatientAge = f"{min(999, int(record.conditions['age'])):03d}Y"


def _equipment(item: Callable[[], Any], record: Record) -> Any:
    """What made the object, as PS3.3 C.12.1 lists contributing equipment."""
    equipment, purpose = item(), item()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "109100", "DCM"
    purpose.CodeMeaning = "Synthesizing Equipment"
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    equipment.Manufacturer = "Edgeward"
    equipment.ManufacturerModelName = _line(str(record.provenance["bundle"]))
    equipment.SoftwareVersions = _line(f"edgeward {edgeward_version()}")
    shown: Mapping[str, Any] = {
        name: cut(value, 80) if isinstance(value, str) else value for name, value in record.provenance.items()
    }
    equipment.ContributionDescription = provenance_text(shown)
    return equipment


def _file(pydicom: Any, dataset: Any) -> bytes:
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _refusal(schema: Schema) -> str:
    if isinstance(schema, ImageSchema):
        return image_refusal(schema)
    return ecg_refusal(schema) if isinstance(schema, SignalSchema) else "it holds images and ECGs"


def _bytes(schema: Schema) -> int:
    if isinstance(schema, SignalSchema):
        return 2 * len(schema.channels) * schema.length + 330 * len(schema.channels) + 1700
    assert isinstance(schema, ImageSchema)  # noqa: S101 - the format refuses tables
    return len(schema.channels) * schema.height * schema.width + 1800


DICOM = RecordFormat("dicom", (".dcm",), _refusal, _encode, _bytes, _need_library)
