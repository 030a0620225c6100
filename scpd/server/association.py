"""The coroutine that serves one peer, from its first byte to its last, and can be read aloud.

    establish; while there is a request, answer it; part as the peer wants to part.

Reading happens where it is needed: a C-STORE's data set is read by the very service that writes it away, so a slow
disk stops reading from the peer that sends and from nobody else. Only a query is answered by a task of its own,
because a C-CANCEL, a release or a lost connection must be seen while it answers. Nothing outlives the peer.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import aclosing, suppress
from dataclasses import fields
from typing import NamedTuple, NoReturn, TypeVar

from scpd.dimse.codec import uids_as_received
from scpd.dimse.command import CCancelRQ, CFindRQ, Request, Response
from scpd.dimse.pdv import CommandReceived, DataSetPiece, MessageReader, RepeatedMessage, encode_message
from scpd.dimse.response import with_uids
from scpd.identity.base import Claim
from scpd.profile.explain import Explanation
from scpd.profile.negotiation import Accepted, Rejected, negotiate
from scpd.profile.profile import Peer
from scpd.profile.quirks import Quirk
from scpd.server.entity import ApplicationEntity
from scpd.server.identity import Identified, NotIdentified, identify, judge
from scpd.server.lobby import origin_of
from scpd.server.pump import Pump
from scpd.server.wire import SendTimeout, Wire
from scpd.services.dispatch import answer
from scpd.services.exchange import AssociationEnded, Caller, Chunks, Exchange, Reply, first_bytes, replay
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import ProtocolError
from scpd.ul.events import (
    AbortIndication,
    AssociateIndication,
    DataIndication,
    Event,
    ReleaseIndication,
    TransportClosed,
)
from scpd.ul.pdu import AssociateAC, AssociateRJ, AssociateRQ, UserIdentityRQ

Outcome = TypeVar("Outcome")

numbers = itertools.count(1)
"""Association ids of this process, as they stand in the log."""

USER, NO_REASON = 0, 0
"""An A-ABORT of our own will: source "service-user", reason not significant (PS3.8 Table 9-26)."""


LONG_PDU_BYTES_MAX = 16_777_216
"""What a peer with the quirk "long-pdus" may send; nothing of a P-DATA-TF is kept, so it costs no memory."""


class PeerReleased(AssociationEnded):
    """An A-RELEASE-RQ came (PS3.8 7.2)."""


class Asked(NamedTuple):
    """A request that waits for its answer; `data` is the command set as it was received."""

    request: Request
    context_id: int
    has_data_set: bool
    data: bytes


class Association:
    """Serves one peer. Attributes above the line live as long as the connection, those below as long as a request."""

    def __init__(self, wire: Wire, entity: ApplicationEntity) -> None:
        self._entity = entity
        self._wire = wire
        self._connection = Connection(Role.ACCEPTOR, entity.options.upper_layer)
        self._pump = Pump(wire, self._connection, entity.options)
        self._messages = MessageReader(entity.options.messages)
        self._log = entity.log.bind(association=next(numbers), address=wire.peer_address, **described(wire))
        self._accepted: Accepted | None = None
        self._slot: Peer | None = None
        self.origin = origin_of(wire.peer_address)
        # ---
        self.quiet_since: float | None = None
        self._early: Asked | None = None
        self._answering: Asked | None = None
        self._is_cancelled = False

    async def serve(self) -> None:
        """From the first byte to the closed transport. Raises nothing but cancellation."""
        try:
            await self._serve_requests()
            self._leave()
            await self._wait_closed()
        except asyncio.CancelledError:
            self._abort("the daemon stops")
            raise
        except Exception:
            self._log.exception("association failed")
            self._abort("internal error")
        finally:
            self._leave()
            self._entity.lobby.leave(self)
            if self._connection.fault:
                self._log.warning("protocol error", reason=self._connection.fault)
            self._pump.finish()

    def stop(self) -> None:
        """Ends an association that waits for a request; `quiet_since` tells since when it does."""
        self._abort("the daemon stops")
        self._wire.ring()

    def give_way(self) -> None:
        """Ends a connection without an association, without a word: there are too many of them."""
        self._log.debug("connection gives way")
        self._wire.close(0)

    # -- the life of an association -------------------------------------------------------------------------

    async def _serve_requests(self) -> None:
        try:
            await self._establish()
            while True:
                await self._answer(await self._next_request())
        except PeerReleased:
            self._log.info("association released")
            if self._connection.can_accept_release:
                self._connection.accept_release(self._pump.now)
        except ProtocolError as error:
            self._abort(error.detail, error.source, error.reason)
        except SendTimeout:
            self._abort("the peer does not read")
        except AssociationEnded as end:
            # Who never sent a byte is a load balancer's probe, and comes every few seconds.
            note = self._log.info if self._wire.bytes_received else self._log.debug
            note("association ended", reason=str(end))

    async def _establish(self) -> None:
        event = None
        while event is None:
            event = await self._pump.next_event()
        if not isinstance(event, AssociateIndication):
            raise AssociationEnded(describe(event))
        self._check_unanswered()
        request = event.request
        self._log = self._log.bind(calling=request.calling_ae_title, called=request.called_ae_title)
        decision = negotiate(request, self._entity.profile, self._wire.peer_address, self._wire.certificate)
        if not isinstance(decision, Accepted):
            self._turn_away(decision)
        refusal = self._entity.refusal(decision.peer, self._wire.peer_address)
        if refusal is not None:
            reject, explanation = refusal
            self._reject(reject, **fields_of(explanation))
        self._take_slot(decision.peer)
        self._accept(request, decision, await self._identify(request, decision))

    async def _identify(self, request: AssociateRQ, decision: Accepted) -> AssociateAC:
        """The answer, after the user identity was verified if there is one."""
        claimed = request.user_information.user_identity
        if not isinstance(claimed, UserIdentityRQ):
            return decision.accept
        told = (claimed.identity_type, claimed.primary_field, claimed.secondary_field)
        claim = Claim(*told, request.calling_ae_title, self._wire.peer_address)
        judging = judge(self._entity.verifier, claim, self._entity.options.identity_seconds, self._log)
        verdict = await self._while_peer_waits(judging)
        is_required = self._entity.profile.requires_identity_of(decision.peer)
        match identify(claimed, verdict, decision, is_required=is_required):
            case NotIdentified(reject, reason):
                self._reject(reject, reason=reason)
            case Identified(accept, user, remark):
                self._log = self._log.bind(user=user) if user else self._log
                if remark:
                    self._log.info("tolerated", what=remark)
                return accept

    async def _while_peer_waits(self, work: Coroutine[None, None, Outcome]) -> Outcome:
        """Does what the answer to the request depends on. Raises AssociationEnded when the peer does not wait."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._wire.ring())
        self._pump.peer_may_be_silent = True
        try:
            while not task.done():
                event = await self._pump.next_event()
                if event is not None:
                    raise AssociationEnded(describe(event))
            self._check_unanswered()
            return task.result()
        finally:
            self._pump.peer_may_be_silent = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _check_unanswered(self) -> None:
        if self._connection.state is not State.AWAITING_LOCAL_ANSWER:
            raise AssociationEnded("over before it was answered")

    def _accept(self, request: AssociateRQ, decision: Accepted, answer: AssociateAC) -> None:
        self._accepted = decision
        peer = decision.peer
        self._caller = Caller(peer.ae_title, request.called_ae_title, self._wire.peer_address, peer)
        if Quirk.LONG_PDUS in peer.quirks:
            self._connection.tolerate_data_pdus(LONG_PDU_BYTES_MAX)
        for explanation in decision.refused:
            self._log.warning("presentation context refused", **fields_of(explanation))
        for remark in decision.remarks:
            self._log.info("tolerated", what=remark)
        self._log.info("association accepted", contexts=len(decision.contexts), refused=len(decision.refused))
        self._connection.accept(answer, self._pump.now)

    def _turn_away(self, decision: Rejected) -> NoReturn:
        if not decision.silently:
            self._reject(decision.reject, **fields_of(decision.explanation))
        self._log.warning("connection closed", **fields_of(decision.explanation))
        self._wire.close()
        raise AssociationEnded("unknown caller")

    def _reject(self, reject: AssociateRJ, **why: object) -> NoReturn:
        self._connection.reject(reject, self._pump.now)
        self._log.warning("association rejected", answer=reject.reason.name, **why)
        raise AssociationEnded("rejected")

    def _abort(self, why: str, source: int = USER, reason: int = NO_REASON) -> None:
        if self._connection.can_abort:
            self._log.warning("association aborted", reason=why)
            self._connection.abort(source, reason, self._pump.now)

    def _take_slot(self, peer: Peer) -> None:
        self._slot = peer
        self._entity.slots.take(peer, self._wire.peer_address)
        self._entity.lobby.leave(self)
        share = self._entity.share_of(peer)
        if share is not None:
            self._wire.charge_to(share)

    def _leave(self) -> None:
        """Frees the slot: what follows the association's end waits for the peer's socket only."""
        if self._slot is not None:
            self._entity.slots.free(self._slot, self._wire.peer_address)
            self._slot = None
            self._entity.lobby.enter(self)

    async def _wait_closed(self) -> None:
        """Until the peer closes, or ARTIM closes for it; what it still sends is answered as Sta13 demands."""
        with suppress(AssociationEnded):
            while True:
                await self._pump.next_event()

    async def _next_part(self) -> CommandReceived | DataSetPiece | None:
        """The next part of a message, or None when the bell rang. Raises when the association ends."""
        while True:
            match await self._pump.next_event():
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

    # -- requests -------------------------------------------------------------------------------------------

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
                raise ProtocolError(USER, NO_REASON, "a response to nothing that was asked")

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
        task.add_done_callback(lambda _: self._wire.ring())
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
        encoder = ReplyEncoder(asked.context_id, self._connection.peer_maximum_length, self._uids_to_echo(asked))
        async with aclosing(answer(asked.request, self._exchange(asked, data_set))) as replies:
            async for reply in replies:
                if self._wire.lost or not self._connection.can_send_data:
                    raise AssociationEnded("over before it was answered")
                self._connection.send_data(encoder.encode(reply), self._pump.now)
                self._pump.flush()
                await self._wire.wait_writable(self._entity.options.send_seconds)

    def _exchange(self, asked: Asked, data_set: AsyncIterator[Chunks]) -> Exchange:
        assert self._accepted is not None and self._caller is not None
        return Exchange(
            self._entity.provider,
            self._caller,
            self._accepted.contexts[asked.context_id],
            data_set,
            lambda: self._is_cancelled,
            self._log,
        )

    def _uids_to_echo(self, asked: Asked) -> Mapping[str, str]:
        """UIDs that the response has to repeat byte by byte: none but for a peer that needs it."""
        assert self._accepted is not None
        return uids_as_received(asked.data) if Quirk.UIDS_ECHOED_EXACTLY in self._accepted.peer.quirks else {}

    async def _data_set(self, asked: Asked) -> AsyncIterator[Chunks]:
        """What follows the command, handed over whenever a received block is used up, and at the end."""
        views: list[memoryview] = []
        ended = not asked.has_data_set
        while not ended:
            part = await self._next_part()
            if isinstance(part, DataSetPiece):
                views.append(part.data)
                ended = part.is_last
                if ended or not self._pump.has_more():
                    yield Chunks(views, ended)
                    views = []


