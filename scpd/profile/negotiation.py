"""Answers an A-ASSOCIATE-RQ: one pure function, one rule a helper, in the Standard's order (PS3.8 7.1.1).

The rules of `admission` may reject the association; whatever passes them is accepted, with a result for every
presentation context. An association whose contexts are all refused is accepted too (PS3.8 7.1.1.14): the results tell
the peer why, and a rejection would not; there is a quirk for peers that take it for a success. What a peer may do with
its contexts is not decided here: an operation that is not permitted is answered 0124H when it is asked for, which says
more than a refused context. The Protocol Version is checked before this, by the upper layer.

What is left out of the answer, and what that says: the asynchronous operations window (absent means one operation at
a time, PS3.7 D.3.3.3) and SOP Class Common Extended Negotiation (nothing to answer, D.3.3.6). Whether a user identity
is true takes a verifier, which may be slow: who asks one adds what it says by `confirmed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from scpd import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scpd.profile import explain
from scpd.profile.admission import DICOM_APPLICATION_CONTEXT, RULES, Call, Rejected
from scpd.profile.certificate import PeerCertificate
from scpd.profile.dictionary import ServiceName
from scpd.profile.explain import ContextExplainer, Explanation
from scpd.profile.profile import FindExtension, Offer, Offers, Peer, Profile, Role
from scpd.profile.quirks import Quirk
from scpd.ul.pdu import (
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    ExtendedNegotiation,
    PresentationContextAC,
    PresentationContextRQ,
    RejectReason,
    RejectResult,
    RoleSelection,
    UserIdentityAC,
    UserInformation,
)

__all__ = [
    "Accepted",
    "AcceptedContext",
    "Rejected",
    "confirmed",
    "negotiate",
]

NOT_LIKE_THIS = AssociateRJ(RejectResult.PERMANENT, RejectReason.NO_REASON)
DEFAULT_TRANSFER_SYNTAX = "1.2.840.10008.1.2"

"""Of this release; at most 16 characters."""


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context in use.

    The roles are the peer's, as both sides agreed on them; `extensions` is the matching that the peer asked for and
    that C-FIND will do.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    service: ServiceName
    peer_is_scu: bool = True
    peer_is_scp: bool = False
    extensions: frozenset[FindExtension] = frozenset()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The association is accepted with `accept`.

    `peer` is the declaration that let the caller in, `contexts` the accepted ones by ID; `refused` explains the
    others, and `remarks` name what was tolerated though the Standard forbids it.
    """

    accept: AssociateAC
    peer: Peer
    contexts: Mapping[int, AcceptedContext]
    refused: tuple[Explanation, ...] = ()
    remarks: tuple[str, ...] = ()


class Refused(NamedTuple):
    """A presentation context is not accepted."""

    result: ContextResult
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Terms:
    """What every presentation context of one association is held against.

    `roles` and `wishes` are the requestor's role selections and extended negotiations, by SOP class.
    """

    peer: Peer
    offers: Offers
    roles: Mapping[str, RoleSelection]
    wishes: Mapping[str, ExtendedNegotiation]
    find_extensions: frozenset[FindExtension]
    explain: ContextExplainer


def negotiate(
    request: AssociateRQ, profile: Profile, peer_address: str, certificate: PeerCertificate | None = None
) -> Accepted | Rejected:
    """The answer of `profile` to `request` from `peer_address`, an IP address as text. A value, whatever is asked.

    `certificate` is the one that the peer proved to hold, None where none was asked for: without TLS, for example.
    """
    call = Call(request, profile, peer_address, certificate)
    for rule in RULES:
        rejected = rule(call)
        if rejected is not None:
            return replace(rejected, silently=profile.unknown_are_closed and not call.neighbours)
    assert call.peer is not None  # the rules saw to it
    accepted = _accept(request, _terms(call, call.peer), profile.pdu_bytes_max)
    if not accepted.contexts and Quirk.REJECT_WITHOUT_CONTEXTS in call.peer.quirks:
        return Rejected(NOT_LIKE_THIS, explain.no_context(accepted.refused))
    return accepted


def confirmed(accept: AssociateAC, server_response: bytes) -> AssociateAC:
    """The same answer with a positive response to the user identity (PS3.7 D.3.3.7.2)."""
    identity = UserIdentityAC(server_response)
    return replace(accept, user_information=replace(accept.user_information, user_identity=identity))


def _terms(call: Call, peer: Peer) -> Terms:
    asked, profile = call.request.user_information, call.profile
    return Terms(
        peer=peer,
        offers=profile.offers_to(peer),
        # Of two for one SOP class the first counts; the second is nowhere given a meaning.
        roles={item.sop_class_uid: item for item in reversed(asked.role_selections)},
        wishes={item.sop_class_uid: item for item in reversed(asked.extended_negotiations)},
        find_extensions=profile.find_extensions,
        explain=ContextExplainer(profile, peer, call.address),
    )


