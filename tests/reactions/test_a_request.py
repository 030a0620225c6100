"""A16-A33: who may associate, and what else decides about the A-ASSOCIATE-RQ as a whole."""

import time
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network

import pytest

from scpd.profile.profile import Peer, Profile
from tests.daemon import QUICK, Daemon
from tests.rawpeer import (
    A_ASSOCIATE_RQ,
    APPLICATION_CONTEXT,
    VERIFICATION,
    Call,
    Proposal,
    RawPeer,
    command,
    context_results,
    echo_rq,
    item,
    items,
    pdu,
)

ARTIM = QUICK.upper_layer.artim_seconds
AT_ONCE = ARTIM / 2

LOOPBACK = ip_network("127.0.0.0/8")
DOCUMENTATION = ip_network("192.0.2.0/24")
DECLARED = Profile(
    ae_titles=("SCPD",),
    peers=(
        Peer("RAWPEER", (LOOPBACK,)),
        Peer("STORE", (LOOPBACK,)),
        Peer("ELSEWHERE", (DOCUMENTATION,)),
    ),
)
DECLARED_PEERS = pytest.mark.parametrize("daemon", [{"profile": DECLARED}], indirect=True, ids=["declared peers"])


def rejection(call: Call, proposal: Proposal) -> tuple[int, int, int]:
    """Result, source and reason of the A-ASSOCIATE-RJ that a proposal gets."""
    peer = call()
    peer.send(proposal.encode())
    return peer.expect_reject()


def served(call: Call, proposal: Proposal) -> bool:
    """Whether a proposal is accepted and the association of use."""
    peer = call()
    peer.associate(proposal)
    status = peer.echo()
    peer.release()
    return status == 0x0000


@pytest.mark.parametrize("version", [0x0002, 0x0000, 0xFFFE])
def test_a16_a_protocol_version_without_bit_0_is_rejected(call: Call, version: int) -> None:
    """RJ(1,2,2): rejected-permanent, service-provider (ACSE), protocol-version-not-supported (PS3.8 9.3.2, 9.3.4)."""
    assert rejection(call, Proposal(version=version)) == (1, 2, 2)


@pytest.mark.parametrize("version", [0x0003, 0xFFFF])
def test_a17_only_bit_0_of_the_protocol_version_is_tested(call: Call, version: int) -> None:
    """Accepted: a receiver tests nothing but bit 0 (PS3.8 Table 9-11)."""
    assert served(call, Proposal(version=version))


def fully_reserved() -> bytes:
    """A request in which every reserved byte is FFH."""
    contexts = item(
        0x20,
        b"\x01\xff\xff\xff"
        + item(0x30, VERIFICATION.encode(), reserved=0xFF)
        + item(0x40, b"1.2.840.10008.1.2", reserved=0xFF),
        reserved=0xFF,
    )
    encoded = Proposal(
        reserved=b"\xff" * 32,
        application_context=item(0x10, APPLICATION_CONTEXT.encode(), reserved=0xFF),
        context_items=contexts,
        user_information=item(0x50, item(0x51, b"\0\0\x40\0", reserved=0xFF), reserved=0xFF),
    ).encode()
    body = encoded[6:8] + b"\xff\xff" + encoded[10:]
    return pdu(A_ASSOCIATE_RQ, body, reserved=0xFF)


def test_a18_reserved_bytes_are_not_tested(call: Call) -> None:
    """Accepted with every reserved byte FFH (PS3.8 9.3.2)."""
    peer = call()
    peer.send(fully_reserved())
    accept = peer.receive()
    assert accept is not None and context_results(accept) == {1: 0}
    assert peer.echo() == 0x0000


