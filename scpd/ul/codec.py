"""PDUs, bytes <-> dataclass (PS3.8 9.3): one function a PDU each way, and the tables DECODERS and ENCODERS at the end.

`decode` gets the variable field of one PDU, whole; where it begins and ends is the business of `inbound.py`, which
also reads P-DATA-TF without ever holding one. What has no meaning raises ProtocolError; what merely cannot be
accepted (no application context, an even context id) is decoded, so that the negotiation can answer it. Items of
an unknown type are passed over.
"""

from collections.abc import Callable, Mapping
from struct import pack
from typing import Any, TypeVar

from scpd.ul.cursor import Cursor, invalid, uid
from scpd.ul.item_codec import (
    ANSWER_DECODERS,
    REQUEST_DECODERS,
    Decoder,
    decode_user_information,
    encode_item,
    encode_text,
    encode_user_information,
)
from scpd.ul.pdu import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    PDataTF,
    Pdu,
    PDUType,
    PresentationContextAC,
    PresentationContextRQ,
    PresentationDataValue,
    RejectReason,
    RejectResult,
    ReleaseRP,
    ReleaseRQ,
    UserInformation,
)

APPLICATION_CONTEXT = 0x10
PRESENTATION_CONTEXT_RQ = 0x20
PRESENTATION_CONTEXT_AC = 0x21
ABSTRACT_SYNTAX = 0x30
TRANSFER_SYNTAX = 0x40
USER_INFORMATION = 0x50

ASSOCIATE_FIXED_BYTES = 68
"""Protocol version to the 32 reserved bytes: no A-ASSOCIATE-RQ or -AC is shorter (PS3.8 9.3.2, 9.3.3)."""


def decode(pdu_type: PDUType, variable_field: bytes) -> Pdu:
    """The PDU whose bytes behind the PDU length are `variable_field`. Raises ProtocolError. Not for P-DATA-TF."""
    cursor = Cursor(variable_field)
    pdu = DECODERS[pdu_type](cursor)
    cursor.finish()
    return pdu


def encode(pdu: Pdu) -> bytes:
    """The whole PDU, header included. Reserved fields are 0, but for those an A-ASSOCIATE-AC returns."""
    pdu_type, encode_variable_field = ENCODERS[type(pdu)]
    variable_field = encode_variable_field(pdu)
    return pack(">BxI", pdu_type, len(variable_field)) + variable_field


# --- A-ASSOCIATE-RQ, 9.3.2 -----------------------------------------------------------------------------------------


def _decode_associate_rq(cursor: Cursor) -> AssociateRQ:
    protocol_version, called_ae, calling_ae, reserved = _decode_fixed_part(cursor)
    application_contexts, contexts, information = _decode_items(
        cursor, PRESENTATION_CONTEXT_RQ, _decode_context_rq, REQUEST_DECODERS
    )
    return AssociateRQ(called_ae, calling_ae, application_contexts, contexts, information, protocol_version, reserved)


def _decode_context_rq(cursor: Cursor) -> PresentationContextRQ:
    context_id = cursor.number(1)
    cursor.skip(3)
    abstract_syntaxes, transfer_syntaxes = _decode_syntaxes(cursor)
    if len(abstract_syntaxes) != 1:
        raise invalid("a presentation context needs one abstract syntax")
    if not transfer_syntaxes:
        raise invalid("a presentation context without a transfer syntax")
    return PresentationContextRQ(context_id, abstract_syntaxes[0], tuple(transfer_syntaxes))


def _encode_associate_rq(request: AssociateRQ) -> bytes:
    parts = [_encode_fixed_part(request)]
    parts += [encode_text(APPLICATION_CONTEXT, name) for name in request.application_contexts]
    parts += map(_encode_context_rq, request.presentation_contexts)
    parts.append(encode_item(USER_INFORMATION, encode_user_information(request.user_information)))
    return b"".join(parts)


