"""Dispatch: what a service raises becomes a status here, whatever it is, and the data set is read to its end."""

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import FilteringBoundLogger

from scpd.dimse.command import CEchoRQ, CStoreRQ, CStoreRSP, NGetRQ, NGetRSP
from scpd.dimse.status import DimseFailure, Status
from scpd.profile.dictionary import ServiceName
from scpd.profile.negotiation import AcceptedContext
from scpd.profile.profile import Operation, Peer
from scpd.query.identifier import QueryRules
from scpd.services.dispatch import answer
from scpd.services.exchange import AssociationEnded, Caller, Chunks, Exchange, Provider
from scpd.storage.archive import Archive, ArchiveSink
from scpd.storage.base import Incoming, OutOfResources
from scpd.storage.memory import MemoryBlobs, MemoryIndex
from scpd.ul.errors import ProtocolError
from tests.rawpeer import CT_IMAGE, EXPLICIT_LE, VERIFICATION
from tests.services.pending import nothing_is_pending

STORE = CStoreRQ(7, CT_IMAGE, "1.2.3.4")


class Failing(Archive):
    """A store whose every object fails with `error` as soon as it begins."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(MemoryBlobs(), MemoryIndex())
        self._error = error

    async def open_sink(self, incoming: Incoming) -> ArchiveSink:
        raise self._error


class DataSet:
    """Three chunks; remembers how many were read."""

    def __init__(self) -> None:
        self.read = 0

    async def chunks(self) -> AsyncIterator[Chunks]:
        for number in range(3):
            self.read += 1
            yield Chunks((memoryview(b"junk"),), last=number == 2)


def exchange(error: BaseException, data_set: DataSet) -> Exchange:
    log: FilteringBoundLogger = structlog.get_logger()
    return Exchange(
        provider=Provider(Failing(error), QueryRules(), identifier_bytes_max=1000, results_max=0),
        caller=Caller("CT1", "SCPD", "127.0.0.1", Peer("CT1", (ip_network("127.0.0.0/8"),))),
        context=AcceptedContext(3, CT_IMAGE, EXPLICIT_LE, ServiceName.STORAGE),
        data_set=data_set.chunks(),
        send_pending=nothing_is_pending,
        is_cancelled=lambda: False,
        log=log,
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DimseFailure(Status.CANNOT_UNDERSTAND, "no data set"), Status.CANNOT_UNDERSTAND),
        (OutOfResources("the disk is full"), Status.OUT_OF_RESOURCES),
        (ZeroDivisionError("a mistake of ours"), Status.PROCESSING_FAILURE),
        (MemoryError(), Status.PROCESSING_FAILURE),
    ],
)
async def test_whatever_is_raised_is_answered_and_the_data_set_is_read_to_its_end(
    error: Exception, status: Status
) -> None:
    data_set = DataSet()
    response = await answer(STORE, exchange(error, data_set))
    assert isinstance(response, CStoreRSP)
    assert response.status == status
    assert response.message_id_being_responded_to == 7
    assert response.affected_sop_instance_uid == "1.2.3.4"
    assert data_set.read == 3


async def test_a_mistake_of_ours_is_logged_with_its_traceback_and_told_to_nobody() -> None:
    with capture_logs() as logs:
        response = await answer(STORE, exchange(ZeroDivisionError("secret"), DataSet()))
    assert isinstance(response, CStoreRSP) and response.error_comment == "internal error"
    (line,) = [line for line in logs if line["event"] == "service failed"]
    assert line["exc_info"] is True and line["log_level"] == "error"


async def test_why_storage_failed_is_for_the_log_and_not_for_the_peer() -> None:
    with capture_logs() as logs:
        response = await answer(STORE, exchange(OutOfResources("/secret/path: no space"), DataSet()))
    assert isinstance(response, CStoreRSP) and "secret" not in str(response.error_comment)
    assert [line["reason"] for line in logs if line["event"] == "storage failed"] == ["/secret/path: no space"]


@pytest.mark.parametrize("end", [AssociationEnded("lost"), ProtocolError(2, 6, "bad PDV")])
async def test_an_association_that_ended_is_nobodys_status(end: Exception) -> None:
    with pytest.raises(type(end)):
        await answer(STORE, exchange(end, DataSet()))


async def test_a_request_without_a_service_is_an_unrecognized_operation() -> None:
    response = await answer(NGetRQ(1, CT_IMAGE, "1.2"), exchange(ValueError(), DataSet()))
    assert isinstance(response, NGetRSP) and response.status == Status.UNRECOGNIZED_OPERATION


async def test_a_request_on_a_context_of_another_service_is_refused() -> None:
    response = await answer(CEchoRQ(1, VERIFICATION), exchange(ValueError(), DataSet()))
    assert response.status == Status.SOP_CLASS_NOT_SUPPORTED


async def test_an_object_of_another_class_than_its_context_is_refused() -> None:
    response = await answer(replace(STORE, affected_sop_class_uid="1.2.3"), exchange(ValueError(), DataSet()))
    assert response.status == Status.SOP_CLASS_NOT_SUPPORTED


async def test_what_a_peer_may_not_do_is_not_authorized() -> None:
    asked = exchange(ValueError(), DataSet())
    peer = replace(asked.caller.peer, operations=frozenset({Operation.ECHO}))
    response = await answer(STORE, replace(asked, caller=replace(asked.caller, peer=peer)))
    assert response.status == Status.NOT_AUTHORIZED
