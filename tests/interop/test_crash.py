"""kill -9 while four senders are at it: after a restart all that was answered 0000H is there, and nothing half."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.interop.archive import assert_readable, stored
from tests.interop.daemon import Daemon
from tests.interop.dcmtk import findscu, storescu
from tests.interop.part10 import read_part10
from tests.interop.synthetic import SERIES, STUDY, write_images
from tests.interop.wiretap import Wiretap

SENDERS, IMAGES_EACH = 4, 100


@pytest.mark.parametrize("kill_after_bytes", [2_000_000, 5_000_000, 9_000_000])
def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path, kill_after_bytes: int) -> None:
    batches = [
        write_images(tmp_path / f"sender{sender}", range(sender, SENDERS * IMAGES_EACH, SENDERS))
        for sender in range(SENDERS)
    ]
    sent = {(part10 := read_part10(path)).sop_instance_uid: part10 for batch in batches for path in batch}
    daemon = Daemon(tmp_path)
    daemon.start()
    in_the_middle = threading.Event()
    with Wiretap(daemon.port) as wire, ThreadPoolExecutor(SENDERS) as senders:
        wire.ring_after(kill_after_bytes, in_the_middle)
        for batch in batches:
            senders.submit(storescu, wire.port, batch, "-xe")
        assert in_the_middle.wait(60)
        daemon.kill()
    acknowledged = {store.sop_instance_uid for store in wire.stores() if store.status == 0x0000}
    assert 0 < len(acknowledged) < len(sent), "the kill was not in the middle"

    with daemon:
        keys = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": ""}
        found = {match.SOPInstanceUID for match in findscu(daemon.port, "IMAGE", keys)}
        on_disk = stored(daemon.storage)
    assert acknowledged <= found
    assert found == on_disk.keys(), "start-up swept what no row names"
    assert all(on_disk[uid].data_set == sent[uid].data_set for uid in found)
    assert_readable(daemon.storage)