def _accept(request: AssociateRQ, terms: Terms, pdu_bytes_max: int) -> Accepted:
    contexts: dict[int, AcceptedContext] = {}
    refused: list[Explanation] = []
    answers: list[PresentationContextAC] = []
    for proposed in request.presentation_contexts:
        number, answer = proposed.context_id, _answer(proposed, terms)
        if isinstance(answer, AcceptedContext):
            contexts[number] = answer
            answers.append(PresentationContextAC(number, ContextResult.ACCEPTANCE, answer.transfer_syntax))
        else:
            refused.append(answer.explanation)
            # The transfer syntax is not significant (PS3.8 9.3.3.2), but some peers miss it when it is not there.
            answers.append(PresentationContextAC(number, answer.result, DEFAULT_TRANSFER_SYNTAX))
    accept = AssociateAC(
        called_ae=request.called_ae,
        calling_ae=request.calling_ae,
        application_context=DICOM_APPLICATION_CONTEXT,
        presentation_contexts=tuple(answers),
        user_information=_user_information(contexts, terms, pdu_bytes_max),
        reserved=request.reserved,
    )
    return Accepted(accept, terms.peer, contexts, tuple(refused), _remarks(request))


# -- presentation contexts -------------------------------------------------------------------------------------


def _answer(proposed: PresentationContextRQ, terms: Terms) -> AcceptedContext | Refused:
    """The rules for one presentation context, in order (PS3.8 9.3.3.2)."""
    number, uid, syntaxes = proposed.context_id, proposed.abstract_syntax, proposed.transfer_syntaxes
    if number % 2 == 0:
        return Refused(ContextResult.NO_REASON, terms.explain.even_id(number))
    offer = terms.offers.of(uid)
    if offer is None:
        return Refused(ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, terms.explain.abstract_syntax(number, uid))
    syntax = _preferred(syntaxes, offer)
    if syntax is None:
        explanation = terms.explain.transfer_syntaxes(number, uid, syntaxes, offer)
        return Refused(ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, explanation)
    scu, scp = _peer_roles(terms.roles.get(uid), offer.roles)
    if not (scu or scp):
        return Refused(ContextResult.USER_REJECTION, terms.explain.roles(number, uid, offer.service))
    return AcceptedContext(number, uid, syntax, offer.service, scu, scp, _extensions(uid, offer, terms))


def _preferred(syntaxes: tuple[str, ...], offer: Offer) -> str | None:
    """Of the proposed transfer syntaxes, the one the profile likes best."""
    ranks = offer.ranks
    return min((syntax for syntax in syntaxes if syntax in ranks), key=ranks.__getitem__, default=None)


def _peer_roles(asked: RoleSelection | None, ours: frozenset[Role]) -> tuple[bool, bool]:
    """Whether the peer is SCU and SCP: of what it asked for, what fits our roles (PS3.7 D.3.3.4).

    Where nothing was asked or nothing fits, no role selection is answered and the default counts: the peer is SCU.
    """
    scu = asked is not None and asked.scu and Role.SCP in ours
    scp = asked is not None and asked.scp and Role.SCU in ours
    return (scu, scp) if scu or scp else (Role.SCP in ours, False)


def _extensions(uid: str, offer: Offer, terms: Terms) -> frozenset[FindExtension]:
    wish = terms.wishes.get(uid)
    if wish is None or offer.service is not ServiceName.FIND:
        return frozenset()
    return frozenset(ext for ext in terms.find_extensions if wish.info[ext : ext + 1] == b"\x01")


# -- user information ------------------------------------------------------------------------------------------


def _user_information(contexts: Mapping[int, AcceptedContext], terms: Terms, pdu_bytes_max: int) -> UserInformation:
    accepted = {context.abstract_syntax: context for context in contexts.values()}
    return UserInformation(
        maximum_length=pdu_bytes_max,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        role_selections=tuple(
            RoleSelection(uid, context.peer_is_scu, context.peer_is_scp)
            for uid, context in accepted.items()
            if _is_granted(terms.roles.get(uid), context)
        ),
        extended_negotiations=tuple(
            ExtendedNegotiation(uid, _application_information(terms.wishes[uid], context))
            for uid, context in accepted.items()
            if uid in terms.wishes and context.service is ServiceName.FIND
        ),
    )


def _is_granted(asked: RoleSelection | None, context: AcceptedContext) -> bool:
    """Whether the roles are ones that were asked for; a role never proposed must not be answered (PS3.7 D.3.3.4.2)."""
    return asked is not None and ((asked.scu and context.peer_is_scu) or (asked.scp and context.peer_is_scp))


def _application_information(wish: ExtendedNegotiation, context: AcceptedContext) -> bytes:
    """A byte of 0 or 1 for each that was asked about and that the Standard defines (PS3.4 Table C.5-2)."""
    asked = len(wish.info)
    return bytes(extension in context.extensions for extension in FindExtension if extension < asked)


def _remarks(request: AssociateRQ) -> tuple[str, ...]:
    if request.user_information.maximum_length is None:
        return ("no Maximum Length was sent: taken as unlimited (PS3.8 D.1)",)
    return ()
