"""S01-S16: what ends an association, orderly or not, and what is left of it (PS3.8 Table 9-10, Sta6 to Sta13)."""

import socket
import struct
import time

import pytest

from scpd.server.pump import GATHERED_BYTES_MAX
from scpd.ul.connection import State
from scpd.ul.events import ReleaseConfirmation, ReleaseIndication
from scpd.ul.pdu import (
    AssociateAC,
    AssociateRQ,
    ContextResult,
    PresentationContextAC,
    PresentationContextRQ,
    UserInformation,
)
from tests.backends import Answering
from tests.daemon import QUICK, Daemon
from tests.datasets import ct, identifier, tag_of
from tests.rawpeer import (
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    ABORT,
    APPLICATION_CONTEXT,
    IMPLICIT_LE,
    P_DATA_TF,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    Call,
    Proposal,
    RawPeer,
    cancel_rq,
    command,
    data_set,
    echo_rq,
    find_rq,
    p_data,
    pdu,
    pdv,
    store_rq,
)
from tests.reactions import kept
from tests.wire import Delivery, Wire

ARTIM = QUICK.upper_layer.artim_seconds
AT_ONCE = ARTIM / 2

RQ = Proposal().encode()
UNKNOWN = {f"type {kind:02X}H": pdu(kind, b"abcd") for kind in (0x00, 0x08, 0x0A, 0xFF)}
BYTEWISE = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])

STUDY = {tag_of("StudyInstanceUID"): "1.2.3"}
STUDIES = identifier("STUDY", StudyInstanceUID="")
ENDLESS = pytest.mark.parametrize(
    "daemon", [lambda: {"backend": Answering([STUDY] * 50, times=1 << 40)}], indirect=True, ids=["endless matches"]
)


def expect_end_at_artim(peer: RawPeer) -> None:
    """The peer has until ARTIM to close; then the daemon does, and nothing is sent before (Evt18/Sta13, AA-2)."""
    assert AT_ONCE < peer.expect_closed() < ARTIM + 1


def released(call: Call) -> RawPeer:
    """A peer in Sta13: its release was answered, and it has not closed."""
    peer = call()
    peer.associate()
    peer.release()
    return peer


@BYTEWISE
def test_s01_a_second_associate_request_is_aborted(peer: RawPeer, bytewise: bool) -> None:
    """AB(2,2) unexpected-PDU: Evt6/Sta6, AA-8 (PS3.8 Table 9-26)."""
    (peer.send_bytewise if bytewise else peer.send)(RQ)
    assert peer.expect_abort() == (2, 2)
    expect_end_at_artim(peer)


@pytest.mark.parametrize(
    "unexpected",
    [pdu(A_ASSOCIATE_AC, RQ[6:]), pdu(A_ASSOCIATE_RJ, bytes(4)), RELEASE_RP],
    ids=["A-ASSOCIATE-AC", "A-ASSOCIATE-RJ", "A-RELEASE-RP"],
)
def test_s02_answers_to_what_was_not_asked_are_aborted(peer: RawPeer, unexpected: bytes) -> None:
    """AB(2,2): Evt3, 4, 13/Sta6, AA-8."""
    peer.send(unexpected)
    assert peer.expect_abort() == (2, 2)
    expect_end_at_artim(peer)


@BYTEWISE
@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
def test_s03_an_unknown_pdu_is_aborted(peer: RawPeer, unknown: bytes, bytewise: bool) -> None:
    """AB(2,1) unrecognized-PDU: Evt19/Sta6, AA-8; nothing behind it is looked at."""
    (peer.send_bytewise if bytewise else peer.send)(unknown)
    peer.send(RELEASE_RQ)
    assert peer.expect_abort() == (2, 1)
    expect_end_at_artim(peer)


def begin_store(daemon: Daemon, peer: RawPeer, size_bytes: int) -> None:
    """Sends a C-STORE without its end. A large object must lie in the spool before anything goes wrong."""
    whole = ct("1.2.3.4", PixelData=bytes(size_bytes))
    peer.send(command(3, store_rq("1.2.3.4")))
    for at in range(0, len(whole), 16_000):  # one by one: what the test holds counts as the daemon's memory
        peer.send(p_data(pdv(3, 0, whole[at : at + 16_000])))
    if size_bytes > GATHERED_BYTES_MAX:
        daemon.wait_until(lambda: any(path.is_file() for path in (daemon.directory / "store").rglob("*spool*/**/*")))


SIZES = pytest.mark.parametrize("size_bytes", [8, 2 * GATHERED_BYTES_MAX], ids=["small", "large"])


@SIZES
def test_s04_an_abort_within_a_store_leaves_nothing(daemon: Daemon, peer: RawPeer, size_bytes: int) -> None:
    """Evt16/Sta6, AA-3: closed at once; no file, no row, no draft is left of the object."""
    begin_store(daemon, peer, size_bytes)
    peer.send(ABORT)
    assert peer.expect_closed() < AT_ONCE
    daemon.wait_until(lambda: daemon.tasks == 0)
    assert kept.nothing(daemon)
    assert any(event.get("reason") == "aborted by the peer: source 0, reason 0" for event in daemon.events())
    assert [event["event"] for event in daemon.events() if "audit" in event] == ["object incomplete, nothing kept"]


