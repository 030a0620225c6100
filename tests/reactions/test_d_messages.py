"""D01, D16-D31: requests and responses, and which of them are answered how (PS3.7 6.3, 9.3, 10.3, Annex C)."""

import struct

import pytest

from tests.daemon import Daemon
from tests.datasets import ct, identifier
from tests.rawpeer import (
    CT_IMAGE,
    DEFAULT_CONTEXTS,
    EXPLICIT_LE,
    IMPLICIT_LE,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    VERIFICATION,
    Call,
    Proposal,
    RawPeer,
    cancel_rq,
    command,
    command_set,
    data_set,
    echo_rq,
    element,
    find_rq,
    item,
    maximum_length,
    store_rq,
    uid,
    us,
    user_items,
)
from tests.reactions import kept

ABORT_BY_USER = (0, 0)
INVALID_PARAMETER = (2, 6)

SOP_CLASS_NOT_SUPPORTED = 0x0122
UNRECOGNIZED_OPERATION = 0x0211

NO_DATA_SET = 0x0101
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"

REQUEST_FIELDS = {
    "C-GET": 0x0010, "C-MOVE": 0x0021, "N-EVENT-REPORT": 0x0100, "N-GET": 0x0110, "N-SET": 0x0120,
    "N-ACTION": 0x0130, "N-CREATE": 0x0140, "N-DELETE": 0x0150,
}  # fmt: skip
WITH_DATA_SET = ("C-GET", "C-MOVE", "N-SET")


def test_d01_echo_is_answered_element_by_element(peer: RawPeer) -> None:
    """D01: C-ECHO-RSP with class, Message ID, no data set, Success; right group length (PS3.7 9.3.5.2, 6.3.1)."""
    peer.send(command(1, echo_rq(0xABCD)))
    received = peer.receive()
    assert received is not None
    length, context_id, control = struct.unpack_from(">IBB", received.body)
    assert (length, context_id, control) == (len(received.body) - 4, 1, 3)
    expected = [
        (0x0002, uid(VERIFICATION)),
        (0x0100, us(0x8030)),
        (0x0120, us(0xABCD)),
        (0x0800, us(NO_DATA_SET)),
        (0x0900, us(0x0000)),
    ]
    assert received.body[6:] == command_set(*expected)


def test_d16_unknown_command_field(peer: RawPeer) -> None:
    """D16: A-ABORT: no response is known for Command Field 0999H (PS3.7 9.3, Annex E); pinned."""
    elements = (0x0002, uid(VERIFICATION)), (0x0100, us(0x0999)), (0x0110, us(1)), (0x0800, us(NO_DATA_SET))
    peer.send(command(1, command_set(*elements)))
    assert peer.expect_abort() == ABORT_BY_USER


ECHO_ELEMENTS = {0x0002: uid(VERIFICATION), 0x0100: us(0x0030), 0x0110: us(1), 0x0800: us(NO_DATA_SET)}


@pytest.mark.parametrize("value", [None, b"", b"\1\0\0\0"], ids=["missing", "empty", "four bytes"])
@pytest.mark.parametrize("number", [0x0110, 0x0100, 0x0800], ids=["Message ID", "Command Field", "Data Set Type"])
def test_d17_mandatory_element_missing(peer: RawPeer, number: int, value: bytes | None) -> None:
    """D17: A-ABORT; no response is made up with an invented id (PS3.7 9.3.5.1)."""
    elements = ECHO_ELEMENTS | {number: value}
    peer.send(command(1, command_set(*((at, raw) for at, raw in elements.items() if raw is not None))))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("context_id", [1, 3, 5], ids=["verification", "storage", "query"])
