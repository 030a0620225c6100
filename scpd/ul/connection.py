"""One association over one transport connection, without the transport: PS3.8 in either role.

Every input, be it bytes, a call of the owner or the passing of time, becomes a stimulus for the state machine in
`machine.py`, which queues bytes and events. Nothing here performs I/O: after every input the owner handles the events
returned, sends `data_to_send()`, calls `handle_timer` at `deadline`, and closes the transport when `close_transport`
says so.

All PDUs in the bytes at hand are acted on before the owner can answer the first of them. Look at `state`, or at the
`can_...` properties, before answering an event: the peer may have ended the association in the same breath.

A PDU that the state has no use for is answered at its header. After bytes that are no PDU at all, it is unknown
where the next one begins: what follows is not looked at any more, and the peer has until ARTIM expires to close.
"""

from collections.abc import Iterator
from itertools import repeat
from sys import maxsize

from scpd.ul.codec import decode
from scpd.ul.errors import LocalError, ProtocolError
from scpd.ul.events import DataIndication, Event
from scpd.ul.inbound import NOTHING, Token, UpperLayerLimits, read_pdus
from scpd.ul.machine import STIMULI, Buffer, Role, StateMachine
from scpd.ul.pdu import Abort, AssociateAC, AssociateRJ, AssociateRQ
from scpd.ul.table import TABLE, State, Stimulus

__all__ = ["Connection", "Role", "State", "UpperLayerLimits"]

DEFAULT_LIMITS = UpperLayerLimits()


