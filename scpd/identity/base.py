"""User identities (PS3.7 D.3.3.7): what a peer claims, what a verifier says to it, and what a verifier is.

A package registers a verifier in the entry-point group `scpd.identity_verifiers`: a callable that takes the options of
`[identity.options]` and returns a `Verifier`. It answers for its options: what it cannot use is a ValueError that
names the option.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from scpd.ul.items import UserIdentityType


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a peer says its user is. The fields hold secrets: `repr` does not show them.

    `primary` is the user name (UTF-8), the Kerberos ticket, the SAML assertion or the JSON web token; `secondary` the
    passcode (UTF-8), or b"". `ae_title` and `address` are those of the caller.
    """

    type: UserIdentityType
    primary: bytes
    secondary: bytes
    ae_title: str
    address: str

    def __repr__(self) -> str:
        return f"Claim({self.type.name}, ae_title={self.ae_title!r}, address={self.address!r})"


@dataclass(frozen=True, slots=True)
class Verified:
    """The claim is true. `user` is logged; `server_response` is sent where the peer asked for one.

    The response is empty for user names and passcodes, else what PS3.7 Table D.3-15 says for the type.
    """

    user: str
    server_response: bytes = b""


@dataclass(frozen=True, slots=True)
class Refused:
    """The claim is wrong: the association is rejected. `reason` is logged and must not repeat what was claimed."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotJudged:
    """The claim is of a kind that this verifier cannot judge: the association is rejected where one is required."""

    reason: str


Verdict: TypeAlias = Verified | Refused | NotJudged


class Verifier(Protocol):
    """Verifies user identities. What takes its time must not block the event loop."""

    async def verify(self, claim: Claim) -> Verdict:
        """Judges a claim. May be cancelled; what it raises makes the peer try again later."""
        ...
