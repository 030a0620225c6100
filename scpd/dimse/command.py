"""The words of DIMSE: one dataclass a command, listing its parameters and nothing of their encoding (PS3.7 9.3, 10.3).

UIDs and AE titles are the peer's text without padding: they may be invalid, and the service judges them. A parameter
without a default is mandatory; where a peer left one out it is "" or 0, which no service accepts either. An absent
optional parameter is None, or () for a list of tags. How all this is written is in `table.py`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class Priority(IntEnum):
    """Priority (0000,0700). Peers send other numbers too; they are kept and mean nothing here."""

    MEDIUM = 0x0000
    HIGH = 0x0001
    LOW = 0x0002


@dataclass(frozen=True, slots=True)
class CStoreRQ:
    """PS3.7 9.3.1.1. The data set is the object; the move originator names the C-MOVE this is part of."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    priority: int = Priority.MEDIUM
    move_originator_ae_title: str | None = None
    move_originator_message_id: int | None = None


@dataclass(frozen=True, slots=True)
class CStoreRSP:
    """PS3.7 9.3.1.2."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    error_comment: str | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CFindRQ:
    """PS3.7 9.3.2.1. The data set is the Identifier."""

    message_id: int
    affected_sop_class_uid: str
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True)
class CFindRSP:
    """PS3.7 9.3.2.2. Pending responses carry an Identifier, the final one does not."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    status: int
    error_comment: str | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CGetRQ:
    """PS3.7 9.3.3.1. The data set is the Identifier."""

    message_id: int
    affected_sop_class_uid: str
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True)
class CGetRSP:
    """PS3.7 9.3.3.2. A data set, if any, holds the Failed SOP Instance UID List."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    status: int
    remaining_suboperations: int | None = None
    completed_suboperations: int | None = None
    failed_suboperations: int | None = None
    warning_suboperations: int | None = None
    error_comment: str | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CMoveRQ:
    """PS3.7 9.3.4.1. The data set is the Identifier."""

    message_id: int
    affected_sop_class_uid: str
    move_destination: str
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True)
class CMoveRSP:
    """PS3.7 9.3.4.2. A data set, if any, holds the Failed SOP Instance UID List."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    status: int
    remaining_suboperations: int | None = None
    completed_suboperations: int | None = None
    failed_suboperations: int | None = None
    warning_suboperations: int | None = None
    error_comment: str | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CEchoRQ:
    """PS3.7 9.3.5.1."""

    message_id: int
    affected_sop_class_uid: str


@dataclass(frozen=True, slots=True)
class CEchoRSP:
    """PS3.7 9.3.5.2."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    status: int
    error_comment: str | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CCancelRQ:
    """C-CANCEL of a C-FIND, C-GET or C-MOVE (PS3.7 9.3.2.3, 9.3.3.3, 9.3.4.3). It is never answered."""

    message_id_being_responded_to: int


@dataclass(frozen=True, slots=True)
class NEventReportRQ:
    """PS3.7 10.3.1.1. A data set, if any, is the Event Information."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    event_type_id: int


@dataclass(frozen=True, slots=True)
class NEventReportRSP:
    """PS3.7 10.3.1.2. A data set, if any, is the Event Reply."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    event_type_id: int | None = None
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NGetRQ:
    """PS3.7 10.3.2.1. No attribute identifier asks for every attribute."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    attribute_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NGetRSP:
    """PS3.7 10.3.2.2. A data set, if any, is the Attribute List."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    attribute_identifiers: tuple[int, ...] = ()
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NSetRQ:
    """PS3.7 10.3.3.1. The data set is the Modification List."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class NSetRSP:
    """PS3.7 10.3.3.2. A data set, if any, is the Attribute List."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    attribute_identifiers: tuple[int, ...] = ()
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NActionRQ:
    """PS3.7 10.3.4.1. A data set, if any, is the Action Information."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str
    action_type_id: int


@dataclass(frozen=True, slots=True)
class NActionRSP:
    """PS3.7 10.3.4.2. A data set, if any, is the Action Reply."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    action_type_id: int | None = None
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NCreateRQ:
    """PS3.7 10.3.5.1. Without an instance UID the SCP assigns one. A data set, if any, is the Attribute List."""

    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str | None = None


@dataclass(frozen=True, slots=True)
class NCreateRSP:
    """PS3.7 10.3.5.2. A data set, if any, is the Attribute List."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    status: int
    affected_sop_instance_uid: str | None = None
    attribute_identifiers: tuple[int, ...] = ()
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NDeleteRQ:
    """PS3.7 10.3.6.1."""

    message_id: int
    requested_sop_class_uid: str
    requested_sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class NDeleteRSP:
    """PS3.7 10.3.6.2."""

    message_id_being_responded_to: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    status: int
    error_comment: str | None = None
    error_id: int | None = None
    offending_elements: tuple[int, ...] = ()


CompositeRequest: TypeAlias = CStoreRQ | CFindRQ | CGetRQ | CMoveRQ | CEchoRQ
CompositeResponse: TypeAlias = CStoreRSP | CFindRSP | CGetRSP | CMoveRSP | CEchoRSP
NormalizedRequest: TypeAlias = NEventReportRQ | NGetRQ | NSetRQ | NActionRQ | NCreateRQ | NDeleteRQ
NormalizedResponse: TypeAlias = NEventReportRSP | NGetRSP | NSetRSP | NActionRSP | NCreateRSP | NDeleteRSP
Request: TypeAlias = CompositeRequest | NormalizedRequest
Response: TypeAlias = CompositeResponse | NormalizedResponse
Command: TypeAlias = Request | Response | CCancelRQ
