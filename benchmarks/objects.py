"""The objects that the load generator sends: realistic headers, pixel data of the wanted size, UIDs to be patched.

Some 120 elements with sequences and private tags, because a header is what an archive reads. Every UID that changes
with the instance ends in a run of sevens: 7 of them for the instance, 6 for the series, 5 for the study (`load.c`).
"""

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from scpd.dimse.codec import encode_command
from scpd.dimse.command import CStoreRQ
from scpd.profile.admission import DICOM_APPLICATION_CONTEXT
from scpd.ul.codec import encode
from scpd.ul.pdu import AssociateRQ, PresentationContextRQ, UserInformation

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
EXPLICIT_LE = "1.2.840.10008.1.2.1"

ROOT = "1.2.826.0.1.3680043.10.1777"
INSTANCE_UID = f"{ROOT}.3.1" + "7" * 7
SERIES_UID = f"{ROOT}.2.1" + "7" * 6
STUDY_UID = f"{ROOT}.1.1" + "7" * 5

SIZES = {"tiny4k": 4 << 10, "ct512k": 512 << 10, "us100m": 100 << 20}
"""Bytes of the data set, name by name."""


def write(size: str, folder: Path, called_ae_title: str) -> None:
    """Writes `associate`, `command` and `data-set` for `load` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    sop_class = US_MULTI_FRAME if size == "us100m" else CT_IMAGE
    context = PresentationContextRQ(1, sop_class, (EXPLICIT_LE,))
    request = AssociateRQ(
        called_ae=called_ae_title.encode().ljust(16),
        calling_ae=b"LOAD".ljust(16),
        application_contexts=(DICOM_APPLICATION_CONTEXT,),
        presentation_contexts=(context,),
        user_information=UserInformation(maximum_length=16384, implementation_class_uid=ROOT),
    )
    (folder / "associate").write_bytes(encode(request))
    (folder / "command").write_bytes(encode_command(CStoreRQ(1, sop_class, INSTANCE_UID), has_data_set=True))
    (folder / "data-set").write_bytes(encoded(object_of(sop_class, SIZES[size])))


def object_of(sop_class: str, size_bytes: int) -> Dataset:
    """A CT or multi-frame ultrasound object whose encoding has `size_bytes` bytes, give or take a few hundred."""
    ds = header(sop_class, small=size_bytes < 16384)
    ds.PixelData = b""
    ds["PixelData"].VR = "OW"
    ds.PixelData = bytes(max(0, size_bytes - len(encoded(ds))) & ~1)
    return ds


def header(sop_class: str, *, small: bool) -> Dataset:
    """What a scanner says about an image."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, INSTANCE_UID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY_UID, SERIES_UID
    ds.PatientName, ds.PatientID = "Load^Generated^^Dr", "LOAD-0001"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge, ds.PatientWeight = "19600101", "O", "066Y", "71.5"
    for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate"):
        setattr(ds, name, "20260102")
    for name in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "InstanceCreationTime"):
        setattr(ds, name, "101500.123")
    ds.AccessionNumber, ds.StudyID, ds.Modality = "ACC0001", "1", "CT"
    ds.Manufacturer, ds.ManufacturerModelName, ds.StationName = "Nobody", "Model 1", "STATION1"
    ds.InstitutionName, ds.InstitutionalDepartmentName = "Hospital of the Benchmark", "Radiology"
    ds.ReferringPhysicianName, ds.OperatorsName = "Refer^Ring", "Oper^Ator"
    ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "Abdomen", "Axial 5 mm", "Abdomen routine"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 2, 1, 17
    ds.BodyPartExamined, ds.PatientPosition = "ABDOMEN", "FFS"
    ds.SliceThickness, ds.KVP, ds.DataCollectionDiameter = "5", "120", "500"
    ds.ReconstructionDiameter, ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = "380", "1040", "570"
    ds.GantryDetectorTilt, ds.TableHeight, ds.RotationDirection = "0", "157", "CW"
    ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure, ds.FilterType = 500, 210, 105, "BODY"
    ds.GeneratorPower, ds.FocalSpots, ds.ConvolutionKernel = 36, ["0.7"], "STANDARD"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = ["-190", "-190", "35.5"], ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator, ds.SliceLocation = f"{ROOT}.9", "XY", "35.5"
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", 512, 512
    ds.PixelSpacing, ds.BitsAllocated, ds.BitsStored, ds.HighBit = ["0.742", "0.742"], 16, 12, 11
    ds.PixelRepresentation, ds.WindowCenter, ds.WindowWidth = 0, "40", "400"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = "20260102", "101000"
    ds.PerformedProcedureStepID, ds.PerformedProcedureStepDescription = "PPS1", "Abdomen"
    ds.RequestAttributesSequence = Sequence([requested()])
    ds.ProcedureCodeSequence = Sequence([code("RPID145", "RADLEX", "CT Abdomen")])
    ds.ReferencedStudySequence = Sequence([reference(f"{ROOT}.4.{number}") for number in range(2)])
    ds.ReferencedImageSequence = Sequence([reference(f"{ROOT}.5.{number}") for number in range(2 if small else 4)])
    for group in (0x0009, 0x0019, 0x0043):
        block = ds.private_block(group, f"BENCHMARK {group:04X}", create=True)
        for element in range(6 if small else 14):
            block.add_new(element, "LO" if element % 2 else "DS", "value" if element % 2 else "1.25")
    return ds


def requested() -> Dataset:
    """An item of the Request Attributes Sequence."""
    item = Dataset()
    item.RequestedProcedureID, item.ScheduledProcedureStepID = "RP1", "SPS1"
    item.RequestedProcedureDescription = "CT abdomen"
    return item


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A code item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def reference(uid: str) -> Dataset:
    """An item that refers to an instance."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT_IMAGE, uid
    return item


def encoded(ds: Dataset) -> bytes:
    """The data set in Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    return buffer.getvalue()
