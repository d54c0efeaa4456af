"""pydicom reads the objects: pixels, waveforms, and what the standard demands of each."""

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeward.runtime import BackendError, Bundle, Generator, load
from edgeward.runtime.formats.dicom import DICOM
from edgeward.runtime.formats.dicom_ecg import ecg_scale
from edgeward.runtime.schema import Channel, SignalSchema
from hypothesis import given
from hypothesis import strategies as st

pydicom = pytest.importorskip("pydicom")

# Attributes of type 1, which must have a value, and of type 2, which must be there: PS3.3 A.8, A.34, C.7, C.8, C.10.
TYPE_1 = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "InstanceNumber"]
TYPE_2 = [
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "Manufacturer"),
]
IMAGE_TYPE_1 = [
    *("ConversionType", "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
]
ECG_TYPE_1 = ["ContentDate", "ContentTime", "AcquisitionDateTime", "WaveformSequence", "WaveformAnnotationSequence"]
GROUP_TYPE_1 = [
    *("WaveformOriginality", "NumberOfWaveformChannels", "NumberOfWaveformSamples", "SamplingFrequency"),
    *("ChannelDefinitionSequence", "WaveformBitsAllocated", "WaveformSampleInterpretation", "WaveformData"),
]
CHANNEL_TYPE_1 = ["ChannelSourceSequence", "WaveformBitsStored"]


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that break DICOM's rules are errors, and not warnings."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)


def written(generator: Generator, folder: Path, **condition: object) -> tuple[Any, np.ndarray]:
    """Sample 7 of seed 3 as DICOM, read back strictly, and as it was generated."""
    path = folder / "one.dcm"
    DICOM.write(generator.series(1, seed=3, first=7, condition=condition), path, lambda done: None)
    dataset = pydicom.dcmread(path)
    dataset.walk(lambda _, element: element.value)  # every value, so that each is validated
    return dataset, generator.generate(1, seed=3, first=7, condition=condition).samples[0]


def check_attributes(dataset: Any, type_1: list[str], type_2: list[str]) -> None:
    for name in type_1:
        assert name in dataset, name
        assert dataset[name].value not in ("", None), name
    for name in type_2:
        assert name in dataset, name


@pytest.mark.parametrize(("name", "photometric"), [("scans", "MONOCHROME2"), ("slides", "RGB")])
def test_an_image_reads_back_within_half_a_level(
    generators: dict[str, Generator], tmp_path: Path, name: str, photometric: str
) -> None:
    dataset, samples = written(generators[name], tmp_path)
    check_attributes(dataset, TYPE_1 + IMAGE_TYPE_1, TYPE_2)
    assert dataset.SOPClassUID == pydicom.uid.SecondaryCaptureImageStorage
    assert (dataset.Modality, dataset.ConversionType, dataset.PhotometricInterpretation) == ("OT", "SYN", photometric)
    pixels = dataset.pixel_array.reshape(*samples.shape[1:], -1).transpose(2, 0, 1)
    assert np.abs(pixels / 255 - samples).max() <= 0.5001 / 255


def test_an_ecg_reads_back_within_half_a_step(generators: dict[str, Generator], tmp_path: Path) -> None:
    dataset, samples = written(generators["beats"], tmp_path)
    check_attributes(dataset, TYPE_1 + ECG_TYPE_1, TYPE_2)
    assert dataset.SOPClassUID == pydicom.uid.GeneralECGWaveformStorage
    (group,) = dataset.WaveformSequence
    check_attributes(group, GROUP_TYPE_1, [])
    assert group.SamplingFrequency == 250
    found = dataset.waveform_array(0).T
    for channel, wanted, definition in zip(found, samples, group.ChannelDefinitionSequence, strict=True):
        check_attributes(definition, CHANNEL_TYPE_1, [])
        assert np.abs(channel - wanted).max() <= 0.5001 * float(definition.ChannelSensitivity)
        assert float(definition.ChannelSensitivity) < 20.0 / 65_500
        assert definition.ChannelSensitivityUnitsSequence[0].CodeValue == "mV"
    sources = [definition.ChannelSourceSequence[0].CodeMeaning for definition in group.ChannelDefinitionSequence]
    assert sources == ["Modified limb lead", "Lead V1"]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_a_scale_in_sixteen_characters_reaches_both_ends_of_any_range(minimum: float, width: float) -> None:
    channel = Channel("I", "mV", minimum, minimum + width)
    scale = ecg_scale(channel)
    assert len(f"{scale.step:.9g}") <= 16
    assert len(f"{scale.offset:.9g}") <= 16
    assert np.abs(scale.digital(np.array([channel.minimum, channel.maximum]))).max() <= 32767
    assert scale.step <= (width / 2 + 1e-8 * (abs(minimum) + width)) / 32767 * 1.000001


def test_a_missing_sample_is_the_padding_value(bundle_of: Callable[..., Bundle], tmp_path: Path) -> None:
    lead = Channel("II", "mV", -3.0, 3.0, may_be_missing=True)
    with load(bundle_of(SignalSchema("gaps", "One lead.", (lead,), 250.0, 64, ()))) as generator:
        dataset, samples = written(generator, tmp_path)
    (group,) = dataset.WaveformSequence
    assert group.WaveformPaddingValue == b"\x00\x80"
    digital = np.frombuffer(group.WaveformData, "<i2")
    assert np.isnan(samples).any()
    np.testing.assert_array_equal(digital == -32768, np.isnan(samples[0]))


def test_a_beats_class_is_annotated_at_its_sample_counted_from_1(
    generators: dict[str, Generator], tmp_path: Path
) -> None:
    dataset, _ = written(generators["beats"], tmp_path, beat_class="V")
    mark, beat = dataset.WaveformAnnotationSequence
    assert mark.UnformattedTextValue.startswith("SYNTHETIC DATA")
    assert "TemporalRangeType" not in mark
    assert (beat.UnformattedTextValue, beat.TemporalRangeType) == ("beat_class=V", "POINT")
    assert beat.ReferencedSamplePositions == 97
    assert list(beat.ReferencedWaveformChannels) == [1, 0]


@pytest.mark.parametrize("name", ["scans", "beats"])
def test_the_mark_is_wherever_feeds_look_for_it(generators: dict[str, Generator], tmp_path: Path, name: str) -> None:
    dataset, _ = written(generators[name], tmp_path)
    assert dataset[0x0008, 0x001C].value == "YES"
    assert dataset.PatientName == "SYNTHETIC^PATIENT"
    assert re.fullmatch(r"SYNTHETIC-[0-9A-F]{12}", dataset.PatientID)
    assert dataset.SeriesDescription.startswith("SYNTHETIC")
    (equipment,) = dataset.ContributingEquipmentSequence
    (purpose,) = equipment.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109100", "DCM")
    assert purpose.CodeMeaning == "Synthesizing Equipment"


def test_the_only_date_is_evidently_unreal(generators: dict[str, Generator], tmp_path: Path) -> None:
    dataset, _ = written(generators["beats"], tmp_path)
    dates = {str(element.value) for element in dataset.iterall() if element.VR in ("DA", "DT") and element.value}
    assert {date[:8] for date in dates} == {"19000101"}


def test_uids_are_valid_and_differ_by_sample_seed_and_condition(
    generators: dict[str, Generator], tmp_path: Path
) -> None:
    generator = generators["scans"]
    seen = set()
    for seed, condition in ((3, "home"), (3, "died"), (4, "home")):
        folder = tmp_path / f"{seed}{condition}"
        DICOM.write(generator.series(2, seed=seed, condition={"outcome": condition}), folder, lambda done: None)
        for file in sorted(folder.glob("*.dcm")):
            dataset = pydicom.dcmread(file)
            uids = [dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID]
            assert all(uid.is_valid and uid.startswith("2.25.") for uid in uids)
            assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
            seen |= set(uids)
    assert len(seen) == 3 * 2 * 3


def test_slow_ecgs_are_ambulatory_and_what_has_no_place_is_refused(generators: dict[str, Generator]) -> None:
    schema = generators["beats"].source.schema
    assert isinstance(schema, SignalSchema)
    assert DICOM.refusal(schema) == ""
    assert "ABP is in mm[Hg]" in DICOM.refusal(generators["strips"].source.schema)
    assert DICOM.refusal(replace(schema, sampling_rate_hz=125.0)) == ""
    assert "50 to 1000 Hz" in DICOM.refusal(replace(schema, sampling_rate_hz=40.0))
    leads = tuple(replace(schema.channels[0], name=str(number)) for number in range(25))
    assert "at most 24 leads" in DICOM.refusal(replace(schema, channels=leads))


def test_where_pydicom_is_absent_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(BackendError, match=r"install it with: pip install 'edgeward\[dicom\]'"):
        DICOM.need_library()
