"""A43-A57: the user information items of the request, and what the answer says to them (PS3.8 D.1, PS3.7 D.3.3)."""

import re
import struct

import pytest

from scpd.dataset.attributes import Attributes
from scpd.profile.profile import FindExtension, Profile
from tests.backends import Answering
from tests.daemon import Daemon
from tests.datasets import identifier, tag_of
from tests.rawpeer import (
    CT_IMAGE,
    P_DATA_TF,
    STUDY_ROOT_FIND,
    Call,
    Pdu,
    Proposal,
    RawPeer,
    command,
    context_results,
    data_set,
    echo_rq,
    find_rq,
    item,
    maximum_length,
    user_items,
)

OUR_CAP = 131_072
LONG_TEXT = "x" * 300_000
STUDY: Attributes = {tag_of("StudyInstanceUID"): "1.2.3", tag_of("StudyDescription"): LONG_TEXT}
ONE_STUDY = pytest.mark.parametrize(
    "daemon", [lambda: {"backend": Answering([STUDY])}], indirect=True, ids=["one study"]
)

STUDIES = identifier("STUDY", StudyInstanceUID="", StudyDescription="")


def counted(text: str) -> bytes:
    """A 2-byte length and the text."""
    return struct.pack(">H", len(text)) + text.encode()


def answers(call: Call, kind: int, sub_items: bytes) -> list[bytes]:
    """The sub-items of one type in the answer to a request with `sub_items`, by an association that works."""
    peer = call()
    accept = peer.associate(Proposal(user_items=maximum_length(16384) + sub_items))
    assert context_results(accept) == {1: 0, 3: 0, 5: 0}
    assert peer.echo() == 0x0000
    peer.release()
    return [body for found, body in user_items(accept) if found == kind]


def receive_pdus(peer: RawPeer, count: int) -> list[bytes]:
    """The variable fields of P-DATA-TFs, until `count` last fragments have come."""
    fields: list[bytes] = []
    while count:
        received = peer.receive()
        assert isinstance(received, Pdu) and received.type == P_DATA_TF
        (length,) = struct.unpack_from(">I", received.body)
        assert length == len(received.body) - 4, "one PDV a PDU"
        fields.append(received.body)
        count -= received.body[5] >> 1
    return fields


@pytest.mark.parametrize(
    "proposal",
    [Proposal(user_information=b""), Proposal(user_items=b""), Proposal(user_items=item(0x52, b"1.2.3.4"))],
    ids=["no user information", "empty user information", "no maximum length"],
)
def test_a43_a_missing_maximum_length_is_unlimited(daemon: Daemon, call: Call, proposal: Proposal) -> None:
    """Accepted and noted in the log, though a requestor has to send one (PS3.8 D.1)."""
    peer = call()
    peer.associate(proposal)
    assert peer.echo() == 0x0000
    assert any("Maximum Length" in str(event.get("what")) for event in daemon.events())


@pytest.mark.parametrize("content", [b"", b"abc", bytes(5000)])
@pytest.mark.parametrize("kind", [0x7F, 0x00, 0xFF, 0x5A])
def test_a44_an_unknown_sub_item_is_ignored(call: Call, kind: int, content: bytes) -> None:
    """Accepted, and not answered (PS3.8 D.2)."""
    assert answers(call, kind, item(kind, content)) == []


@ONE_STUDY
def test_a45_a_maximum_length_of_0_is_unlimited_up_to_our_own_cap(call: Call) -> None:
    """Responses are cut into PDUs all the same, of at most 128 KiB (PS3.8 D.1)."""
    peer = call()
    peer.associate(Proposal(user_items=maximum_length(0)))
    peer.send(command(5, find_rq()) + data_set(5, STUDIES))
    _command, *data_set_pdus, _final = receive_pdus(peer, 3)
    assert sum(map(len, data_set_pdus)) > len(LONG_TEXT)
    assert max(map(len, data_set_pdus)) == OUR_CAP


@pytest.mark.parametrize("length", range(1, 8))
def test_a46_a_maximum_length_without_room_for_data_is_rejected(call: Call, length: int) -> None:
    """RJ(1,1,1): the header of a PDV takes 6 bytes, an even fragment two more (PS3.8 D.1, E.1)."""
    peer = call()
    peer.send(Proposal(user_items=maximum_length(length)).encode())
    assert peer.expect_reject() == (1, 1, 1)


