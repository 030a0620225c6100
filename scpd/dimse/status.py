"""Every status once: its code and what it means (PS3.7 Annex C; PS3.4 B.2.3, C.4.1-C.4.3; PS3.3 C.14.1.1).

The code alone tells the category, for codes that no table lists too: peers send theirs from the ranges Axxx, Bxxx and
Cxxx. Where two services give one code a meaning of their own, the second name is an alias.
"""

from enum import Enum, IntEnum


class Category(Enum):
    """What a status says about the operation (PS3.7 Annex C)."""

    SUCCESS = "Success"
    PENDING = "Pending"
    WARNING = "Warning"
    FAILURE = "Failure"
    CANCEL = "Cancel"


class Status(IntEnum):
    """Status (0000,0900), and Failure Reason (0008,1197) of a storage commitment."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Status":
        status = int.__new__(cls, code)
        status._value_ = code
        status.meaning = meaning
        return status

    SUCCESS = 0x0000, "Success"
    CANCEL = 0xFE00, "Operation terminated by the requestor's C-CANCEL"
    PENDING = 0xFF00, "Operation continues"
    PENDING_WITH_UNSUPPORTED_KEYS = 0xFF01, "Operation continues; optional keys are not supported as Required Keys are"

    # PS3.7 C.4, warnings of every service
    OPTIONAL_ATTRIBUTES_NOT_SUPPORTED = 0x0001, "Requested optional attributes are not supported"
    ATTRIBUTE_LIST_ERROR = 0x0107, "Attribute list error"
    ATTRIBUTE_VALUE_OUT_OF_RANGE = 0x0116, "Attribute value out of range"

    # PS3.7 C.5, failures of every service
    NO_SUCH_ATTRIBUTE = 0x0105, "No such attribute"
    INVALID_ATTRIBUTE_VALUE = 0x0106, "Invalid attribute value"
    PROCESSING_FAILURE = 0x0110, "Processing failure"
    DUPLICATE_SOP_INSTANCE = 0x0111, "Duplicate SOP Instance"
    NO_SUCH_SOP_INSTANCE = 0x0112, "No such SOP Instance"
    NO_SUCH_EVENT_TYPE = 0x0113, "No such event type"
    NO_SUCH_ARGUMENT = 0x0114, "No such argument"
    INVALID_ARGUMENT_VALUE = 0x0115, "Invalid argument value"
    INVALID_SOP_INSTANCE = 0x0117, "Invalid SOP Instance"
    NO_SUCH_SOP_CLASS = 0x0118, "No such SOP Class"
    CLASS_INSTANCE_CONFLICT = 0x0119, "The SOP Instance is not of that SOP Class"
    MISSING_ATTRIBUTE = 0x0120, "Missing attribute"
    MISSING_ATTRIBUTE_VALUE = 0x0121, "Missing attribute value"
    SOP_CLASS_NOT_SUPPORTED = 0x0122, "Refused: SOP Class not supported"
    NO_SUCH_ACTION = 0x0123, "No such action"
    NOT_AUTHORIZED = 0x0124, "Refused: not authorized"
    DUPLICATE_INVOCATION = 0x0210, "Duplicate invocation"
    UNRECOGNIZED_OPERATION = 0x0211, "Unrecognized operation"
    MISTYPED_ARGUMENT = 0x0212, "Mistyped argument"
    RESOURCE_LIMITATION = 0x0213, "Resource limitation"

    # PS3.3 C.14.1.1, a reason of a failed storage commitment beside those above
    DUPLICATE_TRANSACTION_UID = 0x0131, "Duplicate Transaction UID"

    # PS3.4 B.2.3, C-STORE; A700H, A900H and C000H also PS3.4 C.4.1.1.4, C.4.2.1.5 and C.4.3.1.4, queries
    OUT_OF_RESOURCES = 0xA700, "Refused: out of resources"
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900, "Error: data set does not match SOP Class"
    CANNOT_UNDERSTAND = 0xC000, "Error: cannot understand"
    UNABLE_TO_PROCESS = CANNOT_UNDERSTAND  # C000H as queries call it
    COERCION_OF_DATA_ELEMENTS = 0xB000, "Coercion of data elements; of a retrieve: sub-operations failed or warned"
    ELEMENTS_DISCARDED = 0xB006, "Elements discarded"
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING = 0xB007, "Data set does not match SOP Class"

    # PS3.4 C.4.1.1.4, C-FIND of the repository query model
    INVALID_PRIOR_RECORD_KEY = 0xA710, "Invalid prior record key"
    RESPONSE_LIMIT_REACHED = 0xB001, "Matching reached response limit"

    # PS3.4 C.4.2.1.5 and C.4.3.1.4, C-MOVE and C-GET
    UNABLE_TO_COUNT_MATCHES = 0xA701, "Refused: out of resources, unable to calculate number of matches"
    UNABLE_TO_PERFORM_SUBOPERATIONS = 0xA702, "Refused: out of resources, unable to perform sub-operations"
    MOVE_DESTINATION_UNKNOWN = 0xA801, "Refused: Move Destination unknown"
    NO_REQUESTED_FRAME_FOUND = 0xAA00, "None of the frames requested were found in the SOP Instance"
    UNABLE_TO_CREATE_NEW_OBJECT = 0xAA01, "Unable to create new object for this SOP Class"
    UNABLE_TO_EXTRACT_FRAMES = 0xAA02, "Unable to extract frames"
    TIME_RANGE_WITHOUT_TIME = 0xAA03, "Time-based request received for a non-time-based original SOP Instance"
    INVALID_REQUEST = 0xAA04, "Invalid request"
    SUBOPERATIONS_FAILED = COERCION_OF_DATA_ELEMENTS  # B000H as retrieves call it

    @property
    def category(self) -> Category:
        """Success, Pending, Warning, Failure or Cancel."""
        return category(self)


_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})


def category(status: int) -> Category:
    """The category of any status code (PS3.7 C.1-C.5). What no rule knows is a Failure: never taken for done."""
    if status == Status.SUCCESS:
        return Category.SUCCESS
    if status in (Status.PENDING, Status.PENDING_WITH_UNSUPPORTED_KEYS):
        return Category.PENDING
    if status == Status.CANCEL:
        return Category.CANCEL
    if status in _WARNINGS or status >> 12 == 0xB:
        return Category.WARNING
    return Category.FAILURE


class DimseFailure(Exception):
    """An operation failed: carries the status, the comment and the tags that answer the peer.

    `comment` becomes Error Comment (0000,0902), LO: what is not of the default repertoire is shown as "?", and the
    64 characters it may have are kept. `offending_elements` are the tags at fault, as numbers. A status that is no
    failure is refused with ValueError: no exception may ever be answered as a Success. `quirk` names the switch of a
    peer that would let this pass, for the log.
    """

    def __init__(
        self, status: int, comment: str = "", offending_elements: tuple[int, ...] = (), *, quirk: str = ""
    ) -> None:
        if category(status) is not Category.FAILURE:
            raise ValueError(f"{status:04X}H is no failure")
        super().__init__(f"{status:04X}H {comment}")
        self.status = status
        self.comment = "".join(character if _is_plain(character) else "?" for character in comment[:_COMMENT_MAX])
        self.offending_elements = offending_elements
        self.quirk = quirk


_COMMENT_MAX = 64  # characters of an LO, PS3.5 6.2


def _is_plain(character: str) -> bool:
    """Of ISO 646 G0, less the backslash that would separate values (PS3.5 6.1.2.1, 6.2)."""
    return " " <= character <= "~" and character != "\\"
