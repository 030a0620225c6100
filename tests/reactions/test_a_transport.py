"""A01-A15: from the TCP connection to an A-ASSOCIATE-RQ that can be read, or cannot."""

import socket
import ssl
import struct
import time
from contextlib import suppress

import pytest

from tests.daemon import QUICK, Daemon
from tests.rawpeer import (
    A_ABORT,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    ABORT,
    RELEASE_RP,
    RELEASE_RQ,
    Call,
    Proposal,
    RawPeer,
    command,
    echo_rq,
    item,
    pdu,
)

ARTIM = QUICK.upper_layer.artim_seconds
AT_ONCE = ARTIM / 2

RQ = Proposal().encode()
ECHO = command(1, echo_rq())


def expect_abort_then_end_at_artim(peer: RawPeer) -> None:
    """AA-1: an A-ABORT of the service-user without a reason, and the peer has until ARTIM to close."""
    assert peer.expect_abort() == (0, 0)
    assert AT_ONCE < peer.expect_closed() < ARTIM + 1


def test_a01_a_silent_peer_is_disconnected_at_artim(call: Call) -> None:
    """Evt18/Sta2, AA-2: the transport is closed and no PDU is sent (PS3.8 9.1.2, 9.1.5)."""
    assert AT_ONCE < call().expect_closed() < ARTIM + 1


def test_a02_dribbled_bytes_do_not_extend_artim(call: Call) -> None:
    """ARTIM is stopped by the A-ASSOCIATE-RQ and not by bytes of one (PS3.8 9.1.5, AE-6)."""
    peer = call()
    peer.socket.settimeout(0.05)
    begun = time.monotonic()
    for at in range(len(RQ)):
        peer.send(RQ[at : at + 1])
        with suppress(TimeoutError):
            assert peer.read(1) is None
            break
    assert AT_ONCE < time.monotonic() - begun < ARTIM + 1


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a03_connecting_and_leaving_at_once_is_no_event(daemon: Daemon, call: Call, reset: bool) -> None:
    """Evt17/Sta2, AA-5: nothing above level debug is logged; load balancers do this every second."""
    logged = len(daemon.events())
    peer = call()
    daemon.wait_until(lambda: daemon.tasks == 1)
    if reset:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
    else:
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.expect_closed() < AT_ONCE
    daemon.wait_until(lambda: daemon.tasks == 0)
    assert {event["level"] for event in daemon.events()[logged:]} <= {"debug"}


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
def test_a04_data_before_an_association_is_aborted(call: Call, bytewise: bool) -> None:
    """Evt10/Sta2, AA-1."""
    peer = call()
    (peer.send_bytewise if bytewise else peer.send)(ECHO)
    expect_abort_then_end_at_artim(peer)


@pytest.mark.parametrize(
    "first",
    [RELEASE_RQ, RELEASE_RP, pdu(A_ASSOCIATE_AC, RQ[6:]), pdu(A_ASSOCIATE_RJ, bytes(4))],
    ids=["A-RELEASE-RQ", "A-RELEASE-RP", "A-ASSOCIATE-AC", "A-ASSOCIATE-RJ"],
)
def test_a05_any_other_pdu_before_an_association_is_aborted(call: Call, first: bytes) -> None:
    """Evt12, 13, 3, 4/Sta2, AA-1."""
    peer = call()
    peer.send(first)
    expect_abort_then_end_at_artim(peer)


def test_a06_an_abort_before_an_association_closes(call: Call) -> None:
    """Evt16/Sta2, AA-2: closed at once, nothing is sent."""
    peer = call()
    peer.send(ABORT)
    assert peer.expect_closed() < AT_ONCE


