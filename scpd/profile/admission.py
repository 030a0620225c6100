"""Who may associate: the rules that reject an A-ASSOCIATE-RQ, in the order of its fields (PS3.8 9.3.2, 9.3.4).

A rule is a function from a `Call` to a `Rejected`, or to None when it has nothing against it; `RULES` is their order.
A later rule may rely on what the earlier ones let through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scpd.profile import explain
from scpd.profile.audit import Audit
from scpd.profile.certificate import PeerCertificate
from scpd.profile.explain import Explanation
from scpd.profile.profile import Peer, Profile, is_ae_title, read_address, undeclared_peer
from scpd.profile.quirks import Quirk
from scpd.ul.pdu import AssociateRJ, AssociateRQ, RejectReason, RejectResult

DICOM_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

MAXIMUM_LENGTH_FLOOR_BYTES = 8
"""A PDV's length, context ID and control header take 6 bytes; an even fragment takes at least two more."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The association is rejected with `reject`; `silently`, the connection is closed without saying so.

    `audit` is set where the reason is who calls, and not what was asked.
    """

    reject: AssociateRJ
    explanation: Explanation
    silently: bool = False
    audit: Audit | None = None


class Call:
    """A request, the profile it is held against, and the peers that it may have come from.

    `namesakes` have the calling AE title, `neighbours` may also call from the address, and `peer` may also call us
    by the called AE title, which is in our own spelling where its case does not matter.
    """

    def __init__(
        self, request: AssociateRQ, profile: Profile, peer_address: str, certificate: PeerCertificate | None
    ) -> None:
        self.request = request
        self.profile = profile
        self.certificate = certificate
        self.address = read_address(peer_address)
        self.calling = request.calling_ae_title
        self.namesakes = self._namesakes()
        self.neighbours = [peer for peer in self.namesakes if peer.may_call_from(self.address)]
        self.called = self._called()
        self.peer = next((peer for peer in reversed(self.neighbours) if peer.may_call(self.called)), None)

    def _namesakes(self) -> Sequence[Peer]:
        if not is_ae_title(self.calling):
            nameless = (peer for peer in self.profile.peers if Quirk.BLANK_CALLING_AE_TITLE in peer.quirks)
            return [peer for peer in nameless if peer.may_call_from(self.address)]
        if not self.profile.peers:
            return (undeclared_peer(self.calling),)
        return [peer for peer in self.profile.peers if self._is_called(peer)]

    def _is_called(self, peer: Peer) -> bool:
        """Whether the calling AE title is the peer's. Case counts (PS3.5 6.2), unless it is told not to."""
        if peer.ae_title == self.calling:
            return True
        return self._ignores_case(peer) and peer.ae_title.lower() == self.calling.lower()

    def _called(self) -> str:
        called = self.request.called_ae_title
        if called not in self.profile.ae_titles and any(map(self._ignores_case, self.neighbours)):
            return next((title for title in self.profile.ae_titles if title.lower() == called.lower()), called)
        return called

    def _ignores_case(self, peer: Peer) -> bool:
        return not self.profile.ae_case_sensitive or Quirk.AE_CASE_INSENSITIVE in peer.quirks


def application_context(call: Call) -> Rejected | None:
    """Exactly one, and DICOM's (PS3.7 A.2.1)."""
    names = call.request.application_contexts
    if names == (DICOM_APPLICATION_CONTEXT,):
        return None
    explanation = explain.application_context(names, DICOM_APPLICATION_CONTEXT)
    return _rejected(RejectReason.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED, explanation)


def called_ae_title(call: Call) -> Rejected | None:
    """One of ours (PS3.8 7.1.1.4). A title that is illegal is nobody's."""
    if call.called in call.profile.ae_titles:
        return None
    explanation = explain.called_ae_title(call.called, call.profile)
    return _rejected(RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED, explanation)


def calling_ae_title(call: Call) -> Rejected | None:
    """A declared peer's (PS3.8 7.1.1.3); with no peer declared, any legal one."""
    if call.namesakes:
        return None
    explanation = explain.calling_ae_title(call.calling, call.address, call.certificate, call.profile)
    return _rejected(RejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED, explanation, Audit.NODE_AUTHENTICATION)


def address(call: Call) -> Rejected | None:
    """One that the peer may call from; with no peer declared, a loopback address."""
    if call.neighbours:
        return None
    explanation = explain.address(call.called, call.address, call.namesakes, call.profile)
    return _rejected(RejectReason.NO_REASON, explanation, Audit.NODE_AUTHENTICATION)


def called_by_peer(call: Call) -> Rejected | None:
    """A title of ours that this peer may call."""
    if call.peer is not None:
        return None
    explanation = explain.called_by_peer(call.called, call.address, call.neighbours[-1])
    return _rejected(RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED, explanation)


def certificate(call: Call) -> Rejected | None:
    """One that is bound to the peer: the title only says who calls, the certificate proves it (PS3.15 B.12)."""
    assert call.peer is not None  # the rules before saw to it
    if not call.profile.peers or call.peer.may_call_with(call.certificate):
        return None
    explanation = explain.certificate(call.peer, call.address, call.certificate)
    return _rejected(RejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED, explanation, Audit.NODE_AUTHENTICATION)


def maximum_length(call: Call) -> Rejected | None:
    """Absent or 0 is unlimited (PS3.8 D.1); below 8 bytes nothing could ever be answered."""
    length_bytes = call.request.user_information.maximum_length
    if not length_bytes or length_bytes >= MAXIMUM_LENGTH_FLOOR_BYTES:
        return None
    return _rejected(RejectReason.NO_REASON, explain.maximum_length(length_bytes))


def number_of_contexts(call: Call) -> Rejected | None:
    """One or more (PS3.8 9.3.2), and no more than the limit."""
    count = len(call.request.presentation_contexts)
    if 1 <= count <= call.profile.contexts_max:
        return None
    return _rejected(RejectReason.NO_REASON, explain.number_of_contexts(count, call.profile))


def user_identity(call: Call) -> Rejected | None:
    """One is given where one is required (PS3.7 D.3.3.7). Whether it is true is not known here."""
    assert call.peer is not None  # the rules before saw to it
    if call.request.user_information.user_identity is not None or not call.profile.requires_identity_of(call.peer):
        return None
    return _rejected(RejectReason.ACSE_NO_REASON, explain.user_identity(), Audit.LOGIN)


RULES: Sequence[Callable[[Call], Rejected | None]] = (
    application_context,
    called_ae_title,
    calling_ae_title,
    address,
    called_by_peer,
    certificate,
    maximum_length,
    number_of_contexts,
    user_identity,
)


def _rejected(reason: RejectReason, explanation: Explanation, audit: Audit | None = None) -> Rejected:
    return Rejected(AssociateRJ(RejectResult.PERMANENT, reason), explanation, audit=audit)
