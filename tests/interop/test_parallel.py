"""Eight senders at once, all in one study and with one instance in common: one row each, and nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.interop.archive import assert_readable, stored
from tests.interop.daemon import Daemon
from tests.interop.dcmtk import findscu, storescu
from tests.interop.part10 import read_part10
from tests.interop.synthetic import SERIES, STUDY, instance_uid, write_images
from tests.interop.wiretap import Wiretap

SENDERS, IMAGES_EACH, COMMON = 8, 25, 0


def test_eight_senders_of_one_study_lose_nothing(daemon: Daemon, tmp_path: Path) -> None:
    batches = [
        write_images(tmp_path / f"sender{sender}", [COMMON, *range(1 + sender, 1 + SENDERS * IMAGES_EACH, SENDERS)])
        for sender in range(SENDERS)
    ]
    with Wiretap(daemon.port) as wire, ThreadPoolExecutor(SENDERS) as senders:
        runs = list(senders.map(lambda batch: storescu(wire.port, batch, "-xe"), batches))

    assert [finished.returncode for finished in runs] == [0] * SENDERS, [finished.stdout for finished in runs]
    assert [store.status for store in wire.stores()] == [0x0000] * SENDERS * (IMAGES_EACH + 1)
    everything = [instance_uid(number) for number in range(SENDERS * IMAGES_EACH + 1)]
    matches = findscu(
        daemon.port, "IMAGE", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": ""}
    )
    assert sorted(match.SOPInstanceUID for match in matches) == sorted(everything)
    counts = {"StudyInstanceUID": STUDY, "NumberOfStudyRelatedSeries": "", "NumberOfStudyRelatedInstances": ""}
    (study,) = findscu(daemon.port, "STUDY", counts)
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (1, len(everything))
    on_disk = stored(daemon.storage)
    assert sorted(on_disk) == sorted(everything)
    for path in (path for batch in batches for path in batch):
        original = read_part10(path)
        assert on_disk[original.sop_instance_uid].data_set == original.data_set
    assert_readable(daemon.storage)
    daemon.assert_knows_no_patient(["SYNTHETIC-1", "Synthetic^Patient"])
