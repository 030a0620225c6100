"""Which service answers which request, and the one place where an exception becomes a status.

A service raises `DimseFailure` for what the Standard has a status for, a backend raises `StorageError`; anything
else is a mistake of ours: it is logged with its traceback and answered 0110H, never Success, never silence. An
association that ended, or a peer that broke the protocol, is nobody's status: those pass through.
"""

from collections.abc import Mapping
from typing import NamedTuple, cast

from scpd.dataset.uid import is_valid_uid
from scpd.dimse.command import CEchoRQ, CFindRQ, CStoreRQ, Request, Response
from scpd.dimse.response import respond
from scpd.dimse.status import DimseFailure, Status
from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import Operation
from scpd.profile.quirks import MISMATCH_TOLERATED
from scpd.services.exchange import AssociationEnded, Exchange, Service
from scpd.services.find import find
from scpd.services.store import store
from scpd.services.verification import echo
from scpd.storage.base import StorageError
from scpd.ul.errors import ProtocolError


class Served(NamedTuple):
    """A request that is served: on the contexts of which service, by the permission for what, and by whom."""

    service: ServiceName
    operation: Operation
    by: Service


# A service takes its own request only; the table is what makes sure that it gets no other: hence the casts.
SERVICES: Mapping[type[Request], Served] = {
    CEchoRQ: Served(ServiceName.VERIFICATION, Operation.ECHO, cast(Service, echo)),
    CStoreRQ: Served(ServiceName.STORAGE, Operation.STORE, cast(Service, store)),
    CFindRQ: Served(ServiceName.FIND, Operation.FIND, cast(Service, find)),
}


async def answer(request: Request, exchange: Exchange) -> Response:
    """Serves one request: its final response, whatever goes wrong. Reads the data set to its end."""
    try:
        return await service_of(request, exchange)(request, exchange)
    except (AssociationEnded, ProtocolError):
        raise
    except DimseFailure as reason:
        failure = reason
    except StorageError as error:
        failure = DimseFailure(Status.OUT_OF_RESOURCES, error.comment)
        exchange.log.error("storage failed", reason=str(error))
    except Exception:  # unforeseen: never Success, never silence
        failure = DimseFailure(Status.PROCESSING_FAILURE, "internal error")
        exchange.log.exception("service failed", request=type(request).__name__)
    async for _ in exchange.data_set:  # what nobody read of a refused object must not be taken for the next command
        pass
    exchange.log.warning(
        "request refused",
        request=type(request).__name__,
        status=f"{failure.status:04X}H",
        reason=failure.comment,
        message_id=request.message_id,
        **({"quirk": failure.quirk} if failure.quirk else {}),
    )
    return respond(
        request,
        failure.status,
        error_comment=failure.comment or None,
        offending_elements=failure.offending_elements,
    )


def service_of(request: Request, exchange: Exchange) -> Service:
    """The service for `request` on this context, for this peer. Raises DimseFailure (PS3.7 Annex C)."""
    served = SERVICES.get(type(request))
    if served is None:
        raise DimseFailure(Status.UNRECOGNIZED_OPERATION, "operation not supported")
    if exchange.context.service is not served.service or not is_of_context(request, exchange):
        raise DimseFailure(Status.SOP_CLASS_NOT_SUPPORTED, "not the SOP Class of this presentation context")
    if served.operation not in exchange.caller.peer.operations:
        raise DimseFailure(Status.NOT_AUTHORIZED, f"{served.operation} is not permitted for this AE")
    return served.by


def is_of_context(request: Request, exchange: Exchange) -> bool:
    """Whether the request names the SOP class of its context; an object may be of another where that is tolerated."""
    sop_class_uid = sop_class_of(request)
    if sop_class_uid == exchange.context.abstract_syntax:
        return True
    tolerated = isinstance(request, CStoreRQ) and exchange.caller.peer.quirks & MISMATCH_TOLERATED
    return bool(tolerated) and is_valid_uid(sop_class_uid)


def sop_class_of(request: Request) -> str:
    """The SOP class that a request names: Affected (0000,0002), or Requested (0000,0003) in some of the N-services."""
    affected: str = getattr(request, "affected_sop_class_uid", "")
    return affected or getattr(request, "requested_sop_class_uid", "")
