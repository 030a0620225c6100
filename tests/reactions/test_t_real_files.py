"""T01 once more, with every real file of pydicom and pydicom-data: sent raw, in its own transfer syntax."""

import pytest

from tests.daemon import Daemon
from tests.interop.corpus import Sample, rounds, samples
from tests.rawpeer import RawPeer, command, data_set, store_rq, storing
from tests.reactions import kept

NOT_STORED = {
    "JPEGLSNearLossless_08.dcm": 0xA900,  # neither study nor series
    "JPEGLSNearLossless_16.dcm": 0xA900,
    "SC_rgb_jls_lossy_line.dcm": 0xA900,
    "SC_rgb_jls_lossy_sample.dcm": 0xA900,
    "bad_sequence.dcm": 0x0117,  # letters in its UIDs
}
DAMAGED = {"rtplan_truncated.dcm": 0xB007, "MR_truncated.dcm": 0xB007}


@pytest.mark.parametrize("number", range(len(rounds(samples()))))
def test_t01_real_files(daemon: Daemon, number: int) -> None:
    """T01: stored byte-exact with 0000H, but for those that T06, T08 and T09 are about; no patient in the log."""
    sent = rounds(samples())[number]
    statuses = {sample.name: store(daemon, sample) for sample in sent}
    assert statuses == {sample.name: (NOT_STORED | DAMAGED).get(sample.name, 0x0000) for sample in sent}
    expected = {sample.sop_instance_uid: sample for sample in sent if sample.name not in NOT_STORED}
    for file in kept.each_file(daemon, "."):
        sample = expected.pop(file.sop_instance_uid)
        assert file.data_set == sample.data_set, sample.name
        assert file.transfer_syntax_uid == sample.transfer_syntax_uid
    assert not expected
    log = daemon.log_text.getvalue()
    assert not [word for sample in sent for word in sample.patient_words if word in log]


def store(daemon: Daemon, sample: Sample) -> int:
    """Stores a file on an association of its own; its status."""
    with RawPeer(daemon.port) as peer:
        peer.associate(storing(sample.transfer_syntax_uid, sample.sop_class_uid))
        request = store_rq(sample.sop_instance_uid, sop_class=sample.sop_class_uid)
        peer.send(command(3, request) + data_set(3, sample.data_set))
        status = peer.receive_message().status
        peer.release()
    return status
