"""One TCP connection as an association sees it: blocks in, bytes out, and a bell that ends a wait.

`Wire` is an asyncio BufferedProtocol: the socket fills pooled blocks and no byte is copied on the way. It reads a block
ahead while the association is busy with the disk, and stops reading when that is full: this is the whole of the
back-pressure towards the peer. It knows nothing of PDUs, and of TLS only what is different in the calls it gets: a TLS
connection is never half-closed, and asks for room more often than it has something to fill it.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import Enum
from struct import pack
from typing import cast

from scpd.profile.certificate import PeerCertificate
from scpd.server.blocks import Block, Blocks
from scpd.services.exchange import AssociationEnded

UNSENT_BYTES_MAX = 131_072
"""tcp(7): what the kernel keeps for a peer that does not read; by default that is megabytes, which nobody counts."""
NO_LINGER = pack("ii", 1, 0)
"""socket(7): with a linger time of zero, closing resets the connection."""


class Signal(Enum):
    """What ended a wait when it was not a block."""

    END_OF_STREAM = "the peer closed its side, or the connection is lost"
    BELL = "someone rang: a timer, a finished answer, a shutdown"


class SendTimeout(AssociationEnded):
    """The peer did not take our bytes in time."""


class Wire(asyncio.BufferedProtocol):
    """A connection's bytes. `opened` is called once, with the wire, when the connection is made.

    `since` is when the peer connected, on the event loop's clock; with TLS that is before the handshake. `secured` is
    the TLS connection, None without TLS, and `certificate` the one that the peer was asked for.
    """

    def __init__(self, pool: Blocks, opened: Callable[["Wire"], None], *, is_tls: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self.since = self._loop.time()
        self.lost = False
        self.peer_address = ""
        self.bytes_received = 0
        self.secured: ssl.SSLObject | None = None
        self.certificate: PeerCertificate | None = None
        self._is_tls = is_tls
        self._pool = pool
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._filled: list[Block] = []  # few, and mostly none: a deque is large
        self._filling: Block | None = None
        self._end_of_stream = False
        self._rung = False
        self._reading = True
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None

    # -- called by the event loop ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports only look like asyncio's
        peer = transport.get_extra_info("peername")
        self.peer_address = unmapped(str(peer[0])) if peer else ""
        self.secured = transport.get_extra_info("ssl_object")
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
        self._opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._filling is None:
            self._filling = self._pool.take()
            if self._is_tls:
                self._loop.call_soon(self._let_go_of_unused_block)
        return self._filling.room

    def buffer_updated(self, nbytes: int) -> None:
        block = self._filling
        assert block is not None
        if not block.end:
            self._filled.append(block)
        block.end += nbytes
        self.bytes_received += nbytes
        if block.end == len(block.view):
            self._filling = None
            if self._filled or self._pool.exhausted:
                self._pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._end_of_stream = True
        self._wake()
        if not self._is_tls:
            return True  # the transport stays open: what is being answered may still be sent
        self.lost = True
        self.resume_writing()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self._end_of_stream = True
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # -- called by the association --------------------------------------------------------------------------

    async def receive(self, unfilled: Block | None = None) -> Block | Signal:
        """Waits for the next block, which then is the caller's until `give_back`; or for a signal.

        `unfilled` is a used-up block of the caller's with some room left: where nothing was read ahead, the next bytes
        come into it, and it is returned once more. A ring of the bell is answered before other blocks, blocks before
        the end of the stream.
        """
        while True:
            if unfilled is not None and unfilled.received:
                return unfilled
            if self._rung:
                self._rung = False
                return Signal.BELL
            if self._filled:
                return self._take_block()
            if self._end_of_stream:
                return Signal.END_OF_STREAM
            self._let_go_of_unused_block()
            self._filling = unfilled if unfilled is not None and unfilled.room else None
            self._resume_reading()  # even on a full budget: every association may have one block
            self._arrival = self._loop.create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
                if self._filling is unfilled:
                    self._filling = None

    def give_back(self, block: Block) -> None:
        """Returns a block; every view of it is dead from here on."""
        block.home.give_back(block)
        if not self._pool.exhausted:
            self._resume_reading()

    def draw_from(self, pool: Blocks) -> None:
        """Takes its further blocks from `pool`; those at hand go back to where they came from."""
        self._pool = pool

    @property
    def is_short_of_blocks(self) -> bool:
        """Whether blocks should come back soon: others need them."""
        return self._pool.exhausted

    @property
    def has_arrivals(self) -> bool:
        """Whether `receive` would not wait."""
        return self._rung or bool(self._filled) or self._end_of_stream

    @property
    def descriptor(self) -> int:
        """The number of the socket, -1 where there is none."""
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    def ring(self) -> None:
        """Ends the current or the next wait in `receive` with BELL."""
        self._rung = True
        self._wake()

    def write(self, data: bytes) -> None:
        """Queues bytes for the peer, in one write."""
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    async def wait_writable(self, send_seconds: float) -> None:
        """Waits until the peer has taken enough of what was written. Raises SendTimeout."""
        if self._writable is not None:
            try:
                async with asyncio.timeout(send_seconds):
                    await asyncio.shield(self._writable)
            except TimeoutError:
                raise SendTimeout from None

    def close(self, linger_seconds: float = 0.0) -> None:
        """Closes when what was written is sent, and resets the connection if that takes over `linger_seconds`."""
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():
                self._loop.call_later(linger_seconds, self._reset)

    def drop_blocks(self) -> None:
        """Returns every block that was not received; the association is over."""
        while self._filled:
            block = self._take_block()
            block.home.give_back(block)
        self._let_go_of_unused_block()

    # -- private --------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        """Drops what the peer does not take, in the kernel's buffer too: that would outlive a socket merely closed."""
        assert self._transport is not None
        if not self.lost:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self._transport.abort()

    def _take_block(self) -> Block:
        block = self._filled.pop(0)
        if block is self._filling:
            self._filling = None
        if not self._pool.exhausted:
            self._resume_reading()
        return block

    def _let_go_of_unused_block(self) -> None:
        # The socket asks for room before it knows whether anything has come.
        if self._filling is not None and not self._filling.end:
            self._filling.home.give_back(self._filling)
            self._filling = None

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _pause_reading(self) -> None:
        if self._reading and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._reading = False

    def _resume_reading(self) -> None:
        if not self._reading and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._reading = True


def unmapped(address: str) -> str:
    """An IPv4 address as itself also where a socket for both protocols shows it mapped (RFC 4291 2.5.5.2)."""
    plain = address.removeprefix("::ffff:")
    return plain if "." in plain else address
