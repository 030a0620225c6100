"""The reactions to a peer, by their lines in the list of wire checks: A before, S and D after acceptance."""

from dataclasses import replace

import pytest

from scpd.ul.codec import encode
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import LocalError
from scpd.ul.events import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    AssociateRejection,
    DataIndication,
    ReleaseConfirmation,
    ReleaseIndication,
    TransportClosed,
)
from scpd.ul.pdu import Abort, ContextResult, PresentationContextAC, UserInformation
from tests.ul.samples import (
    ACCEPT,
    ARTIM,
    DATA,
    EXPLICIT,
    IMPLICIT,
    LIMITS,
    REJECT,
    RELEASE_RP,
    RELEASE_RQ,
    REQUEST,
    abort_pdu,
    associate_rq,
    connection_in,
    item,
    p_data,
    pdu,
    pdv,
    reject_pdu,
)
from tests.wire import Delivery, Wire, joined

AB_0_0 = abort_pdu(0, 0)
HTTP = b"GET / HTTP/1.0\r\nHost: scpd\r\n\r\n"
TLS_CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))


def waiting() -> Connection:
    """An acceptor to which a peer has just connected, at 0."""
    return connection_in(State.AWAITING_REQUEST)


def established() -> Connection:
    """An acceptor that has accepted context 1 and refused context 3."""
    return connection_in(State.ESTABLISHED, Role.ACCEPTOR)


# --- A: before the association -------------------------------------------------------------------------------------


def test_a01_a_silent_peer_is_left_when_artim_expires() -> None:
    connection = waiting()
    assert connection.deadline == ARTIM
    assert connection.handle_timer(ARTIM - 0.001) == []
    assert connection.state is State.AWAITING_REQUEST
    assert connection.handle_timer(ARTIM) == []
    assert connection.close_transport
    assert connection.data_to_send() == b""
    assert connection.deadline is None


def test_a02_bytes_that_dribble_in_do_not_extend_artim() -> None:
    connection = waiting()
    data = encode(REQUEST)
    for second in range(5):
        connection.receive_data(data[second : second + 1], 2.0 * second)
        assert connection.deadline == ARTIM


def test_a03_a_peer_that_leaves_at_once_is_no_event() -> None:
    connection = waiting()
    assert connection.receive_eof(1.0) == []
    assert (connection.deadline, connection.close_transport, connection.fault) == (None, True, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(DATA), id="A04 P-DATA-TF"),
        pytest.param(RELEASE_RQ, id="A05 release-rq"),
        pytest.param(RELEASE_RP, id="A05 release-rp"),
        pytest.param(encode(ACCEPT), id="A05 associate-ac"),
        pytest.param(encode(REJECT), id="A05 associate-rj"),
        pytest.param(pdu(0x00, b""), id="A07 type 00H"),
        pytest.param(pdu(0x08, b""), id="A07 type 08H"),
        pytest.param(pdu(0xFF, b""), id="A07 type FFH"),
        pytest.param(HTTP, id="A07 HTTP"),
        pytest.param(TLS_CLIENT_HELLO, id="A08 TLS"),
        pytest.param(pdu(0x01, bytes(100), length=0xFFFFFFFF), id="A10"),
        pytest.param(pdu(0x01, encode(REQUEST)[6:], length=1 << 30), id="A11"),
        pytest.param(pdu(0x01, b""), id="A12 length 0"),
        pytest.param(pdu(0x01, bytes(1)), id="A12 length 1"),
        pytest.param(pdu(0x01, bytes(67)), id="A12 length 67"),
        pytest.param(associate_rq(item(0x10, b"", length=65535) * 16), id="A13 item"),
        pytest.param(associate_rq(item(0x20, b"\1\0\0\0" + item(0x30, b"", length=1))), id="A13 sub-item"),
        pytest.param(associate_rq(*[item(0x20, b"\1\0\0\0" + item(0x30, b"1") + item(0x40, b"2"))] * 2), id="A35"),
        pytest.param(associate_rq(item(0x20, b"\1\0\0\0" + item(0x30, b"1"))), id="A39"),
        pytest.param(associate_rq(item(0x50, item(0x58, b"\0\0\0\0\0\0"))), id="A56 type 0"),
        pytest.param(associate_rq(item(0x50, item(0x58, b"\6\0\0\0\0\0"))), id="A56 type 6"),
    ],
)
def test_what_is_no_request_gets_one_abort_and_artim_to_close(data: bytes) -> None:
    connection = waiting()
    assert connection.receive_data(data, 1.0) == []
    assert connection.data_to_send() == AB_0_0
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, 1.0 + ARTIM)
    assert connection.fault
    connection.handle_timer(1.0 + ARTIM)
    assert connection.close_transport