def _encode_context_rq(context: PresentationContextRQ) -> bytes:
    transfer_syntaxes = b"".join(encode_text(TRANSFER_SYNTAX, name) for name in context.transfer_syntaxes)
    abstract_syntax = encode_text(ABSTRACT_SYNTAX, context.abstract_syntax)
    return encode_item(PRESENTATION_CONTEXT_RQ, pack(">B3x", context.context_id) + abstract_syntax + transfer_syntaxes)


# --- A-ASSOCIATE-AC, 9.3.3 -----------------------------------------------------------------------------------------


def _decode_associate_ac(cursor: Cursor) -> AssociateAC:
    protocol_version, called_ae, calling_ae, reserved = _decode_fixed_part(cursor)
    application_contexts, contexts, information = _decode_items(
        cursor, PRESENTATION_CONTEXT_AC, _decode_context_ac, ANSWER_DECODERS
    )
    if len(application_contexts) != 1:
        raise invalid("an acceptance needs one application context")
    return AssociateAC(
        called_ae, calling_ae, application_contexts[0], contexts, information, protocol_version, reserved
    )


def _decode_context_ac(cursor: Cursor) -> PresentationContextAC:
    """A refused context may come without a transfer syntax: some peers leave out what is not significant."""
    context_id = cursor.number(1)
    cursor.skip(1)
    result = cursor.number(1)
    cursor.skip(1)
    if result not in CONTEXT_RESULTS:
        raise invalid(f"presentation context result {result}")
    _, transfer_syntaxes = _decode_syntaxes(cursor)
    if result == ContextResult.ACCEPTANCE and len(transfer_syntaxes) != 1:
        raise invalid("an accepted presentation context needs one transfer syntax")
    return PresentationContextAC(context_id, ContextResult(result), "".join(transfer_syntaxes[:1]))


def _encode_associate_ac(accept: AssociateAC) -> bytes:
    parts = [_encode_fixed_part(accept), encode_text(APPLICATION_CONTEXT, accept.application_context)]
    parts += map(_encode_context_ac, accept.presentation_contexts)
    parts.append(encode_item(USER_INFORMATION, encode_user_information(accept.user_information)))
    return b"".join(parts)


def _encode_context_ac(context: PresentationContextAC) -> bytes:
    head = pack(">BxBx", context.context_id, context.result)
    return encode_item(PRESENTATION_CONTEXT_AC, head + encode_text(TRANSFER_SYNTAX, context.transfer_syntax))


# --- common to request and answer ----------------------------------------------------------------------------------


Context = TypeVar("Context", PresentationContextRQ, PresentationContextAC)


def _decode_fixed_part(cursor: Cursor) -> tuple[int, bytes, bytes, bytes]:
    """Protocol version, called and calling AE title, the 32 reserved bytes: ASSOCIATE_FIXED_BYTES in all."""
    protocol_version = cursor.number(2)
    cursor.skip(2)
    return protocol_version, cursor.take(16), cursor.take(16), cursor.take(32)


def _encode_fixed_part(pdu: AssociateRQ | AssociateAC) -> bytes:
    return pack(">H2x16s16s32s", pdu.protocol_version, pdu.called_ae, pdu.calling_ae, pdu.reserved)


def _decode_items(
    cursor: Cursor, context_type: int, decode_context: Callable[[Cursor], Context], decoders: Mapping[int, Decoder]
) -> tuple[tuple[str, ...], tuple[Context, ...], UserInformation]:
    """Application contexts, presentation contexts and user information, in whatever order they come.

    An id names one presentation context, never two (PS3.8 7.1.1.13). No user information item says as much as an
    empty one: tolerated, against PS3.8 9.3.2.
    """
    application_contexts: list[str] = []
    contexts: dict[int, Context] = {}
    information: UserInformation | None = None
    for item_type, item in cursor.items():
        if item_type == APPLICATION_CONTEXT:
            application_contexts.append(uid(item.rest()))
        elif item_type == context_type:
            context = decode_context(item)
            if context.context_id in contexts:
                raise invalid(f"presentation context id {context.context_id} comes twice")
            contexts[context.context_id] = context
        elif item_type == USER_INFORMATION:
            if information is not None:
                raise invalid("the user information item comes twice")
            information = decode_user_information(item, decoders)
    return tuple(application_contexts), tuple(contexts.values()), information or UserInformation()


