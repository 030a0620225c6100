"""What an established association is for: requests come, are answered one after the other, and replies go.

Reading happens where it is needed: a C-STORE's data set is read by the very service that writes it away, so a slow
disk stops reading from the peer that sends and from nobody else. Only a query is answered by a task of its own,
because a C-CANCEL, a release or a lost connection must be seen while it answers. Nothing outlives the peer.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger

from scpd.dimse.codec import uids_as_received
from scpd.dimse.command import CCancelRQ, CFindRQ, Request, Response
from scpd.dimse.pdv import CommandReceived, DataSetPiece, MessageReader, RepeatedMessage, encode_message
from scpd.dimse.response import with_uids
from scpd.profile.negotiation import AcceptedContext
from scpd.profile.quirks import Quirk
from scpd.server.entity import ApplicationEntity
from scpd.server.pump import Pump
from scpd.services.dispatch import answer
from scpd.services.exchange import AssociationEnded, Caller, Chunks, Exchange, Reply, first_bytes, replay
from scpd.ul.errors import ProtocolError
from scpd.ul.events import AbortIndication, DataIndication, Event, ReleaseIndication, TransportClosed
from scpd.ul.pdu import AbortReason, AbortSource


class PeerReleased(AssociationEnded):
    """An A-RELEASE-RQ came (PS3.8 7.2)."""


class Asked(NamedTuple):
    """A request that waits for its answer; `data` is the command set as it was received."""

    request: Request
    context_id: int
    has_data_set: bool
    data: bytes


class Conversation:
    """The requests of one association. `quiet_since` is set while it waits for one, on the event loop's clock."""

    def __init__(
        self,
        pump: Pump,
        entity: ApplicationEntity,
        caller: Caller,
        contexts: Mapping[int, AcceptedContext],
        log: FilteringBoundLogger,
    ) -> None:
        self._pump = pump
        self._entity = entity
        self._caller = caller
        self._contexts = contexts
        self._log = log
        self._messages = MessageReader(entity.options.messages)
        # Below, what lives as long as a request.
        self.quiet_since: float | None = None
        self._early: Asked | None = None
        self._answering: Asked | None = None
        self._is_cancelled = False

    async def serve_requests(self) -> None:
        """Answers until the association ends: raises AssociationEnded, ProtocolError or SendTimeout."""
        while True:
            await self._answer(await self._next_request())

    async def _next_request(self) -> Asked:
        self.quiet_since = self._pump.now
        while self._early is None:
            await self._heed_next_command()
        asked, self._early, self.quiet_since = self._early, None, None
        return asked

    async def _heed_next_command(self) -> None:
        """Notes what comes: a cancel for what is being answered, or the next request; or just the bell."""
        received = await self._next_part()
        if not isinstance(received, CommandReceived):
            return
        match received.command:
            case CCancelRQ(message_id):
                if self._answering is not None and self._answering.request.message_id == message_id:
                    self._is_cancelled = True
            case command if isinstance(command, Request):
                self._early = Asked(command, received.context_id, received.has_data_set, received.data)
            case _:
                raise ProtocolError(
                    AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED, "a response to nothing that was asked"
                )

    async def _next_part(self, *, gathering: bool = False) -> CommandReceived | DataSetPiece | None:
        """The next part of a message, or None when the bell rang. Raises when the association ends."""
        while True:
            match await self._pump.next_event(gathering=gathering):
                case DataIndication() as event:
                    part = self._messages.receive(event)
                    if not self._messages.is_within_message:
                        self._pump.tempo.rest()
                    if part is not None:
                        return part
                case None:
                    return None
                case ReleaseIndication():
                    raise PeerReleased
                case event:
                    raise AssociationEnded(describe(event))

    async def _answer(self, asked: Asked) -> None:
        if isinstance(asked.request, CFindRQ):
            await self._answer_while_reading(asked)
        else:
            await self._send_replies(asked, self._data_set(asked))

    async def _answer_while_reading(self, asked: Asked) -> None:
        """Answers a query, and heeds what the peer says meanwhile; one request ahead is enough (a window of one)."""
        identifier = await first_bytes(self._data_set(asked), self._entity.provider.identifier_bytes_max + 1)
        self._answering, self._is_cancelled = asked, False
        self._pump.peer_may_be_silent = True
        task = asyncio.create_task(self._send_replies(asked, replay(identifier)))
        task.add_done_callback(lambda _: self._pump.wire.ring())
        try:
            while not task.done() and self._early is None:
                await self._heed_next_command()
            await task
        finally:
            self._pump.peer_may_be_silent = False
            self._answering = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # how it ended is known, or of no interest any more

    async def _send_replies(self, asked: Asked, data_set: AsyncIterator[Chunks]) -> None:
        encoder = ReplyEncoder(asked.context_id, self._pump.connection.peer_maximum_length, self._uids_to_echo(asked))
        async with aclosing(answer(asked.request, self._exchange(asked, data_set))) as replies:
            async for reply in replies:
                if self._pump.wire.lost or not self._pump.connection.can_send_data:
                    raise AssociationEnded("over before it was answered")
                self._pump.connection.send_data(encoder.encode(reply), self._pump.now)
                self._pump.flush()
                await self._pump.wire.wait_writable(self._entity.options.send_seconds)
                await self._pump.let_others_run()

    def _exchange(self, asked: Asked, data_set: AsyncIterator[Chunks]) -> Exchange:
        return Exchange(
            self._entity.provider,
            self._caller,
            self._contexts[asked.context_id],
            data_set,
            lambda: self._is_cancelled,
            self._log,
        )

    def _uids_to_echo(self, asked: Asked) -> Mapping[str, str]:
        """UIDs that the response has to repeat byte by byte: none but for a peer that needs it."""
        return uids_as_received(asked.data) if Quirk.UIDS_ECHOED_EXACTLY in self._caller.peer.quirks else {}

    async def _data_set(self, asked: Asked) -> AsyncIterator[Chunks]:
        """What follows the command, handed over as soon as enough was gathered, and at the end."""
        views: list[memoryview] = []
        ended = not asked.has_data_set
        while not ended:
            part = await self._next_part(gathering=bool(views))
            if isinstance(part, DataSetPiece):
                views.append(part.data)
                ended = part.is_last
                if ended or not self._pump.may_gather():
                    yield Chunks(views, ended)
                    views = []


