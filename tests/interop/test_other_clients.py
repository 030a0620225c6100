"""Orthanc, GDCM and dcmjs-dimse as clients: echo, store and find with a handful of real files."""

import json
from pathlib import Path

import pytest

from tests.interop.archive import assert_readable, stored
from tests.interop.corpus import Sample, samples
from tests.interop.daemon import Daemon
from tests.interop.dcmjs import dcmjs
from tests.interop.gdcm import gdcmscu
from tests.interop.orthanc import Orthanc
from tests.interop.wiretap import C_ECHO_RSP, C_FIND_RSP, StoreOnWire, Wiretap

HANDFUL = [
    "CT_small.dcm",  # explicit VR, private groups
    "MR_small_RLE.dcm",  # RLE
    "examples_palette.dcm",  # ultrasound, palette
    "JPEG-LL.dcm",  # JPEG lossless
    "test-SR.dcm",  # a structured report
]
CT = "CT_small.dcm"


@pytest.fixture
def handful() -> list[Sample]:
    return [sample for sample in samples() if sample.name in HANDFUL]


@pytest.fixture
def ct(handful: list[Sample]) -> Sample:
    (sample,) = (sample for sample in handful if sample.name == CT)
    return sample


def assert_archived(daemon: Daemon, on_wire: list[StoreOnWire], sent: list[Sample]) -> None:
    """Fails unless each sample was answered 0000H once and lies on disk as it crossed the wire."""
    assert {store.sop_instance_uid: store.status for store in on_wire} == {s.sop_instance_uid: 0 for s in sent}
    on_disk = stored(daemon.storage)
    assert on_disk.keys() == {sample.sop_instance_uid for sample in sent}
    for store in on_wire:
        assert on_disk[store.sop_instance_uid].data_set == store.data_set
        assert on_disk[store.sop_instance_uid].transfer_syntax_uid == store.transfer_syntax_uid
    assert_readable(daemon.storage)
    daemon.assert_knows_no_patient(word for sample in sent for word in sample.patient_words)


def test_orthanc_echoes_stores_and_finds(daemon: Daemon, tmp_path: Path, handful: list[Sample], ct: Sample) -> None:
    with Wiretap(daemon.port) as wire, Orthanc(tmp_path, wire.port) as orthanc:
        orthanc.post("/modalities/scpd/echo", {})
        resources = [orthanc.post("/instances", sample.path.read_bytes())["ID"] for sample in handful]
        sent = orthanc.post("/modalities/scpd/store", {"Resources": resources, "Synchronous": True})
        assert (sent["InstancesCount"], sent["FailedInstancesCount"]) == (len(handful), 0)
        studies = orthanc.find("Study", {"PatientID": ct.patient_id, "StudyInstanceUID": ""})
        keys = {"StudyInstanceUID": ct.study_instance_uid, "SeriesInstanceUID": ""}
        series = orthanc.find("Series", keys)
        instances = orthanc.find(
            "Instance", {**keys, "SeriesInstanceUID": ct.series_instance_uid, "SOPInstanceUID": ""}
        )
    assert [study["StudyInstanceUID"] for study in studies] == [ct.study_instance_uid]
    assert [match["SeriesInstanceUID"] for match in series] == [ct.series_instance_uid]
    assert [match["SOPInstanceUID"] for match in instances] == [ct.sop_instance_uid]
    assert_archived(daemon, wire.stores(), handful)


def test_gdcmscu_echoes_stores_and_finds(daemon: Daemon, handful: list[Sample], ct: Sample) -> None:
    with Wiretap(daemon.port) as wire:
        gdcmscu(wire.port, "--echo")
        for sample in handful:
            gdcmscu(wire.port, "--store", "-i", sample.path)
        gdcmscu(wire.port, "--find", "--patientroot", "--patient", "--key", f"10,20={ct.patient_id}")
        gdcmscu(wire.port, "--find", "--studyroot", "--study", "--key", f"20,d={ct.study_instance_uid}")
    assert wire.responses(C_ECHO_RSP) == [(0x0000, b"")]
    (patient_status, patient), (end, _), (study_status, study), (other_end, _) = wire.responses(C_FIND_RSP)
    assert (patient_status, end, study_status, other_end) == (0xFF00, 0x0000, 0xFF00, 0x0000)
    assert ct.patient_id.encode() in patient
    assert ct.study_instance_uid.encode() in study
    assert_archived(daemon, wire.stores(), handful)


def test_dcmjs_dimse_echoes_stores_and_finds(daemon: Daemon, handful: list[Sample], ct: Sample) -> None:
    keys = {"StudyInstanceUID": ct.study_instance_uid, "SeriesInstanceUID": ct.series_instance_uid}
    with Wiretap(daemon.port) as wire:
        assert dcmjs(wire.port, "echo") == [{"status": 0}]
        dcmjs(wire.port, "store", *(sample.path for sample in handful))
        studies = dcmjs(wire.port, "find", "STUDY", json.dumps({"PatientID": ct.patient_id, "StudyInstanceUID": ""}))
        series = dcmjs(wire.port, "find", "SERIES", json.dumps({**keys, "SeriesInstanceUID": ""}))
        instances = dcmjs(wire.port, "find", "IMAGE", json.dumps({**keys, "SOPInstanceUID": ""}))
    assert [r["dataset"]["StudyInstanceUID"] for r in studies if "dataset" in r] == [ct.study_instance_uid]
    assert [r["dataset"]["SeriesInstanceUID"] for r in series if "dataset" in r] == [ct.series_instance_uid]
    assert [r["dataset"]["SOPInstanceUID"] for r in instances if "dataset" in r] == [ct.sop_instance_uid]
    assert [responses[-1]["status"] for responses in (studies, series, instances)] == [0, 0, 0]
    assert_archived(daemon, wire.stores(), handful)
