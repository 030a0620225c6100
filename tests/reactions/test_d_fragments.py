"""D02-D15: PDVs and fragments, and which part of a message may follow which (PS3.8 9.3.5, Annex E)."""

import struct
from contextlib import suppress
from dataclasses import replace

import pytest

from scpd.server.options import ServerOptions
from tests.daemon import QUICK, Daemon
from tests.datasets import ct
from tests.rawpeer import (
    CT_IMAGE,
    DEFAULT_CONTEXTS,
    IMPLICIT_LE,
    P_DATA_TF,
    Call,
    Proposal,
    RawPeer,
    cancel_rq,
    command,
    data_set,
    echo_rq,
    p_data,
    pdu,
    pdv,
    store_rq,
    user_items,
)
from tests.reactions import kept

INVALID_PARAMETER = (2, 6)
UNEXPECTED_PDU = (2, 2)

REFUSED_CONTEXT = 7
TWO_CT_CONTEXTS = Proposal(contexts=(*DEFAULT_CONTEXTS, (9, CT_IMAGE, (IMPLICIT_LE,))))

COMMAND, LAST = 1, 2  # bits of the message control header (PS3.8 E.2)


def fragments(context_id: int, control: int, data: bytes, size: int) -> list[bytes]:
    """A command or data set as PDVs of `size` bytes."""
    cuts = range(0, len(data), size)
    return [pdv(context_id, control | (LAST if at == cuts[-1] else 0), data[at : at + size]) for at in cuts]


def flood(peer: RawPeer, data: bytes, times: int) -> None:
    """Sends until the daemon has had enough and closes, or all is sent."""
    with suppress(ConnectionError, TimeoutError):
        for _ in range(times):
            peer.send(data)


@pytest.mark.parametrize("context_id", [0, 2, 7, 255])
def test_d02_pdv_on_a_context_never_proposed(peer: RawPeer, context_id: int) -> None:
    """D02: A-ABORT, invalid-PDU-parameter-value (PS3.8 9.3.5.1)."""
    peer.send(command(context_id, echo_rq()))
    assert peer.expect_abort() == INVALID_PARAMETER


def test_d03_pdv_on_a_refused_context(call: Call) -> None:
    """D03: A-ABORT, invalid-PDU-parameter-value (PS3.8 9.3.5.1)."""
    peer = call()
    peer.associate(Proposal(contexts=(*DEFAULT_CONTEXTS, (REFUSED_CONTEXT, "1.2.840.10008.1.999", (IMPLICIT_LE,)))))
    peer.send(command(REFUSED_CONTEXT, echo_rq()))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("length", [0, 1])
def test_d04_pdv_shorter_than_its_own_header(peer: RawPeer, length: int) -> None:
    """D04: A-ABORT, invalid-PDU-parameter-value: context id and control header take two bytes (PS3.8 9.3.5.1)."""
    peer.send(p_data(pdv(1, COMMAND | LAST, echo_rq(), length=length)))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("excess", [1, 1 << 16, None], ids=["one byte", "64 KiB", "FFFFFFFFH"])
def test_d05_pdv_longer_than_its_pdu(peer: RawPeer, excess: int | None) -> None:
    """D05: A-ABORT, invalid-PDU-parameter-value; 32-bit lengths do not wrap (PS3.8 9.3.5.1)."""
    length = 0xFFFFFFFF if excess is None else len(echo_rq()) + 2 + excess
    peer.send(p_data(pdv(1, COMMAND | LAST, echo_rq(), length=length)))
    assert peer.expect_abort() == INVALID_PARAMETER


def test_d05_pdv_longer_than_what_is_left_of_its_pdu(peer: RawPeer) -> None:
    """D05: A-ABORT for the second PDV, though it would fit a PDU of its own (PS3.8 9.3.5.1)."""
    peer.send(p_data(pdv(1, COMMAND, echo_rq()[:8]), pdv(1, COMMAND | LAST, echo_rq()[8:], length=200)))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("size", range(1, 6))
def test_d05_pdu_ends_inside_a_pdv_header(peer: RawPeer, size: int) -> None:
    """D05: A-ABORT for fewer bytes than a PDV header behind a whole PDV (PS3.8 9.3.5.1)."""
    peer.send(p_data(pdv(1, COMMAND, echo_rq()[:8]), bytes(size)))
    assert peer.expect_abort() == INVALID_PARAMETER


def test_d06_pdu_without_a_pdv(peer: RawPeer) -> None:
    """D06: A-ABORT, invalid-PDU-parameter-value: one or more PDVs (PS3.8 9.3.5)."""
    peer.send(p_data())
    assert peer.expect_abort() == INVALID_PARAMETER


def announced_maximum(peer: RawPeer) -> int:
    """Associates; the Maximum Length of the A-ASSOCIATE-AC."""
    (length,) = (body for kind, body in user_items(peer.associate()) if kind == 0x51)
    return int(struct.unpack(">I", length)[0])


