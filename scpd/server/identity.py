"""The user identity of a request (PS3.7 D.3.3.7): asks the verifier, and turns what it says into an answer.

A wrong identity is rejected for good, with a reason that tells nobody why (A55). A verifier that is not there, or
breaks, is no fault of the peer: it may try again. A positive response is sent to who asked for one, and only when the
identity is verified. What was claimed is never logged; who was verified is.
"""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from structlog.typing import FilteringBoundLogger

from scpd.identity.base import Claim, NotJudged, Refused, Verdict, Verified, Verifier
from scpd.profile.negotiation import Accepted, confirmed
from scpd.ul.pdu import AssociateAC, AssociateRJ, RejectReason, RejectResult, UserIdentityRQ

REFUSED = AssociateRJ(RejectResult.PERMANENT, RejectReason.ACSE_NO_REASON)
TRY_AGAIN = AssociateRJ(RejectResult.TRANSIENT, RejectReason.TEMPORARY_CONGESTION)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There is no verdict. The peer may try again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Identified:
    """The association may be accepted with `accept`. `user` is "" where nobody was verified, and `remark` says why."""

    accept: AssociateAC
    user: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class NotIdentified:
    """The association is rejected."""

    reject: AssociateRJ
    reason: str


Identification: TypeAlias = Identified | NotIdentified


async def judge(
    verifier: Verifier | None, claim: Claim, timeout_seconds: float, log: FilteringBoundLogger
) -> Verdict | Unavailable:
    """What the verifier says, if there is one and it says anything in time."""
    if verifier is None:
        return NotJudged("no verifier is configured")
    try:
        async with asyncio.timeout(timeout_seconds):
            return await verifier.verify(claim)
    except TimeoutError:
        return Unavailable(f"the verifier of user identities did not answer within {timeout_seconds:g} s")
    except Exception:  # of a verifier that others wrote: whatever it raises, nobody gets in
        log.exception("the verifier of user identities failed")
        return Unavailable("the verifier of user identities failed")


def identify(
    claimed: UserIdentityRQ, verdict: Verdict | Unavailable, decision: Accepted, *, is_required: bool
) -> Identification:
    """The answer to a request that is acceptable but for the identity that was claimed in it."""
    match verdict:
        case Verified(user, response) if claimed.positive_response_requested:
            return Identified(confirmed(decision.accept, response), user)
        case Verified(user):
            return Identified(decision.accept, user)
        case NotJudged(reason) if not is_required:
            return Identified(decision.accept, remark=f"user identity not verified: {reason}")
        case Refused(reason) | NotJudged(reason):
            return NotIdentified(REFUSED, f"user identity refused: {reason}")
        case Unavailable(reason):
            return NotIdentified(TRY_AGAIN, reason)
