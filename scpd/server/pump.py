"""Drives one upper-layer `Connection` with one `Wire`: the same few lines after every input.

What arrived is fed to the connection, what it has to say is written, and a timer is set to the earliest moment at
which something must happen: the connection's own deadline (ARTIM, absolute: a dribbling peer does not extend it) or
the end of the silence that a peer is allowed. Blocks are given back when their events are used up.

A peer that sends faster than it waits must not keep the event loop from the others: after a millisecond without a
wait everybody else gets a turn, and bytes are taken a few PDUs at a time, however tiny these are.
"""

import asyncio
from typing import NoReturn

from scpd.server.blocks import Block
from scpd.server.options import ServerOptions
from scpd.server.tempo import Tempo
from scpd.server.wire import Signal, Wire
from scpd.services.exchange import AssociationEnded
from scpd.ul.connection import Connection
from scpd.ul.events import Event
from scpd.ul.pdu import AbortReason, AbortSource

NOTHING = memoryview(b"")

TURN_SECONDS = 0.001
"""As long as a peer may be served without a wait: with a hundred busy ones, the next waits a tenth of a second."""
STEP_PDUS = 64
"""As many are looked at before anybody asks whether the turn is over; a fraction of a millisecond."""
GATHERED_BYTES_MAX = 1_048_576
"""As much of a message is kept at hand, so that a common object is handed over once and a large one in large pieces."""


class Pump:
    """Events out of a wire. One coroutine at a time may wait for them."""

    def __init__(self, wire: Wire, connection: Connection, options: ServerOptions) -> None:
        self.wire = wire
        self.connection = connection
        self.peer_may_be_silent = False
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._events: list[Event] = []  # the next one last; a deque costs every idle association 600 bytes more
        self._blocks: list[Block] = []  # those with views that somebody may still use; the last is being fed
        self.tempo = Tempo(options.rate_bytes_per_second_min, options.idle_seconds)
        self._timer: asyncio.Handle | None = None  # uvloop's is no TimerHandle when its time has come already
        self._timer_due = 0.0
        self.last_activity = self._turn_began = self._loop.time()
        connection.transport_opened(wire.since)  # ARTIM runs from there

    @property
    def now(self) -> float:
        """Seconds on the event loop's clock."""
        return self._loop.time()

    def event_at_hand(self) -> Event | None:
        """The next event of what was received; None where there is none, or where it is the others' turn."""
        if self._events or self._has_more():
            return None if self._turn_is_over() else self._events.pop()
        return None

    async def wait_for_events(self, *, gathering: bool = False) -> bool:
        """Waits for events, or for the others' turn; False when the bell rang for the owner's sake.

        The views of the events before stay alive where the owner is `gathering` them. Raises AssociationEnded at the
        end.
        """
        if self._turn_is_over():
            await self.let_others_run()
        while not self._has_more():
            if not gathering:
                self._give_blocks_back()
            self.flush()
            if self.connection.close_transport:
                raise AssociationEnded("transport closed")
            self._set_timer()
            arrival = await self._next_arrival()
            if isinstance(arrival, Block):
                continue
            if arrival is Signal.END_OF_STREAM:
                self._events = self.connection.receive_eof(self.now)[::-1]
            elif not self._handle_timers():
                return False
        return True

    async def next_event(self) -> Event | None:
        """The next event, or None when the bell rang for the owner's sake. Raises AssociationEnded at the end."""
        while (event := self.event_at_hand()) is None:
            if not await self.wait_for_events():
                return None
        return event

    def may_gather(self) -> bool:
        """Whether more events should be waited for before the views of the last ones are used up."""
        return self._has_more() or (
            sum(block.end for block in self._blocks) < GATHERED_BYTES_MAX and not self.wire.is_short_of_blocks
        )

    async def let_others_run(self) -> None:
        """Gives everybody else a turn when this one's is over."""
        if self._turn_is_over():
            await asyncio.sleep(0)
            self._turn_began = self._loop.time()

    def _turn_is_over(self) -> bool:
        return self._loop.time() - self._turn_began > TURN_SECONDS

    async def _next_arrival(self) -> Block | Signal:
        """What the wire has, or will have; a block is fed next. Raises AssociationEnded when the peer is too slow."""
        waits, began = not self.wire.has_arrivals, self._loop.time()
        arrival = await self.wire.receive(self._blocks[-1] if self._blocks else None)
        now = self._loop.time()
        if waits:
            self._turn_began = now
        if isinstance(arrival, Block):
            received = self._take(arrival)
            self.last_activity = now
            too_slow = self.tempo.is_too_slow(now - began, received)
            if too_slow and self.connection.deadline is None:
                self._end(f"less than {self._options.rate_bytes_per_second_min:g} bytes/s")
        return arrival

    def _take(self, block: Block) -> int:
        """Offers the connection what `block` has received since the last time; how many bytes that are."""
        if not self._blocks or self._blocks[-1] is not block:
            self._blocks.append(block)
        received, block.begin = block.received, block.end
        self.connection.offer_data(received)
        return len(received)

    def _has_more(self) -> bool:
        while not self._events and self.connection.has_data:
            self._events = self.connection.take_data(self._loop.time(), STEP_PDUS)[::-1]
        return bool(self._events)

    def flush(self) -> None:
        """Writes what the connection has to send."""
        data = self.connection.data_to_send()
        if data:
            self.last_activity = self._loop.time()
            self.wire.write(data)

    def finish(self) -> None:
        """Ends timer and blocks; the wire is closed when its last bytes are sent, or cannot be."""
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.connection.offer_data(NOTHING)  # no view outlives its block
        self._give_blocks_back()
        self.wire.drop_blocks()
        self.wire.close(self._options.upper_layer.artim_seconds)

    def _give_blocks_back(self) -> None:
        while self._blocks:
            self.wire.give_back(self._blocks.pop())

    def _due(self) -> float:
        deadline = self.connection.deadline
        if deadline is not None:
            return deadline
        return self.last_activity + self._options.idle_seconds

    def _set_timer(self) -> None:
        due = self._due()
        # One that rings early asks what is due, and is set again: cheaper than doing so at every byte. But not ARTIM's
        # of an association that was accepted since: ten thousand of them would all wake up for nothing.
        if self._timer is None or not self._timer_due <= due <= self._timer_due + self._options.idle_seconds / 2:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_due = self._loop.call_at(due, self._time_is_up), due

    def _time_is_up(self) -> None:
        self._timer = None
        self.wire.ring()

    def _handle_timers(self) -> bool:
        """Whether a timer had something to say."""
        now = self.now
        if now < self._due():
            return False
        if self.connection.deadline is not None:
            self._events = self.connection.handle_timer(now)[::-1]
        elif not self.peer_may_be_silent:
            self._end(f"no traffic for {self._options.idle_seconds:g} s")
        else:
            self.last_activity = now
        return True

    def _end(self, why: str) -> NoReturn:
        if self.connection.can_abort:
            self.connection.abort(AbortSource.SERVICE_PROVIDER, AbortReason.NOT_SPECIFIED, self.now)
        raise AssociationEnded(why)