def test_d07_pdu_longer_than_announced_at_its_header(call: Call) -> None:
    """D07: A-ABORT as soon as the length is known, nothing of the body is waited for (PS3.8 D.1.1)."""
    peer = call()
    peer.send(pdu(P_DATA_TF, b"", length=announced_maximum(peer) + 1))
    assert peer.expect_abort() == INVALID_PARAMETER


def test_d07_pdu_longer_than_announced_with_its_body(call: Call, daemon: Daemon) -> None:
    """D07: A-ABORT and nothing is stored: "otherwise it shall be a protocol error" (PS3.8 D.1.1)."""
    peer = call()
    excess = announced_maximum(peer) + 2
    peer.send(command(3, store_rq("1.2.3.4")))
    flood(peer, p_data(pdv(3, LAST, ct("1.2.3.4").ljust(excess - 6, b"\0"))), times=1)
    assert peer.expect_abort() == INVALID_PARAMETER
    assert kept.nothing(daemon)


def tolerating(pdu_bytes: int) -> ServerOptions:
    """Quick options with a hard cap above what is announced."""
    return replace(QUICK, upper_layer=replace(QUICK.upper_layer, pdu_bytes_tolerated=pdu_bytes))


@pytest.mark.parametrize("daemon", [{"options": tolerating(200_000)}], indirect=True)
@pytest.mark.parametrize(("length", "tolerated"), [(200_000, True), (200_001, False)])
def test_d07_tolerance_has_a_hard_cap(call: Call, length: int, tolerated: bool) -> None:
    """D07: where peers exceed what they were told, `pdu_bytes_tolerated` takes them up to there (PS3.8 D.1.1)."""
    peer = call()
    assert announced_maximum(peer) < length
    peer.send(command(3, store_rq("1.2.3.4")))
    object_ = ct("1.2.3.4")
    padding = element_of_zeros(length - 6 - len(object_))
    flood(peer, p_data(pdv(3, LAST, object_ + padding)), times=1)
    if tolerated:
        assert peer.receive_message().status == 0x0000
    else:
        assert peer.expect_abort() == INVALID_PARAMETER


def element_of_zeros(size: int) -> bytes:
    """A Data Set Trailing Padding element of `size` bytes, its head included."""
    return struct.pack("<HH2s2xI", 0xFFFC, 0xFFFC, b"OB", size - 12) + bytes(size - 12)


def test_d08_pdu_of_exactly_the_maximum(call: Call, daemon: Daemon) -> None:
    """D08: accepted (PS3.8 D.1.1)."""
    peer = call()
    length = announced_maximum(peer)
    object_ = ct("1.2.3.4")
    object_ += element_of_zeros(length - 6 - len(object_))
    peer.send(command(3, store_rq("1.2.3.4")) + p_data(pdv(3, LAST, object_)))
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


def test_d09_reserved_bits_of_the_control_header(peer: RawPeer, daemon: Daemon) -> None:
    """D09: bits 2 to 7 are not tested (PS3.8 E.2)."""
    peer.send(p_data(pdv(1, 0xFC | COMMAND | LAST, echo_rq())))
    assert peer.receive_message().status == 0x0000
    object_ = ct("1.2.3.4")
    peer.send(p_data(pdv(3, 0xA8 | COMMAND | LAST, store_rq("1.2.3.4"))) + p_data(pdv(3, 0x54 | LAST, object_)))
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


def ways_to_cut() -> dict[str, bytes]:
    """One C-STORE, in many legal cuts."""
    request, object_ = store_rq("1.2.3.4"), ct("1.2.3.4")
    tiny = [*fragments(3, COMMAND, request, 2), *fragments(3, 0, object_, 2)]
    small = [*fragments(3, COMMAND, request, 10), *fragments(3, 0, object_, 10)]
    return {
        "fragments of 2 bytes, a PDU each": b"".join(map(p_data, tiny)),
        "fragments of 10 bytes in one PDU": p_data(*small),
        "command and data set in one PDU": p_data(pdv(3, 3, request), pdv(3, 2, object_)),
        "end of command and begin of data set in one PDU": p_data(pdv(3, 1, request[:20]))
        + p_data(pdv(3, 3, request[20:]), pdv(3, 0, object_[:50]))
        + p_data(pdv(3, 2, object_[50:])),
        "an empty fragment ends both": p_data(pdv(3, 1, request), pdv(3, 3, b""), pdv(3, 0, object_), pdv(3, 2, b"")),
    }


@pytest.mark.parametrize("way", ways_to_cut())
@pytest.mark.parametrize("bytewise", [False, True], ids=["at once", "bytewise"])
def test_d10_any_cut_of_a_message(peer: RawPeer, daemon: Daemon, way: str, bytewise: bool) -> None:
    """D10: accepted, however command and data set are cut into PDVs and PDUs and segments (PS3.8 E.1, E.2)."""
    send = peer.send_bytewise if bytewise else peer.send
    send(ways_to_cut()[way])
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [ct("1.2.3.4")]
    assert peer.echo(2) == 0x0000