@pytest.mark.parametrize("name", REQUEST_FIELDS)
def test_d18_operation_nobody_negotiated(peer: RawPeer, name: str, context_id: int) -> None:
    """D18: 0211H in a response of the right kind, and the association goes on (PS3.7 Annex C)."""
    sop_class = {1: VERIFICATION, 3: CT_IMAGE, 5: STUDY_ROOT_FIND}[context_id]
    has_data_set = name in WITH_DATA_SET
    request = command_set(
        (0x0002, uid(sop_class)),
        (0x0003, uid(sop_class)),
        (0x0100, us(REQUEST_FIELDS[name])),
        (0x0110, us(7)),
        (0x0600, b"SOMEWHERE "),
        (0x0800, us(1 if has_data_set else NO_DATA_SET)),
        (0x1000, uid("1.2.3.4")),
        (0x1001, uid("1.2.3.4")),
        (0x1002, us(1)),
        (0x1008, us(1)),
    )
    peer.send(command(context_id, request) + (data_set(context_id, ct("1.2.3.4")) if has_data_set else b""))
    response = peer.receive_message()
    assert response.status == UNRECOGNIZED_OPERATION
    assert response.number(0x0100) == REQUEST_FIELDS[name] | 0x8000
    assert response.number(0x0120) == 7
    assert (response.context_id, response.data_set) == (context_id, None)
    assert peer.echo(8) == 0x0000


@pytest.mark.parametrize("sop_class", [CT_IMAGE, VERIFICATION])
def test_d19_store_on_the_verification_context(peer: RawPeer, daemon: Daemon, sop_class: str) -> None:
    """D19: 0122H and nothing is stored (PS3.7 9.1.1.1.9, Annex C)."""
    peer.send(command(1, store_rq("1.2.3.4", sop_class=sop_class)) + data_set(1, ct("1.2.3.4")))
    assert peer.receive_message().status == SOP_CLASS_NOT_SUPPORTED
    assert kept.nothing(daemon)
    assert peer.echo(2) == 0x0000


@pytest.mark.parametrize("sop_class", [MR_IMAGE, "1.2.3", "", "../../x"])
def test_d20_store_of_another_class_than_the_context(peer: RawPeer, daemon: Daemon, sop_class: str) -> None:
    """D20: 0122H and nothing is stored: the abstract syntax of the context counts (PS3.7 9.1.1.1.9)."""
    peer.send(command(3, store_rq("1.2.3.4", sop_class=sop_class)) + data_set(3, ct("1.2.3.4", SOPClassUID=sop_class)))
    response = peer.receive_message()
    assert response.status == SOP_CLASS_NOT_SUPPORTED
    assert kept.nothing(daemon)
    assert peer.echo(2) == 0x0000


@pytest.mark.parametrize(
    ("context_id", "request_bytes", "has_data_set"),
    [(3, echo_rq(1, CT_IMAGE), False), (5, find_rq(1, PATIENT_ROOT_FIND), True), (3, find_rq(1, CT_IMAGE), True)],
    ids=["echo on storage", "other query model", "query on storage"],
)
def test_d20_other_requests_on_the_wrong_context(
    peer: RawPeer, context_id: int, request_bytes: bytes, has_data_set: bool
) -> None:
    """D20: 0122H for whatever the context was not negotiated for (PS3.7 Annex C)."""
    peer.send(command(context_id, request_bytes))
    if has_data_set:
        peer.send(data_set(context_id, identifier("STUDY", StudyInstanceUID="")))
    assert peer.receive_message().status == SOP_CLASS_NOT_SUPPORTED
    assert peer.echo(2) == 0x0000


@pytest.mark.parametrize(
    ("context_id", "request_bytes"),
    [(3, store_rq("1.2.3.4", data_set_type=NO_DATA_SET)), (5, find_rq(data_set_type=NO_DATA_SET))],
    ids=["C-STORE", "C-FIND"],
)
def test_d21_request_without_the_data_set_it_needs(peer: RawPeer, context_id: int, request_bytes: bytes) -> None:
    """D21: A-ABORT, invalid-PDU-parameter-value (PS3.7 9.3.1.1, 9.3.2.1); pinned."""
    peer.send(command(context_id, request_bytes))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("data_set_type", [0x0000, 0x0001, 0x0102, 0xFEFE])
def test_d22_any_data_set_type_but_0101h_announces_one(peer: RawPeer, daemon: Daemon, data_set_type: int) -> None:
    """D22: normal: 0101H is the only value that means no data set (PS3.7 9.3.1.1)."""
    peer.send(command(3, store_rq("1.2.3.4", data_set_type=data_set_type)) + data_set(3, ct("1.2.3.4")))
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [ct("1.2.3.4")]


