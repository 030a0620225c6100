"""F22, F23: queries with many matches: cancelled, capped, and read to the end (PS3.4 C.4.1.3, PS3.7 9.3.2.3)."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.storage.base import Incoming, Instance, Record, Sealed
from scpd.storage.sqlite import SqliteIndex
from tests.daemon import Daemon
from tests.datasets import CT_IMAGE, IMPLICIT, PATIENT_MARK, identifier, tag_of
from tests.rawpeer import EXPLICIT_LE, RawPeer, cancel_rq, command, data_set, echo_rq, find_rq
from tests.reactions.queries import CANCELLED, PENDING, SERIES, STUDY, SUCCESS, found, keep_studies

OUT_OF_RESOURCES = 0xA700
MATCHES = 100_000
BATCH = 5_000

EVERY_IMAGE = identifier("IMAGE", IMPLICIT, StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID="")
"""A query with `MATCHES` matches."""
NO_IMAGE = identifier("IMAGE", IMPLICIT, StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, ImageComments="*no*")
"""A query that looks at all of them, and matches none."""


def record(number: int) -> Record:
    """A row of the large archive."""
    uid = f"{SERIES}.{number}"
    attributes = {
        tag_of("SOPClassUID"): CT_IMAGE,
        tag_of("SOPInstanceUID"): uid,
        tag_of("StudyInstanceUID"): STUDY,
        tag_of("SeriesInstanceUID"): SERIES,
        tag_of("PatientID"): f"{PATIENT_MARK}1",
        tag_of("ImageComments"): f"{PATIENT_MARK} image {number}",
    }
    incoming = Incoming(CT_IMAGE, uid, EXPLICIT_LE, "SCU", "SCP")
    return Record(incoming, Instance(STUDY, SERIES, attributes), f"other/{number}", Sealed(number.to_bytes(32), 1000))


@pytest.fixture(scope="module")
def large_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index file with `MATCHES` objects of one series."""
    path = tmp_path_factory.mktemp("large") / "index.sqlite"
    index = SqliteIndex(path, sync=False)
    index.open()
    for begin in range(0, MATCHES, BATCH):
        index.add([record(number) for number in range(begin, begin + BATCH)], [])
    index.close()
    return path


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon; one over the large archive where a test says so."""
    options = dict(getattr(request, "param", {}))
    if options.pop("large", False):
        (tmp_path / "store").mkdir()
        shutil.copy(request.getfixturevalue("large_index"), tmp_path / "store")
    with Daemon(tmp_path, **options) as running:
        yield running


LARGE = pytest.mark.parametrize("daemon", [{"large": True}], ids=["large"], indirect=True)


def begin(peer: RawPeer, query: bytes, message_id: int = 7) -> None:
    """Sends a C-FIND-RQ."""
    peer.send(command(5, find_rq(message_id)) + data_set(5, query))


def read_to_the_end(peer: RawPeer) -> tuple[int, int]:
    """The number of pending responses, and the final status."""
    count = 0
    while (response := peer.receive_message()).status == PENDING:
        count += 1
    assert (response.number(0x0120), response.data_set) == (7, None)
    return count, response.status


@LARGE
@pytest.mark.parametrize("after", [0, 1, 500])
def test_f22_cancelled_midway(peer: RawPeer, after: int) -> None:
    """F22: after C-CANCEL-RQ FE00H within a second, and the association is usable (PS3.7 9.3.2.3, C.4.1.3.1)."""
    begin(peer, EVERY_IMAGE)
    for _ in range(after):
        assert peer.receive_message().status == PENDING
    asked_at = time.monotonic()
    peer.send(command(5, cancel_rq(7)))
    count, status = read_to_the_end(peer)
    assert status == CANCELLED
    assert time.monotonic() - asked_at < 1.0
    assert after + count < MATCHES
    assert peer.echo(8) == SUCCESS


@LARGE
@pytest.mark.parametrize("query", [EVERY_IMAGE, NO_IMAGE], ids=["every image", "no image"])
def test_f22_cancelled_at_once(peer: RawPeer, query: bytes) -> None:
    """F22: query, cancel and the next request in one segment: FE00H, then the answer to that (PS3.7 9.3.2.3)."""
    begun_at = time.monotonic()
    peer.send(command(5, find_rq(7)) + data_set(5, query) + command(5, cancel_rq(7)) + command(1, echo_rq(8)))
    assert read_to_the_end(peer) == (0, CANCELLED)
    assert time.monotonic() - begun_at < 1.0
    assert peer.receive_message().number(0x0120) == 8


@LARGE
def test_f22_cancelled_by_another_id(peer: RawPeer) -> None:
    """F22: a C-CANCEL-RQ for another Message ID cancels nothing (PS3.7 9.3.2.3)."""
    begin(peer, EVERY_IMAGE)
    peer.send(command(5, cancel_rq(6)))
    for _ in range(MATCHES // 5):
        assert peer.receive_message().status == PENDING
    peer.send(command(5, cancel_rq(7)))
    assert read_to_the_end(peer)[1] == CANCELLED


@pytest.mark.parametrize("daemon", [{"results_max": 3}], indirect=True)
@pytest.mark.parametrize(("studies", "status"), [(2, SUCCESS), (3, SUCCESS), (4, OUT_OF_RESOURCES)])
def test_f23_more_matches_than_allowed(peer: RawPeer, studies: int, status: int) -> None:
    """F23: A700H behind the matches that are allowed, never a silent 0000H (PS3.4 C.4.1.1.4, pinned)."""
    keep_studies(peer, *[{}] * studies)
    begin(peer, identifier("STUDY", IMPLICIT, StudyInstanceUID=""))
    assert read_to_the_end(peer) == (min(studies, 3), status)
    assert peer.echo(8) == SUCCESS


def test_f23_no_limit_by_default(peer: RawPeer) -> None:
    """F23: without `limits.results_max` every match is returned."""
    keep_studies(peer, *[{}] * 300)
    assert len(found(peer, "STUDY")) == 300
