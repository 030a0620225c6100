"""The other side of the table: an association that we request, one operation at a time.

Small on purpose: `scpd echo` needs it today. The upper layer and the message layer are the ones that serve peers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from scpd import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scpd.dimse.command import CEchoRQ, Request, Response
from scpd.dimse.pdv import CommandReceived, MessageReader, encode_message
from scpd.profile.admission import DICOM_APPLICATION_CONTEXT
from scpd.profile.dictionary import VERIFICATION_SOP_CLASS
from scpd.profile.profile import HEALTH_CHECK_AE_TITLE
from scpd.server.blocks import BlockPool
from scpd.server.options import ServerOptions
from scpd.server.pump import Pump
from scpd.server.wire import Wire
from scpd.services.exchange import AssociationEnded
from scpd.ul.connection import Connection, Role
from scpd.ul.events import (
    AbortIndication,
    AssociateConfirmation,
    AssociateRejection,
    DataIndication,
    Event,
    ReleaseConfirmation,
)
from scpd.ul.pdu import AssociateRQ, ContextResult, PresentationContextRQ, UserInformation

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call, and as whom: AE titles of at most 16 characters."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str = HEALTH_CHECK_AE_TITLE


class AssociationFailed(Exception):
    """The peer rejected, aborted or refused; the text says which."""


class Requestor:
    """An association that we opened. Use as an async context manager: leaving it releases the association."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._messages = MessageReader()
        self._message_id = 0

    @classmethod
    async def open(cls, call: Call, contexts: Sequence[PresentationContextRQ]) -> Self:
        """Connects and negotiates. Raises OSError, or AssociationFailed when any context is refused."""
        options = ServerOptions()
        pool = BlockPool(options.block_bytes, options.receive_bytes_max)
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(lambda: Wire(pool, lambda _: None), call.host, call.port)
        connection = Connection(Role.REQUESTOR, options.upper_layer)
        connection.associate(associate_request(call, contexts), loop.time())
        requestor = cls(Pump(wire, connection, options))
        await requestor._establish()
        return requestor

    async def _establish(self) -> None:
        match await self._next_event():
            case AssociateConfirmation(accept):
                if any(context.result is not ContextResult.ACCEPTANCE for context in accept.presentation_contexts):
                    raise AssociationFailed("the peer refused a presentation context")
            case AssociateRejection(reject):
                raise AssociationFailed(f"rejected: {reject.result.name}, {reject.reason.name}")
            case event:
                raise AssociationFailed(str(event))

    async def request(self, command: Request, context_id: int) -> Response:
        """Sends a request without a data set and waits for its response."""
        connection = self._pump.connection
        self._pump.tempo.rest()
        connection.send_data(encode_message(command, context_id, None, connection.peer_maximum_length), self._pump.now)
        while True:
            event = await self._next_event()
            if not isinstance(event, DataIndication):
                raise AssociationFailed(str(event))
            part = self._messages.receive(event)
            if isinstance(part, CommandReceived) and isinstance(part.command, Response):
                return part.command

    async def release(self) -> None:
        """Releases the association and closes the connection."""
        self._pump.connection.release(self._pump.now)
        while not isinstance(await self._next_event(), ReleaseConfirmation):
            pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.release()
        finally:
            self._pump.finish()

    async def _next_event(self) -> Event:
        try:
            while True:
                event = await self._pump.next_event()
                if isinstance(event, AbortIndication):
                    raise AssociationFailed(f"aborted: source {event.source}, reason {event.reason}")
                if event is not None:
                    return event
        except AssociationEnded as end:
            raise AssociationFailed(str(end)) from None


def associate_request(call: Call, contexts: Sequence[PresentationContextRQ]) -> AssociateRQ:
    """An A-ASSOCIATE-RQ for `contexts` (PS3.8 9.3.2)."""
    return AssociateRQ(
        called_ae=call.called_ae_title.encode("ascii").ljust(16),
        calling_ae=call.calling_ae_title.encode("ascii").ljust(16),
        application_contexts=(DICOM_APPLICATION_CONTEXT,),
        presentation_contexts=tuple(contexts),
        user_information=UserInformation(
            maximum_length=ServerOptions().upper_layer.pdu_bytes_max,
            implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        ),
    )


async def echo(call: Call) -> int:
    """Verifies a peer with one C-ECHO and returns its status. Raises OSError or AssociationFailed."""
    context = PresentationContextRQ(1, VERIFICATION_SOP_CLASS, (IMPLICIT_VR_LITTLE_ENDIAN,))
    async with await Requestor.open(call, (context,)) as association:
        response = await association.request(CEchoRQ(1, VERIFICATION_SOP_CLASS), context.context_id)
        return response.status
