"""A network of in-memory connections that deliver late, in pieces, after a stall, only so far, or not at all.

An `Endpoint` is the asyncio transport of one end: it takes what its protocol writes into a buffer of its own, puts
segments of chance length on their way as far as the receiver's window allows, and tells its protocol to pause when
the buffer grows, all as a socket's transport does. A connection may be reset after so many bytes; or its path may
break, and then nothing arrives any more and nobody is told: the other host is gone.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import cast

HIGH_WATER_BYTES = 8_192
"""What a protocol may write ahead before it is paused; small, so that a few answers get there."""

IN_LINE_SECONDS = 1e-6
"""Between two arrivals at one end: timers of the same moment have no order."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a path is like. `resets_after` and `breaks_after` count the bytes sent in both directions, None is never."""

    delay_seconds: float = 0.001
    segment_bytes_max: int = 1_460
    window_bytes: int = 16_384
    stall_probability: float = 0.0
    stall_seconds: float = 0.0
    resets_after: int | None = None
    breaks_after: int | None = None

    @property
    def are_good(self) -> bool:
        """Whether nothing here may end a connection or hold it up for long."""
        return self.resets_after is None and self.breaks_after is None and not self.stall_probability


class Network:
    """Connects clients with the one server. `served` are the server's open ends."""

    def __init__(self, chance: Random, note: Callable[[str, str], None]) -> None:
        self.served: list[Endpoint] = []
        self._chance = chance
        self._note = note
        self._accept: Callable[[], asyncio.BaseProtocol] | None = None

    def listen(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> "Server":
        """Begins to accept."""
        self._accept = protocol_factory
        return Server(self)

    def stop_listening(self) -> None:
        """From here on connections are refused."""
        self._accept = None

    def connect(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], address: str, conditions: Conditions
    ) -> "tuple[Endpoint, asyncio.BaseProtocol]":
        """A connection from `address`. Raises ConnectionRefusedError when nobody listens."""
        if self._accept is None:
            raise ConnectionRefusedError(address)
        path = Path(conditions, self._chance, self._note, address)
        near, far = Endpoint(path, "peer"), Endpoint(path, "scpd")
        near.other, far.other = far, near
        self.served.append(far)
        far.on_lost = self.served.remove
        protocol = protocol_factory()
        near.open(protocol)
        far.open(self._accept())
        return near, protocol