@pytest.mark.parametrize("length", range(8, 12))
def test_a46_fragments_of_two_bytes_are_answered_to_who_asks_for_them(call: Call, length: int) -> None:
    """Every PDU is within the limit, every fragment of even length, the message whole (PS3.8 D.1, E.1)."""
    peer = call()
    peer.associate(Proposal(user_items=maximum_length(length)))
    peer.send(command(1, echo_rq(7)))
    fields = receive_pdus(peer, 1)
    assert max(map(len, fields)) <= length
    assert all(len(field) % 2 == 0 for field in fields)
    assert b"".join(field[6:] for field in fields).endswith(struct.pack("<HHIH", 0, 0x0900, 2, 0x0000))
    assert peer.echo() == 0x0000


@ONE_STUDY
def test_a47_a_maximum_length_of_12_is_kept_by_long_responses(call: Call) -> None:
    """A C-ECHO-RSP, and a C-FIND-RSP with 300,000 bytes, in PDUs whose variable field is at most 12 (PS3.8 D.1)."""
    peer = call()
    peer.associate(Proposal(user_items=maximum_length(12)))
    assert peer.echo() == 0x0000
    peer.send(command(5, find_rq()) + data_set(5, STUDIES))
    fields = receive_pdus(peer, 3)
    assert max(map(len, fields)) == 12
    assert sum(len(field) - 6 for field in fields) > len(LONG_TEXT)


def test_a48_the_answer_names_the_implementation(call: Call) -> None:
    """A valid Implementation Class UID and a Version Name of at most 16 characters (PS3.7 D.3.3.2)."""
    (class_uid,) = answers(call, 0x52, b"")
    assert re.fullmatch(rb"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", class_uid) and len(class_uid) <= 64
    (version_name,) = answers(call, 0x55, b"")
    assert re.fullmatch(rb"[!-~]{1,16}", version_name)


def test_a49_no_asynchronous_operations_window_is_sent_unasked(call: Call) -> None:
    """Absent in the request, absent in the answer (PS3.7 D.3.3.3)."""
    assert answers(call, 0x53, b"") == []


@pytest.mark.parametrize("window", [(0, 0), (8, 8), (1, 1)])
def test_a50_one_operation_at_a_time_is_all_there_is(call: Call, window: tuple[int, int]) -> None:
    """Left out of the answer, which means (1, 1) (PS3.7 D.3.3.3)."""
    assert answers(call, 0x53, item(0x53, struct.pack(">HH", *window))) == []


def role(sop_class: str, scu: int, scp: int) -> bytes:
    """SCP/SCU Role Selection sub-item."""
    return item(0x54, counted(sop_class) + bytes((scu, scp)))


def test_a51_a_role_that_fits_is_confirmed(call: Call) -> None:
    """Of SCU and SCP the requestor gets SCU: nobody here sends to it before C-GET exists (PS3.7 Table D.3-10)."""
    assert answers(call, 0x54, role(CT_IMAGE, 1, 0)) == [counted(CT_IMAGE) + b"\x01\x00"]
    assert answers(call, 0x54, role(CT_IMAGE, 1, 1)) == [counted(CT_IMAGE) + b"\x01\x00"]


def test_a51_roles_are_answered_for_proposed_classes_only(call: Call) -> None:
    """No item for a SOP class that no presentation context proposes (PS3.7 D.3.3.4)."""
    assert answers(call, 0x54, role("1.2.840.10008.5.1.4.1.1.4", 1, 0)) == []


@pytest.mark.parametrize("roles", [(0, 1), (0, 0)])
def test_a52_where_no_role_fits_the_default_counts(call: Call, roles: tuple[int, int]) -> None:
    """No item: the requestor is SCU, and may store (PS3.7 D.3.3.4)."""
    assert answers(call, 0x54, role(CT_IMAGE, *roles)) == []


RELATIONAL = Profile(ae_titles=("SCPD",), find_extensions=frozenset({FindExtension.RELATIONAL_QUERIES}))


def extended(information: bytes, sop_class: str = STUDY_ROOT_FIND) -> bytes:
    """SOP Class Extended Negotiation sub-item."""
    return item(0x56, counted(sop_class) + information)


