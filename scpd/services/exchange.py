"""What a service is given and what it gives back. A service never sees a socket, a PDU or an event loop's task."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from structlog.typing import FilteringBoundLogger

from scpd.dataset.recall import Recall
from scpd.dataset.scan import DEFAULT_LIMITS, ScanLimits
from scpd.dimse.command import Request, Response
from scpd.profile.negotiation import AcceptedContext
from scpd.profile.profile import Peer, Unfit
from scpd.query.identifier import QueryRules
from scpd.storage.base import Backend


class Chunks(NamedTuple):
    """Consecutive slices of a data set, valid until the next ones are asked for; `last` ends the data set."""

    views: Sequence[memoryview]
    last: bool


class AssociationEnded(Exception):
    """The association is over while something was still expected of it; its text says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of the association, and what is recalled of the data sets that came from there."""

    calling_ae_title: str
    called_ae_title: str
    address: str
    peer: Peer
    recall: Recall = field(default_factory=Recall, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """What every service of this daemon works with."""

    backend: Backend
    query_rules: QueryRules
    identifier_bytes_max: int
    results_max: int  # 0 is no limit
    retrieve_ae_title: str | None = None
    object_bytes_max: int = 4_294_967_296
    scan_limits: ScanLimits = DEFAULT_LIMITS
    damaged: Unfit = Unfit.REFUSE


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a service has for a request on one presentation context.

    `data_set` yields what follows the command. `send_pending` sends the same response once for each data set, and
    waits until the peer reads. Both raise when the association ends first, so that a service cleans up in its own
    `except`. `is_cancelled` turns true when a C-CANCEL-RQ for this request has come.
    """

    provider: Provider
    caller: Caller
    context: AcceptedContext
    data_set: AsyncIterator[Chunks]
    send_pending: Callable[[Response, Sequence[bytes]], Awaitable[None]]
    is_cancelled: Callable[[], bool]
    log: FilteringBoundLogger


class Service(Protocol):
    """Serves one kind of request: returns the final response, after it has sent those that are pending."""

    async def __call__(self, request: Request, exchange: Exchange, /) -> Response: ...


async def first_bytes(data_set: AsyncIterator[Chunks], bytes_max: int) -> bytes:
    """Reads a data set to its end and copies no more than its first `bytes_max` bytes."""
    kept = bytearray()
    async for views, _ in data_set:
        for view in views:
            kept += view[: bytes_max - len(kept)]
    return bytes(kept)


async def replay(data_set: bytes) -> AsyncIterator[Chunks]:
    """A data set that is here already, as if it arrived now."""
    yield Chunks((memoryview(data_set),), last=True)