@SIZES
@pytest.mark.parametrize("ending", ["FIN", "RST", "FIN within a PDU"])
def test_s05_a_connection_lost_within_a_store_leaves_nothing(
    daemon: Daemon, peer: RawPeer, size_bytes: int, ending: str
) -> None:
    """Evt17/Sta6, AA-4: as S04."""
    begin_store(daemon, peer, size_bytes)
    if ending == "RST":
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if ending == "FIN within a PDU":
        peer.send(p_data(pdv(3, 0, bytes(1000)))[:500])
    peer.socket.close()
    daemon.wait_until(lambda: daemon.tasks == 0)
    assert kept.nothing(daemon)
    assert any(event.get("reason") == "connection lost" for event in daemon.events())
    assert [event["event"] for event in daemon.events() if "audit" in event] == ["object incomplete, nothing kept"]


@BYTEWISE
def test_s06_a_release_is_answered_and_the_peer_closes(daemon: Daemon, peer: RawPeer, bytewise: bool) -> None:
    """A-RELEASE-RP (AR-2, AR-4); the slot is free at once, the transport is the peer's until ARTIM (PS3.8 7.2)."""
    (peer.send_bytewise if bytewise else peer.send)(RELEASE_RQ)
    assert peer.receive() == (A_RELEASE_RP, bytes(4))
    daemon.wait_until(lambda: daemon.entity.associations == 0, AT_ONCE)
    expect_end_at_artim(peer)


def test_s06_a_peer_that_closes_after_its_release_is_gone_at_once(daemon: Daemon, peer: RawPeer) -> None:
    """Evt17/Sta13, AR-5."""
    peer.release()
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.expect_closed() < AT_ONCE
    daemon.wait_until(lambda: daemon.tasks == 0)


def test_s07_reserved_bytes_of_a_release_are_not_tested(peer: RawPeer) -> None:
    """As S06 (PS3.8 9.3.6)."""
    peer.send(pdu(A_RELEASE_RQ, b"\xff\xff\xff\xff", reserved=0xFF))
    assert peer.receive() == (A_RELEASE_RP, bytes(4))


