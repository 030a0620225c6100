"""Made-up CT images, for tests that need many of one study."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

STUDY = generate_uid(entropy_srcs=["scpd study"])
SERIES = generate_uid(entropy_srcs=["scpd series"])


def instance_uid(number: int) -> UID:
    """The SOP Instance UID of the image with this number."""
    return generate_uid(entropy_srcs=["scpd instance", str(number)])


def write_images(folder: Path, numbers: Sequence[int], *, rows: int = 128) -> list[Path]:
    """One CT image a number, all of one series; `rows` * 256 bytes of pixels each. The same number, the same bytes."""
    folder.mkdir()
    return [write_image(folder / f"{number}.dcm", number, rows) for number in numbers]


def write_image(path: Path, number: int, rows: int) -> Path:
    """A CT image of 128 columns and 16 bits."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = instance_uid(number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = instance_uid(number)
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY, SERIES
    image.PatientID, image.PatientName, image.Modality = "SYNTHETIC-1", "Synthetic^Patient", "CT"
    image.InstanceNumber = number
    image.Rows, image.Columns, image.SamplesPerPixel = rows, 128, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelData = Random(number).randbytes(rows * 256)
    image.save_as(path, enforce_file_format=True)
    return path
