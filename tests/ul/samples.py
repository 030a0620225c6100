"""An association to play with, connections brought into any state of the table, and PDUs typed as they look.

`octets("01 00 'SCPD' 0000")` reads hexadecimal numbers and quoted text, so that a byte vector can be compared with
the tables of PS3.8.
"""

import re

from scpd.ul.codec import encode
from scpd.ul.connection import Connection, Role, State, UpperLayerLimits
from scpd.ul.pdu import (
    AbortReason,
    AbortSource,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    PresentationDataValue,
    RejectReason,
    RejectResult,
    ReleaseRP,
    ReleaseRQ,
    UserInformation,
)

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

ARTIM = 10.0
LIMITS = UpperLayerLimits(pdu_bytes_max=4096, associate_pdu_bytes_max=8192, artim_seconds=ARTIM)

REQUEST = AssociateRQ(
    called_ae=b"SCPD            ",
    calling_ae=b"MODALITY        ",
    application_contexts=(APPLICATION_CONTEXT,),
    presentation_contexts=(
        PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)),
        PresentationContextRQ(3, CT, (EXPLICIT, IMPLICIT)),
    ),
    user_information=UserInformation(maximum_length=16384, implementation_class_uid="1.2.3.4"),
)
ACCEPT = AssociateAC(
    called_ae=b"SCPD            ",
    calling_ae=b"MODALITY        ",
    application_context=APPLICATION_CONTEXT,
    presentation_contexts=(
        PresentationContextAC(1, ContextResult.ACCEPTANCE, IMPLICIT),
        PresentationContextAC(3, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, EXPLICIT),
    ),
    user_information=UserInformation(maximum_length=4096, implementation_class_uid="1.2.3.5"),
)
REJECT = AssociateRJ(RejectResult.PERMANENT, RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED)
DATA = PDataTF((PresentationDataValue(1, is_command=True, is_last=True, data=b"\x08\x00\x00\x00"),))

RELEASE_RQ, RELEASE_RP = encode(ReleaseRQ()), encode(ReleaseRP())


def octets(text: str) -> bytes:
    """Bytes from hexadecimal digits and 'quoted text'; white space and what stands behind a # is for the eye."""
    parts = re.findall(r"'([^']*)'|([0-9A-Fa-f]+)", re.sub(r"#.*", "", text))
    return b"".join(quoted.encode("latin-1") or bytes.fromhex(digits) for quoted, digits in parts)


def pdu(pdu_type: int, variable_field: bytes, *, length: int | None = None) -> bytes:
    """A PDU of any type, with a length that need not be true."""
    length = len(variable_field) if length is None else length
    return bytes((pdu_type, 0)) + length.to_bytes(4, "big") + variable_field


def item(item_type: int, content: bytes, *, length: int | None = None) -> bytes:
    """An item or sub-item, with a length that need not be true."""
    length = len(content) if length is None else length
    return bytes((item_type, 0)) + length.to_bytes(2, "big") + content


def pdv(data: bytes, *, context_id: int = 1, control: int = 0x02, length: int | None = None) -> bytes:
    """A presentation data value, with a length that need not be true."""
    length = len(data) + 2 if length is None else length
    return length.to_bytes(4, "big") + bytes((context_id, control)) + data


def p_data(*values: bytes) -> bytes:
    """A P-DATA-TF of PDVs."""
    return pdu(0x04, b"".join(values))


def associate_rq(*items: bytes, protocol_version: int = 1) -> bytes:
    """An A-ASSOCIATE-RQ of items, as broken as they are."""
    fixed = protocol_version.to_bytes(2, "big") + b"\0\0" + b"SCPD".ljust(16) + b"MODALITY".ljust(16) + bytes(32)
    return pdu(0x01, fixed + b"".join(items))


def abort_pdu(source: int, reason: int) -> bytes:
    """The A-ABORT to expect: AB(source,reason)."""
    return bytes((0x07, 0, 0, 0, 0, 4, 0, 0, source, reason))


def reject_pdu(result: int, source: int, reason: int) -> bytes:
    """The A-ASSOCIATE-RJ to expect: RJ(result,source,reason)."""
    return bytes((0x03, 0, 0, 0, 0, 4, 0, result, source, reason))


ROLES = {
    State.IDLE: tuple(Role),
    State.AWAITING_REQUEST: (Role.ACCEPTOR,),
    State.AWAITING_LOCAL_ANSWER: (Role.ACCEPTOR,),
    State.AWAITING_TRANSPORT: (Role.REQUESTOR,),
    State.AWAITING_ANSWER: (Role.REQUESTOR,),
    State.ESTABLISHED: tuple(Role),
    State.AWAITING_RELEASE_RP: tuple(Role),
    State.AWAITING_LOCAL_RELEASE: tuple(Role),
    State.COLLISION_REQUESTOR_LOCAL: (Role.REQUESTOR,),
    State.COLLISION_ACCEPTOR_REMOTE: (Role.ACCEPTOR,),
    State.COLLISION_REQUESTOR_REMOTE: (Role.REQUESTOR,),
    State.COLLISION_ACCEPTOR_LOCAL: (Role.ACCEPTOR,),
    State.AWAITING_CLOSE: tuple(Role),
}
"""Which role can be in which state."""

UP_TO_ESTABLISHED = (
    State.IDLE,
    State.AWAITING_REQUEST,
    State.AWAITING_LOCAL_ANSWER,
    State.AWAITING_TRANSPORT,
    State.AWAITING_ANSWER,
    State.ESTABLISHED,
)


def connection_in(state: State, role: Role | None = None, *, now: float = 0.0) -> Connection:
    """A connection brought into `state` by what the Standard lets happen; nothing is waiting to be sent."""
    role = role or ROLES[state][-1]
    connection = Connection(role, LIMITS)
    if state is not State.IDLE:
        _establish(connection, role, state, now)
    if state not in UP_TO_ESTABLISHED:
        _end(connection, state, now)
    assert connection.state is state
    connection.data_to_send()
    return connection


def _establish(connection: Connection, role: Role, state: State, now: float) -> None:
    """As far as ESTABLISHED, or to `state` where that comes first."""
    if role is Role.ACCEPTOR:
        connection.transport_opened(now)
        if state is not State.AWAITING_REQUEST:
            connection.receive_data(encode(REQUEST), now)
        if state not in (State.AWAITING_REQUEST, State.AWAITING_LOCAL_ANSWER):
            connection.accept(ACCEPT, now)
        return
    connection.associate(REQUEST, now)
    if state is not State.AWAITING_TRANSPORT:
        connection.transport_opened(now)
    if state not in (State.AWAITING_TRANSPORT, State.AWAITING_ANSWER):
        connection.receive_data(encode(ACCEPT), now)


def _end(connection: Connection, state: State, now: float) -> None:
    """From ESTABLISHED to the states after it."""
    match state:
        case State.AWAITING_CLOSE:
            connection.abort(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED, now)
            return
        case State.AWAITING_LOCAL_RELEASE:
            connection.receive_data(RELEASE_RQ, now)
            return
    connection.release(now)
    if state is not State.AWAITING_RELEASE_RP:
        connection.receive_data(RELEASE_RQ, now)
    if state is State.COLLISION_REQUESTOR_REMOTE:
        connection.accept_release(now)
    if state is State.COLLISION_ACCEPTOR_LOCAL:
        connection.receive_data(RELEASE_RP, now)
