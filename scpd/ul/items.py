"""The User Information item and its sub-items (PS3.8 Annex D, PS3.7 D.3.3): one frozen dataclass each.

A sub-item that may be sent once is None when it is absent; those that may be sent once a SOP class are tuples.
UIDs are text without padding; what a peer wrote into them is judged by the negotiation, not here.
"""

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class AsyncOperationsWindow:
    """How many operations may be outstanding, 0 for any number (PS3.7 D.3.3.3). Absent, it means (1, 1)."""

    operations_invoked: int
    operations_performed: int


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """Which roles the requestor proposes to play for a SOP class, or is granted (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """Service-class application information of a SOP class (PS3.7 D.3.3.5); the service class defines the bytes."""

    sop_class_uid: str
    info: bytes


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """The service class and the related general SOP classes of a SOP class (PS3.7 D.3.3.6). Requestors only."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...] = ()


class UserIdentityType(IntEnum):
    """What the primary field holds (PS3.7 Table D.3-14)."""

    USERNAME = 1
    USERNAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JWT = 5


@dataclass(frozen=True, slots=True)
class UserIdentityRQ:
    """Who the requestor's user is (PS3.7 D.3.3.7.1). The fields hold secrets: `repr` does not show them."""

    identity_type: UserIdentityType
    positive_response_requested: bool
    primary_field: bytes
    secondary_field: bytes = b""

    def __repr__(self) -> str:
        return f"UserIdentityRQ({self.identity_type.name})"


@dataclass(frozen=True, slots=True)
class UserIdentityAC:
    """The acceptor's positive response to a user identity (PS3.7 D.3.3.7.2)."""

    server_response: bytes = b""


@dataclass(frozen=True, slots=True)
class UserInformation:
    """Everything the two AEs tell each other about themselves (PS3.8 9.3.2.3, 9.3.3.3).

    `maximum_length` is the longest P-DATA-TF variable field, in bytes, that its sender wants to receive: 0 sets no
    limit, None was not sent (PS3.8 D.1). A UserIdentityRQ is found in a request only, a UserIdentityAC in an answer.
    """

    maximum_length: int | None = None
    implementation_class_uid: str | None = None
    implementation_version_name: str | None = None
    async_operations_window: AsyncOperationsWindow | None = None
    role_selections: tuple[RoleSelection, ...] = ()
    extended_negotiations: tuple[ExtendedNegotiation, ...] = ()
    common_extended_negotiations: tuple[CommonExtendedNegotiation, ...] = ()
    user_identity: UserIdentityRQ | UserIdentityAC | None = None
