"""What lies in the daemon's storage folder, and what other programs say of it."""

import warnings
from collections.abc import Iterable
from pathlib import Path

import pydicom

from tests.interop.corpus import Sample
from tests.interop.dcmtk import dcmdump_refuses, findscu
from tests.interop.part10 import Part10, part10_files, read_part10


def stored(folder: Path) -> dict[str, Part10]:
    """The stored objects by SOP Instance UID. Fails if one is there twice."""
    found: dict[str, Part10] = {}
    for path in part10_files(folder):
        part10 = read_part10(path)
        assert part10.sop_instance_uid not in found, f"{part10.sop_instance_uid} is stored twice"
        found[part10.sop_instance_uid] = part10
    return found


def assert_readable(folder: Path, *, broken: Iterable[str] = ()) -> None:
    """Fails unless dcmdump and pydicom read every stored file; `broken` names instances that dcmdump need not."""
    spared = set(broken)
    files = list(part10_files(folder))
    assert not dcmdump_refuses([path for path in files if read_part10(path).sop_instance_uid not in spared])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are not valid, which are stored as they came
        for path in files:
            assert pydicom.dcmread(path).file_meta.MediaStorageSOPInstanceUID


def assert_found(port: int, expected: Iterable[Sample]) -> None:
    """Fails unless findscu finds each sample at all four levels, walking down from the patients and the studies."""
    wanted = {(s.study_instance_uid, s.series_instance_uid, s.sop_instance_uid) for s in expected}
    patients = {match.PatientID for match in findscu(port, "PATIENT", {"PatientID": ""}, model="--patient")}
    assert {sample.patient_id for sample in expected} <= patients
    studies = {match.StudyInstanceUID for match in findscu(port, "STUDY", {"StudyInstanceUID": ""})}
    assert {study for study, _, _ in wanted} <= studies
    for study in {study for study, _, _ in wanted}:
        matches = findscu(port, "SERIES", {"StudyInstanceUID": study, "SeriesInstanceUID": ""})
        assert {s for parent, s, _ in wanted if parent == study} <= {match.SeriesInstanceUID for match in matches}
    for study, series in {(study, series) for study, series, _ in wanted}:
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}
        instances = {match.SOPInstanceUID for match in findscu(port, "IMAGE", keys)}
        assert {i for *parents, i in wanted if parents == [study, series]} <= instances
