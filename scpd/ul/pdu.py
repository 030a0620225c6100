"""The seven PDUs of PS3.8 section 9.3, one frozen dataclass each, and the reasons they give as enums.

What this side may say is limited by its types: a rejection whose reason does not belong to its source cannot be
built. What the peer may say is kept as it came where the negotiation has to judge it (several application contexts,
even context ids, blank AE titles), and refused by the codec where it has no meaning at all.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeAlias

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

__all__ = [
    "Abort",
    "AbortReason",
    "AbortSource",
    "AssociateAC",
    "AssociateRJ",
    "AssociateRQ",
    "AsyncOperationsWindow",
    "CommonExtendedNegotiation",
    "ContextResult",
    "ExtendedNegotiation",
    "PDUType",
    "PDataTF",
    "Pdu",
    "PresentationContextAC",
    "PresentationContextRQ",
    "PresentationDataValue",
    "RejectReason",
    "RejectResult",
    "RejectSource",
    "ReleaseRP",
    "ReleaseRQ",
    "RoleSelection",
    "UserIdentityAC",
    "UserIdentityRQ",
    "UserIdentityType",
    "UserInformation",
]


class PDUType(IntEnum):
    """The first byte of a PDU (PS3.8 9.3.1)."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


@dataclass(frozen=True, slots=True)
class PresentationContextRQ:
    """A proposed abstract syntax with its transfer syntaxes (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


class ContextResult(IntEnum):
    """The answer to a proposed presentation context (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class PresentationContextAC:
    """The answer to one presentation context (PS3.8 9.3.3.2).

    `transfer_syntax` is not significant unless the context is accepted; it is "" where a peer left it out.
    """

    context_id: int
    result: ContextResult
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class AssociateRQ:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2). AE titles are the 16 bytes of the PDU, `reserved` its bytes 43-74."""

    called_ae: bytes
    calling_ae: bytes
    application_contexts: tuple[str, ...]
    presentation_contexts: tuple[PresentationContextRQ, ...]
    user_information: UserInformation
    protocol_version: int = 1
    reserved: bytes = bytes(32)

    @property
    def called_ae_title(self) -> str:
        """The called AE title without its padding: leading and trailing spaces are not significant."""
        return self.called_ae.decode("latin-1").strip(" ")

    @property
    def calling_ae_title(self) -> str:
        """The calling AE title without its padding."""
        return self.calling_ae.decode("latin-1").strip(" ")


@dataclass(frozen=True, slots=True)
class AssociateAC:
    """A-ASSOCIATE-AC (PS3.8 9.3.3). AE titles and `reserved` are those of the request, byte for byte."""

    called_ae: bytes
    calling_ae: bytes
    application_context: str
    presentation_contexts: tuple[PresentationContextAC, ...]
    user_information: UserInformation
    protocol_version: int = 1
    reserved: bytes = bytes(32)


class RejectResult(IntEnum):
    """Whether it makes sense to try again (PS3.8 Table 9-21)."""

    PERMANENT = 1
    TRANSIENT = 2


class RejectSource(IntEnum):
    """Who rejects (PS3.8 Table 9-21)."""

    SERVICE_USER = 1
    ACSE = 2
    PRESENTATION = 3


class RejectReason(Enum):
    """Why an association is rejected: a source together with one of its reasons (PS3.8 Table 9-21)."""

    NO_REASON = (RejectSource.SERVICE_USER, 1)
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = (RejectSource.SERVICE_USER, 2)
    CALLING_AE_TITLE_NOT_RECOGNIZED = (RejectSource.SERVICE_USER, 3)
    CALLED_AE_TITLE_NOT_RECOGNIZED = (RejectSource.SERVICE_USER, 7)
    ACSE_NO_REASON = (RejectSource.ACSE, 1)
    PROTOCOL_VERSION_NOT_SUPPORTED = (RejectSource.ACSE, 2)
    TEMPORARY_CONGESTION = (RejectSource.PRESENTATION, 1)
    LOCAL_LIMIT_EXCEEDED = (RejectSource.PRESENTATION, 2)

    @property
    def source(self) -> RejectSource:
        """The source this reason belongs to."""
        return self.value[0]

    @property
    def code(self) -> int:
        """The reason as it stands in the PDU; it means something together with the source only."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: RejectResult
    reason: RejectReason


@dataclass(frozen=True, slots=True)
class PresentationDataValue:
    """A fragment of a command or of a data set (PS3.8 9.3.5.1, Annex E)."""

    context_id: int
    is_command: bool
    is_last: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class PDataTF:
    """P-DATA-TF (PS3.8 9.3.5), to be sent. Received ones are never whole: see `DataIndication`."""

    values: tuple[PresentationDataValue, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP (PS3.8 9.3.7)."""


class AbortSource(IntEnum):
    """Who aborts (PS3.8 Table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


class AbortReason(IntEnum):
    """Why the service-provider aborts; not significant from a service-user (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8). Both are plain numbers: one received with values that mean nothing is an abort too."""

    source: int
    reason: int


Pdu: TypeAlias = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort
