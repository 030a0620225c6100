"""A09, A54 and A55: what is not TLS on the port for TLS, and user identities where somebody verifies them."""

import asyncio
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.identity.base import Claim
from scpd.identity.users import UsersFile, user_line
from scpd.profile.profile import LOOPBACK, Peer, Profile
from scpd.ul.items import UserIdentityType
from tests.daemon import Daemon
from tests.rawpeer import Call, Pdu, Proposal, RawPeer, item, maximum_length, user_items
from tests.tls import Pki, server_options

PASSCODE = "Pa55-code"
TLS_ALERT = 0x15
RQ = Proposal().encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates, and a users file: Alice has a passcode, the scanner none."""
    folder = tmp_path_factory.mktemp("security")
    (folder / "users").write_text(f"{user_line('alice', PASSCODE)}\nscanner:\n")
    return folder


@pytest.fixture(scope="module")
def pki(folder: Path) -> Pki:
    return Pki(folder / "pki")


@pytest.fixture(scope="module")
def users(folder: Path) -> UsersFile:
    """The verifier. It has hashed before, so that the memory it keeps for that is not counted as growth."""
    users = UsersFile(folder / "users")
    asyncio.run(users.verify(Claim(UserIdentityType.USERNAME_AND_PASSCODE, b"", b"", "", "")))
    return users


PEERS = (Peer("RAWPEER", LOOPBACK), Peer("STRICT", LOOPBACK, identity_required=True))


@pytest.fixture
def daemon(tmp_path: Path, pki: Pki, users: UsersFile) -> Iterator[Daemon]:
    """A daemon with both listeners and a verifier. A user identity is required of STRICT only."""
    profile = Profile(ae_titles=("SCPD",), peers=PEERS)
    with Daemon(tmp_path, profile=profile, tls=server_options(pki, pki.issue("server")), verifier=users) as running:
        yield running


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("plain", [RQ, b"GET / HTTP/1.0\r\n\r\n", b"\0" * 600], ids=["A-ASSOCIATE-RQ", "HTTP", "zeros"])
def test_a09_what_is_not_tls_gets_no_pdu_on_the_port_for_tls(daemon: Daemon, plain: bytes, bytewise: bool) -> None:
    """A TLS alert or nothing, then the end; the log says what was wrong (PS3.15 B.12)."""
    began = time.monotonic()
    with RawPeer(daemon.tls_port) as peer:
        try:
            (peer.send_bytewise if bytewise else peer.send)(plain)
        except ConnectionError:  # closed before the last byte
            pass
        first = peer.read(1)
    assert first is None or first[0] == TLS_ALERT
    assert time.monotonic() - began < 1
    daemon.wait_until(lambda: any(event["event"] == "TLS handshake failed" for event in daemon.events()))


def identity(
    kind: int, primary: bytes, secondary: bytes = b"", *, wants_response: int = 1, calling: bytes = b"RAWPEER"
) -> bytes:
    """An A-ASSOCIATE-RQ with a User Identity sub-item."""
    fields = struct.pack(">H", len(primary)) + primary + struct.pack(">H", len(secondary)) + secondary
    sub_item = item(0x58, bytes((kind, wants_response)) + fields)
    return Proposal(calling=calling, user_items=maximum_length(16384) + sub_item).encode()


def responses(call: Call, request: bytes) -> list[bytes]:
    """The 59H items in the answer to a request that is accepted, by an association that works."""
    peer = call()
    peer.send(request)
    accept = peer.receive()
    assert isinstance(accept, Pdu) and accept.type == 2, accept
    assert peer.echo() == 0x0000
    peer.release()
    return [body for kind, body in user_items(accept) if kind == 0x59]


@pytest.mark.parametrize("calling", [b"RAWPEER", b"STRICT"], ids=["optional", "required"])
@pytest.mark.parametrize("claimed", [(1, b"scanner"), (2, b"alice", PASSCODE.encode())], ids=["type 1", "type 2"])
def test_a54_a_verified_identity_is_confirmed_to_who_asks_for_it(
    call: Call, claimed: tuple[int, bytes], calling: bytes
) -> None:
    """59H with an empty server response when asked for, else nothing (PS3.7 D.3.3.7.2, Table D.3-15)."""
    assert responses(call, identity(*claimed, wants_response=1, calling=calling)) == [b"\0\0"]
    assert responses(call, identity(*claimed, wants_response=0, calling=calling)) == []


@pytest.mark.parametrize("kind", [3, 4, 5])
def test_a54_an_identity_that_the_verifier_cannot_judge_is_not_confirmed(call: Call, kind: int) -> None:
    """Accepted where none is required; the requestor sees that no 59H came."""
    assert responses(call, identity(kind, b"ticket")) == []


@pytest.mark.parametrize(
    "request_pdu",
    [Proposal(calling=b"STRICT").encode(), identity(5, b"a.b.c", calling=b"STRICT")],
    ids=["none", "cannot be judged"],
)
def test_a55_without_a_verified_identity_nobody_gets_in_where_one_is_required(call: Call, request_pdu: bytes) -> None:
    """RJ(1,2,1)."""
    peer = call()
    peer.send(request_pdu)
    assert peer.expect_reject() == (1, 2, 1)


WRONG = {
    "wrong passcode": identity(2, b"alice", b"Pa55-c0de-wrong"),
    "no passcode": identity(2, b"alice"),
    "name alone, where there is a passcode": identity(1, b"alice"),
    "passcode, where there is none": identity(2, b"scanner", b"Pa55-c0de-wrong"),
    "unknown user": identity(2, b"ZqxpatientUser", PASSCODE.encode()),
    "unknown name": identity(1, b"ZqxpatientUser"),
}


@pytest.mark.parametrize("request_pdu", WRONG.values(), ids=WRONG)
def test_a55_a_wrong_identity_is_rejected(daemon: Daemon, call: Call, request_pdu: bytes) -> None:
    """RJ(1,2,1), also where none is required; neither name nor passcode is logged (PS3.7 D.3.3.7.3)."""
    peer = call()
    peer.send(request_pdu)
    assert peer.expect_reject() == (1, 2, 1)
    [line] = [event for event in daemon.events() if event["event"] == "association rejected"]
    assert line["reason"] == "user identity refused: unknown user, or wrong passcode"
    assert line["audit"] == "User Authentication: Login"
    assert "Pa55" not in daemon.log_text.getvalue()


def test_a55_the_user_is_logged_and_the_passcode_is_not(daemon: Daemon, call: Call) -> None:
    """Who was verified stands in every line of the association from then on."""
    responses(call, identity(2, b"alice", PASSCODE.encode()))
    assert {event["user"] for event in daemon.events() if "user" in event} == {"alice"}
    assert PASSCODE not in daemon.log_text.getvalue()