@pytest.mark.parametrize("data", [HTTP, TLS_CLIENT_HELLO, pdu(0x01, b"", length=0xFFFFFFFF)])
def test_a07_what_follows_is_discarded_unparsed(data: bytes) -> None:
    connection = waiting()
    connection.receive_data(data, 1.0)
    connection.data_to_send()
    for follows in (encode(REQUEST), HTTP, encode(Abort(0, 0))):
        assert connection.receive_data(follows, 2.0) == []
    assert connection.data_to_send() == b""
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, 1.0 + ARTIM)
    assert connection.receive_eof(3.0) == []
    assert connection.close_transport


def test_a06_an_abort_closes_without_an_answer() -> None:
    connection = waiting()
    assert connection.receive_data(encode(Abort(0, 0)), 1.0) == []
    assert connection.data_to_send() == b""
    assert connection.close_transport


@pytest.mark.parametrize("delivery", Delivery)
def test_a14_a_request_is_indicated_however_it_arrives(delivery: Delivery) -> None:
    connection = waiting()
    events = [event for read in delivery.cut(encode(REQUEST)) for event in connection.receive_data(read, 1.0)]
    assert events == [AssociateIndication(REQUEST)]
    assert (connection.state, connection.deadline) == (State.AWAITING_LOCAL_ANSWER, None)
    assert connection.peer_maximum_length == 16384


def test_a15_data_in_the_same_read_as_the_request_is_unexpected() -> None:
    connection = waiting()
    events = connection.receive_data(encode(REQUEST) + encode(DATA), 1.0)
    assert events == [AssociateIndication(REQUEST), AbortIndication(2, 2, by_peer=False)]
    assert connection.data_to_send() == abort_pdu(2, 2)
    with pytest.raises(LocalError):
        connection.accept(ACCEPT, 1.0)


def test_a15_data_after_the_answer_is_ordinary() -> None:
    connection = waiting()
    connection.receive_data(encode(REQUEST), 1.0)
    connection.accept(ACCEPT, 1.0)
    assert len(connection.receive_data(encode(DATA), 1.0)) == 1


def test_a16_a_protocol_version_without_bit_0_is_rejected() -> None:
    connection = waiting()
    assert connection.receive_data(encode(replace(REQUEST, protocol_version=2)), 1.0) == []
    assert connection.data_to_send() == reject_pdu(1, 2, 2)
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, 1.0 + ARTIM)
    assert connection.fault == "protocol version 0002H"


@pytest.mark.parametrize("version", [0x0001, 0x0003, 0xFFFF])
def test_a17_the_other_bits_of_the_protocol_version_are_not_tested(version: int) -> None:
    request = replace(REQUEST, protocol_version=version)
    assert waiting().receive_data(encode(request), 1.0) == [AssociateIndication(request)]


def test_a32_after_a_rejection_the_peer_has_until_artim_to_close() -> None:
    connection = connection_in(State.AWAITING_LOCAL_ANSWER)
    connection.reject(REJECT, 5.0)
    assert connection.data_to_send() == encode(REJECT)
    assert connection.handle_timer(5.0) == []
    assert connection.state is State.AWAITING_CLOSE
    connection.handle_timer(5.0 + ARTIM)
    assert connection.close_transport
    assert connection.data_to_send() == b""


