"""What an established association is for: requests come, are answered one after the other, and replies go.

A service reads what it is sent (see `messages`), and what it answers is written here. Only a query is answered by a
task of its own, because a C-CANCEL, a release or a lost connection must be seen while it answers. Nothing outlives
the peer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger

from scpd.dimse.codec import uids_as_received
from scpd.dimse.command import CCancelRQ, CFindRQ, Request, Response
from scpd.dimse.pdv import RepeatedMessage, encode_message
from scpd.dimse.response import with_uids
from scpd.profile.negotiation import AcceptedContext
from scpd.profile.quirks import Quirk
from scpd.server.entity import ApplicationEntity
from scpd.server.messages import Messages
from scpd.server.pump import Pump
from scpd.services.dispatch import answer
from scpd.services.exchange import AssociationEnded, Caller, Exchange, first_bytes, replay
from scpd.ul.errors import ProtocolError
from scpd.ul.pdu import AbortReason, AbortSource


class Asked(NamedTuple):
    """A request that waits for its answer; `data` is the command set as it was received."""

    request: Request
    context_id: int
    data: bytes


class Pending(NamedTuple):
    """A response that repeats itself with one data set after the other: its encoding is kept for the next."""

    response: Response
    message: RepeatedMessage


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
        self._messages = Messages(pump, entity.options.messages)
        self._exchange: Exchange | None = None  # on the context of the last request, which mostly is that of the next
        # Below, what lives as long as a request.
        self.quiet_since: float | None = None
        self._early: Asked | None = None
        self._answering: Asked | None = None
        self._pending: Pending | None = None
        self._is_cancelled = False

    async def serve_requests(self) -> None:
        """Answers until the association ends: raises AssociationEnded, ProtocolError or SendTimeout."""
        while True:
            await self._answer(await self._next_request())

    async def _next_request(self) -> Asked:
        self.quiet_since, self._answering = self._pump.now, None
        while self._early is None:
            await self._heed_next_command()
        asked, self._early, self.quiet_since = self._early, None, None
        return asked

    async def _heed_next_command(self) -> None:
        """Notes what comes: a cancel for what is being answered, or the next request; or just the bell."""
        received = await self._messages.next_command()
        if received is None:
            return
        match received.command:
            case CCancelRQ(message_id):
                if self._answering is not None and self._answering.request.message_id == message_id:
                    self._is_cancelled = True
            case command if isinstance(command, Request):
                self._early = Asked(command, received.context_id, received.data)
            case _:
                raise ProtocolError(
                    AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED, "a response to nothing that was asked"
                )

    async def _answer(self, asked: Asked) -> None:
        self._answering, self._is_cancelled = asked, False
        if isinstance(asked.request, CFindRQ):
            await self._answer_while_reading(asked)
        else:
            await self._respond(asked, self._exchange_on(asked.context_id))

    async def _answer_while_reading(self, asked: Asked) -> None:
        """Answers a query, and heeds what the peer says meanwhile; one request ahead is enough (a window of one)."""
        identifier = await first_bytes(self._messages, self._entity.provider.identifier_bytes_max + 1)
        exchange = replace(self._exchange_on(asked.context_id), data_set=replay(identifier))
        self._pump.peer_may_be_silent = True
        task = asyncio.create_task(self._respond(asked, exchange))
        task.add_done_callback(lambda _: self._pump.wire.ring())
        try:
            while not task.done() and self._early is None:
                await self._heed_next_command()
            await task
        finally:
            self._pump.peer_may_be_silent = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # how it ended is known, or of no interest any more

    async def _respond(self, asked: Asked, exchange: Exchange) -> None:
        response = self._echoing(await answer(asked.request, exchange), asked)
        await self._send(encode_message(response, asked.context_id, None, self._pump.connection.peer_maximum_length))

    async def _send_pending(self, response: Response, data_sets: Sequence[bytes]) -> None:
        assert self._answering is not None
        if self._pending is None or self._pending.response is not response:
            told, maximum = self._echoing(response, self._answering), self._pump.connection.peer_maximum_length
            self._pending = Pending(response, RepeatedMessage(told, self._answering.context_id, maximum))
        await self._send(b"".join(map(self._pending.message.with_data_set, data_sets)))

    async def _send(self, messages: bytes) -> None:
        if self._pump.wire.lost or not self._pump.connection.can_send_data:
            raise AssociationEnded("over before it was answered")
        self._pump.connection.send_data(messages, self._pump.now)
        self._pump.flush()
        await self._pump.wire.wait_writable(self._entity.options.send_seconds)
        await self._pump.let_others_run()

    def _exchange_on(self, context_id: int) -> Exchange:
        if self._exchange is None or self._exchange.context.context_id != context_id:
            self._exchange = Exchange(
                self._entity.provider,
                self._caller,
                self._contexts[context_id],
                self._messages,
                self._send_pending,
                lambda: self._is_cancelled,
                self._log,
            )
        return self._exchange

    def _echoing(self, response: Response, asked: Asked) -> Response:
        """With the UIDs of the request byte by byte, for a peer that does not know them otherwise."""
        if Quirk.UIDS_ECHOED_EXACTLY not in self._caller.peer.quirks:
            return response
        return with_uids(response, uids_as_received(asked.data))