@pytest.mark.parametrize("control", [COMMAND, 0], ids=["command", "data set"])
def test_d11_empty_fragments_without_end(peer: RawPeer, daemon: Daemon, control: int) -> None:
    """D11: A-ABORT after `empty_fragments_max` of them (hardening; PS3.8 E.1 sets no bound)."""
    if control != COMMAND:
        peer.send(command(3, store_rq("1.2.3.4")))
    flood(peer, p_data(*[pdv(3, control, b"")] * 100), times=100)
    assert peer.expect_abort() == INVALID_PARAMETER
    assert kept.nothing(daemon)


def test_d11_command_without_end(peer: RawPeer) -> None:
    """D11: A-ABORT when a command set is longer than `command_bytes_max` (hardening)."""
    flood(peer, p_data(pdv(1, COMMAND, bytes(10_000))), times=100)
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("daemon", [{"object_bytes_max": 100_000}], indirect=True)
@pytest.mark.parametrize(("size", "status"), [(100_000, 0x0000), (100_002, 0xA700), (1_000_000, 0xA700)])
def test_d11_object_beyond_the_limit(peer: RawPeer, daemon: Daemon, size: int, status: int) -> None:
    """D11: an object longer than `object_bytes_max` is read past, A700H, and nothing of it is kept (PS3.4 B.2.3)."""
    object_ = ct("1.2.3.4")
    assert peer.store("1.2.3.4", object_ + element_of_zeros(size - len(object_))).status == status
    assert kept.nothing(daemon) == (status != 0x0000)
    assert peer.echo(2) == 0x0000


@pytest.mark.parametrize("size", [1, 3, 7])
def test_d12_odd_fragments(peer: RawPeer, daemon: Daemon, size: int) -> None:
    """D12: tolerated, though fragments shall have an even number of bytes (PS3.8 E.1); pinned."""
    request, object_ = store_rq("1.2.3.4"), ct("1.2.3.4")
    peer.send(b"".join(map(p_data, fragments(3, COMMAND, request, size))))
    peer.send(b"".join(map(p_data, fragments(3, 0, object_, size))))
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


@pytest.mark.parametrize("last", [0, LAST], ids=["begun", "whole"])
def test_d13_data_set_before_any_command(peer: RawPeer, daemon: Daemon, last: int) -> None:
    """D13: A-ABORT, unexpected-PDU, and nothing is stored (PS3.8 E.1)."""
    peer.send(p_data(pdv(3, last, ct("1.2.3.4"))))
    assert peer.expect_abort() == UNEXPECTED_PDU
    assert kept.nothing(daemon)


def test_d13_data_set_behind_a_finished_message(peer: RawPeer, daemon: Daemon) -> None:
    """D13: A-ABORT for a second data set behind one command (PS3.8 E.1)."""
    assert peer.store("1.2.3.4", ct("1.2.3.4")).status == 0x0000
    peer.send(data_set(3, ct("1.2.3.5")))
    assert peer.expect_abort() == UNEXPECTED_PDU
    assert kept.statistics(daemon).instances == 1


def test_d13_data_set_before_the_command_ends(peer: RawPeer, daemon: Daemon) -> None:
    """D13: A-ABORT for a data set between two fragments of its command (PS3.8 E.1)."""
    request = store_rq("1.2.3.4")
    peer.send(p_data(pdv(3, COMMAND, request[:20])) + data_set(3, ct("1.2.3.4")))
    assert peer.expect_abort() == UNEXPECTED_PDU
    assert kept.nothing(daemon)


@pytest.mark.parametrize(
    ("context_id", "intruder"),
    [(3, store_rq("1.2.3.5")), (9, store_rq("1.2.3.5")), (1, echo_rq(2)), (3, cancel_rq(1))],
    ids=["same context", "other context", "echo", "cancel"],
)
def test_d14_command_inside_a_data_set(call: Call, daemon: Daemon, context_id: int, intruder: bytes) -> None:
    """D14: A-ABORT: interleaving is not permitted; the object it interrupted is not stored (PS3.8 E.1)."""
    peer = call()
    peer.associate(TWO_CT_CONTEXTS)
    object_ = ct("1.2.3.4")
    peer.send(command(3, store_rq("1.2.3.4")) + p_data(pdv(3, 0, object_[:100])))
    peer.send(command(context_id, intruder))
    assert peer.expect_abort() == UNEXPECTED_PDU
    assert kept.nothing(daemon)


def test_d14_command_inside_a_command(call: Call) -> None:
    """D14: A-ABORT for a command on another context before the first one ended (PS3.8 E.1)."""
    peer = call()
    peer.associate()
    peer.send(p_data(pdv(3, COMMAND, store_rq("1.2.3.4")[:20])) + command(1, echo_rq()))
    assert peer.expect_abort() == UNEXPECTED_PDU


def test_d15_data_set_on_another_context_than_its_command(call: Call, daemon: Daemon) -> None:
    """D15: A-ABORT, and nothing is stored: a message has one presentation context (PS3.8 E.1)."""
    peer = call()
    peer.associate(TWO_CT_CONTEXTS)
    peer.send(command(3, store_rq("1.2.3.4")) + data_set(9, ct("1.2.3.4")))
    assert peer.expect_abort() == INVALID_PARAMETER
    assert kept.nothing(daemon)
