"""Two Connections on a fake wire: what one sends the other receives, and time passes only when it is told to.

wire = Wire(Delivery.BYTEWISE)
wire.open(request)
wire.acceptor.accept(accept, wire.now)
wire.deliver()
assert wire.requestor.state is State.ESTABLISHED
"""

from collections.abc import Iterable, Iterator
from enum import Enum

from scpd.ul.connection import Connection, Role, UpperLayerLimits
from scpd.ul.events import DataIndication, Event
from scpd.ul.pdu import AssociateRQ


class Delivery(Enum):
    """How bytes arrive at the other end."""

    WHOLE = "all that was sent, in one read"
    BYTEWISE = "one byte a read"

    def cut(self, data: bytes) -> Iterator[bytes]:
        """The reads in which `data` arrives."""
        step = max(len(data), 1) if self is Delivery.WHOLE else 1
        return (data[at : at + step] for at in range(0, len(data), step))


class Wire:
    """A requestor and an acceptor, connected. `requestor_events` and `acceptor_events` gather what they tell."""

    def __init__(self, delivery: Delivery = Delivery.WHOLE, limits: UpperLayerLimits | None = None) -> None:
        limits = limits or UpperLayerLimits()
        self.now = 0.0
        self.is_connected = False
        self.requestor = Connection(Role.REQUESTOR, limits)
        self.acceptor = Connection(Role.ACCEPTOR, limits)
        self.requestor_events: list[Event] = []
        self.acceptor_events: list[Event] = []
        self._delivery = delivery

    def connect(self) -> None:
        """Opens the transport for both; the requestor has to have asked for its association."""
        self.requestor.transport_opened(self.now)
        self.acceptor.transport_opened(self.now)
        self.is_connected = True

    def open(self, request: AssociateRQ) -> None:
        """Connects both ends and carries the request to the acceptor."""
        self.requestor.associate(request, self.now)
        self.connect()
        self.deliver()

    def deliver(self) -> None:
        """Carries bytes both ways, and the end of the transport, until nothing moves any more."""
        while self.is_connected and self._carry_to_acceptor() | self._carry_to_requestor():
            pass

    def wait(self, seconds: float) -> None:
        """Lets time pass, and both ends do what is due then."""
        self.now += seconds
        self.requestor_events += self.requestor.handle_timer(self.now)
        self.acceptor_events += self.acceptor.handle_timer(self.now)
        self.deliver()

    def _carry_to_acceptor(self) -> bool:
        return _carry(self.requestor, self.acceptor, self.acceptor_events, self._delivery, self.now)

    def _carry_to_requestor(self) -> bool:
        return _carry(self.acceptor, self.requestor, self.requestor_events, self._delivery, self.now)


def _carry(sender: Connection, receiver: Connection, events: list[Event], delivery: Delivery, now: float) -> bool:
    """Whether anything moved. What a sender queued before it closed still arrives, as TCP has it."""
    data = sender.data_to_send()
    for read in delivery.cut(data):
        events += receiver.receive_data(read, now)
    if sender.close_transport and not receiver.close_transport:
        events += receiver.receive_eof(now)
        return True
    return bool(data)


def joined(events: Iterable[Event]) -> list[Event]:
    """The same events with the pieces of each fragment joined, so that they do not depend on how bytes arrived."""
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, DataIndication) and isinstance(last, DataIndication) and not last.ends_fragment:
            data = memoryview(bytes(last.data) + bytes(event.data))
            result[-1] = event._replace(data=data)
        else:
            result.append(event)
    return result
