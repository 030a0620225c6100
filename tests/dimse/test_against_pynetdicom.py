"""The same commands as pynetdicom writes and reads them: an oracle that shares no code and no author with ours."""

from dataclasses import fields
from io import BytesIO
from typing import Any

import pytest
from pynetdicom import dimse_messages, dimse_primitives
from pynetdicom.pdu import P_DATA_TF

from scpd.dimse.codec import decode_command
from scpd.dimse.command import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CGetRQ,
    CGetRSP,
    CMoveRQ,
    CMoveRSP,
    Command,
    CStoreRQ,
    CStoreRSP,
    NActionRQ,
    NActionRSP,
    NCreateRQ,
    NCreateRSP,
    NDeleteRQ,
    NDeleteRSP,
    NEventReportRQ,
    NEventReportRSP,
    NGetRQ,
    NGetRSP,
    NSetRQ,
    NSetRSP,
)
from scpd.dimse.pdv import encode_message
from scpd.dimse.table import COMMANDS

KEYWORDS = {
    "affected_sop_class_uid": "AffectedSOPClassUID",
    "requested_sop_class_uid": "RequestedSOPClassUID",
    "message_id": "MessageID",
    "message_id_being_responded_to": "MessageIDBeingRespondedTo",
    "move_destination": "MoveDestination",
    "priority": "Priority",
    "status": "Status",
    "offending_elements": "OffendingElement",
    "error_comment": "ErrorComment",
    "error_id": "ErrorID",
    "affected_sop_instance_uid": "AffectedSOPInstanceUID",
    "requested_sop_instance_uid": "RequestedSOPInstanceUID",
    "event_type_id": "EventTypeID",
    "attribute_identifiers": "AttributeIdentifierList",
    "action_type_id": "ActionTypeID",
    "remaining_suboperations": "NumberOfRemainingSuboperations",
    "completed_suboperations": "NumberOfCompletedSuboperations",
    "failed_suboperations": "NumberOfFailedSuboperations",
    "warning_suboperations": "NumberOfWarningSuboperations",
    "move_originator_ae_title": "MoveOriginatorApplicationEntityTitle",
    "move_originator_message_id": "MoveOriginatorMessageID",
}

TAGS = (0x00100020, 0x0020000D)

# Of each command the parameters that pynetdicom knows; offending elements of N- responses are not among them.
SAMPLES: list[tuple[str, str, Command]] = [
    ("C_STORE_RQ", "DataSet", CStoreRQ(7, "1.2.840.1", "1.2.3", 2, "ARCHIVE", 65535)),
    ("C_STORE_RQ", "DataSet", CStoreRQ(7, "1.2.840.1", "1.2.3.44", 1)),
    ("C_STORE_RSP", "", CStoreRSP(7, "1.2.840.1", "1.2.3", 0xA700, "out of resources", TAGS)),
    ("C_FIND_RQ", "Identifier", CFindRQ(65535, "1.2.840.1", 1)),
    ("C_FIND_RSP", "Identifier", CFindRSP(7, "1.2.840.1", 0xFF00)),
    ("C_FIND_RSP", "", CFindRSP(7, "1.2.840.1", 0xA900, "identifier", TAGS)),
    ("C_GET_RQ", "Identifier", CGetRQ(7, "1.2.840.1")),
    ("C_GET_RSP", "Identifier", CGetRSP(7, "1.2.840.1", 0xB000, 0, 10, 2, 300, "some failed", TAGS)),
    ("C_MOVE_RQ", "Identifier", CMoveRQ(7, "1.2.840.1", "ELSEWHERE")),
    ("C_MOVE_RSP", "", CMoveRSP(7, "1.2.840.1", 0xFF00, 5, 10, 2, 3)),
    ("C_ECHO_RQ", "", CEchoRQ(7, "1.2.840.10008.1.1")),
    ("C_ECHO_RSP", "", CEchoRSP(7, "1.2.840.10008.1.1", 0x0122, "no")),
    ("C_CANCEL_RQ", "", CCancelRQ(7)),
    ("N_EVENT_REPORT_RQ", "EventInformation", NEventReportRQ(7, "1.2.840.1", "1.2.3", 2)),
    ("N_EVENT_REPORT_RSP", "EventReply", NEventReportRSP(7, "1.2.840.1", "1.2.3", 0x0113, 9, "what?", 5)),
    ("N_GET_RQ", "", NGetRQ(7, "1.2.840.1", "1.2.3", TAGS)),
    ("N_GET_RSP", "AttributeList", NGetRSP(7, "1.2.840.1", "1.2.3", 0x0107, TAGS, "some unknown", 5)),
    ("N_SET_RQ", "ModificationList", NSetRQ(7, "1.2.840.1", "1.2.3")),
    ("N_SET_RSP", "", NSetRSP(7, "1.2.840.1", "1.2.3", 0x0106, TAGS, "bad value", 5)),
    ("N_ACTION_RQ", "ActionInformation", NActionRQ(7, "1.2.840.1", "1.2.3", 1)),
    ("N_ACTION_RSP", "ActionReply", NActionRSP(7, "1.2.840.1", "1.2.3", 0x0123, 1, "no such action", 5)),
    ("N_CREATE_RQ", "AttributeList", NCreateRQ(7, "1.2.840.1")),
    ("N_CREATE_RSP", "", NCreateRSP(7, "1.2.840.1", 0x0111, "1.2.3", (), "duplicate", 5)),
    ("N_DELETE_RQ", "", NDeleteRQ(7, "1.2.840.1", "1.2.3")),
    ("N_DELETE_RSP", "", NDeleteRSP(7, "1.2.840.1", "1.2.3", 0x0112, "not here", 5)),
]