class Server:
    """What `create_server` gives."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def close(self) -> None:
        self._network.stop_listening()


class Path:
    """What both ends of a connection share: the way between them."""

    def __init__(self, conditions: Conditions, chance: Random, note: Callable[[str, str], None], address: str) -> None:
        self.conditions = conditions
        self.chance = chance
        self.address = address
        self.loop = asyncio.get_running_loop()
        self._note = note
        self._sent_bytes = 0

    @property
    def is_broken(self) -> bool:
        """Whether nothing arrives any more."""
        limit = self.conditions.breaks_after
        return limit is not None and self._sent_bytes >= limit

    def note(self, what: str) -> None:
        """Writes a line of the trace."""
        self._note(self.address, what)

    def segment_bytes(self, waiting: int) -> int:
        """How much of what waits leaves next."""
        return min(waiting, self.chance.randint(1, self.conditions.segment_bytes_max))

    def count(self, sent: int) -> bool:
        """Counts bytes; whether the connection is reset by them."""
        limit = self.conditions.resets_after
        self._sent_bytes += sent
        return limit is not None and self._sent_bytes >= limit

    def seconds(self) -> float:
        """How long the next segment takes."""
        conditions = self.conditions
        stall = conditions.stall_seconds if self.chance.random() < conditions.stall_probability else 0.0
        return self.chance.uniform(0.5, 1.5) * conditions.delay_seconds + stall


class Socket:
    """What a transport names as its socket: it takes every option."""

    def setsockopt(self, *option: object) -> None:
        """Lingering is not simulated: a reset here drops everything."""

    def fileno(self) -> int:
        """A low one: descriptors never run out."""
        return 0


class Endpoint(asyncio.Transport):
    """One end of a connection, as its protocol sees it; the underscored half is what the network does."""

    other: "Endpoint"

    def __init__(self, path: Path, side: str) -> None:
        super().__init__({"peername": (path.address, 104), "socket": Socket()})
        self.on_lost: Callable[[Endpoint], None] = lambda _: None
        self._path = path
        self._side = side
        self._reading = True
        self._closing = False
        self._was_reset = False
        self._lost = False
        self._is_paused = False
        self._unsent = bytearray()
        self._on_the_way = 0  # bytes sent that the other side's protocol has not taken
        self._arrived: deque[bytes] = deque()  # b"" is the end
        self._last_arrival = 0.0
        self._delivering = False

    def open(self, protocol: asyncio.BaseProtocol) -> None:
        """Tells the protocol that it is connected."""
        self._protocol = protocol
        protocol.connection_made(self)

    # -- what protocols call --------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._unsent += data
        self._notice_reset()
        self._send()
        if len(self._unsent) > HIGH_WATER_BYTES and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def write_eof(self) -> None:
        self._travel(self.other._arrive, b"")

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._notice_reset()
        self._deliver_soon()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._reading = False
            self._notice_reset()
            self._send()

    def abort(self) -> None:
        if not self._lost:
            self._travel(self.other._reset)
            self._lose(None)

    # -- what the network does ------------------------------------------------------------------------------

    def _send(self) -> None:
        window = self._path.conditions.window_bytes
        while self._unsent and self._on_the_way < window and not self._lost:
            size = self._path.segment_bytes(len(self._unsent))
            segment = bytes(self._unsent[:size])
            del self._unsent[:size]
            self._on_the_way += size
            self._travel(self.other._arrive, segment)
            if self._path.count(size):
                self._path.note("reset")
                self._reset()
                self.other._reset()
        if self._is_paused and len(self._unsent) <= HIGH_WATER_BYTES // 4 and not self._lost:
            self._is_paused = False
            self._protocol.resume_writing()
        if self._closing and not self._unsent and not self._lost:
            self._travel(self.other._arrive, b"")
            self._lose(None)

    def _travel(self, arrive: Callable[..., None], *what: bytes) -> None:
        """Has something happen at the other end after a while, in order; or never, where the path is broken."""
        if not self._path.is_broken:
            arrival = self._path.loop.time() + self._path.seconds()
            self._last_arrival = max(self._last_arrival + IN_LINE_SECONDS, arrival)
            self._path.loop.call_at(self._last_arrival, arrive, *what)

    def _arrive(self, segment: bytes) -> None:
        if not self._lost:
            self._arrived.append(segment)
            self._deliver_soon()
        elif segment:  # nobody is here any more
            self._travel(self.other._reset)

    def _deliver_soon(self) -> None:
        if not self._delivering:
            self._delivering = True
            self._path.loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        """Hands over one segment, or as much of it as the protocol has room for."""
        self._delivering = False
        if not self._reading or self._lost or not self._arrived:
            return
        segment = self._arrived.popleft()
        if not segment:
            self._path.note(f"end of stream to {self._side}")
            if not cast(asyncio.Protocol, self._protocol).eof_received():
                self.close()
            return
        taken = self._hand_over(segment)
        self._path.note(f"{taken} bytes to {self._side}")
        if taken < len(segment):
            self._arrived.appendleft(segment[taken:])
        self._travel(self.other._acknowledge, segment[:taken])
        self._deliver_soon()

    def _hand_over(self, segment: bytes) -> int:
        if not isinstance(self._protocol, asyncio.BufferedProtocol):
            cast(asyncio.Protocol, self._protocol).data_received(segment)
            return len(segment)
        room = cast(memoryview, self._protocol.get_buffer(-1))
        taken = min(len(room), len(segment))
        room[:taken] = segment[:taken]
        self._protocol.buffer_updated(taken)
        return taken

    def _acknowledge(self, segment: bytes) -> None:
        self._on_the_way -= len(segment)
        if not self._lost:
            self._send()

    def _reset(self) -> None:
        self._was_reset = True
        self._notice_reset()

    def _notice_reset(self) -> None:
        """A socket tells of a reset only who reads from it or writes to it."""
        if not self._was_reset or not (self._reading or self._unsent or self._closing):
            return
        # A peer takes it for an end: asyncio's streams lose such an error when the reader has just given up.
        self._lose(ConnectionResetError("the connection was reset") if self._side == "scpd" else None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._arrived.clear()
            self._path.loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        self._path.note(f"{self._side} disconnected")
        self.on_lost(self)
        self._protocol.connection_lost(error)