@ENDLESS
def test_s08_a_release_stops_a_query(daemon: Daemon, peer: RawPeer) -> None:
    """Matching stops; whole responses, then A-RELEASE-RP, then nothing (Sta8; AR-7 permits the responses)."""
    peer.send(command(5, find_rq()) + data_set(5, STUDIES))
    assert peer.receive_message().status == 0xFF00
    peer.send(RELEASE_RQ)
    received, controls = peer.receive(), []
    while received is not None and received.type == P_DATA_TF:
        controls.append(received.body[5])
        received = peer.receive()
    assert received == (A_RELEASE_RP, bytes(4))
    assert controls == [3, 2] * (len(controls) // 2), "a command or a data set without the other"
    daemon.wait_until(lambda: daemon.entity.associations == 0)
    expect_end_at_artim(peer)


@ENDLESS
@pytest.mark.parametrize("ending", ["abort", "FIN", "RST"])
def test_s08_a_peer_that_leaves_stops_its_query(daemon: Daemon, peer: RawPeer, ending: str) -> None:
    """Evt16, Evt17/Sta6: a query is not answered to nobody."""
    peer.send(command(5, find_rq()) + data_set(5, STUDIES))
    assert peer.receive_message().status == 0xFF00
    if ending == "abort":
        peer.send(ABORT)
    if ending == "RST":
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()
    daemon.wait_until(lambda: daemon.tasks == 0, 1)


@pytest.mark.parametrize(
    "late",
    [command(1, echo_rq()), command(5, cancel_rq(1)), p_data(pdv(77, 0, b"ab")), RELEASE_RQ, RELEASE_RP],
    ids=["request", "cancel", "unknown context", "release", "release response"],
)
def test_s09_what_comes_after_the_release_is_ignored(call: Call, late: bytes) -> None:
    """AA-6: Evt10, 12, 13/Sta13; there is no second answer."""
    peer = released(call)
    peer.send(late * 3)
    expect_end_at_artim(peer)


def test_s10_an_associate_request_after_the_release_is_aborted(call: Call) -> None:
    """A-ABORT: Evt6/Sta13, AA-7; a transport carries one association."""
    peer = released(call)
    peer.send(RQ)
    assert peer.expect_abort() == (2, 2)
    assert peer.expect_closed() < ARTIM + 1


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
def test_s11_an_unknown_pdu_after_the_release_is_aborted(call: Call, unknown: bytes) -> None:
    """A-ABORT, once: Evt19/Sta13, AA-7."""
    peer = released(call)
    peer.send(unknown * 2)
    assert peer.expect_abort() == (2, 1)
    assert peer.expect_closed() < ARTIM + 1


def test_s12_an_abort_after_the_release_closes(call: Call) -> None:
    """Evt16/Sta13, AA-2: closed at once."""
    peer = released(call)
    peer.send(ABORT)
    assert peer.expect_closed() < AT_ONCE


@pytest.mark.parametrize(
    ("last_words", "answer"),
    [
        (RQ + RELEASE_RQ, 7),
        (Proposal(called=b"NOBODY").encode(), A_ASSOCIATE_RJ),
        (b"no PDU", 7),
    ],
    ids=["unexpected", "rejected", "garbage"],
)
def test_s13_a_peer_that_never_closes_is_disconnected_at_artim(call: Call, last_words: bytes, answer: int) -> None:
    """Evt18/Sta13, AA-2, after an A-ABORT and an A-ASSOCIATE-RJ as after an A-RELEASE-RP (S06)."""
    peer = call()
    peer.send(last_words)
    received = peer.receive()
    assert received is not None and received.type == answer
    expect_end_at_artim(peer)


def test_s14_a_silent_association_is_aborted(daemon: Daemon, peer: RawPeer) -> None:
    """After the network timeout an A-ABORT of the provider; the slot is free at once (PS3.8 7.4)."""
    begun = time.monotonic()
    assert peer.expect_abort() == (2, 0)
    assert daemon.options.idle_seconds - 0.1 < time.monotonic() - begun < daemon.options.idle_seconds + 1
    daemon.wait_until(lambda: daemon.entity.associations == 0, AT_ONCE)
    expect_end_at_artim(peer)


def test_s14_every_request_restarts_the_network_timeout(daemon: Daemon, peer: RawPeer) -> None:
    """Two silences of two thirds of the timeout are none."""
    for message_id in (1, 2):
        peer.socket.settimeout(daemon.options.idle_seconds * 2 / 3)
        with pytest.raises(TimeoutError):
            peer.read(1)
        peer.socket.settimeout(peer.timeout)
        assert peer.echo(message_id) == 0x0000


@SIZES
def test_s15_a_peer_that_vanishes_within_a_store_frees_its_slot(daemon: Daemon, peer: RawPeer, size_bytes: int) -> None:
    """The network timeout ends it: slot, connection and draft are gone though the peer never says a word."""
    begin_store(daemon, peer, size_bytes)
    daemon.wait_until(lambda: daemon.entity.associations == 0, daemon.options.idle_seconds + 1)
    daemon.wait_until(lambda: daemon.tasks == 0, ARTIM + 1)
    assert kept.nothing(daemon)


REQUEST = AssociateRQ(
    called_ae=b"SCPD".ljust(16),
    calling_ae=b"SCPD".ljust(16),
    application_contexts=(APPLICATION_CONTEXT,),
    presentation_contexts=(PresentationContextRQ(1, VERIFICATION, (IMPLICIT_LE,)),),
    user_information=UserInformation(maximum_length=16384),
)
ACCEPT = AssociateAC(
    called_ae=REQUEST.called_ae,
    calling_ae=REQUEST.calling_ae,
    application_context=APPLICATION_CONTEXT,
    presentation_contexts=(PresentationContextAC(1, ContextResult.ACCEPTANCE, IMPLICIT_LE),),
    user_information=UserInformation(maximum_length=16384),
)


def states(wire: Wire) -> tuple[State, State]:
    """Requestor's and acceptor's."""
    return wire.requestor.state, wire.acceptor.state


@pytest.mark.parametrize("delivery", Delivery)
def test_s16_a_release_collision_is_resolved_by_the_requestor(delivery: Delivery) -> None:
    """Sta7, AR-8 Sta9, AR-9 Sta11, AR-3 here; Sta10, AR-10 Sta12, AR-4 Sta13 there (PS3.8 7.2.2)."""
    wire = Wire(delivery)
    wire.open(REQUEST)
    wire.acceptor.accept(ACCEPT, wire.now)
    wire.deliver()
    wire.requestor.release(wire.now)
    wire.acceptor.release(wire.now)
    wire.deliver()
    assert states(wire) == (State.COLLISION_REQUESTOR_LOCAL, State.COLLISION_ACCEPTOR_REMOTE)
    assert not wire.acceptor.can_accept_release
    wire.requestor.accept_release(wire.now)
    wire.deliver()
    assert states(wire) == (State.COLLISION_REQUESTOR_REMOTE, State.COLLISION_ACCEPTOR_LOCAL)
    wire.acceptor.accept_release(wire.now)
    wire.deliver()
    assert wire.requestor.close_transport and wire.acceptor.close_transport
    assert wire.requestor_events[-2:] == [ReleaseIndication(), ReleaseConfirmation()]
    assert wire.acceptor_events[-2:] == [ReleaseIndication(), ReleaseConfirmation()]
