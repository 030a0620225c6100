"""All 247 cells of Table 9-10, each in a connection that was brought into its state and is given its event for real.

What each action does is typed here once more, from PS3.8 Tables 9-6 to 9-9: the next state, the PDU that is sent, the
event that is told, and whether ARTIM runs afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from scpd.ul.codec import encode
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import LocalError
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
from scpd.ul.machine import ACTIONS, STIMULI
from scpd.ul.pdu import Abort, PDUType
from scpd.ul.table import TABLE, Action, Stimulus
from tests.ul.samples import (
    ACCEPT,
    ARTIM,
    DATA,
    REJECT,
    RELEASE_RP,
    RELEASE_RQ,
    REQUEST,
    ROLES,
    abort_pdu,
    connection_in,
    pdu,
)

NOW = 3.0
"""When the event happens; the state was reached at 0."""

Happening = Callable[[Connection], list[Event] | None]


def arrival(data: bytes) -> Happening:
    return lambda connection: connection.receive_data(data, NOW)


HAPPENINGS: dict[Stimulus, Happening] = {
    Stimulus.ASSOCIATE_REQUEST: lambda connection: connection.associate(REQUEST, NOW),
    Stimulus.TRANSPORT_CONFIRMED: lambda connection: connection.transport_opened(NOW),
    Stimulus.ASSOCIATE_AC_PDU: arrival(encode(ACCEPT)),
    Stimulus.ASSOCIATE_RJ_PDU: arrival(encode(REJECT)),
    Stimulus.TRANSPORT_INDICATED: lambda connection: connection.transport_opened(NOW),
    Stimulus.ASSOCIATE_RQ_PDU: arrival(encode(REQUEST)),
    Stimulus.ASSOCIATE_ACCEPTANCE: lambda connection: connection.accept(ACCEPT, NOW),
    Stimulus.ASSOCIATE_REJECTION: lambda connection: connection.reject(REJECT, NOW),
    Stimulus.DATA_REQUEST: lambda connection: connection.send_data(encode(DATA), NOW),
    Stimulus.DATA_PDU: arrival(encode(DATA)),
    Stimulus.RELEASE_REQUEST: lambda connection: connection.release(NOW),
    Stimulus.RELEASE_RQ_PDU: arrival(RELEASE_RQ),
    Stimulus.RELEASE_RP_PDU: arrival(RELEASE_RP),
    Stimulus.RELEASE_RESPONSE: lambda connection: connection.accept_release(NOW),
    Stimulus.ABORT_REQUEST: lambda connection: connection.abort(0, 0, NOW),
    Stimulus.ABORT_PDU: arrival(encode(Abort(2, 0))),
    Stimulus.TRANSPORT_CLOSED: lambda connection: connection.receive_eof(NOW),
    Stimulus.ARTIM_EXPIRED: lambda connection: connection.handle_timer(ARTIM),
    Stimulus.INVALID_PDU: arrival(pdu(0xFF, b"")),
}

ROLE_FOR = {
    Stimulus.ASSOCIATE_REQUEST: Role.REQUESTOR,
    Stimulus.TRANSPORT_CONFIRMED: Role.REQUESTOR,
    Stimulus.TRANSPORT_INDICATED: Role.ACCEPTOR,
}
"""The events that only one of the two can meet."""


@dataclass(frozen=True)
class Outcome:
    """The effect of an action; `None` for the state means that it stays, `artim` is when the timer will expire."""

    state: State | None
    sent: bytes = b""
    told: type | None = None
    artim: float | None = None


UNEXPECTED, UNRECOGNIZED = abort_pdu(2, 2), abort_pdu(2, 1)
RESTARTED = NOW + ARTIM

OUTCOMES: dict[Action, Outcome] = {
    Action.OPEN_TRANSPORT: Outcome(State.AWAITING_TRANSPORT),
    Action.SEND_ASSOCIATE_RQ: Outcome(State.AWAITING_ANSWER, sent=encode(REQUEST)),
    Action.CONFIRM_ACCEPTANCE: Outcome(State.ESTABLISHED, told=AssociateConfirmation),
    Action.CONFIRM_REJECTION: Outcome(State.IDLE, told=AssociateRejection),
    Action.AWAIT_ASSOCIATE_RQ: Outcome(State.AWAITING_REQUEST, artim=RESTARTED),
    Action.INDICATE_ASSOCIATE: Outcome(State.AWAITING_LOCAL_ANSWER, told=AssociateIndication),
    Action.SEND_ASSOCIATE_AC: Outcome(State.ESTABLISHED, sent=encode(ACCEPT)),
    Action.SEND_ASSOCIATE_RJ: Outcome(State.AWAITING_CLOSE, sent=encode(REJECT), artim=RESTARTED),
    Action.SEND_DATA: Outcome(State.ESTABLISHED, sent=encode(DATA)),
    Action.INDICATE_DATA: Outcome(State.ESTABLISHED, told=DataIndication),
    Action.SEND_RELEASE_RQ: Outcome(State.AWAITING_RELEASE_RP, sent=RELEASE_RQ),
    Action.INDICATE_RELEASE: Outcome(State.AWAITING_LOCAL_RELEASE, told=ReleaseIndication),
    Action.CONFIRM_RELEASE: Outcome(State.IDLE, told=ReleaseConfirmation),
    Action.SEND_RELEASE_RP: Outcome(State.AWAITING_CLOSE, sent=RELEASE_RP, artim=RESTARTED),
    Action.END_AFTER_RELEASE: Outcome(State.IDLE),
    Action.INDICATE_LATE_DATA: Outcome(State.AWAITING_RELEASE_RP, told=DataIndication),
    Action.SEND_LATE_DATA: Outcome(State.AWAITING_LOCAL_RELEASE, sent=encode(DATA)),
    Action.SEND_RELEASE_RP_AS_REQUESTOR: Outcome(State.COLLISION_REQUESTOR_REMOTE, sent=RELEASE_RP),
    Action.CONFIRM_RELEASE_AS_ACCEPTOR: Outcome(State.COLLISION_ACCEPTOR_LOCAL, told=ReleaseConfirmation),
    Action.ABORT_AS_USER: Outcome(State.AWAITING_CLOSE, sent=abort_pdu(0, 0), artim=RESTARTED),
    Action.CLOSE: Outcome(State.IDLE),
    Action.INDICATE_ABORT: Outcome(State.IDLE, told=AbortIndication),
    Action.INDICATE_LOSS: Outcome(State.IDLE, told=TransportClosed),
    Action.END_BEFORE_ASSOCIATION: Outcome(State.IDLE),
    Action.IGNORE: Outcome(State.AWAITING_CLOSE, artim=ARTIM),
    Action.ABORT_AGAIN: Outcome(State.AWAITING_CLOSE, sent=UNEXPECTED, artim=ARTIM),
    Action.ABORT_AS_PROVIDER: Outcome(State.AWAITING_CLOSE, sent=UNEXPECTED, told=AbortIndication, artim=RESTARTED),
}
COLLISIONS = {Role.REQUESTOR: State.COLLISION_REQUESTOR_LOCAL, Role.ACCEPTOR: State.COLLISION_ACCEPTOR_REMOTE}


def outcome_of(action: Action, stimulus: Stimulus, role: Role) -> Outcome:
    if action is Action.INDICATE_COLLISION:
        return Outcome(COLLISIONS[role], told=ReleaseIndication)
    outcome = OUTCOMES[action]
    if outcome.sent == UNEXPECTED and stimulus is Stimulus.INVALID_PDU:
        return Outcome(outcome.state, UNRECOGNIZED, outcome.told, outcome.artim)
    return outcome


CELLS = [
    pytest.param(stimulus, state, role, id=f"{stimulus.name}-{state.name}-{role.value}")
    for stimulus in Stimulus
    for state in State
    for role in ROLES[state]
    if ROLE_FOR.get(stimulus, role) is role
]
FILLED = [cell for cell in CELLS if (cell.values[0], cell.values[1]) in TABLE]
BLANK = [cell for cell in CELLS if cell not in FILLED]


@pytest.mark.parametrize(("stimulus", "state", "role"), FILLED)
def test_the_action_of_a_cell_has_the_effects_the_standard_lists(stimulus: Stimulus, state: State, role: Role) -> None:
    connection = connection_in(state, role)
    told = HAPPENINGS[stimulus](connection)
    expected = outcome_of(TABLE[stimulus, state], stimulus, role)
    assert connection.state is expected.state
    assert connection.data_to_send() == expected.sent
    assert [type(event) for event in told or []] == ([expected.told] if expected.told else [])
    assert connection.deadline == expected.artim
    assert connection.close_transport is (expected.state is State.IDLE)


@pytest.mark.parametrize(("stimulus", "state", "role"), BLANK)
def test_a_blank_cell_is_refused_and_changes_nothing(stimulus: Stimulus, state: State, role: Role) -> None:
    connection = connection_in(state, role)
    deadline = connection.deadline
    happens = partial(HAPPENINGS[stimulus], connection)
    if stimulus is Stimulus.ARTIM_EXPIRED:
        assert happens() == []
    else:
        with pytest.raises(LocalError, match=state.name):
            happens()
    assert connection.state is state
    assert connection.data_to_send() == b""
    assert connection.deadline == deadline
    assert not connection.close_transport


def test_every_cell_is_tried() -> None:
    blank_by_role = {
        # The acceptor's and the requestor's own events cannot be put to the other one at all.
        (stimulus, state)
        for stimulus, role in ROLE_FOR.items()
        for state in State
        if role not in ROLES[state]
    }
    tried = {(cell.values[0], cell.values[1]) for cell in CELLS}
    assert len(tried) + len(blank_by_role) == 247
    assert blank_by_role.isdisjoint(TABLE)


def test_every_action_of_the_table_is_there() -> None:
    assert set(ACTIONS) == set(Action)


def test_every_pdu_type_has_an_event() -> None:
    assert set(STIMULI) == set(PDUType)
    assert len(set(STIMULI.values())) == len(PDUType)
