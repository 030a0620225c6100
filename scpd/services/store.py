"""Storage Service Class (PS3.4 Annex B): C-STORE.

The data set goes to the Sink piece by piece, exactly as it came; what the index and the checks need is read from the
same pieces as they pass. Success is returned after `commit` and nowhere else.
"""

from functools import cache

from scpd.dataset.uid import has_leading_zero, is_odd_uid, is_valid_uid
from scpd.dimse.command import CStoreRQ, CStoreRSP
from scpd.dimse.status import DimseFailure, Status
from scpd.profile.audit import Audit
from scpd.profile.profile import Unfit
from scpd.profile.quirks import MISMATCH_TOLERATED, Quirk
from scpd.services.exchange import AssociationEnded, Exchange
from scpd.storage.base import Incoming, Instance, Outcome
from scpd.storage.head import Head, Leniency


async def store(request: CStoreRQ, exchange: Exchange) -> CStoreRSP:
    """Answers a C-STORE-RQ when the object is durable and visible, or refuses it (PS3.4 B.2.3)."""
    incoming = incoming_of(request, exchange)
    note_unusual(request, exchange)
    leniency = leniency_of(exchange.caller.peer.quirks)
    head = Head(incoming, exchange.provider.scan_limits, leniency, exchange.caller.recall)
    sink = await exchange.provider.backend.open_sink(incoming)
    room_bytes = exchange.provider.object_bytes_max
    try:
        async for views, last in exchange.data_set:
            room_bytes -= sum(map(len, views))
            if room_bytes < 0:
                raise DimseFailure(Status.OUT_OF_RESOURCES, "object larger than the limit")
            head.feed(views)
            await sink.write(views, last=last)
        instance = instance_of(head, exchange)
        outcome = await sink.commit(instance)
    except BaseException as reason:
        await sink.discard()
        if isinstance(reason, AssociationEnded):
            exchange.log.warning(
                "object incomplete, nothing kept",
                reason=str(reason),
                sop_instance_uid=incoming.sop_instance_uid,
                audit=Audit.INSTANCES_TRANSFERRED.value,
            )
        raise
    if outcome is Outcome.REFUSED:
        raise DimseFailure(Status.DUPLICATE_SOP_INSTANCE, "another object has this SOP Instance UID")
    status = status_of(outcome, instance, is_mismatch=bool(head.differing) and not accepts_mismatch(exchange))
    if status is not Status.SUCCESS:
        exchange.log.warning(
            "object discarded" if outcome is Outcome.DISCARDED else "object set apart",
            status=f"{status:04X}H",
            outcome=outcome.value,
            damaged=instance.damaged,
            unfit=instance.unfit,
            differing=[f"{tag:08X}" for tag in head.differing],
            sop_instance_uid=incoming.sop_instance_uid,
            audit=Audit.INSTANCES_TRANSFERRED.value,
        )
    elif outcome is Outcome.REPLACED:
        exchange.log.warning(
            "object replaced",
            sop_instance_uid=incoming.sop_instance_uid,
            audit=Audit.INSTANCES_TRANSFERRED.value,
        )
    elif head.differing:
        exchange.log.info("tolerated", what="UIDs of data set and command differ")
    return CStoreRSP(request.message_id, request.affected_sop_class_uid, request.affected_sop_instance_uid, status)


def instance_of(head: Head, exchange: Exchange) -> Instance:
    """What the data set was. Raises DimseFailure for what cannot be filed, unless such objects are kept aside."""
    try:
        return head.instance()
    except DimseFailure as failure:
        if (exchange.caller.peer.damaged or exchange.provider.damaged) is Unfit.REFUSE:
            raise
        return head.unfit(failure.comment)


def incoming_of(request: CStoreRQ, exchange: Exchange) -> Incoming:
    """The object announced by the command. Raises DimseFailure 0117H for a UID that is none (PS3.5 9.1)."""
    uid, caller = request.affected_sop_instance_uid, exchange.caller
    if not is_valid_uid(uid):
        is_odd = is_odd_uid(uid)
        if not (is_odd and Quirk.ODD_UIDS in caller.peer.quirks):
            quirk = Quirk.ODD_UIDS if is_odd else ""
            raise DimseFailure(Status.INVALID_SOP_INSTANCE, "Affected SOP Instance UID is not a UID", quirk=quirk)
    return Incoming(
        sop_class_uid=request.affected_sop_class_uid,
        sop_instance_uid=uid,
        transfer_syntax_uid=exchange.context.transfer_syntax,
        calling_ae_title=caller.calling_ae_title,
        called_ae_title=caller.called_ae_title,
    )


def note_unusual(request: CStoreRQ, exchange: Exchange) -> None:
    """Logs what is let through, and on whose behalf an object is sent (PS3.7 9.3.1.1)."""
    if has_leading_zero(request.affected_sop_instance_uid):
        exchange.log.info("tolerated", what="SOP Instance UID with a leading zero (PS3.5 9.1)")
    if request.move_originator_ae_title:
        exchange.log.info(
            "object moved here",
            move_originator=request.move_originator_ae_title,
            move_message_id=request.move_originator_message_id,
            sop_instance_uid=request.affected_sop_instance_uid,
        )


@cache
def leniency_of(quirks: frozenset[Quirk]) -> Leniency:
    """What is tolerated of the data sets of a peer with these quirks."""
    return Leniency(Quirk.ODD_UIDS in quirks, bool(quirks & MISMATCH_TOLERATED))


def accepts_mismatch(exchange: Exchange) -> bool:
    """Whether this peer's UIDs may differ without a word."""
    return Quirk.UID_MISMATCH_ACCEPTED in exchange.caller.peer.quirks


def status_of(outcome: Outcome, instance: Instance, *, is_mismatch: bool) -> Status:
    """Success for what is kept as its sender meant it; B007H for what is kept, but set apart, broken or misnamed.

    B006H where the instance is there, but nothing of what this data set says (PS3.4 B.2.3): no Success, or the sender
    might delete the only copy of it; no failure, or it might send it for ever.
    """
    if outcome is Outcome.DISCARDED:
        return Status.ELEMENTS_DISCARDED
    if outcome is Outcome.QUARANTINED or instance.damaged or is_mismatch:
        return Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS_WARNING
    return Status.SUCCESS
