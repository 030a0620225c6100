"""The real files: everything in pydicom's test_files and pydicom-data whose data set names a SOP class.

Many of them are variants of one image and share its SOP Instance UID, which an archive must not accept twice
with other bytes. So they are dealt into rounds in which every SOP Instance UID occurs once, a fresh archive each.
"""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import data_store
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.interop.part10 import read_part10

ROOTS = (
    Path(pydicom.__file__).parent / "data" / "test_files",
    Path(data_store.__file__).parent / "data",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One real file. The UIDs are those of the data set, "" where it has none."""

    path: Path
    name: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    patient_words: tuple[str, ...]

    @property
    def data_set(self) -> bytes:
        """The data set as it lies in the file."""
        return read_part10(self.path).data_set


@cache
def samples() -> tuple[Sample, ...]:
    """Every readable file with a SOP class, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of the damage that many of these files have on purpose
        found = [sample for root in ROOTS for path in sorted(root.rglob("*")) if (sample := read_sample(root, path))]
    return tuple(found)


def rounds(candidates: Sequence[Sample]) -> list[list[Sample]]:
    """Deals samples into as few rounds as keep every SOP Instance UID unique within a round."""
    variants: defaultdict[str, int] = defaultdict(int)
    dealt: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in candidates:
        dealt[variants[sample.sop_instance_uid]].append(sample)
        variants[sample.sop_instance_uid] += 1
    return [dealt[number] for number in sorted(dealt)]


def read_sample(root: Path, path: Path) -> Sample | None:
    """The sample in a file, or None when there is no SOP class to send it under."""
    if not path.is_file() or path.suffix in (".py", ".pyc", ".md", ".txt"):
        return None
    try:
        data_set = pydicom.dcmread(path, force=True)
        sop_class_uid = str(data_set.get("SOPClassUID", ""))
    except Exception:  # whatever pydicom raises, this is not one of the readable files
        return None
    if not sop_class_uid:
        return None
    return Sample(
        path=path,
        name=str(path.relative_to(root)),
        sop_class_uid=sop_class_uid,
        sop_instance_uid=str(data_set.get("SOPInstanceUID", "")),
        transfer_syntax_uid=data_set.file_meta.get("TransferSyntaxUID") or encoding_of(data_set),
        study_instance_uid=str(data_set.get("StudyInstanceUID", "")),
        series_instance_uid=str(data_set.get("SeriesInstanceUID", "")),
        patient_id=str(data_set.get("PatientID", "")),
        patient_words=patient_words(data_set),
    )


def encoding_of(data_set: pydicom.FileDataset) -> str:
    """The transfer syntax of a file that has no meta group, as pydicom found it out."""
    is_implicit, is_little_endian = data_set.original_encoding
    if is_implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if is_little_endian else ExplicitVRBigEndian)


def patient_words(data_set: pydicom.Dataset) -> tuple[str, ...]:
    """What identifies the patient and is long enough not to stand in a log line by chance."""
    values = (str(data_set.get(keyword, "")) for keyword in ("PatientName", "PatientID", "PatientBirthDate"))
    return tuple(value for value in values if len(value) >= 6)
