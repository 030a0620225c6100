"""Query Service Class (PS3.4 Annex C): C-FIND on the Patient Root and Study Root models."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from scpd.dimse.command import CFindRQ, CFindRSP
from scpd.dimse.status import DimseFailure, Status
from scpd.query.identifier import decode_identifier, encode_match, pending_status
from scpd.query.terms import Model
from scpd.services.exchange import Exchange, Reply, first_bytes

MODEL_OF: Mapping[str, Model] = {
    "1.2.840.10008.5.1.4.1.2.1.1": Model.PATIENT_ROOT,
    "1.2.840.10008.5.1.4.1.2.2.1": Model.STUDY_ROOT,
}


async def find(request: CFindRQ, exchange: Exchange) -> AsyncGenerator[Reply, None]:
    """Answers a C-FIND-RQ: a pending response a match, then the final one (PS3.4 C.4.1.3)."""
    provider, syntax = exchange.provider, exchange.context.transfer_syntax
    identifier = await first_bytes(exchange.data_set, provider.identifier_bytes_max + 1)
    if len(identifier) > provider.identifier_bytes_max:
        raise DimseFailure(Status.UNABLE_TO_PROCESS, f"identifier longer than {provider.identifier_bytes_max} bytes")
    query = decode_identifier(identifier, syntax, MODEL_OF[request.affected_sop_class_uid], provider.query_rules)
    pending = CFindRSP(request.message_id, request.affected_sop_class_uid, pending_status(query))
    matches = 0
    async with aclosing(provider.backend.find(query)) as pages:
        async for page in pages:
            for match in page:
                if exchange.is_cancelled():
                    yield Reply(CFindRSP(request.message_id, request.affected_sop_class_uid, Status.CANCEL))
                    return
                if provider.results_max and matches == provider.results_max:
                    raise DimseFailure(Status.OUT_OF_RESOURCES, f"more than {matches} matches, narrow the query")
                matches += 1
                yield Reply(pending, encode_match(query, match, syntax, provider.retrieve_ae_title))
    exchange.log.info("query answered", level=query.level.value, matches=matches)
    yield Reply(CFindRSP(request.message_id, request.affected_sop_class_uid, Status.SUCCESS))
