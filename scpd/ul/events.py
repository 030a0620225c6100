"""What a `Connection` tells its owner: the indications and confirmations of PS3.8 section 7.

A list of them comes back from every input. `DataIndication` is a tuple and not a dataclass because it is made for
every piece of P-DATA, and a frozen dataclass costs more than twice as much to make.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from scpd.ul.pdu import AssociateAC, AssociateRJ, AssociateRQ


@dataclass(frozen=True, slots=True)
class AssociateIndication:
    """The peer asks for an association: `accept` or `reject` it (PS3.8 7.1)."""

    request: AssociateRQ


@dataclass(frozen=True, slots=True)
class AssociateConfirmation:
    """The peer accepted our request; P-DATA may be sent on the accepted presentation contexts (PS3.8 7.1)."""

    accept: AssociateAC


@dataclass(frozen=True, slots=True)
class AssociateRejection:
    """The peer rejected our request; the transport is to be closed (PS3.8 7.1)."""

    reject: AssociateRJ


class DataIndication(NamedTuple):
    """The next piece of a fragment (PS3.8 7.6, Annex E), as much of it as has arrived; empty where a fragment is.

    `data` is a view of the buffer given to `receive_data`: it is good until the owner of that buffer reuses it.
    `is_command` tells a command from a data set. `ends_fragment`: no more of this PDV follows. `is_last`: this piece
    ends the last fragment of its command or data set.
    """

    context_id: int
    is_command: bool
    data: memoryview
    ends_fragment: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class ReleaseIndication:
    """The peer wants to release: `accept_release` as soon as `can_accept_release` (PS3.8 7.2).

    In a release collision the acceptor may not answer before its own release is confirmed.
    """


@dataclass(frozen=True, slots=True)
class ReleaseConfirmation:
    """The peer agreed to our release (PS3.8 7.2)."""


@dataclass(frozen=True, slots=True)
class AbortIndication:
    """The association is over: the peer's A-ABORT, or one of our own that its protocol error caused (PS3.8 7.3, 7.4).

    `source` and `reason` stand as they are in the A-ABORT PDU; a peer may have sent values that mean nothing.
    """

    source: int
    reason: int
    by_peer: bool


@dataclass(frozen=True, slots=True)
class TransportClosed:
    """The transport went away under an association that was open or being opened: an A-P-ABORT (PS3.8 7.4)."""


Event: TypeAlias = (
    AssociateIndication
    | AssociateConfirmation
    | AssociateRejection
    | DataIndication
    | ReleaseIndication
    | ReleaseConfirmation
    | AbortIndication
    | TransportClosed
)