# --- S: after the association has been accepted --------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(REQUEST), id="S01 associate-rq"),
        pytest.param(encode(ACCEPT), id="S02 associate-ac"),
        pytest.param(encode(REJECT), id="S02 associate-rj"),
        pytest.param(RELEASE_RP, id="S02 release-rp"),
    ],
)
def test_s01_s02_an_unexpected_pdu_aborts_with_reason_2(data: bytes) -> None:
    connection = established()
    assert connection.receive_data(data, 1.0) == [AbortIndication(2, 2, by_peer=False)]
    assert connection.data_to_send() == abort_pdu(2, 2)
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, 1.0 + ARTIM)
    assert connection.fault.startswith("unexpected")
    assert connection.fault.endswith("in state ESTABLISHED")


def test_s01_an_unexpected_pdu_is_answered_before_its_body_comes() -> None:
    connection = established()
    data = encode(REQUEST)
    assert len(connection.receive_data(data[:6], 1.0)) == 1
    assert connection.receive_data(data[6:] + encode(Abort(0, 0)), 1.0) == []
    assert connection.data_to_send() == abort_pdu(2, 2)
    assert connection.close_transport


@pytest.mark.parametrize("pdu_type", [0x08, 0x0A, 0xFF])
def test_s03_an_unrecognized_pdu_aborts_with_reason_1(pdu_type: int) -> None:
    connection = established()
    assert connection.receive_data(pdu(pdu_type, b"abc"), 1.0) == [AbortIndication(2, 1, by_peer=False)]
    assert connection.data_to_send() == abort_pdu(2, 1)


def test_s04_an_abort_closes_at_once() -> None:
    connection = established()
    connection.receive_data(encode(DATA)[:-2], 1.0)
    (event,) = connection.receive_data(encode(DATA)[-2:] + encode(Abort(2, 4)) + encode(DATA), 1.0)[1:]
    assert event == AbortIndication(2, 4, by_peer=True)
    assert connection.close_transport
    assert connection.data_to_send() == b""


def test_s05_a_lost_transport_is_told_in_the_middle_of_a_fragment() -> None:
    connection = established()
    connection.receive_data(encode(DATA)[:-2], 1.0)
    assert connection.receive_eof(1.0) == [TransportClosed()]
    assert connection.close_transport


@pytest.mark.parametrize("data", [RELEASE_RQ, pdu(0x05, b"\xee" * 4)])
def test_s06_s07_a_release_is_answered_and_the_peer_has_to_close(data: bytes) -> None:
    connection = established()
    assert connection.receive_data(data, 1.0) == [ReleaseIndication()]
    assert connection.can_accept_release
    connection.accept_release(2.0)
    assert connection.data_to_send() == RELEASE_RP
    assert connection.state is State.AWAITING_CLOSE
    connection.handle_timer(2.0 + ARTIM)
    assert connection.close_transport


def test_s08_data_may_be_sent_before_the_release_is_answered() -> None:
    connection = connection_in(State.AWAITING_LOCAL_RELEASE, Role.ACCEPTOR)
    assert connection.can_send_data
    connection.send_data(encode(DATA), 1.0)
    assert connection.data_to_send() == encode(DATA)


def released() -> Connection:
    """An acceptor that answered a release at 0."""
    connection = connection_in(State.AWAITING_LOCAL_RELEASE, Role.ACCEPTOR)
    connection.accept_release(0.0)
    connection.data_to_send()
    return connection


@pytest.mark.parametrize(
    "data", [encode(DATA), p_data(), p_data(pdv(bytes(9000), context_id=9)), RELEASE_RQ, RELEASE_RP]
)
def test_s09_whatever_data_comes_after_our_release_answer_is_ignored(data: bytes) -> None:
    connection = released()
    assert connection.receive_data(data, 1.0) == []
    assert connection.data_to_send() == b""
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, ARTIM)
    connection.receive_data(encode(Abort(0, 0)), 1.0)
    assert connection.close_transport


@pytest.mark.parametrize(
    ("data", "reason"),
    [(encode(REQUEST), 2), (pdu(0xFF, b""), 1), (pdu(0x05, b""), 6)],
    ids=["S10", "S11", "S11 length"],
)
def test_s10_s11_a_request_or_an_unknown_pdu_after_the_end_is_aborted_once_more(data: bytes, reason: int) -> None:
    connection = released()
    assert connection.receive_data(data, 1.0) == []
    assert connection.data_to_send() == abort_pdu(2, reason)
    assert (connection.state, connection.deadline) == (State.AWAITING_CLOSE, ARTIM)


