"""The part of a DICOM object that is a picture: Secondary Capture Image Storage, 8 bits (PS3.3 A.8)."""

from __future__ import annotations

from typing import Any

from .png import image_levels
from .records import Record

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def add_image(dataset: Any, record: Record) -> None:
    """Fill in what an image has, of 1 or 3 channels, into what every object has."""
    levels = image_levels(record)
    rows, columns, channels = levels.shape
    dataset.SOPClassUID = _SECONDARY_CAPTURE
    dataset.Modality = "OT"
    dataset.ConversionType = "SYN"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = dataset.Laterality = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.SamplesPerPixel = channels
    if channels > 1:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if channels > 1 else "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    content = levels.tobytes()
    dataset.add_new("PixelData", "OB", content + bytes(len(content) % 2))