@pytest.mark.parametrize("size", [0, 10, 70_000])
def test_d23_echo_with_a_data_set(peer: RawPeer, size: int) -> None:
    """D23: the data set is consumed, 0000H, and the next command is found where it begins (PS3.7 9.3.5.1)."""
    request = command_set(*(ECHO_ELEMENTS | {0x0800: us(1)}).items())
    peer.send(command(1, request) + data_set(1, bytes(size)))
    assert peer.receive_message().status == 0x0000
    assert peer.echo(2) == 0x0000


def response_to_nothing(command_field: int, sop_class: str, data_set_type: int = NO_DATA_SET) -> bytes:
    """A response with Message ID Being Responded To 1."""
    return command_set(
        (0x0002, uid(sop_class)),
        (0x0100, us(command_field)),
        (0x0120, us(1)),
        (0x0800, us(data_set_type)),
        (0x0900, us(0x0000)),
        (0x1000, uid("1.2.3.4")),
    )


@pytest.mark.parametrize(
    ("context_id", "sop_class", "command_field"),
    [(1, VERIFICATION, 0x8030), (3, CT_IMAGE, 0x8001), (5, STUDY_ROOT_FIND, 0x8020)],
    ids=["C-ECHO-RSP", "C-STORE-RSP", "C-FIND-RSP"],
)
def test_d24_response_to_nothing(peer: RawPeer, context_id: int, sop_class: str, command_field: int) -> None:
    """D24: A-ABORT by the service user: we asked for nothing (PS3.7 9.1); pinned."""
    peer.send(command(context_id, response_to_nothing(command_field, sop_class)))
    assert peer.expect_abort() == ABORT_BY_USER


def test_d25_cancel_of_what_does_not_run(peer: RawPeer) -> None:
    """D25: ignored, there is no response to a C-CANCEL-RQ; the next request is answered (PS3.7 9.3.2.3)."""
    peer.send(command(5, cancel_rq(77)))
    assert peer.echo(1) == 0x0000
    peer.send(command(1, cancel_rq(1)))
    assert peer.echo(2) == 0x0000


def test_d25_cancel_of_a_finished_query(peer: RawPeer) -> None:
    """D25: ignored, also for the id of a query that is over, even when that id is used again (PS3.7 9.3.2.3)."""
    everything = identifier("STUDY", StudyInstanceUID="")
    assert [response.status for response in peer.find(everything, 5)] == [0x0000]
    peer.send(command(5, cancel_rq(5)))
    assert [response.status for response in peer.find(everything, 5)] == [0x0000]


def test_d26_requests_are_answered_in_their_order(peer: RawPeer, daemon: Daemon) -> None:
    """D26: what comes before the answer is processed in order, all are answered (PS3.7 D.3.3.3)."""
    peer.send(
        command(1, echo_rq(1))
        + command(3, store_rq("1.2.3.4", 2))
        + data_set(3, ct("1.2.3.4"))
        + command(5, find_rq(3))
        + data_set(5, identifier("STUDY", StudyInstanceUID=""))
        + command(1, echo_rq(4))
        + command(3, store_rq("1.2.3.5", 5))
        + data_set(3, ct("1.2.3.5"))
        + command(1, echo_rq(6))
    )
    responses = [peer.receive_message() for _ in range(7)]
    assert [response.number(0x0120) for response in responses] == [1, 2, 3, 3, 4, 5, 6]
    assert [response.status for response in responses] == [0, 0, 0xFF00, 0, 0, 0, 0]
    assert kept.statistics(daemon).instances == 2


@pytest.mark.parametrize("window", [(1, 1), (5, 5), (0, 0)])
def test_d27_no_window_is_ever_offered(call: Call, window: tuple[int, int]) -> None:
    """D27: an asynchronous operations window is never granted, so equal ids are never concurrent (PS3.7 D.3.3.3)."""
    peer = call()
    asked = maximum_length(16384) + item(0x52, b"1.2.3.4") + item(0x53, struct.pack(">HH", *window))
    accept = peer.associate(Proposal(user_items=asked))
    assert 0x53 not in dict(user_items(accept))
    peer.send(command(1, echo_rq(9)) * 2)
    assert [peer.receive_message().number(0x0120) for _ in range(2)] == [9, 9]


ECHO_BODY = echo_rq()[12:]


