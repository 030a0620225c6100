"""The coroutine that serves one peer, from its first byte to its last, and can be read aloud.

    establish; serve requests; part as the peer wants to part.

What is between the first and the last of these is a `Conversation`.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import fields
from typing import NoReturn, TypeVar

from scpd.identity.base import Claim
from scpd.profile.audit import Audit
from scpd.profile.explain import Explanation
from scpd.profile.negotiation import Accepted, Rejected, negotiate
from scpd.profile.profile import Peer
from scpd.profile.quirks import Quirk
from scpd.server.conversation import Conversation
from scpd.server.entity import ApplicationEntity
from scpd.server.identity import Identified, NotIdentified, identify, judge
from scpd.server.lobby import origin_of
from scpd.server.messages import PeerReleased, describe
from scpd.server.pump import Pump
from scpd.server.wire import SendTimeout, Wire
from scpd.services.exchange import AssociationEnded, Caller
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import ProtocolError
from scpd.ul.events import (
    AssociateIndication,
)
from scpd.ul.pdu import AbortReason, AbortSource, AssociateAC, AssociateRJ, AssociateRQ, UserIdentityRQ

Outcome = TypeVar("Outcome")

numbers = itertools.count(1)
"""Association ids of this process, as they stand in the log."""

LONG_PDU_BYTES_MAX = 16_777_216
"""What a peer with the quirk "long-pdus" may send; nothing of a P-DATA-TF is kept, so it costs no memory."""


class Association:
    """Serves one peer."""

    def __init__(self, wire: Wire, entity: ApplicationEntity) -> None:
        self._entity = entity
        self._wire = wire
        self._connection = Connection(Role.ACCEPTOR, entity.options.upper_layer)
        self._pump = Pump(wire, self._connection, entity.options)
        self._log = entity.log.bind(association=next(numbers), address=wire.peer_address, **described(wire))
        self._conversation: Conversation | None = None
        self._slot: Peer | None = None
        self.origin = origin_of(wire.peer_address)

    async def serve(self) -> None:
        """From the first byte to the closed transport. Raises nothing but cancellation."""
        try:
            await self._serve_requests()
            self._leave()
            await self._wait_closed()
        except asyncio.CancelledError:
            self._abort("the daemon stops")
            raise
        except Exception:  # a mistake of ours costs its peer the association, and nobody else anything
            self._log.exception("association failed")
            self._abort("internal error")
        finally:
            self._leave()
            self._entity.lobby.leave(self)
            if self._connection.fault:
                self._log.warning("protocol error", reason=self._connection.fault)
            self._pump.finish()

    @property
    def quiet_since(self) -> float | None:
        """Since when it has been waiting for a request, on the event loop's clock; None while it does not."""
        return None if self._conversation is None else self._conversation.quiet_since

    def stop(self) -> None:
        """Ends an association that waits for a request."""
        self._abort("the daemon stops")
        self._wire.ring()

    def give_way(self) -> None:
        """Ends a connection without an association, without a word: there are too many of them."""
        self._log.debug("connection gives way")
        self._wire.close(0)

    # -- the life of an association -------------------------------------------------------------------------

    async def _serve_requests(self) -> None:
        try:
            self._conversation = await self._establish()
            await self._conversation.serve_requests()
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

    async def _establish(self) -> Conversation:
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
        return self._accept(request, decision, await self._identify(request, decision))

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
                self._reject(reject, reason=reason, **audited(Audit.LOGIN))
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

    def _accept(self, request: AssociateRQ, decision: Accepted, answer: AssociateAC) -> Conversation:
        peer = decision.peer
        if Quirk.LONG_PDUS in peer.quirks:
            self._connection.tolerate_data_pdus(LONG_PDU_BYTES_MAX)
        for explanation in decision.refused:
            self._log.warning("presentation context refused", **fields_of(explanation))
        for remark in decision.remarks:
            self._log.info("tolerated", what=remark)
        self._log.info("association accepted", contexts=len(decision.contexts), refused=len(decision.refused))
        self._connection.accept(answer, self._pump.now)
        caller = Caller(peer.ae_title, request.called_ae_title, self._wire.peer_address, peer)
        return Conversation(self._pump, self._entity, caller, decision.contexts, self._log)

    def _turn_away(self, decision: Rejected) -> NoReturn:
        why = audited(decision.audit) | fields_of(decision.explanation)
        if not decision.silently:
            self._reject(decision.reject, **why)
        self._log.warning("connection closed", **why)
        self._wire.close()
        raise AssociationEnded("unknown caller")

    def _reject(self, reject: AssociateRJ, **why: object) -> NoReturn:
        self._connection.reject(reject, self._pump.now)
        self._log.warning("association rejected", answer=reject.reason.name, **why)
        raise AssociationEnded("rejected")

    def _abort(self, why: str, source: int = AbortSource.SERVICE_USER, reason: int = AbortReason.NOT_SPECIFIED) -> None:
        if self._connection.can_abort:
            self._log.warning("association aborted", reason=why)
            self._connection.abort(source, reason, self._pump.now)

    def _take_slot(self, peer: Peer) -> None:
        self._slot = peer
        self._entity.slots.take(peer, self._wire.peer_address)
        self._entity.lobby.leave(self)
        self._wire.draw_from(self._entity.blocks_of(peer))

    def _leave(self) -> None:
        """Frees the slot: what follows the association's end waits for the peer's socket only."""
        if self._slot is not None:
            self._entity.slots.free(self._slot, self._wire.peer_address)
            self._slot = None
            self._entity.lobby.enter(self)
            self._wire.draw_from(self._entity.lobby_blocks)

    async def _wait_closed(self) -> None:
        """Until the peer closes, or ARTIM closes for it; what it still sends is answered as Sta13 demands."""
        with suppress(AssociationEnded):
            while True:
                await self._pump.next_event()


def described(wire: Wire) -> dict[str, object]:
    """What the log says of a connection that is secured, and nothing of another."""
    return {} if wire.secured is None else {"tls": wire.secured.version()}


def audited(audit: Audit | None) -> dict[str, object]:
    """The field by which an audit finds the line, and nothing where there is nothing to audit."""
    return {} if audit is None else {"audit": audit.value}


def fields_of(explanation: Explanation) -> dict[str, object]:
    """What a log line says of a refusal: the reason, both sides, and the TOML that would change it."""
    return {field.name: value for field in fields(explanation) if (value := getattr(explanation, field.name))}
