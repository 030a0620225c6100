"""What a C-STORE leaves behind for the next one of its association."""

from ipaddress import ip_network

import structlog

from scpd.dataset.reader import RawDataSet
from scpd.dataset.recall import READ_MAX, Beginning, Recall
from scpd.dimse.command import CStoreRQ
from scpd.dimse.status import Status
from scpd.profile.dictionary import ServiceName
from scpd.profile.negotiation import AcceptedContext
from scpd.profile.profile import Peer
from scpd.query.identifier import QueryRules
from scpd.query.levels import STORED
from scpd.query.terms import Level
from scpd.services.exchange import Caller, Exchange, Provider, replay
from scpd.services.store import store
from scpd.storage.archive import Archive
from scpd.storage.memory import MemoryBlobs, MemoryIndex
from tests.datasets import data_set, element
from tests.rawpeer import CT_IMAGE, EXPLICIT_LE
from tests.services.pending import nothing_is_pending


class Counting(Recall):
    """Counts how often it was taught."""

    def __init__(self) -> None:
        super().__init__()
        self.taught = 0

    def learn(self, beginning: Beginning, elements: RawDataSet) -> None:
        self.taught += 1
        super().learn(beginning, elements)


def image(uid: str) -> bytes:
    """So much to say that nobody wants to read it each time."""
    uids = {"SOPClassUID": CT_IMAGE, "SOPInstanceUID": uid, "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1"}
    more = [tag for tag in sorted(STORED[Level.IMAGE]) if tag > 0x00280000]
    assert len(more) > READ_MAX
    return data_set(uids) + b"".join(element(tag, "LO", b"") for tag in more)


async def test_what_an_association_said_is_recalled_until_it_says_something_else() -> None:
    recall = Counting()
    caller = Caller("CT1", "SCPD", "127.0.0.1", Peer("CT1", (ip_network("127.0.0.0/8"),)), recall)
    backend = Archive(MemoryBlobs(), MemoryIndex())
    await backend.open()
    times = []
    for uid in ("1.5.1", "1.5.2", "1.5.3", "1.5.4"):
        exchange = Exchange(
            provider=Provider(backend, QueryRules(), identifier_bytes_max=1000, results_max=0),
            caller=caller,
            context=AcceptedContext(3, CT_IMAGE, EXPLICIT_LE, ServiceName.STORAGE),
            data_set=replay(image(uid)),
            send_pending=nothing_is_pending,
            is_cancelled=lambda: False,
            log=structlog.get_logger(),
        )
        assert (await store(CStoreRQ(7, CT_IMAGE, uid), exchange)).status == Status.SUCCESS
        times.append(recall.taught)
    assert times == [1, 2, 2, 2]
    assert (await backend.statistics()).instances == 4
    await backend.close()
