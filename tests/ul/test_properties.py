"""What holds for any bytes, any reads and any order of events."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.ul.codec import encode
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import LocalError
from scpd.ul.events import DataIndication, Event
from tests.ul.samples import ACCEPT, ARTIM, DATA, LIMITS, REJECT, REQUEST, ROLES, connection_in, p_data, pdv
from tests.ul.strategies import reads, streams
from tests.ul.vectors import VECTORS
from tests.wire import Delivery, Wire, joined

FED = [state for state in State if state not in (State.IDLE, State.AWAITING_TRANSPORT)]
"""The states in which a transport is open, so that bytes may arrive."""

Trace: TypeAlias = tuple[list[Event], bytes, State, float | None]


def trace(connection: Connection, parts: list[bytes]) -> Trace:
    """All there is to see after `parts` have arrived; each read is overwritten afterwards, as a pooled block is."""
    events: list[Event] = []
    for part in parts:
        block = bytearray(part)
        events += [copied(event) for event in connection.receive_data(block, 1.0)]
        block[:] = b"\xaa" * len(block)
    return joined(events), connection.data_to_send(), connection.state, connection.deadline


def copied(event: Event) -> Event:
    return event._replace(data=memoryview(bytes(event.data))) if isinstance(event, DataIndication) else event


@pytest.mark.parametrize("state", FED)
@pytest.mark.parametrize("data", [data for data, _ in VECTORS.values()], ids=list(VECTORS))
def test_every_vector_means_the_same_whole_and_one_byte_at_a_time_and_twice_in_a_read(
    data: bytes, state: State
) -> None:
    for role in ROLES[state]:
        for stream in (data, data + data):
            whole = trace(connection_in(state, role), [stream])
            assert trace(connection_in(state, role), list(Delivery.BYTEWISE.cut(stream))) == whole
        assert trace(connection_in(state, role), [data, data]) == trace(connection_in(state, role), [data + data])


@given(st.sampled_from(FED), streams(), st.data())
def test_any_bytes_in_any_reads_mean_the_same_and_never_raise(state: State, stream: bytes, draw: st.DataObject) -> None:
    parts = draw.draw(reads(stream))
    whole = trace(connection_in(state), [stream])
    assert trace(connection_in(state), parts) == whole
    assert trace(connection_in(state), list(Delivery.BYTEWISE.cut(stream))) == whole


@given(st.sampled_from(FED), st.lists(streams(), max_size=3))
def test_any_peer_is_rid_of_when_artim_expires_after_the_end(state: State, parts: list[bytes]) -> None:
    connection = connection_in(state)
    trace(connection, parts)
    if connection.state is State.AWAITING_CLOSE:
        assert connection.deadline is not None
        connection.receive_data(b"\x04" * 100, connection.deadline - 0.1)
        connection.handle_timer(connection.deadline)
        assert connection.close_transport


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 3)), max_size=8), st.data())
def test_fragments_arrive_as_they_were_sent(sent: list[tuple[bytes, int]], draw: st.DataObject) -> None:
    connection = connection_in(State.ESTABLISHED, Role.ACCEPTOR)
    stream = b"".join(p_data(pdv(data, control=control), pdv(b"", control=0)) for data, control in sent)
    events, answer, state, _ = trace(connection, draw.draw(reads(stream)))
    assert (answer, state) == (b"", State.ESTABLISHED)
    pieces = [event for event in events if isinstance(event, DataIndication)]
    assert [(bytes(piece.data), piece.is_command | piece.is_last << 1) for piece in pieces[::2]] == sent
    assert all(piece.ends_fragment for piece in pieces)
    assert len(pieces) == 2 * len(sent)


# --- two connections, in any order of events -----------------------------------------------------------------------

Deed: TypeAlias = Callable[[Connection, float], object]

DEEDS: dict[str, Deed] = {
    "associate": lambda connection, now: connection.associate(REQUEST, now),
    "accept": lambda connection, now: connection.accept(ACCEPT, now),
    "reject": lambda connection, now: connection.reject(REJECT, now),
    "send data": lambda connection, now: connection.send_data(encode(DATA), now),
    "send nonsense": lambda connection, now: connection.send_data(b"\x04\0\0\0\0\x09\0\0\0\x09\x07\x07", now),
    "release": lambda connection, now: connection.release(now),
    "accept release": lambda connection, now: connection.accept_release(now),
    "abort": lambda connection, now: connection.abort(0, 0, now),
}

STEPS = st.one_of(
    st.tuples(st.sampled_from(["requestor", "acceptor"]), st.sampled_from(sorted(DEEDS))),
    st.tuples(st.just("wire"), st.sampled_from(["connect", "deliver", "wait 1", "wait 9"])),
)


def attempt(wire: Wire, actor: str, deed: str) -> None:
    """Lets it happen, or not where the state does not allow it: nothing but LocalError may come of it."""
    connection = wire.acceptor if actor == "acceptor" else wire.requestor
    before = connection.state
    try:
        if actor != "wire":
            DEEDS[deed](connection, wire.now)
        elif deed == "connect":
            wire.connect()
        elif deed == "deliver":
            wire.deliver()
        else:
            wire.wait(float(deed.split()[1]))
    except LocalError:
        assert actor != "wire" or deed == "connect"
        assert connection.state is before


@given(st.sampled_from(Delivery), st.booleans(), st.lists(STEPS, max_size=25))
def test_any_order_of_events_ends_with_both_sides_closed(
    delivery: Delivery, is_established: bool, steps: list[tuple[str, str]]
) -> None:
    wire = Wire(delivery, LIMITS)
    if is_established:
        wire.open(REQUEST)
        wire.acceptor.accept(ACCEPT, wire.now)
        wire.deliver()
    for actor, deed in steps:
        attempt(wire, actor, deed)
    for actor in ("requestor", "acceptor"):
        attempt(wire, actor, "abort")
    wire.wait(ARTIM)
    wire.wait(ARTIM)
    for connection in (wire.requestor, wire.acceptor):
        assert connection.state is State.IDLE
        assert connection.close_transport or not wire.is_connected
        assert connection.deadline is None
        assert connection.data_to_send() == b""
