"""User-information sub-items, bytes <-> dataclass (PS3.8 Annex D.1, PS3.7 D.3.3).

The tables at the end name a decoder for each sub-item that may stand in a request or in an answer; any other type
is passed over (PS3.8 D.2). A decoder gets a cursor over its own sub-item and must use all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from struct import pack
from typing import TypeAlias

from scpd.ul.cursor import Cursor, invalid, uid
from scpd.ul.items import (
    AsyncOperationsWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)

MAXIMUM_LENGTH = 0x51
IMPLEMENTATION_CLASS_UID = 0x52
ASYNC_OPERATIONS_WINDOW = 0x53
ROLE_SELECTION = 0x54
IMPLEMENTATION_VERSION_NAME = 0x55
EXTENDED_NEGOTIATION = 0x56
COMMON_EXTENDED_NEGOTIATION = 0x57
USER_IDENTITY_RQ = 0x58
USER_IDENTITY_AC = 0x59

SubItem: TypeAlias = (
    int
    | str
    | AsyncOperationsWindow
    | RoleSelection
    | ExtendedNegotiation
    | CommonExtendedNegotiation
    | UserIdentityRQ
    | UserIdentityAC
)
Decoder: TypeAlias = Callable[[Cursor], SubItem]


def encode_item(item_type: int, content: bytes) -> bytes:
    """Type, reserved byte, length, content (PS3.8 9.3.1)."""
    return pack(">BxH", item_type, len(content)) + content


def encode_text(item_type: int, text: str) -> bytes:
    """An item that holds a UID or a name, unpadded (PS3.8 Annex F)."""
    return encode_item(item_type, text.encode("latin-1"))


def decode_user_information(cursor: Cursor, decoders: Mapping[int, Decoder]) -> UserInformation:
    """Reads the sub-items that `decoders` knows. Raises ProtocolError, also where one comes twice that may not."""
    found: dict[int, list[SubItem]] = {}
    for item_type, content in cursor.items():
        if item_type in decoders:
            found.setdefault(item_type, []).append(decoders[item_type](content))
            content.finish()
    fields: dict[str, object] = {}
    for item_type, values in found.items():
        name = FIELDS[item_type]
        if item_type not in REPEATED and len(values) > 1:
            raise invalid(f"sub-item {item_type:02X}H comes twice")
        fields[name] = tuple(values) if item_type in REPEATED else values[0]
    return UserInformation(**fields)  # type: ignore[arg-type]  # FIELDS pairs each decoder with its field


def encode_user_information(information: UserInformation) -> bytes:
    """The sub-items in ascending order of their types, as PS3.7 D.3.3 lists them."""
    return b"".join(_encode_sub_items(information))


def _encode_sub_items(information: UserInformation) -> Iterator[bytes]:
    if information.maximum_length is not None:
        yield encode_item(MAXIMUM_LENGTH, pack(">I", information.maximum_length))
    if information.implementation_class_uid is not None:
        yield encode_text(IMPLEMENTATION_CLASS_UID, information.implementation_class_uid)
    if information.async_operations_window is not None:
        window = information.async_operations_window
        yield encode_item(ASYNC_OPERATIONS_WINDOW, pack(">HH", window.operations_invoked, window.operations_performed))
    for role in information.role_selections:
        yield encode_item(ROLE_SELECTION, _counted(role.sop_class_uid) + bytes((role.scu, role.scp)))
    if information.implementation_version_name is not None:
        yield encode_text(IMPLEMENTATION_VERSION_NAME, information.implementation_version_name)
    for extended in information.extended_negotiations:
        yield encode_item(EXTENDED_NEGOTIATION, _counted(extended.sop_class_uid) + extended.info)
    for common in information.common_extended_negotiations:
        yield encode_item(COMMON_EXTENDED_NEGOTIATION, _encode_common(common))
    if information.user_identity is not None:
        yield _encode_identity(information.user_identity)


def _encode_common(common: CommonExtendedNegotiation) -> bytes:
    related = b"".join(map(_counted, common.related_general_sop_class_uids))
    return _counted(common.sop_class_uid) + _counted(common.service_class_uid) + pack(">H", len(related)) + related


def _encode_identity(identity: UserIdentityRQ | UserIdentityAC) -> bytes:
    if isinstance(identity, UserIdentityAC):
        return encode_item(USER_IDENTITY_AC, _counted(identity.server_response))
    flags = bytes((identity.identity_type, identity.positive_response_requested))
    return encode_item(USER_IDENTITY_RQ, flags + _counted(identity.primary_field) + _counted(identity.secondary_field))


def _counted(content: str | bytes) -> bytes:
    data = content.encode("latin-1") if isinstance(content, str) else content
    return pack(">H", len(data)) + data


def _decode_maximum_length(cursor: Cursor) -> int:
    return cursor.number(4)


def _decode_implementation_class_uid(cursor: Cursor) -> str:
    return uid(cursor.rest())


def _decode_async_operations_window(cursor: Cursor) -> AsyncOperationsWindow:
    return AsyncOperationsWindow(cursor.number(2), cursor.number(2))


def _decode_role_selection(cursor: Cursor) -> RoleSelection:
    return RoleSelection(uid(cursor.counted()), cursor.flag(), cursor.flag())


def _decode_implementation_version_name(cursor: Cursor) -> str:
    return cursor.rest().rstrip(b"\0 ").decode("latin-1")


def _decode_extended_negotiation(cursor: Cursor) -> ExtendedNegotiation:
    return ExtendedNegotiation(uid(cursor.counted()), cursor.rest())


def _decode_common_extended_negotiation(cursor: Cursor) -> CommonExtendedNegotiation:
    sop_class_uid, service_class_uid = uid(cursor.counted()), uid(cursor.counted())
    related = Cursor(cursor.counted())
    cursor.rest()  # versions of this sub-item above 0 may add fields here (PS3.7 D.3.3.6)
    return CommonExtendedNegotiation(sop_class_uid, service_class_uid, tuple(_uids(related)))


def _uids(cursor: Cursor) -> Iterator[str]:
    while not cursor.is_at_end:
        yield uid(cursor.counted())


def _decode_user_identity_rq(cursor: Cursor) -> UserIdentityRQ:
    identity_type = cursor.number(1)
    if identity_type not in IDENTITY_TYPES:
        raise invalid(f"user identity type {identity_type}")
    wants_response = cursor.flag()
    return UserIdentityRQ(UserIdentityType(identity_type), wants_response, cursor.counted(), cursor.counted())


def _decode_user_identity_ac(cursor: Cursor) -> UserIdentityAC:
    return UserIdentityAC(cursor.counted())


IDENTITY_TYPES = frozenset(UserIdentityType)

FIELDS = {
    MAXIMUM_LENGTH: "maximum_length",
    IMPLEMENTATION_CLASS_UID: "implementation_class_uid",
    ASYNC_OPERATIONS_WINDOW: "async_operations_window",
    ROLE_SELECTION: "role_selections",
    IMPLEMENTATION_VERSION_NAME: "implementation_version_name",
    EXTENDED_NEGOTIATION: "extended_negotiations",
    COMMON_EXTENDED_NEGOTIATION: "common_extended_negotiations",
    USER_IDENTITY_RQ: "user_identity",
    USER_IDENTITY_AC: "user_identity",
}

REPEATED = frozenset({ROLE_SELECTION, EXTENDED_NEGOTIATION, COMMON_EXTENDED_NEGOTIATION})

COMMON_DECODERS: Mapping[int, Decoder] = {
    MAXIMUM_LENGTH: _decode_maximum_length,
    IMPLEMENTATION_CLASS_UID: _decode_implementation_class_uid,
    ASYNC_OPERATIONS_WINDOW: _decode_async_operations_window,
    ROLE_SELECTION: _decode_role_selection,
    IMPLEMENTATION_VERSION_NAME: _decode_implementation_version_name,
    EXTENDED_NEGOTIATION: _decode_extended_negotiation,
}
REQUEST_DECODERS: Mapping[int, Decoder] = {
    **COMMON_DECODERS,
    COMMON_EXTENDED_NEGOTIATION: _decode_common_extended_negotiation,
    USER_IDENTITY_RQ: _decode_user_identity_rq,
}
ANSWER_DECODERS: Mapping[int, Decoder] = {**COMMON_DECODERS, USER_IDENTITY_AC: _decode_user_identity_ac}