NO_PDU = {
    "type 00H": pdu(0x00, b"abcd"),
    "type 08H": pdu(0x08, b"abcd"),
    "type FFH": pdu(0xFF, b"abcd"),
    "HTTP": b"GET / HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("garbage", NO_PDU.values(), ids=NO_PDU)
def test_a07_what_is_no_pdu_is_aborted_once(call: Call, garbage: bytes, bytewise: bool) -> None:
    """Evt19/Sta2, AA-1: one A-ABORT; what follows is discarded unread, be it a valid request."""
    peer = call()
    (peer.send_bytewise if bytewise else peer.send)(garbage)
    peer.send(RQ + garbage)
    expect_abort_then_end_at_artim(peer)


def test_a07_endless_garbage_does_not_extend_artim(call: Call) -> None:
    """Sta13 ends at ARTIM, whatever still comes (Evt18, AA-2)."""
    peer = call()
    begun = time.monotonic()
    with suppress(ConnectionError):
        while time.monotonic() - begun < peer.timeout:
            peer.send(bytes(65536))
    assert AT_ONCE < time.monotonic() - begun < ARTIM + 1


def test_a08_a_tls_hello_on_the_plain_port_is_aborted(call: Call) -> None:
    """Evt19/Sta2, AA-1, so that the TLS client learns at once that this is no TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="scpd.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    peer = call()
    begun = time.monotonic()
    peer.send(outgoing.read())
    assert peer.expect_abort() == (0, 0)
    assert time.monotonic() - begun < 1
    peer.expect_closed()


def test_a10_a_length_of_4_gib_is_refused_at_the_header(call: Call) -> None:
    """AA-1 before anything behind the header is kept (PS3.8 9.3.2; the oracle watches the memory)."""
    peer = call()
    peer.send(pdu(A_ASSOCIATE_RQ, RQ[6:106], length=0xFFFF_FFFF))
    expect_abort_then_end_at_artim(peer)


OVER_THE_LIMIT = QUICK.upper_layer.associate_pdu_bytes_max + 1


@pytest.mark.parametrize("length", [1 << 30, OVER_THE_LIMIT], ids=["1 GiB", "one byte over the limit"])
def test_a11_a_request_longer_than_the_limit_is_not_waited_for(call: Call, length: int) -> None:
    """AA-1, although a valid body lies inside: no request of 128 contexts is longer than the limit."""
    peer = call()
    peer.send(pdu(A_ASSOCIATE_RQ, RQ[6:], length=length))
    expect_abort_then_end_at_artim(peer)


@pytest.mark.parametrize("length", [0, 1, 67])
def test_a12_a_request_shorter_than_its_fixed_part_is_aborted(call: Call, length: int) -> None:
    """Evt19/Sta2, AA-1: 68 bytes are fixed (PS3.8 9.3.2, Table 9-11)."""
    peer = call()
    peer.send(pdu(A_ASSOCIATE_RQ, RQ[6 : 6 + length]))
    expect_abort_then_end_at_artim(peer)


OVERRUNS = {
    "application context": Proposal(application_context=item(0x10, b"1.2.3", length=60_000)),
    "presentation context": Proposal(context_items=item(0x20, b"\1\0\0\0", length=60_000)),
    "abstract syntax": Proposal(context_items=item(0x20, b"\1\0\0\0" + item(0x30, b"1.2", length=4))),
    "transfer syntax": Proposal(
        context_items=item(0x20, b"\1\0\0\0" + item(0x30, b"1.2") + item(0x40, b"1.2", length=400))
    ),
    "user information": Proposal(user_information=item(0x50, b"", length=1)),
    "maximum length": Proposal(user_items=item(0x51, b"\0\0\0\0", length=5)),
    "maximum length too short": Proposal(user_items=item(0x51, b"\0\0")),
    "maximum length too long": Proposal(user_items=item(0x51, bytes(8))),
    "role selection": Proposal(user_items=item(0x54, b"\xff\xff1.2")),
    "half an item header": Proposal(user_information=b"\x50\0\0"),
    "16,000 lengths of 65535": Proposal(context_items=item(0x20, b"\1\0\0\0" + b"\x30\0\xff\xff" * 16_000)),
}


@pytest.mark.parametrize("proposal", OVERRUNS.values(), ids=OVERRUNS)
def test_a13_an_item_longer_than_what_contains_it_is_aborted(call: Call, proposal: Proposal) -> None:
    """Evt19/Sta2, AA-1: an item gets its own bytes only, and memory is bounded by what was received."""
    peer = call()
    peer.send(proposal.encode())
    expect_abort_then_end_at_artim(peer)


def test_a14_a_request_in_segments_of_one_byte_is_accepted(call: Call) -> None:
    """TCP has no message boundaries (PS3.8 9.1.3)."""
    peer = call()
    peer.send_bytewise(RQ)
    accept = peer.receive()
    assert accept is not None and accept.type == A_ASSOCIATE_AC
    assert peer.echo() == 0x0000
    peer.release()


def test_a15_data_in_one_segment_with_the_request_is_unexpected(call: Call) -> None:
    """Evt10/Sta3, AA-8: the request was not answered yet."""
    peer = call()
    peer.send(RQ + ECHO)
    assert peer.expect_abort() == (2, 2)
    assert AT_ONCE < peer.expect_closed() < ARTIM + 1


def test_a15_an_abort_in_one_segment_with_the_request_closes(call: Call) -> None:
    """Evt16/Sta3, AA-3: no answer for a requestor that changed its mind."""
    peer = call()
    peer.send(RQ + pdu(A_ABORT, bytes(4)))
    assert peer.expect_closed() < AT_ONCE