def test_a19_the_answer_repeats_titles_and_reserved_bytes(call: Call) -> None:
    """Bytes 11-74 of the A-ASSOCIATE-AC are those of the request; its own reserved fields are 0 (PS3.8 Table 9-17)."""
    proposal = Proposal(called=b" SCPD", calling=b"  RAW PEER ", reserved=bytes(range(200, 232)))
    peer = call()
    peer.send(proposal.encode())
    header = peer.read(6)
    assert header is not None and header[:2] == b"\x02\x00"
    body = peer.read(int.from_bytes(header[2:], "big"))
    assert body is not None
    assert body[:4] == b"\x00\x01\x00\x00"
    assert body[4:68] == b" SCPD".ljust(16) + b"  RAW PEER ".ljust(16) + bytes(range(200, 232))
    assert items(body[68:])[0] == (0x10, APPLICATION_CONTEXT.encode())


@pytest.mark.parametrize("name", ["1.2.3", "", APPLICATION_CONTEXT + ".1"])
def test_a20_an_unknown_application_context_is_rejected(call: Call, name: str) -> None:
    """RJ(1,1,2) (PS3.8 9.3.4, PS3.7 A.2.1)."""
    assert rejection(call, Proposal(application_context=item(0x10, name.encode()))) == (1, 1, 2)


@pytest.mark.parametrize("count", [0, 2])
def test_a21_an_application_context_that_is_not_one_is_rejected(call: Call, count: int) -> None:
    """RJ(1,1,2): the request "shall contain one" (PS3.8 9.3.2)."""
    application_contexts = item(0x10, APPLICATION_CONTEXT.encode()) * count
    assert rejection(call, Proposal(application_context=application_contexts)) == (1, 1, 2)


@DECLARED_PEERS
def test_a22_an_unknown_called_ae_title_is_rejected(call: Call) -> None:
    """RJ(1,1,7) (PS3.8 9.3.4, 7.1.1.4)."""
    assert rejection(call, Proposal(called=b"SOMEBODY")) == (1, 1, 7)


@DECLARED_PEERS
def test_a23_an_unknown_calling_ae_title_is_rejected(call: Call) -> None:
    """RJ(1,1,3) once peers are declared (PS3.8 9.3.4, 7.1.1.3)."""
    assert rejection(call, Proposal(calling=b"SOMEBODY")) == (1, 1, 3)


@pytest.mark.parametrize(
    ("proposal", "reason"), [(Proposal(called=b""), 7), (Proposal(calling=b""), 3)], ids=["called", "calling"]
)
def test_a24_a_blank_ae_title_is_rejected(call: Call, proposal: Proposal, reason: int) -> None:
    """RJ(1,1,7) or RJ(1,1,3): 16 spaces "shall not be used" (PS3.8 9.3.2)."""
    assert rejection(call, proposal) == (1, 1, reason)


@DECLARED_PEERS
@pytest.mark.parametrize("calling", [b" STORE", b"STORE", b"     STORE  ", b"           STORE"])
def test_a25_spaces_around_an_ae_title_are_not_significant(call: Call, calling: bytes) -> None:
    """Equal to "STORE" (PS3.8 9.3.2, PS3.5 6.2 AE)."""
    assert served(call, Proposal(calling=calling, called=b"  SCPD "))


ILLEGAL_TITLES = (b"A\0B", b"A\nB", b"\x1b[2JA", b"A\x7fB", b"\xe4\xf6", b"A\\B", b"STORE\0\0\0")


@pytest.mark.parametrize("title", ILLEGAL_TITLES)
def test_a26_controls_and_backslash_are_no_ae_title(daemon: Daemon, call: Call, title: bytes) -> None:
    """RJ(1,1,3) and RJ(1,1,7): the G0 set of ISO 646 without controls and backslash (PS3.8 9.3.2, PS3.5 6.2)."""
    assert rejection(call, Proposal(calling=title)) == (1, 1, 3)
    assert rejection(call, Proposal(called=title)) == (1, 1, 7)
    assert not any(title.decode("latin-1") in line for line in daemon.log_text.getvalue().splitlines())


@pytest.mark.parametrize("title", [b"../../etc", b"$(reboot)", b";reboot;", b"%n%s", b"`id`", b"/", b"..", b"<A>&'\""])
def test_a26_every_other_character_is_legal_and_harmless(call: Call, title: bytes) -> None:
    """Accepted: AE titles never become paths or commands (the oracle looks for files)."""
    assert served(call, Proposal(calling=title))