@pytest.mark.parametrize(
    ("daemon", "asked", "answer"),
    [
        ({"profile": RELATIONAL}, b"\x01", b"\x01"),
        ({"profile": RELATIONAL}, b"\x00", b"\x00"),
        ({"profile": RELATIONAL}, b"\x01\x01\x01\x01", b"\x01\x00\x00\x00"),
        ({}, b"\x01", b"\x01"),
        ({}, b"\x01\x01\x01\x01\x01\x01\x01\x01", b"\x01\x01\x00\x01\x00\x01\x01"),
        ({}, b"\x00\x01\x00\x00\x00\x00", b"\x00\x01\x00\x00\x00\x00"),
    ],
    indirect=["daemon"],
)
def test_a53_extended_negotiation_of_find_is_answered_truthfully(call: Call, asked: bytes, answer: bytes) -> None:
    """A 1 for what was asked for and is done, else 0 (PS3.4 C.5.1.1, PS3.7 D.3.3.5)."""
    assert answers(call, 0x56, extended(asked)) == [counted(STUDY_ROOT_FIND) + answer]


def test_a53_extended_negotiation_is_not_answered_unasked_nor_for_others(call: Call) -> None:
    """Absent means not supported (PS3.7 D.3.3.5)."""
    assert answers(call, 0x56, b"") == []
    assert answers(call, 0x56, extended(b"\x01\x01", CT_IMAGE)) == []


def identity(kind: int, primary: bytes, secondary: bytes = b"", *, wants_response: int = 0) -> bytes:
    """User Identity sub-item."""
    fields = struct.pack(">H", len(primary)) + primary + struct.pack(">H", len(secondary)) + secondary
    return item(0x58, bytes((kind, wants_response)) + fields)


@pytest.mark.parametrize("wants_response", [0, 1])
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_a54_without_a_verifier_an_identity_is_never_confirmed(call: Call, kind: int, wants_response: int) -> None:
    """Nobody was asked, so no 59H claims it: the requestor sees that (PS3.7 D.3.3.7)."""
    assert answers(call, 0x59, identity(kind, b"somebody", b"secret", wants_response=wants_response)) == []


def test_a55_without_a_verifier_a_passcode_never_reaches_the_log(daemon: Daemon, call: Call) -> None:
    """Accepted, because identities are not verified; neither name nor passcode is logged (PS3.7 D.3.3.7)."""
    assert answers(call, 0x59, identity(2, b"ZqxpatientUser", b"Pa55code", wants_response=1)) == []
    log = daemon.log_text.getvalue()
    assert "Pa55code" not in log and "ZqxpatientUser" not in log


BROKEN_IDENTITIES = {
    "type 0": identity(0, b"a"),
    "type 6": identity(6, b"a"),
    "primary field past the item": item(0x58, b"\x01\x00\xff\xffabc"),
    "secondary field past the item": item(0x58, b"\x02\x00\x00\x01a\x00\x09b"),
    "no secondary length": item(0x58, b"\x01\x00\x00\x01a"),
    "bytes left over": item(0x58, b"\x01\x00\x00\x01a\x00\x00bcd"),
    "empty": item(0x58, b""),
}


@pytest.mark.parametrize("sub_item", BROKEN_IDENTITIES.values(), ids=BROKEN_IDENTITIES)
def test_a56_an_identity_of_the_wrong_shape_is_aborted(call: Call, sub_item: bytes) -> None:
    """AB(0,0): Evt19/Sta2, AA-1 (PS3.7 Table D.3-14)."""
    peer = call()
    peer.send(Proposal(user_items=maximum_length(16384) + sub_item).encode())
    assert peer.expect_abort() == (0, 0)


def test_a56_a_user_name_as_long_as_an_item_can_be_is_taken(call: Call) -> None:
    """64 KiB less the headers around it."""
    assert answers(call, 0x59, identity(1, b"u" * 65_500)) == []


def common_extended(sop_class: str, service_class: str, *related: str) -> bytes:
    """SOP Class Common Extended Negotiation sub-item."""
    general = b"".join(map(counted, related))
    return item(0x57, counted(sop_class) + counted(service_class) + struct.pack(">H", len(general)) + general)


@pytest.mark.parametrize("related", [(), ("1.2.3.4.5",), (CT_IMAGE, "1.2.3")])
def test_a57_common_extended_negotiation_is_no_error(call: Call, related: tuple[str, ...]) -> None:
    """Related general SOP classes are passed over, known or not; there is nothing to answer (PS3.7 D.3.3.6)."""
    assert answers(call, 0x57, common_extended(CT_IMAGE, "1.2.840.10008.4.2", *related)) == []
