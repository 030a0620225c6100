"""User identities over real sockets: what a verifier's words become, and what happens while it thinks."""

import asyncio
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scpd.identity.base import Claim, Refused, Verdict, Verified
from scpd.profile.profile import Profile
from tests.daemon import QUICK, Daemon
from tests.rawpeer import ABORT, Proposal, RawPeer, command, echo_rq, item, maximum_length, user_items

TOKEN = b"header.payload.signature"


class Slow:
    """Verifies tokens when it is told to, and remembers who asked."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.go_on = threading.Event()
        self.cancelled = 0

    async def verify(self, claim: Claim) -> Verdict:
        self.claims.append(claim)
        try:
            while not self.go_on.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Verified("tok\nen", b"jti") if claim.primary == TOKEN else Refused("bad signature")


class Broken:
    """A third party's mistake."""

    async def verify(self, claim: Claim) -> Verdict:
        raise RuntimeError("the directory is down")


@pytest.fixture
def slow() -> Iterator[Slow]:
    verifier = Slow()
    yield verifier
    verifier.go_on.set()


@pytest.fixture
def daemon(tmp_path: Path, slow: Slow) -> Iterator[Daemon]:
    with Daemon(tmp_path, replace(QUICK, identity_seconds=0.6), verifier=slow) as running:
        yield running


def request(token: bytes = TOKEN, *, wants_response: int = 1) -> bytes:
    """An A-ASSOCIATE-RQ with a JSON web token."""
    fields = bytes((5, wants_response)) + struct.pack(">H", len(token)) + token + bytes(2)
    return Proposal(user_items=maximum_length(16384) + item(0x58, fields)).encode()


def test_a_third_partys_verifier_gets_the_claim_and_its_response_is_sent(daemon: Daemon, slow: Slow) -> None:
    slow.go_on.set()
    with RawPeer(daemon.port) as peer:
        peer.send(request())
        accept = peer.receive()
        assert accept is not None and accept.type == 2
        assert [body for kind, body in user_items(accept) if kind == 0x59] == [b"\0\3jti"]
        assert peer.echo() == 0x0000
        peer.release()
    [claim] = slow.claims
    assert (claim.primary, claim.secondary, claim.ae_title, claim.address) == (TOKEN, b"", "RAWPEER", "127.0.0.1")
    accepted = next(event for event in daemon.events() if event["event"] == "association accepted")
    assert accepted["user"] == "tok\\nen"
    assert TOKEN.decode() not in daemon.log_text.getvalue()


def test_a_refusal_is_rejected_for_good(daemon: Daemon, slow: Slow) -> None:
    slow.go_on.set()
    with RawPeer(daemon.port) as peer:
        peer.send(request(b"forged"))
        assert peer.expect_reject() == (1, 2, 1)
    rejected = next(event for event in daemon.events() if event["event"] == "association rejected")
    assert rejected["reason"] == "user identity refused: bad signature"


def test_who_waits_for_a_verifier_holds_a_slot_and_keeps_nobody_waiting(tmp_path: Path, slow: Slow) -> None:
    with Daemon(tmp_path, replace(QUICK, associations_max=2, identity_seconds=5), verifier=slow) as daemon:
        with RawPeer(daemon.port) as waiting, RawPeer(daemon.port) as other, RawPeer(daemon.port) as third:
            waiting.send(request())
            daemon.wait_until(lambda: daemon.entity.associations == 1)
            other.associate()
            assert other.echo() == 0x0000
            third.send(request())
            assert third.expect_reject() == (2, 3, 2)
            slow.go_on.set()
            accept = waiting.receive()
            assert accept is not None and accept.type == 2
            waiting.release()
            other.release()


def test_a_verifier_that_does_not_answer_makes_the_peer_try_again(daemon: Daemon) -> None:
    with RawPeer(daemon.port) as peer:
        peer.send(request())
        assert peer.expect_reject() == (2, 3, 1)
    daemon.wait_until(lambda: daemon.entity.associations == 0)
    assert "did not answer within 0.6 s" in daemon.log_text.getvalue()


def test_a_verifier_that_breaks_makes_the_peer_try_again(tmp_path: Path) -> None:
    with Daemon(tmp_path, verifier=Broken()) as daemon:
        with RawPeer(daemon.port) as peer:
            peer.send(request())
            assert peer.expect_reject() == (2, 3, 1)
        with RawPeer(daemon.port) as peer:
            peer.associate()
            peer.release()
    assert "the directory is down" in daemon.log_text.getvalue()


def test_a_peer_that_aborts_meanwhile_frees_its_slot_at_once_and_cancels_the_verifier(
    daemon: Daemon, slow: Slow
) -> None:
    with RawPeer(daemon.port) as peer:
        peer.send(request())
        daemon.wait_until(lambda: len(slow.claims) == 1)
        peer.send(ABORT)
        assert peer.expect_closed() < 0.3
    daemon.wait_until(lambda: daemon.tasks == 0 and slow.cancelled == 1)
    assert daemon.entity.associations == 0


def test_a_peer_that_leaves_meanwhile_cancels_the_verifier(daemon: Daemon, slow: Slow) -> None:
    with RawPeer(daemon.port) as peer:
        peer.send(request())
        daemon.wait_until(lambda: len(slow.claims) == 1)
    daemon.wait_until(lambda: daemon.tasks == 0 and slow.cancelled == 1)


def test_data_before_the_answer_is_unexpected(daemon: Daemon, slow: Slow) -> None:
    """A15, Evt10/Sta3, while the answer waits for the verifier."""
    with RawPeer(daemon.port) as peer:
        peer.send(request())
        daemon.wait_until(lambda: len(slow.claims) == 1)
        peer.send(command(1, echo_rq()))
        assert peer.expect_abort() == (2, 2)
    daemon.wait_until(lambda: slow.cancelled == 1)


def test_a_drain_does_not_wait_for_a_verifier(tmp_path: Path, slow: Slow) -> None:
    options = replace(QUICK, drain_seconds=0.2, identity_seconds=20, idle_seconds=20)
    with Daemon(tmp_path, options, verifier=slow) as daemon, RawPeer(daemon.port) as peer:
        peer.send(request())
        daemon.wait_until(lambda: len(slow.claims) == 1)
        daemon.begin_drain()
        assert peer.expect_abort() == (0, 0)
    assert slow.cancelled == 1


@pytest.mark.parametrize("proposal", [Proposal().encode(), request()], ids=["no identity", "an identity"])
def test_without_a_verifier_nobody_is_what_is_required(tmp_path: Path, proposal: bytes) -> None:
    """The configuration refuses this combination; the server does too."""
    with Daemon(tmp_path, profile=Profile(identity_required=True)) as daemon, RawPeer(daemon.port) as peer:
        peer.send(proposal)
        assert peer.expect_reject() == (1, 2, 1)


def test_without_a_verifier_an_identity_is_let_pass_and_never_confirmed(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon, RawPeer(daemon.port) as peer:
        peer.send(request())
        accept = peer.receive()
        assert accept is not None and accept.type == 2
        assert not [body for kind, body in user_items(accept) if kind == 0x59]
        peer.release()