@DECLARED_PEERS
def test_a27_ae_titles_are_case_sensitive(call: Call) -> None:
    """RJ(1,1,7) and RJ(1,1,3) (PS3.5 6.2)."""
    assert rejection(call, Proposal(called=b"scpd")) == (1, 1, 7)
    assert rejection(call, Proposal(calling=b"Store")) == (1, 1, 3)


@DECLARED_PEERS
def test_a28_a_peer_from_a_foreign_address_is_rejected(daemon: Daemon, call: Call) -> None:
    """RJ(1,1,1), and the log names the address, so that the operator can declare it (PS3.8 9.3.4)."""
    assert rejection(call, Proposal(calling=b"ELSEWHERE")) == (1, 1, 1)
    daemon.wait_until(lambda: any(event["event"] == "association rejected" for event in daemon.events()))
    assert any(
        event["event"] == "association rejected"
        and event["address"] == "127.0.0.1"
        and event["audit"] == "Security Alert: Node Authentication"
        for event in daemon.events()
    )


TWO = pytest.mark.parametrize(
    "daemon", [{"options": replace(QUICK, associations_max=2)}], indirect=True, ids=["two associations"]
)


@TWO
def test_a29_one_association_too_many_is_rejected_at_once(call: Call) -> None:
    """RJ(2,3,2) local-limit-exceeded; the transport ends at ARTIM; a slot that is freed can be had (PS3.8 9.3.4)."""
    first, second, third = call(), call(), call()
    first.associate()
    second.associate()
    begun = time.monotonic()
    third.send(Proposal().encode())
    assert third.expect_reject() == (2, 3, 2)
    assert time.monotonic() - begun < AT_ONCE
    assert AT_ONCE < third.expect_closed() < ARTIM + 1
    first.release()
    assert served(call, Proposal())
    assert second.echo() == 0x0000


def test_a30_while_draining_newcomers_are_sent_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    """RJ(2,3,1) temporary-congestion for who is connected already, the listening socket is closed for all others."""
    with Daemon(tmp_path_factory.mktemp("draining")) as draining, RawPeer(draining.port) as early:
        draining.wait_until(lambda: draining.tasks == 1)
        draining.begin_drain()
        draining.wait_until(lambda: draining.entity.draining)
        early.send(Proposal().encode())
        assert early.expect_reject() == (2, 3, 1)
        with pytest.raises(ConnectionRefusedError), RawPeer(draining.port):
            pass


@TWO
def test_a31_silent_connections_hold_no_slot(daemon: Daemon, call: Call) -> None:
    """Ten times as many idle connections as associations are allowed keep nobody out."""
    with ExitStack() as stack:
        for _ in range(10 * daemon.options.associations_max):
            stack.enter_context(RawPeer(daemon.port))
        begun = time.monotonic()
        assert served(call, Proposal())
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize("proposal", [Proposal(version=2), Proposal(called=b"NOBODY")], ids=["provider", "user"])
def test_a32_after_a_rejection_the_transport_ends_at_artim(call: Call, proposal: Proposal) -> None:
    """AE-6, AE-8: Sta13; data and another release are ignored, no further PDU is sent (Evt10, Evt12, Evt18)."""
    peer = call()
    peer.send(proposal.encode())
    peer.expect_reject()
    peer.send(command(1, echo_rq()) + pdu(5, bytes(4)))
    assert AT_ONCE < peer.expect_closed() < ARTIM + 1


def test_a32_a_peer_that_closes_after_its_rejection_is_gone_at_once(daemon: Daemon, call: Call) -> None:
    """Evt17/Sta13, AR-5."""
    peer = call()
    peer.send(Proposal(version=2).encode())
    peer.expect_reject()
    peer.socket.close()
    daemon.wait_until(lambda: daemon.tasks == 0, AT_ONCE)


def test_a33_a_request_without_presentation_contexts_is_rejected(call: Call) -> None:
    """RJ(1,1,1): there shall be one or more (PS3.8 9.3.2)."""
    assert rejection(call, Proposal(contexts=())) == (1, 1, 1)