each_sample = pytest.mark.parametrize(
    ("name", "data_set_keyword", "command"),
    SAMPLES,
    ids=[f"{number}-{name}" for number, (name, _, _) in enumerate(SAMPLES)],
)


def test_every_command_has_a_sample() -> None:
    assert {type(command) for _, _, command in SAMPLES} == {kind.type for kind in COMMANDS}


@each_sample
def test_both_write_the_same_bytes(name: str, data_set_keyword: str, command: Command) -> None:
    data_set = b"\x08\x00\x52\x00\x00\x00\x00\x00" if data_set_keyword else None
    theirs = b"".join(_their_pdus(name, data_set_keyword, command, data_set))
    assert encode_message(command, 3, data_set, 16_384) == theirs


@each_sample
def test_what_they_write_is_read(name: str, data_set_keyword: str, command: Command) -> None:
    first, *_ = _their_pdus(name, data_set_keyword, command, b"data" if data_set_keyword else None)
    assert decode_command(first[12:]) == (command, bool(data_set_keyword))


@each_sample
def test_what_is_written_they_read(name: str, data_set_keyword: str, command: Command) -> None:
    data_set = b"data" if data_set_keyword else None
    message = dimse_messages.DIMSEMessage()
    for pdu in _split(encode_message(command, 3, data_set, 40)):
        message.decode_msg(_p_data(pdu))
    assert type(message).__name__ == name
    primitive = message.message_to_primitive()
    assert primitive._context_id == 3
    assert {keyword: _plain(getattr(primitive, keyword)) for keyword in _values(command)} == _values(command)
    if data_set_keyword:
        assert getattr(primitive, data_set_keyword).getvalue() == b"data"


def _values(command: Command) -> dict[str, object]:
    """The parameters that have a value, by pynetdicom's keywords."""
    given = {KEYWORDS[field.name]: getattr(command, field.name) for field in fields(command)}
    return {keyword: value for keyword, value in given.items() if value not in (None, ())}


def _plain(value: Any) -> object:  # Any: whatever type pynetdicom gives a parameter
    return tuple(value) if not isinstance(value, str | int) else value


def _their_pdus(name: str, data_set_keyword: str, command: Command, data_set: bytes | None) -> list[bytes]:
    """The P-DATA-TFs that pynetdicom makes of the same primitive."""
    primitive = getattr(dimse_primitives, name.removesuffix("_RQ").removesuffix("_RSP"))()
    for keyword, value in _values(command).items():
        setattr(primitive, keyword, list(value) if isinstance(value, tuple) else value)
    if data_set is not None:
        setattr(primitive, data_set_keyword, BytesIO(data_set))
    message = getattr(dimse_messages, name)()
    message.primitive_to_message(primitive)
    return [_encoded(p_data) for p_data in message.encode_msg(3, 16_384)]


def _encoded(p_data: Any) -> bytes:  # Any: pynetdicom's primitive
    pdu = P_DATA_TF()
    pdu.from_primitive(p_data)
    return bytes(pdu.encode())


def _split(pdus: bytes) -> list[bytes]:
    split = []
    while pdus:
        end = 6 + int.from_bytes(pdus[2:6], "big")
        split.append(pdus[:end])
        pdus = pdus[end:]
    return split


def _p_data(encoded: bytes) -> Any:  # Any: pynetdicom's primitive
    pdu = P_DATA_TF()
    pdu.decode(encoded)
    return pdu.to_primitive()