def test_s11_garbage_after_the_end_is_aborted_once_only() -> None:
    connection = released()
    connection.receive_data(HTTP, 1.0)
    connection.receive_data(HTTP, 2.0)
    assert connection.data_to_send() == abort_pdu(2, 1)


def test_s12_an_abort_after_the_end_closes() -> None:
    connection = released()
    assert connection.receive_data(encode(Abort(0, 0)), 1.0) == []
    assert connection.close_transport
    assert connection.data_to_send() == b""


def test_s13_a_peer_that_never_closes_is_closed_when_artim_expires() -> None:
    for connection in (released(), connection_in(State.AWAITING_CLOSE, Role.ACCEPTOR)):
        connection.receive_data(encode(DATA), ARTIM - 1)
        connection.handle_timer(ARTIM)
        assert connection.close_transport


@pytest.mark.parametrize("delivery", Delivery)
def test_s16_a_release_collision_is_resolved(delivery: Delivery) -> None:
    wire = Wire(delivery)
    wire.open(REQUEST)
    wire.acceptor.accept(ACCEPT, wire.now)
    wire.deliver()
    wire.requestor.release(wire.now)
    wire.acceptor.release(wire.now)
    wire.deliver()
    assert wire.requestor.state is State.COLLISION_REQUESTOR_LOCAL
    assert wire.acceptor.state is State.COLLISION_ACCEPTOR_REMOTE
    assert (wire.requestor.can_accept_release, wire.acceptor.can_accept_release) == (True, False)
    wire.requestor.accept_release(wire.now)
    wire.deliver()
    assert wire.acceptor.can_accept_release
    wire.acceptor.accept_release(wire.now)
    wire.deliver()
    assert wire.requestor_events[1:] == wire.acceptor_events[1:] == [ReleaseIndication(), ReleaseConfirmation()]
    assert wire.requestor.close_transport
    assert wire.acceptor.close_transport


# --- D: data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(p_data(pdv(b"ab", context_id=5)), id="D02"),
        pytest.param(p_data(pdv(b"ab", context_id=3)), id="D03"),
        pytest.param(p_data(pdv(b"", length=0)), id="D04 length 0"),
        pytest.param(p_data(pdv(b"", length=1)), id="D04 length 1"),
        pytest.param(p_data(pdv(b"ab", length=0xFFFFFFFF)), id="D05"),
        pytest.param(p_data(), id="D06"),
        pytest.param(p_data(pdv(bytes(4091))), id="D07"),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_d02_to_d07_invalid_data_aborts_with_reason_6(data: bytes, role: Role) -> None:
    connection = connection_in(State.ESTABLISHED, role)
    assert connection.receive_data(data + encode(DATA), 1.0) == [AbortIndication(2, 6, by_peer=False)]
    assert connection.data_to_send() == abort_pdu(2, 6)
    assert connection.deadline == 1.0 + ARTIM


def test_d08_data_of_exactly_the_maximum_length_is_accepted() -> None:
    (event,) = established().receive_data(p_data(pdv(bytes(4090))), 1.0)
    assert isinstance(event, DataIndication)
    assert len(event.data) == 4090


def test_d07_longer_data_is_taken_from_whom_it_is_tolerated() -> None:
    connection = established()
    connection.tolerate_data_pdus(5000)
    (event,) = connection.receive_data(p_data(pdv(bytes(4091))), 1.0)
    assert isinstance(event, DataIndication)
    assert connection.receive_data(p_data(pdv(bytes(5000))), 1.0) == [AbortIndication(2, 6, by_peer=False)]


def test_d07_tolerance_takes_nothing_away() -> None:
    connection = established()
    connection.tolerate_data_pdus(100)
    assert connection.receive_data(p_data(pdv(bytes(4090))), 1.0)[-1] != AbortIndication(2, 6, by_peer=False)