@pytest.mark.parametrize(
    "request_bytes",
    [
        ECHO_BODY,
        element(0x0000, struct.pack("<I", 0)) + ECHO_BODY,
        element(0x0000, struct.pack("<I", 0xFFFFFFFF)) + ECHO_BODY,
        element(0x0000, b"") + ECHO_BODY,
        element(0x0000, struct.pack("<I", 99)) + element(0x0001, struct.pack("<I", 99)) + ECHO_BODY,
        echo_rq() + element(0x5110, b"private text") + element(0xFFFF, bytes(1000)),
    ],
    ids=["no length", "zero", "FFFFFFFFH", "empty", "Length to End", "unknown elements"],
)
def test_d28_elements_that_say_nothing(peer: RawPeer, request_bytes: bytes) -> None:
    """D28: unknown and retired elements are ignored, and the group length is not trusted (PS3.7 6.3.1, E.2)."""
    peer.send(command(1, request_bytes))
    assert peer.receive_message().status == 0x0000
    assert peer.echo(2) == 0x0000


def test_d29_elements_out_of_order(peer: RawPeer) -> None:
    """D29: tolerated, though tags shall ascend (PS3.7 6.3.1)."""
    peer.send(command(1, command_set(*reversed(ECHO_ELEMENTS.items()))))
    assert peer.receive_message().status == 0x0000


@pytest.mark.parametrize(
    "request_bytes",
    [
        echo_rq() + struct.pack("<HHI", 8, 0x16, 4) + b"1.2\0",
        echo_rq() + element(0x0110, us(2)),
        echo_rq() + b"\0\0\x10",
        echo_rq() + struct.pack("<HHI", 0, 0x1000, 0xFFFFFFFF),
        b"",
        b"\xff" * 200,
    ],
    ids=["group 0008", "twice", "cut head", "cut value", "nothing", "garbage"],
)
def test_d29_command_set_that_is_none(peer: RawPeer, request_bytes: bytes) -> None:
    """D29: A-ABORT where no honest answer is possible (PS3.7 6.3.1)."""
    peer.send(command(1, request_bytes))
    assert peer.expect_abort() == INVALID_PARAMETER


@pytest.mark.parametrize("priority", [us(3), us(0xFFFF), b"", b"\1"])
def test_d30_priority_that_does_not_exist(peer: RawPeer, priority: bytes) -> None:
    """D30: ignored (PS3.7 9.3.1.1 has three values); pinned."""
    request = command_set(
        (0x0002, uid(CT_IMAGE)),
        (0x0100, us(1)),
        (0x0110, us(1)),
        (0x0700, priority),
        (0x0800, us(1)),
        (0x1000, uid("1.2.3.4")),
    )
    peer.send(command(3, request) + data_set(3, ct("1.2.3.4")))
    assert peer.receive_message().status == 0x0000


def test_d31_responses_stay_on_the_context_of_their_request(call: Call) -> None:
    """D31: the response has its request's context id, and a data set only if it says so (PS3.7 9.3, PS3.8 E.1)."""
    peer = call()
    more = (11, VERIFICATION, (IMPLICIT_LE,)), (13, CT_IMAGE, (EXPLICIT_LE,)), (15, PATIENT_ROOT_FIND, (EXPLICIT_LE,))
    peer.associate(Proposal(contexts=(*DEFAULT_CONTEXTS, *more)))
    for context_id in (1, 11):
        peer.send(command(context_id, echo_rq()))
        assert_is_bare(peer, context_id)
    for context_id in (3, 13):
        peer.send(command(context_id, store_rq("1.2.3.4")) + data_set(context_id, ct("1.2.3.4")))
        assert_is_bare(peer, context_id)
    peer.send(command(5, find_rq()) + data_set(5, identifier("STUDY", StudyInstanceUID="1.2.3")))
    match = peer.receive_message()
    assert match.context_id == 5 and match.number(0x0800) != NO_DATA_SET and match.data_set
    assert_is_bare(peer, 5)
    peer.release()  # nothing was left on the wire


def assert_is_bare(peer: RawPeer, context_id: int) -> None:
    """The next message is a success without a data set."""
    response = peer.receive_message()
    assert (response.context_id, response.status) == (context_id, 0x0000)
    assert response.number(0x0800) == NO_DATA_SET