class ReplyEncoder:
    """Replies as P-DATA-TFs. Pending responses are one and the same object: its encoding is kept for the next."""

    def __init__(self, context_id: int, pdu_length_max: int | None, uids: Mapping[str, str]) -> None:
        self._uids = uids
        self._context_id = context_id
        self._pdu_length_max = pdu_length_max
        self._pending: Response | None = None
        self._repeated: RepeatedMessage | None = None

    def encode(self, reply: Reply) -> bytes:
        """The whole message, or messages."""
        if not reply.data_sets:
            return encode_message(self._echoing(reply), self._context_id, None, self._pdu_length_max)
        if self._repeated is None or reply.response is not self._pending:
            self._pending = reply.response
            self._repeated = RepeatedMessage(self._echoing(reply), self._context_id, self._pdu_length_max)
        return b"".join(map(self._repeated.with_data_set, reply.data_sets))

    def _echoing(self, reply: Reply) -> Response:
        return with_uids(reply.response, self._uids) if self._uids else reply.response


def describe(event: Event) -> str:
    """How an association ended, in a few words."""
    match event:
        case AbortIndication(source, reason, True):
            return f"aborted by the peer: source {source}, reason {reason}"
        case AbortIndication(source, reason):
            return f"aborted here: source {source}, reason {reason}"
        case TransportClosed():
            return "connection lost"
        case _:
            return f"unexpected {type(event).__name__}"