def test_d10_d11_d12_fragments_of_any_length_are_told() -> None:
    data = p_data(pdv(b"odd", control=1)) + p_data(pdv(b"", control=1), pdv(b"", control=3))
    events = established().receive_data(data, 1.0)
    assert [(bytes(event.data), event.is_last) for event in events if isinstance(event, DataIndication)] == [
        (b"odd", False),
        (b"", False),
        (b"", True),
    ]


def test_data_before_an_error_in_the_same_read_is_told() -> None:
    events = established().receive_data(encode(DATA) + HTTP, 1.0)
    assert [type(event) for event in events] == [DataIndication, AbortIndication]


def test_data_that_was_on_its_way_when_we_aborted_is_ignored() -> None:
    connection = established()
    connection.receive_data(encode(DATA)[:13], 1.0)
    connection.abort(2, 0, 1.0)
    assert connection.receive_data(encode(DATA)[13:], 1.0) == []
    assert connection.data_to_send() == abort_pdu(2, 0)
    assert connection.state is State.AWAITING_CLOSE


def test_an_owner_with_other_things_to_do_takes_a_few_pdus_at_a_time() -> None:
    connection = established()
    connection.offer_data(encode(DATA) * 4 + encode(DATA)[:9])
    taken = []
    while connection.has_data:
        taken.append(len(connection.take_data(1.0, 3)))
    assert taken == [3, 1]
    assert len(connection.receive_data(encode(DATA)[9:], 1.0)) == 1


@pytest.mark.parametrize(
    "data",
    [encode(DATA) * 5, encode(DATA) + HTTP, encode(DATA) + encode(DATA)[:3], encode(DATA) + encode(DATA)[:13]],
    ids=["as many as asked for", "an error", "a header begins", "a fragment begins"],
)
def test_no_view_of_what_was_offered_is_kept_when_it_is_taken(data: bytes) -> None:
    connection = established()
    block = bytearray(data)
    connection.offer_data(block)
    connection.take_data(1.0, 5)
    assert not connection.has_data
    block.clear()  # a bytearray of which a view exists cannot be resized


def test_no_view_of_a_read_is_kept() -> None:
    connection = established()
    block = bytearray(p_data(pdv(bytes(100))))
    connection.receive_data(block[:50], 1.0)
    connection.receive_data(block, 1.0)
    block.clear()  # a bytearray of which a view exists cannot be resized


# --- as the requestor ----------------------------------------------------------------------------------------------


def test_a_requestor_sends_its_request_when_the_transport_is_open() -> None:
    connection = Connection(Role.REQUESTOR, LIMITS)
    connection.associate(REQUEST, 0.0)
    assert connection.data_to_send() == b""
    connection.transport_opened(0.0)
    assert connection.data_to_send() == encode(REQUEST)
    assert connection.receive_data(encode(ACCEPT), 0.0) == [AssociateConfirmation(ACCEPT)]
    assert connection.peer_maximum_length == 4096
    assert connection.can_send_data


def test_a_rejection_ends_at_once() -> None:
    connection = connection_in(State.AWAITING_ANSWER)
    assert connection.receive_data(encode(REJECT), 0.0) == [AssociateRejection(REJECT)]
    assert connection.close_transport


def test_a_transport_that_cannot_be_opened_is_a_closed_one() -> None:
    connection = connection_in(State.AWAITING_TRANSPORT)
    assert connection.receive_eof(0.0) == [TransportClosed()]
    assert connection.close_transport


@pytest.mark.parametrize("delivery", Delivery)
def test_a_released_association_is_closed_by_its_requestor(delivery: Delivery) -> None:
    wire = Wire(delivery)
    wire.open(REQUEST)
    wire.acceptor.accept(ACCEPT, wire.now)
    wire.deliver()
    wire.requestor.send_data(encode(DATA), wire.now)
    wire.requestor.release(wire.now)
    wire.acceptor.send_data(encode(DATA), wire.now)  # crosses the release on the wire
    wire.deliver()
    wire.acceptor.accept_release(wire.now)
    wire.deliver()
    piece = DataIndication(1, True, memoryview(b"\x08\0\0\0"), True, True)
    assert joined(wire.requestor_events) == [AssociateConfirmation(ACCEPT), piece, ReleaseConfirmation()]
    assert joined(wire.acceptor_events) == [AssociateIndication(REQUEST), piece, ReleaseIndication()]
    assert wire.requestor.close_transport
    assert wire.acceptor.close_transport


