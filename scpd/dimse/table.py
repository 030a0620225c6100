"""Everything the codec knows about commands, as two tables (PS3.7 Annex E). Data only, to be proofread.

`ELEMENTS` says once how a parameter is written; `COMMANDS` says once which Command Field a dataclass has and
whether a data set follows it. The dataclass itself says which parameters it has. A new command is a dataclass
in `command.py` and a line here.
"""

from dataclasses import dataclass
from enum import Enum

from scpd.dimse import command as words
from scpd.dimse.command import Command

GROUP_LENGTH = 0x0000
COMMAND_FIELD = 0x0100
DATA_SET_TYPE = 0x0800

NO_DATA_SET = 0x0101
"""The only Command Data Set Type that means "no data set"; any other value means one follows (PS3.7 9.3)."""


class VR(Enum):
    """The value representations that occur in command sets (PS3.7 Table E.1-1)."""

    AE = "AE"
    AT = "AT"
    LO = "LO"
    UI = "UI"
    US = "US"


@dataclass(frozen=True, slots=True)
class Element:
    """How a parameter is written: (0000,`number`) with `vr`. Without a `vital` one nobody could be answered."""

    number: int
    vr: VR
    vital: bool = False


class DataSet(Enum):
    """Whether a data set follows a command."""

    NEVER = "never"
    OPTIONAL = "optional"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Kind:
    """A line of `COMMANDS`."""

    command_field: int
    type: type[Command]
    data_set: DataSet


ELEMENTS: dict[str, Element] = {
    "affected_sop_class_uid": Element(0x0002, VR.UI),
    "requested_sop_class_uid": Element(0x0003, VR.UI),
    "message_id": Element(0x0110, VR.US, vital=True),
    "message_id_being_responded_to": Element(0x0120, VR.US, vital=True),
    "move_destination": Element(0x0600, VR.AE),
    "priority": Element(0x0700, VR.US),
    "status": Element(0x0900, VR.US, vital=True),
    "offending_elements": Element(0x0901, VR.AT),
    "error_comment": Element(0x0902, VR.LO),
    "error_id": Element(0x0903, VR.US),
    "affected_sop_instance_uid": Element(0x1000, VR.UI),
    "requested_sop_instance_uid": Element(0x1001, VR.UI),
    "event_type_id": Element(0x1002, VR.US),
    "attribute_identifiers": Element(0x1005, VR.AT),
    "action_type_id": Element(0x1008, VR.US),
    "remaining_suboperations": Element(0x1020, VR.US),
    "completed_suboperations": Element(0x1021, VR.US),
    "failed_suboperations": Element(0x1022, VR.US),
    "warning_suboperations": Element(0x1023, VR.US),
    "move_originator_ae_title": Element(0x1030, VR.AE),
    "move_originator_message_id": Element(0x1031, VR.US),
}

COMMANDS: tuple[Kind, ...] = (
    Kind(0x0001, words.CStoreRQ, DataSet.ALWAYS),
    Kind(0x8001, words.CStoreRSP, DataSet.NEVER),
    Kind(0x0010, words.CGetRQ, DataSet.ALWAYS),
    Kind(0x8010, words.CGetRSP, DataSet.OPTIONAL),
    Kind(0x0020, words.CFindRQ, DataSet.ALWAYS),
    Kind(0x8020, words.CFindRSP, DataSet.OPTIONAL),
    Kind(0x0021, words.CMoveRQ, DataSet.ALWAYS),
    Kind(0x8021, words.CMoveRSP, DataSet.OPTIONAL),
    Kind(0x0030, words.CEchoRQ, DataSet.NEVER),
    Kind(0x8030, words.CEchoRSP, DataSet.NEVER),
    Kind(0x0FFF, words.CCancelRQ, DataSet.NEVER),
    Kind(0x0100, words.NEventReportRQ, DataSet.OPTIONAL),
    Kind(0x8100, words.NEventReportRSP, DataSet.OPTIONAL),
    Kind(0x0110, words.NGetRQ, DataSet.NEVER),
    Kind(0x8110, words.NGetRSP, DataSet.OPTIONAL),
    Kind(0x0120, words.NSetRQ, DataSet.ALWAYS),
    Kind(0x8120, words.NSetRSP, DataSet.OPTIONAL),
    Kind(0x0130, words.NActionRQ, DataSet.OPTIONAL),
    Kind(0x8130, words.NActionRSP, DataSet.OPTIONAL),
    Kind(0x0140, words.NCreateRQ, DataSet.OPTIONAL),
    Kind(0x8140, words.NCreateRSP, DataSet.OPTIONAL),
    Kind(0x0150, words.NDeleteRQ, DataSet.NEVER),
    Kind(0x8150, words.NDeleteRSP, DataSet.NEVER),
)

DATA_SET_OF: dict[type[Command], DataSet] = {kind.type: kind.data_set for kind in COMMANDS}