def described(wire: Wire) -> dict[str, object]:
    """What the log says of a connection that is secured, and nothing of another."""
    return {} if wire.secured is None else {"tls": wire.secured.version()}


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


def fields_of(explanation: Explanation) -> dict[str, object]:
    """What a log line says of a refusal: the reason, both sides, and the TOML that would change it."""
    return {field.name: value for field in fields(explanation) if (value := getattr(explanation, field.name))}


class ReplyEncoder:
    """Replies as P-DATA-TFs. Pending responses are one and the same object: its encoding is kept for the next."""

    def __init__(self, context_id: int, pdu_length_max: int | None, uids: Mapping[str, str]) -> None:
        self._uids = uids
        self._context_id = context_id
        self._pdu_length_max = pdu_length_max
        self._pending: Response | None = None
        self._repeated: RepeatedMessage | None = None

    def encode(self, reply: Reply) -> bytes:
        """The whole message."""
        if reply.data_set is None:
            return encode_message(self._echoing(reply), self._context_id, None, self._pdu_length_max)
        if self._repeated is None or reply.response is not self._pending:
            self._pending = reply.response
            self._repeated = RepeatedMessage(self._echoing(reply), self._context_id, self._pdu_length_max)
        return self._repeated.with_data_set(reply.data_set)

    def _echoing(self, reply: Reply) -> Response:
        return with_uids(reply.response, self._uids) if self._uids else reply.response