@pytest.mark.parametrize(
    "context",
    [
        PresentationContextAC(5, ContextResult.ACCEPTANCE, IMPLICIT),
        PresentationContextAC(1, ContextResult.ACCEPTANCE, EXPLICIT),
    ],
    ids=["context not proposed", "transfer syntax not offered"],
)
def test_an_acceptance_of_what_was_not_offered_is_an_error(context: PresentationContextAC) -> None:
    connection = connection_in(State.AWAITING_ANSWER)
    accept = replace(ACCEPT, presentation_contexts=(context,))
    assert connection.receive_data(encode(accept), 0.0) == [AbortIndication(2, 6, by_peer=False)]
    assert connection.data_to_send() == abort_pdu(2, 6)


def test_a_refusal_of_what_was_not_proposed_is_harmless() -> None:
    connection = connection_in(State.AWAITING_ANSWER)
    context = PresentationContextAC(9, ContextResult.NO_REASON, EXPLICIT)
    accept = replace(ACCEPT, presentation_contexts=(context,))
    assert connection.receive_data(encode(accept), 0.0) == [AssociateConfirmation(accept)]


def test_an_answer_that_cannot_be_decoded_is_an_error() -> None:
    connection = connection_in(State.AWAITING_ANSWER)
    assert connection.receive_data(pdu(0x02, bytes(68)), 0.0) == [AbortIndication(2, 6, by_peer=False)]


# --- the owner -----------------------------------------------------------------------------------------------------


def test_a_peer_without_a_maximum_length_has_none() -> None:
    connection = waiting()
    connection.receive_data(encode(replace(REQUEST, user_information=UserInformation())), 0.0)
    assert connection.peer_maximum_length is None


def test_everything_is_sent_once_and_in_order() -> None:
    connection = established()
    connection.send_data(bytearray(b"one"), 0.0)
    connection.send_data(memoryview(b"two"), 0.0)
    connection.abort(0, 0, 0.0)
    assert connection.data_to_send() == b"onetwo" + AB_0_0
    assert connection.data_to_send() == b""


def test_the_abort_of_the_owner_carries_its_source_and_reason() -> None:
    connection = established()
    connection.abort(2, 6, 1.0)
    assert connection.data_to_send() == abort_pdu(2, 6)
    assert not connection.can_abort
    assert connection.fault == ""


@pytest.mark.parametrize("state", State)
def test_what_can_be_done_is_what_raises_no_error(state: State) -> None:
    def is_allowed(call: str, *arguments: object) -> bool:
        try:
            getattr(connection_in(state), call)(*arguments, 0.0)
        except LocalError:
            return False
        return True

    connection = connection_in(state)
    assert connection.can_send_data is is_allowed("send_data", b"")
    assert connection.can_accept_release is is_allowed("accept_release")
    assert connection.can_abort is is_allowed("abort", 0, 0)


def test_an_acceptor_does_not_ask_for_an_association() -> None:
    with pytest.raises(LocalError):
        Connection(Role.ACCEPTOR).associate(REQUEST, 0.0)


def test_a_connection_serves_one_transport_connection() -> None:
    connection = waiting()
    connection.receive_eof(0.0)
    with pytest.raises(LocalError):
        connection.transport_opened(1.0)
    assert connection.receive_data(encode(REQUEST), 1.0) == []
    assert connection.receive_eof(1.0) == []
    assert connection.handle_timer(100.0) == []


def test_limits_have_defaults_that_fit_128_contexts_of_40_transfer_syntaxes() -> None:
    syntax = item(0x40, b"1.2.840.10008.1.2.4.90")
    contexts = [
        item(0x20, bytes((number, 0, 0, 0)) + item(0x30, b"1.2.840.10008.5.1.4.1.1.2") + syntax * 40)
        for number in range(1, 256, 2)
    ]
    connection = Connection(Role.ACCEPTOR)
    connection.transport_opened(0.0)
    (event,) = connection.receive_data(associate_rq(*contexts), 0.0)
    assert isinstance(event, AssociateIndication)
