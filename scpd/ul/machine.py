"""The state machine of PS3.8 section 9.2 at work: `TABLE[stimulus, state]` names the action, the action is here.

An action queues bytes to send and events to tell, starts or stops the ARTIM timer, and returns the next state. It
performs no I/O. The 28 actions stand in the order of PS3.8 Tables 9-6 to 9-9; ACTIONS at the end of the file pairs
them with their names in the table. ARTIM is a moment in time, set when the timer starts: no byte a peer sends
extends it.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from scpd.ul.codec import encode
from scpd.ul.cursor import invalid
from scpd.ul.errors import LocalError, ProtocolError
from scpd.ul.events import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    AssociateRejection,
    DataIndication,
    Event,
    ReleaseConfirmation,
    ReleaseIndication,
    TransportClosed,
)
from scpd.ul.inbound import Inbound, UpperLayerLimits
from scpd.ul.pdu import (
    Abort,
    AbortReason,
    AbortSource,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    Pdu,
    PDUType,
    RejectReason,
    RejectResult,
    ReleaseRP,
    ReleaseRQ,
)
from scpd.ul.table import TABLE, Action, State, Stimulus

Buffer: TypeAlias = bytes | bytearray | memoryview

VERSION_1 = 0x0001  # bit 0 of the protocol version, the only one to test: PS3.8 9.3.2
VERSION_NOT_SUPPORTED = AssociateRJ(RejectResult.PERMANENT, RejectReason.PROTOCOL_VERSION_NOT_SUPPORTED)


class Role(Enum):
    """Which side of the association this is (PS3.8 7.1)."""

    REQUESTOR = "requestor"
    ACCEPTOR = "acceptor"


class StateMachine:
    """What follows from a stimulus; where stimuli come from, and what the attributes mean, is said in `Connection`."""

    __slots__ = (
        "_associate_rq",
        "_events",
        "_inbound",
        "_limits",
        "_now",
        "_offers",
        "_outbound",
        "_role",
        "close_transport",
        "deadline",
        "fault",
        "peer_maximum_length",
        "state",
    )

    def __init__(self, role: Role, limits: UpperLayerLimits) -> None:
        self.state = State.IDLE
        self.deadline: float | None = None
        self.close_transport = False
        self.peer_maximum_length: int | None = None
        self.fault = ""
        self._role = role
        self._limits = limits
        self._inbound = Inbound(limits)
        self._events: list[Event] = []
        self._outbound: list[Buffer] = []
        self._associate_rq = b""
        self._offers: Mapping[int, tuple[str, ...]] = {}
        self._now = 0.0

    def _do(self, stimulus: Stimulus, subject: object, now: float) -> None:
        """Takes the step that the table names; `subject` is what the stimulus brings: a PDU, an error, or nothing."""
        step = STEPS.get((stimulus, self.state))
        if step is None or self.close_transport:
            raise LocalError(f"{stimulus.name} is not possible in state {self.state.name}")
        self._now = now
        state = step(self, subject)
        if state is not self.state:
            self.state = state
            self.close_transport = state is State.IDLE
            self._inbound.wanted = WANTED[state]

    def _send(self, pdu: Pdu) -> None:
        self._outbound.append(encode(pdu))

    def _start_artim(self) -> None:
        self.deadline = self._now + self._limits.artim_seconds

    def _open_for_data(self, accept: AssociateAC) -> None:
        accepted = (c.context_id for c in accept.presentation_contexts if c.result is ContextResult.ACCEPTANCE)
        self._inbound.contexts = bytes(accepted)

    def _blame(self, cause: ProtocolError | PDUType) -> Abort:
        """The A-ABORT of the service-provider for a protocol error or for a PDU that was not expected."""
        if isinstance(cause, PDUType):
            detail = f"unexpected {cause.name} PDU in state {self.state.name}"
            cause = ProtocolError(AbortSource.SERVICE_PROVIDER, AbortReason.UNEXPECTED_PDU, detail)
        self.fault = self.fault or cause.detail
        return Abort(cause.source, cause.reason)

    # --- associate actions, PS3.8 Table 9-6 ------------------------------------------------------------------------

    def _open_transport(self, request: AssociateRQ) -> State:
        self._offers = {c.context_id: c.transfer_syntaxes for c in request.presentation_contexts}
        self._associate_rq = encode(request)
        return State.AWAITING_TRANSPORT

    def _send_associate_rq(self, _: object) -> State:
        self._outbound.append(self._associate_rq)
        return State.AWAITING_ANSWER

    def _confirm_acceptance(self, accept: AssociateAC) -> State:
        for context in accept.presentation_contexts:
            offered = self._offers.get(context.context_id, ())
            if context.result is ContextResult.ACCEPTANCE and context.transfer_syntax not in offered:
                raise invalid(f"presentation context {context.context_id} is accepted, but was not offered like that")
        self._open_for_data(accept)
        self.peer_maximum_length = accept.user_information.maximum_length
        self._events.append(AssociateConfirmation(accept))
        return State.ESTABLISHED

    def _confirm_rejection(self, reject: AssociateRJ) -> State:
        self._events.append(AssociateRejection(reject))
        return State.IDLE

    def _await_associate_rq(self, _: object) -> State:
        self._start_artim()
        return State.AWAITING_REQUEST

    def _indicate_associate(self, request: AssociateRQ) -> State:
        self.deadline = None
        if not request.protocol_version & VERSION_1:
            self.fault = f"protocol version {request.protocol_version:04X}H"
            return self._send_associate_rj(VERSION_NOT_SUPPORTED)
        self.peer_maximum_length = request.user_information.maximum_length
        self._events.append(AssociateIndication(request))
        return State.AWAITING_LOCAL_ANSWER

    def _send_associate_ac(self, accept: AssociateAC) -> State:
        self._send(accept)
        self._open_for_data(accept)
        return State.ESTABLISHED

    def _send_associate_rj(self, reject: AssociateRJ) -> State:
        self._send(reject)
        self._start_artim()
        return State.AWAITING_CLOSE

    # --- data transfer actions, Table 9-7, and their like in Table 9-8 ---------------------------------------------

    def _send_data(self, pdus: Buffer) -> State:
        self._outbound.append(pdus)
        return self.state

    def _indicate_data(self, piece: DataIndication) -> State:
        self._events.append(piece)
        return self.state

    # --- release actions, Table 9-8 --------------------------------------------------------------------------------

    def _send_release_rq(self, _: object) -> State:
        self._send(ReleaseRQ())
        return State.AWAITING_RELEASE_RP

    def _indicate_release(self, _: object) -> State:
        self._events.append(ReleaseIndication())
        return State.AWAITING_LOCAL_RELEASE

    def _confirm_release(self, _: object) -> State:
        self._events.append(ReleaseConfirmation())
        return State.IDLE

    def _send_release_rp(self, _: object) -> State:
        self._send(ReleaseRP())
        self._start_artim()
        return State.AWAITING_CLOSE

    def _indicate_collision(self, _: object) -> State:
        self._events.append(ReleaseIndication())
        is_requestor = self._role is Role.REQUESTOR
        return State.COLLISION_REQUESTOR_LOCAL if is_requestor else State.COLLISION_ACCEPTOR_REMOTE

    def _send_release_rp_as_requestor(self, _: object) -> State:
        self._send(ReleaseRP())
        return State.COLLISION_REQUESTOR_REMOTE

    def _confirm_release_as_acceptor(self, _: object) -> State:
        self._events.append(ReleaseConfirmation())
        return State.COLLISION_ACCEPTOR_LOCAL

    # --- abort actions, Table 9-9, and the other ways to end -------------------------------------------------------

    def _abort_as_user(self, cause: Abort | ProtocolError | PDUType) -> State:
        if not isinstance(cause, Abort):
            self._blame(cause)
            cause = Abort(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED)
        self._send(cause)
        self._start_artim()
        return State.AWAITING_CLOSE

    def _close(self, _: object) -> State:
        self.deadline = None
        return State.IDLE

    def _indicate_abort(self, abort: Abort) -> State:
        self._events.append(AbortIndication(abort.source, abort.reason, by_peer=True))
        return State.IDLE

    def _indicate_loss(self, _: object) -> State:
        self._events.append(TransportClosed())
        return State.IDLE

    def _ignore(self, _: object) -> State:
        return self.state

    def _abort_again(self, cause: ProtocolError | PDUType) -> State:
        self._send(self._blame(cause))
        return State.AWAITING_CLOSE

    def _abort_as_provider(self, cause: ProtocolError | PDUType) -> State:
        abort = self._blame(cause)
        self._send(abort)
        self._events.append(AbortIndication(abort.source, abort.reason, by_peer=False))
        self._start_artim()
        return State.AWAITING_CLOSE


STIMULI: Mapping[PDUType, Stimulus] = {
    PDUType.ASSOCIATE_RQ: Stimulus.ASSOCIATE_RQ_PDU,
    PDUType.ASSOCIATE_AC: Stimulus.ASSOCIATE_AC_PDU,
    PDUType.ASSOCIATE_RJ: Stimulus.ASSOCIATE_RJ_PDU,
    PDUType.P_DATA_TF: Stimulus.DATA_PDU,
    PDUType.RELEASE_RQ: Stimulus.RELEASE_RQ_PDU,
    PDUType.RELEASE_RP: Stimulus.RELEASE_RP_PDU,
    PDUType.ABORT: Stimulus.ABORT_PDU,
}

ACTIONS: Mapping[Action, Callable[[StateMachine, Any], State]] = {  # Any: each takes what its stimuli bring
    Action.OPEN_TRANSPORT: StateMachine._open_transport,
    Action.SEND_ASSOCIATE_RQ: StateMachine._send_associate_rq,
    Action.CONFIRM_ACCEPTANCE: StateMachine._confirm_acceptance,
    Action.CONFIRM_REJECTION: StateMachine._confirm_rejection,
    Action.AWAIT_ASSOCIATE_RQ: StateMachine._await_associate_rq,
    Action.INDICATE_ASSOCIATE: StateMachine._indicate_associate,
    Action.SEND_ASSOCIATE_AC: StateMachine._send_associate_ac,
    Action.SEND_ASSOCIATE_RJ: StateMachine._send_associate_rj,
    Action.SEND_DATA: StateMachine._send_data,
    Action.INDICATE_DATA: StateMachine._indicate_data,
    Action.SEND_RELEASE_RQ: StateMachine._send_release_rq,
    Action.INDICATE_RELEASE: StateMachine._indicate_release,
    Action.CONFIRM_RELEASE: StateMachine._confirm_release,
    Action.SEND_RELEASE_RP: StateMachine._send_release_rp,
    Action.END_AFTER_RELEASE: StateMachine._close,
    Action.INDICATE_LATE_DATA: StateMachine._indicate_data,
    Action.SEND_LATE_DATA: StateMachine._send_data,
    Action.INDICATE_COLLISION: StateMachine._indicate_collision,
    Action.SEND_RELEASE_RP_AS_REQUESTOR: StateMachine._send_release_rp_as_requestor,
    Action.CONFIRM_RELEASE_AS_ACCEPTOR: StateMachine._confirm_release_as_acceptor,
    Action.ABORT_AS_USER: StateMachine._abort_as_user,
    Action.CLOSE: StateMachine._close,
    Action.INDICATE_ABORT: StateMachine._indicate_abort,
    Action.INDICATE_LOSS: StateMachine._indicate_loss,
    Action.END_BEFORE_ASSOCIATION: StateMachine._close,
    Action.IGNORE: StateMachine._ignore,
    Action.ABORT_AGAIN: StateMachine._abort_again,
    Action.ABORT_AS_PROVIDER: StateMachine._abort_as_provider,
}

STEPS = {cell: ACTIONS[action] for cell, action in TABLE.items()}

_ANSWERED_AT_HEADER = (Action.ABORT_AS_USER, Action.CLOSE, Action.IGNORE, Action.ABORT_AGAIN, Action.ABORT_AS_PROVIDER)

WANTED = {
    state: frozenset(
        pdu_type
        for pdu_type, stimulus in STIMULI.items()
        if (stimulus, state) in TABLE and TABLE[stimulus, state] not in _ANSWERED_AT_HEADER
    )
    for state in State
}
"""The PDU types whose body the action of a state uses."""
