"""Every real file, in its own transfer syntax, from storescu and from pynetdicom: stored as it came, and found."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom import AE, _config, build_context

from tests.interop.archive import assert_found, assert_readable, stored
from tests.interop.corpus import Sample, rounds, samples
from tests.interop.daemon import Daemon
from tests.interop.dcmtk import storescu, write_profile
from tests.interop.part10 import read_part10
from tests.interop.wiretap import Wiretap

STORESCU_CANNOT_SEND: Mapping[str, str] = {
    "MR_truncated.dcm": "cut off in the pixel data; storescu sends only what it can parse whole",
    "rtplan_truncated.dcm": "cut off in a sequence; storescu sends only what it can parse whole",
    "SC_rgb_jpeg.dcm": "Implicit VR under a JPEG transfer syntax; storescu cannot parse it",
    "rtdose_rle.dcm": "every VR is UN; storescu finds no SOP Instance UID of VR UI",
    "rtdose_rle_1frame.dcm": "every VR is UN; storescu finds no SOP Instance UID of VR UI",
    "explicit_VR-UN.dcm": "every VR is UN; storescu finds no SOP Instance UID of VR UI",
}

UNREADABLE_TO_DCMDUMP = ("MR_truncated.dcm", "SC_rgb_jpeg.dcm")
"""Broken as they are, for the reasons above; the bytes stored are the bytes that came."""

ANSWERED_OTHERWISE: Mapping[str, tuple[int, str]] = {
    "JPEGLSNearLossless_08.dcm": (0xA900, "T08: no Study Instance UID"),
    "JPEGLSNearLossless_16.dcm": (0xA900, "T08: no Study Instance UID"),
    "SC_rgb_jls_lossy_line.dcm": (0xA900, "T08: no Study Instance UID"),
    "SC_rgb_jls_lossy_sample.dcm": (0xA900, "T08: no Study Instance UID"),
    "MR_truncated.dcm": (0xB007, "T06: cut off in the pixel data, kept as it came"),
    "bad_sequence.dcm": (0x0117, "T09: the SOP Instance UID is hexadecimal text"),
}
"""The files that do not get 0000H, whoever sends them, by the line of the wire list that says so."""

ROUNDS = rounds(samples())
each_round = pytest.mark.parametrize("batch", ROUNDS, ids=[f"round{n}" for n in range(len(ROUNDS))])


def expected_status(sample: Sample) -> int:
    """The status a sample is to be answered with when it is sent under the UIDs of its data set."""
    return ANSWERED_OTHERWISE.get(sample.name, (0x0000, ""))[0]


def test_the_corpus_and_its_exceptions_are_what_we_think() -> None:
    names = {sample.name for sample in samples()}
    assert len(samples()) > 200
    assert names.issuperset([*STORESCU_CANNOT_SEND, *UNREADABLE_TO_DCMDUMP, *ANSWERED_OTHERWISE])


@each_round
def test_storescu_sends_every_real_file(daemon: Daemon, tmp_path: Path, batch: Sequence[Sample]) -> None:
    profile = write_profile(tmp_path / "profile", batch)
    with Wiretap(daemon.port) as wire:
        storescu(wire.port, [sample.path for sample in batch], "-xf", profile, "P")
    on_wire = {store.sop_instance_uid: store for store in wire.stores()}

    sent = [sample for sample in batch if sample.name not in STORESCU_CANNOT_SEND]
    assert {s.sop_instance_uid: expected_status(s) for s in sent} == {u: s.status for u, s in on_wire.items()}
    kept = [sample for sample in sent if expected_status(sample) in (0x0000, 0xB007)]
    on_disk = stored(daemon.storage)
    assert on_disk.keys() == {sample.sop_instance_uid for sample in kept}
    for sample in kept:
        part10, store = on_disk[sample.sop_instance_uid], on_wire[sample.sop_instance_uid]
        assert part10.data_set == store.data_set, sample.name
        assert part10.transfer_syntax_uid == store.transfer_syntax_uid == sample.transfer_syntax_uid, sample.name
        assert part10.sop_class_uid == sample.sop_class_uid, sample.name
    assert_readable(daemon.storage)
    assert_found(daemon.port, kept)
    daemon.assert_knows_no_patient(word for sample in batch for word in sample.patient_words)


@each_round
def test_pynetdicom_sends_every_real_file_raw(
    daemon: Daemon, tmp_path: Path, batch: Sequence[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # the file's bytes, neither decoded nor encoded
    pairs = sorted({(sample.sop_class_uid, sample.transfer_syntax_uid) for sample in batch})
    contexts = [build_context(sop_class, syntax) for sop_class, syntax in pairs]
    association = AE("PYNETDICOM").associate("127.0.0.1", daemon.port, contexts, ae_title="SCPD")
    assert association.is_established
    try:
        answered = {s.name: association.send_c_store(with_meta(s, tmp_path)).get("Status") for s in batch}
    finally:
        association.release()

    expected = {sample.name: expected_status_by_meta(sample) for sample in batch}
    assert expected == answered
    kept = [sample for sample in batch if expected[sample.name] in (0x0000, 0xB007)]
    on_disk = stored(daemon.storage)
    assert on_disk.keys() == {sample.sop_instance_uid for sample in kept}
    for sample in kept:
        part10 = on_disk[sample.sop_instance_uid]
        assert part10.data_set == sample.data_set, sample.name
        assert part10.transfer_syntax_uid == sample.transfer_syntax_uid, sample.name
    assert_readable(daemon.storage, broken=[s.sop_instance_uid for s in kept if s.name in UNREADABLE_TO_DCMDUMP])
    assert_found(daemon.port, kept)
    daemon.assert_knows_no_patient(word for sample in batch for word in sample.patient_words)


def expected_status_by_meta(sample: Sample) -> int:
    """As `expected_status`, for a client that believes the meta group: T05 where it names another instance."""
    announced = read_part10(sample.path).sop_instance_uid
    return 0xA900 if announced not in ("", sample.sop_instance_uid) else expected_status(sample)


def with_meta(sample: Sample, folder: Path) -> Path:
    """The sample's file, or a copy with a meta group where it has none: pynetdicom needs one to send by."""
    if read_part10(sample.path).sop_instance_uid:
        return sample.path
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sample.sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sample.sop_instance_uid)
    meta.TransferSyntaxUID = UID(sample.transfer_syntax_uid)
    group = DicomBytesIO()
    write_file_meta_info(group, meta, enforce_standard=False)
    path = folder / "with_meta.dcm"
    path.write_bytes(bytes(128) + b"DICM" + group.getvalue() + sample.data_set)
    return path
