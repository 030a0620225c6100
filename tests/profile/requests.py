"""A-ASSOCIATE-RQs as peers send them, for the tests of this room."""

from dataclasses import replace

from scpd.profile.certificate import PeerCertificate
from scpd.profile.negotiation import Accepted, Rejected, negotiate
from scpd.profile.profile import Profile
from scpd.ul.pdu import (
    AssociateRQ,
    ContextResult,
    ExtendedNegotiation,
    PresentationContextRQ,
    RejectReason,
    RoleSelection,
    UserInformation,
)

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
PRIVATE = "1.3.12.2.1107.5.9.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
MPEG4 = "1.2.840.10008.1.2.4.102"
XML = "1.2.840.10008.1.2.6.2"

ECHO = PresentationContextRQ(1, VERIFICATION, (IMPLICIT,))
LOOPBACK = "127.0.0.1"


def padded(title: str) -> bytes:
    """An AE title as it stands in a PDU."""
    return title.encode("latin-1").ljust(16)


def request(
    *contexts: PresentationContextRQ,
    called: str = "SCPD",
    calling: str = "CT1",
    roles: tuple[RoleSelection, ...] = (),
    extended: tuple[ExtendedNegotiation, ...] = (),
) -> AssociateRQ:
    """A good request; by default it proposes Verification."""
    information = UserInformation(
        maximum_length=16384,
        implementation_class_uid="1.2.3",
        role_selections=roles,
        extended_negotiations=extended,
    )
    return AssociateRQ(padded(called), padded(calling), ("1.2.840.10008.3.1.1.1",), contexts or (ECHO,), information)


def informed(information: UserInformation) -> AssociateRQ:
    """A good request with other user information."""
    return replace(request(), user_information=information)


def accepted(
    asked: AssociateRQ,
    profile: Profile | None = None,
    address: str = LOOPBACK,
    certificate: PeerCertificate | None = None,
) -> Accepted:
    """The acceptance of a request that is accepted."""
    answer = negotiate(asked, profile or DEFAULT, address, certificate)
    assert isinstance(answer, Accepted), answer
    return answer


def rejected(
    asked: AssociateRQ,
    profile: Profile | None = None,
    address: str = LOOPBACK,
    certificate: PeerCertificate | None = None,
) -> Rejected:
    """The rejection of a request that is rejected."""
    answer = negotiate(asked, profile or DEFAULT, address, certificate)
    assert isinstance(answer, Rejected), answer
    return answer


def reason(asked: AssociateRQ, profile: Profile | None = None, address: str = LOOPBACK) -> RejectReason:
    """Why a request is rejected."""
    return rejected(asked, profile, address).reject.reason


def result(context: PresentationContextRQ, profile: Profile | None = None) -> ContextResult:
    """The result of one presentation context."""
    [answer] = accepted(request(context), profile).accept.presentation_contexts
    return answer.result


def chosen(*syntaxes: str, sop_class: str = CT, profile: Profile | None = None) -> str:
    """The transfer syntax that is accepted out of several."""
    answer = accepted(request(PresentationContextRQ(1, sop_class, syntaxes)), profile)
    return answer.contexts[1].transfer_syntax


DEFAULT = Profile()
