"""Query Service Class (PS3.4 Annex C): C-FIND on the Patient Root and Study Root models."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from scpd.dataset.attributes import Attributes
from scpd.dimse.command import CFindRQ, CFindRSP
from scpd.dimse.status import DimseFailure, Status
from scpd.profile.profile import FindExtension
from scpd.profile.quirks import Quirk
from scpd.query.identifier import QueryRules, decode_identifier, pending_status
from scpd.query.response import MatchEncoder
from scpd.query.terms import Model
from scpd.services.exchange import Exchange, first_bytes

MODEL_OF: Mapping[str, Model] = {
    "1.2.840.10008.5.1.4.1.2.1.1": Model.PATIENT_ROOT,
    "1.2.840.10008.5.1.4.1.2.2.1": Model.STUDY_ROOT,
}

PORTION_BYTES = 32_768


async def find(request: CFindRQ, exchange: Exchange) -> CFindRSP:
    """Answers a C-FIND-RQ: a pending response a match, then the final one (PS3.4 C.4.1.3)."""
    provider, syntax = exchange.provider, exchange.context.transfer_syntax
    identifier = await first_bytes(exchange.data_set, provider.identifier_bytes_max + 1)
    if len(identifier) > provider.identifier_bytes_max:
        raise DimseFailure(Status.UNABLE_TO_PROCESS, f"identifier longer than {provider.identifier_bytes_max} bytes")
    query = decode_identifier(identifier, syntax, MODEL_OF[request.affected_sop_class_uid], rules_of(exchange))
    pending = CFindRSP(request.message_id, request.affected_sop_class_uid, pending_status(query))
    encoder = MatchEncoder(query, syntax, provider.retrieve_ae_title)
    matches = 0
    async with aclosing(provider.backend.find(query)) as pages:
        async for page in pages:  # maybe an empty one, on a long way to the next match
            room = provider.results_max - matches if provider.results_max else len(page)
            for portion in encoded(page[:room], encoder):
                if exchange.is_cancelled():
                    break
                matches += len(portion)
                await exchange.send_pending(pending, portion)
            if exchange.is_cancelled():
                break
            if len(page) > room:
                raise DimseFailure(Status.OUT_OF_RESOURCES, f"more than {matches} matches, narrow the query")
    status = Status.CANCEL if exchange.is_cancelled() else Status.SUCCESS
    exchange.log.info("query answered", level=query.level.value, matches=matches, status=f"{status:04X}H")
    return CFindRSP(request.message_id, request.affected_sop_class_uid, status)


def encoded(page: Sequence[Attributes], encoder: MatchEncoder) -> Iterator[list[bytes]]:
    """The Identifiers of a page, as many at a time as are worth a write."""
    portion: list[bytes] = []
    size = 0
    for match in page:
        portion.append(encoder.encode(match))
        size += len(portion[-1])
        if size >= PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def rules_of(exchange: Exchange) -> QueryRules:
    """The rules for everybody, and for this peer; and what was negotiated for this context (PS3.4 C.5.1.1)."""
    rules, negotiated = exchange.provider.query_rules, exchange.context.extensions
    return replace(
        rules,
        strict=rules.strict and Quirk.LENIENT_QUERIES not in exchange.caller.peer.quirks,
        relational=rules.relational or FindExtension.RELATIONAL_QUERIES in negotiated,
        combined_datetime=rules.combined_datetime or FindExtension.DATE_TIME_MATCHING in negotiated,
        empty_values=rules.empty_values or FindExtension.EMPTY_VALUE_MATCHING in negotiated,
        multiple_values=rules.multiple_values or FindExtension.MULTIPLE_VALUE_MATCHING in negotiated,
        timezone_adjustment=rules.timezone_adjustment or FindExtension.TIMEZONE_ADJUSTMENT in negotiated,
    )
