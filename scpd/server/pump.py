"""Drives one upper-layer `Connection` with one `Wire`: the same few lines after every input.

What arrived is fed to the connection, what it has to say is written, and a timer is set to the earliest moment at
which something must happen: the connection's own deadline (ARTIM, absolute: a dribbling peer does not extend it) or
the end of the silence that a peer is allowed. Blocks are given back when their events are used up.
"""

import asyncio
from collections import deque

from scpd.server.blocks import Block
from scpd.server.options import ServerOptions
from scpd.server.wire import Signal, Wire
from scpd.services.exchange import AssociationEnded
from scpd.ul.connection import Connection
from scpd.ul.events import Event

PROVIDER, NO_REASON = 2, 0


class Pump:
    """Events out of a wire. One coroutine at a time may wait in `next_event`."""

    def __init__(self, wire: Wire, connection: Connection, options: ServerOptions) -> None:
        self.wire = wire
        self.connection = connection
        self.peer_may_be_silent = False
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._block: Block | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.last_activity = self._loop.time()
        connection.transport_opened(self.last_activity)

    @property
    def now(self) -> float:
        """Seconds on the event loop's clock."""
        return self._loop.time()

    @property
    def has_events(self) -> bool:
        """Whether `next_event` would answer from the block at hand, whose views stay alive so far."""
        return bool(self._events)

    async def next_event(self) -> Event | None:
        """The next event, or None when the bell rang for the owner's sake. Raises AssociationEnded at the end."""
        while not self._events:
            self._give_block_back()
            self.flush()
            if self.connection.close_transport:
                raise AssociationEnded("transport closed")
            self._set_timer()
            arrival = await self.wire.receive()
            if isinstance(arrival, Block):
                self._block = arrival
                self.last_activity = self.now
                self._events.extend(self.connection.receive_data(arrival.received, self.last_activity))
            elif arrival is Signal.END_OF_STREAM:
                self._events.extend(self.connection.receive_eof(self.now))
            elif not self._handle_timers():
                return None
        return self._events.popleft()

    def flush(self) -> None:
        """Writes what the connection has to send."""
        data = self.connection.data_to_send()
        if data:
            self.last_activity = self.now
            self.wire.write(data)

    def finish(self) -> None:
        """Ends timer and blocks; the wire is closed when its last bytes are sent, or cannot be."""
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._give_block_back()
        self.wire.drop_blocks()
        self.wire.close(self._options.upper_layer.artim_seconds)

    def _give_block_back(self) -> None:
        if self._block is not None:
            self.wire.give_back(self._block)
            self._block = None

    def _due(self) -> float:
        deadline = self.connection.deadline
        if deadline is not None:
            return deadline
        return self.last_activity + self._options.idle_seconds

    def _set_timer(self) -> None:
        due = self._due()
        if self._timer is None or due < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self.wire.ring()

    def _handle_timers(self) -> bool:
        """Whether a timer had something to say."""
        now = self.now
        if now < self._due():
            return False
        if self.connection.deadline is not None:
            self._events.extend(self.connection.handle_timer(now))
        elif not self.peer_may_be_silent:
            if self.connection.can_abort:
                self.connection.abort(PROVIDER, NO_REASON, now)
            raise AssociationEnded(f"no traffic for {self._options.idle_seconds:g} s")
        else:
            self.last_activity = now
        return True