def _decode_syntaxes(cursor: Cursor) -> tuple[list[str], list[str]]:
    """The abstract and the transfer syntaxes among the sub-items of a presentation context."""
    found: dict[int, list[str]] = {ABSTRACT_SYNTAX: [], TRANSFER_SYNTAX: []}
    for item_type, item in cursor.items():
        if item_type in found:
            found[item_type].append(uid(item.rest()))
    return found[ABSTRACT_SYNTAX], found[TRANSFER_SYNTAX]


# --- the other PDUs, 9.3.4 to 9.3.8 --------------------------------------------------------------------------------


def _decode_associate_rj(cursor: Cursor) -> AssociateRJ:
    cursor.skip(1)
    result, source, reason = cursor.number(1), cursor.number(1), cursor.number(1)
    if result not in REJECT_RESULTS or (source, reason) not in REJECT_REASONS:
        raise invalid(f"rejection with result {result}, source {source}, reason {reason}")
    return AssociateRJ(RejectResult(result), REJECT_REASONS[source, reason])


def _encode_associate_rj(reject: AssociateRJ) -> bytes:
    return pack(">xBBB", reject.result, reject.reason.source, reject.reason.code)


def _encode_p_data_tf(data: PDataTF) -> bytes:
    return b"".join(map(_encode_value, data.values))


def _encode_value(value: PresentationDataValue) -> bytes:
    control = value.is_command | value.is_last << 1  # PS3.8 E.2
    return pack(">IBB", len(value.data) + 2, value.context_id, control) + value.data


def _decode_release_rq(cursor: Cursor) -> ReleaseRQ:
    cursor.skip(4)
    return ReleaseRQ()


def _decode_release_rp(cursor: Cursor) -> ReleaseRP:
    cursor.skip(4)
    return ReleaseRP()


def _encode_release(_: ReleaseRQ | ReleaseRP) -> bytes:
    return bytes(4)


def _decode_abort(cursor: Cursor) -> Abort:
    cursor.skip(2)
    return Abort(cursor.number(1), cursor.number(1))


def _encode_abort(abort: Abort) -> bytes:
    return pack(">2xBB", abort.source, abort.reason)


CONTEXT_RESULTS = frozenset(ContextResult)
REJECT_RESULTS = frozenset(RejectResult)
REJECT_REASONS = {(int(reason.source), reason.code): reason for reason in RejectReason}

DECODERS: Mapping[PDUType, Callable[[Cursor], Pdu]] = {
    PDUType.ASSOCIATE_RQ: _decode_associate_rq,
    PDUType.ASSOCIATE_AC: _decode_associate_ac,
    PDUType.ASSOCIATE_RJ: _decode_associate_rj,
    PDUType.RELEASE_RQ: _decode_release_rq,
    PDUType.RELEASE_RP: _decode_release_rp,
    PDUType.ABORT: _decode_abort,
}

ENCODERS: Mapping[type[Pdu], tuple[PDUType, Callable[[Any], bytes]]] = {  # Any: each takes the PDU it stands beside
    AssociateRQ: (PDUType.ASSOCIATE_RQ, _encode_associate_rq),
    AssociateAC: (PDUType.ASSOCIATE_AC, _encode_associate_ac),
    AssociateRJ: (PDUType.ASSOCIATE_RJ, _encode_associate_rj),
    PDataTF: (PDUType.P_DATA_TF, _encode_p_data_tf),
    ReleaseRQ: (PDUType.RELEASE_RQ, _encode_release),
    ReleaseRP: (PDUType.RELEASE_RP, _encode_release),
    Abort: (PDUType.ABORT, _encode_abort),
}
