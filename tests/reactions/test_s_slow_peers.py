"""S17: a peer that does not read what it asked for costs a bounded buffer, for a bounded time, and nobody else."""

import select
import socket
import struct
import time
from contextlib import suppress

import pytest

from tests.backends import Answering
from tests.daemon import Daemon
from tests.datasets import identifier, tag_of
from tests.rawpeer import ABORT, RELEASE_RQ, RawPeer, command, data_set, echo_rq, find_rq

STUDY = {tag_of("StudyInstanceUID"): "1.2.3"}
ENDLESS = pytest.mark.parametrize(
    "daemon", [lambda: {"backend": Answering([STUDY] * 50, times=1 << 40)}], indirect=True, ids=["endless matches"]
)
ASK = command(5, find_rq()) + data_set(5, identifier("STUDY", StudyInstanceUID=""))


def expect_reset(daemon: Daemon, peer: RawPeer) -> None:
    """The daemon gives the connection up although the peer has not read what was sent."""
    waits = select.poll()
    waits.register(peer.socket, 0)
    options = daemon.options
    assert waits.poll((options.send_seconds + 2 * options.upper_layer.artim_seconds + 2) * 1000), "still connected"


def echo_seconds(daemon: Daemon) -> float:
    """How long somebody else waits for a C-ECHO."""
    begun = time.monotonic()
    with RawPeer(daemon.port) as other:
        other.associate()
        assert other.echo() == 0x0000
        other.release()
    return time.monotonic() - begun


@ENDLESS
def test_s17_a_peer_that_stops_reading_is_aborted(daemon: Daemon, peer: RawPeer) -> None:
    """After the send timeout A-ABORT; at ARTIM the connection is reset, what the peer did not take is dropped."""
    peer.send(ASK)
    daemon.wait_until(lambda: daemon.stalled == 1)
    assert echo_seconds(daemon) < 0.5
    daemon.wait_until(lambda: daemon.entity.associations == 0, daemon.options.send_seconds + 1)
    assert any(event.get("reason") == "the peer does not read" for event in daemon.events())
    expect_reset(daemon, peer)


@ENDLESS
@pytest.mark.parametrize("last_words", [RELEASE_RQ, ABORT, b""], ids=["release", "abort", "FIN"])
def test_s17_who_leaves_without_reading_is_let_go(daemon: Daemon, peer: RawPeer, last_words: bytes) -> None:
    """A-RELEASE-RP cannot be delivered either: the connection does not outlive ARTIM by much."""
    peer.send(ASK)
    daemon.wait_until(lambda: daemon.stalled == 1)
    peer.send(last_words)
    peer.socket.shutdown(socket.SHUT_WR)
    daemon.wait_until(lambda: daemon.entity.associations == 0)
    expect_reset(daemon, peer)


@ENDLESS
def test_s17_a_reset_while_it_is_not_read_ends_a_query(daemon: Daemon, peer: RawPeer) -> None:
    """Reader and answerer of the association learn of it at the same time, and both end (the oracle reads the log)."""
    peer.send(ASK)
    daemon.wait_until(lambda: daemon.stalled == 1)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()
    daemon.wait_until(lambda: daemon.tasks == 0, 1)


def test_s17_who_asks_without_reading_is_not_read_from(daemon: Daemon, peer: RawPeer) -> None:
    """Responses that nobody takes stop the requests: back-pressure, then A-ABORT."""
    begun = time.monotonic()
    with suppress(ConnectionError):
        while time.monotonic() - begun < 10:
            peer.send(command(1, echo_rq()) * 1000)
    assert any(event.get("reason") == "the peer does not read" for event in daemon.events())
    expect_reset(daemon, peer)