class Connection(StateMachine):
    """The upper layer of one transport connection; of no use for a second one.

    `state` is the state of PS3.8 Table 9-10. `deadline` is the moment to call `handle_timer`, on the clock of the
    `now` arguments, or None while ARTIM is stopped. `close_transport` is True when the owner is to close the
    transport as soon as `data_to_send()` has been sent. `peer_maximum_length` is the Maximum Length the peer
    announced: 0 is no limit, None is not known. `fault` says why this side refused or aborted by itself, for the log.

    Methods that the state does not allow raise LocalError and send nothing.
    """

    __slots__ = ("_tokens",)

    def __init__(self, role: Role, limits: UpperLayerLimits = DEFAULT_LIMITS) -> None:
        super().__init__(role, limits)
        self._tokens: Iterator[Token | None] = read_pdus(self._inbound)

    # --- what happens: the transport and the clock -----------------------------------------------------------------

    def transport_opened(self, now: float) -> None:
        """The transport is connected: as the acceptor wait for a request, as the requestor send it."""
        is_requestor = self._role is Role.REQUESTOR
        self._do(Stimulus.TRANSPORT_CONFIRMED if is_requestor else Stimulus.TRANSPORT_INDICATED, None, now)

    def receive_data(self, data: Buffer, now: float) -> list[Event]:
        """Takes the bytes that arrived and tells what they mean. Never raises for what a peer sent.

        The views in DataIndications are views of `data`; nothing else here refers to it afterwards.
        """
        self.offer_data(data)
        return self.take_data(now)

    def offer_data(self, data: Buffer) -> None:
        """The same in two steps, for an owner with other things to do: offers what `take_data` takes bit by bit."""
        self._inbound.feed(memoryview(data))

    def take_data(self, now: float, tokens_max: int = maxsize) -> list[Event]:
        """Acts on what was offered, on no more than `tokens_max` PDUs or pieces of P-DATA: see `has_data`."""
        self._now = now
        try:
            while not self.close_transport and (token := next(self._tokens)) is not None:
                self._take(token)
                tokens_max -= 1
                if tokens_max <= 0 and self.has_data:
                    return self._told()
        except ProtocolError as error:
            self._tokens = repeat(None)  # whatever comes, more is needed: where the next PDU begins is unknown
            self._do(Stimulus.INVALID_PDU, error, now)
        self._inbound.feed(NOTHING)
        return self._told()

    @property
    def has_data(self) -> bool:
        """Whether something of what was offered is still to be taken."""
        return self._inbound.has_some

    def receive_eof(self, now: float) -> list[Event]:
        """The transport was closed or lost, or could not be opened."""
        if not self.close_transport:
            self._do(Stimulus.TRANSPORT_CLOSED, None, now)
        return self._told()

    def handle_timer(self, now: float) -> list[Event]:
        """Does what is due at `now`, if anything."""
        if self.deadline is not None and now >= self.deadline:
            self._do(Stimulus.ARTIM_EXPIRED, None, now)
        return self._told()

    def data_to_send(self) -> bytes:
        """Everything to be sent that was not handed out before; b"" when there is nothing."""
        data = b"".join(self._outbound)
        self._outbound.clear()
        return data

    def tolerate_data_pdus(self, bytes_max: int) -> None:
        """Takes P-DATA-TFs up to this length from a peer that exceeds what it was told: none is kept whole anyway."""
        self._inbound.data_bytes_max = max(self._inbound.data_bytes_max, bytes_max)

    # --- what the owner asks for -----------------------------------------------------------------------------------

    def associate(self, request: AssociateRQ, now: float) -> None:
        """Asks for an association (A-ASSOCIATE request, PS3.8 7.1); now the owner has to open the transport."""
        if self._role is not Role.REQUESTOR:
            raise LocalError("an acceptor does not ask for an association")
        self._do(Stimulus.ASSOCIATE_REQUEST, request, now)

    def accept(self, accept: AssociateAC, now: float) -> None:
        """Accepts the association; data is taken on the presentation contexts that `accept` accepts."""
        self._do(Stimulus.ASSOCIATE_ACCEPTANCE, accept, now)

    def reject(self, reject: AssociateRJ, now: float) -> None:
        """Rejects the association; the peer has until ARTIM expires to close."""
        self._do(Stimulus.ASSOCIATE_REJECTION, reject, now)

    def send_data(self, pdus: Buffer, now: float) -> None:
        """Sends one or more whole, encoded P-DATA-TFs. They must not change before `data_to_send`."""
        self._do(Stimulus.DATA_REQUEST, pdus, now)

    def release(self, now: float) -> None:
        """Asks for release (PS3.8 7.2); data may still arrive until the peer has confirmed it."""
        self._do(Stimulus.RELEASE_REQUEST, None, now)

    def accept_release(self, now: float) -> None:
        """Agrees to the release that the peer asked for; see `can_accept_release`."""
        self._do(Stimulus.RELEASE_RESPONSE, None, now)

    def abort(self, source: int, reason: int, now: float) -> None:
        """Ends the association at once (PS3.8 7.3): source and reason are those of the A-ABORT; see `can_abort`."""
        self._do(Stimulus.ABORT_REQUEST, Abort(source, reason), now)

    @property
    def can_send_data(self) -> bool:
        """Whether the state allows `send_data`."""
        return (Stimulus.DATA_REQUEST, self.state) in TABLE

    @property
    def can_accept_release(self) -> bool:
        """Whether the state allows `accept_release`: in a release collision the acceptor has to wait."""
        return (Stimulus.RELEASE_RESPONSE, self.state) in TABLE

    @property
    def can_abort(self) -> bool:
        """Whether the state allows `abort`: not before a request has come, nor after the association has ended."""
        return (Stimulus.ABORT_REQUEST, self.state) in TABLE

    # --- from bytes to stimuli, and back to events -----------------------------------------------------------------

    def _take(self, token: Token) -> None:
        if isinstance(token, DataIndication):
            if self.state is State.ESTABLISHED:
                self._events.append(token)  # what the table says, without looking it up for every piece
            else:
                self._do(Stimulus.DATA_PDU, token, self._now)
        elif token.variable_field is None:
            self._do(STIMULI[token.pdu_type], token.pdu_type, self._now)
        else:
            self._do(STIMULI[token.pdu_type], decode(token.pdu_type, token.variable_field), self._now)

    def _told(self) -> list[Event]:
        events, self._events = self._events, []
        return events
