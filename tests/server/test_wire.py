"""The wire: blocks, read-ahead, back-pressure and the bell, over a real socket pair."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from scpd.server.blocks import Block, BlockPool
from scpd.server.wire import SendTimeout, Signal, Wire, unmapped

BLOCK_BYTES = 1024


class Ends:
    """A wire and the plain socket at its other end."""

    def __init__(self, wire: Wire, far: socket.socket, pool: BlockPool) -> None:
        self.wire, self.far, self.pool = wire, far, pool

    async def received(self) -> bytes:
        arrival = await self.wire.receive()
        assert isinstance(arrival, Block)
        data = bytes(arrival.received)
        self.wire.give_back(arrival)
        return data


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    near, far = socket.socketpair()
    far.setblocking(False)
    pool = BlockPool(BLOCK_BYTES, 4 * BLOCK_BYTES)
    _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(pool, lambda _: None), sock=near)
    yield Ends(wire, far, pool)
    wire.drop_blocks()
    wire.close()
    far.close()


async def test_bytes_arrive_in_a_block_that_comes_back(ends: Ends) -> None:
    ends.far.send(b"abc")
    assert await ends.received() == b"abc"
    assert ends.pool.out_bytes == 0


async def test_a_waiting_wire_holds_no_block(ends: Ends) -> None:
    waiting = asyncio.ensure_future(ends.wire.receive())
    await asyncio.sleep(0)
    assert ends.pool.out_bytes == 0
    ends.wire.ring()
    assert await waiting is Signal.BELL


async def test_reading_ahead_stops_when_a_block_is_full_and_goes_on_when_it_is_taken(ends: Ends) -> None:
    sent = bytes(range(256)) * 40
    loop = asyncio.get_running_loop()
    sending = asyncio.ensure_future(loop.sock_sendall(ends.far, sent))
    for _ in range(50):
        await asyncio.sleep(0)
    assert ends.pool.out_bytes == BLOCK_BYTES
    received = b""
    while len(received) < len(sent):
        received += await ends.received()
    assert received == sent
    await sending


async def test_an_exhausted_budget_does_not_deny_the_first_block() -> None:
    pool = BlockPool(BLOCK_BYTES, BLOCK_BYTES)
    other = pool.take()
    near, far = socket.socketpair()
    with far:
        _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(pool, lambda _: None), sock=near)
        far.send(bytes(3 * BLOCK_BYTES))
        received = 0
        while received < 3 * BLOCK_BYTES:
            arrival = await wire.receive()
            assert isinstance(arrival, Block)
            received += len(arrival.received)
            wire.give_back(arrival)
        wire.close()
    pool.give_back(other)
    assert pool.out_bytes == 0


async def test_blocks_come_before_the_end_of_the_stream(ends: Ends) -> None:
    ends.far.send(b"last words")
    ends.far.close()
    assert await ends.received() == b"last words"
    assert await ends.wire.receive() is Signal.END_OF_STREAM
    assert await ends.wire.receive() is Signal.END_OF_STREAM


async def test_a_peer_that_does_not_read_ends_in_a_send_timeout(ends: Ends) -> None:
    ends.wire.write(bytes(8_000_000))
    with pytest.raises(SendTimeout):
        await ends.wire.wait_writable(0.05)


async def test_what_the_peer_does_not_take_ends_with_the_connection(ends: Ends) -> None:
    ends.wire.write(bytes(8_000_000))
    ends.wire.close(0.05)
    async with asyncio.timeout(2):
        while not ends.wire.lost:
            await asyncio.sleep(0)


async def test_a_lost_connection_does_not_keep_a_writer_waiting(ends: Ends) -> None:
    ends.wire.write(bytes(8_000_000))
    waiting = asyncio.ensure_future(ends.wire.wait_writable(10))
    await asyncio.sleep(0)
    ends.far.close()
    await asyncio.wait_for(waiting, 2)
    ends.wire.write(b"into the void")


async def test_the_pool_keeps_a_quarter_of_its_budget_and_frees_the_rest() -> None:
    pool = BlockPool(BLOCK_BYTES, 8 * BLOCK_BYTES)
    blocks = [pool.take() for _ in range(6)]
    assert not pool.exhausted
    for block in blocks:
        pool.give_back(block)
    assert pool.out_bytes == 0
    assert pool.kept == 2


async def unfilled_block(ends: Ends) -> Block:
    """A block with room, all of it used up."""
    ends.far.send(b"first")
    block = await ends.wire.receive()
    assert isinstance(block, Block)
    block.begin = block.end
    return block


async def test_a_block_with_room_is_filled_further(ends: Ends) -> None:
    block = await unfilled_block(ends)
    waiting = asyncio.ensure_future(ends.wire.receive(block))
    await asyncio.sleep(0)
    ends.far.send(b"second")
    assert await waiting is block
    assert bytes(block.received) == b"second" and bytes(block.view[:5]) == b"first"
    block.begin = block.end
    waiting = asyncio.ensure_future(ends.wire.receive(block))
    await asyncio.sleep(0)
    ends.far.send(bytes(BLOCK_BYTES))
    assert await waiting is block
    rest = BLOCK_BYTES - len(block.received)
    assert block.end == BLOCK_BYTES
    block.begin = block.end
    assert len(await ends.received()) == rest
    ends.wire.give_back(block)
    assert ends.pool.out_bytes == 0


async def test_what_was_read_ahead_comes_before_a_block_is_filled_further(ends: Ends) -> None:
    block = await unfilled_block(ends)
    ends.far.send(b"second")
    for _ in range(50):
        await asyncio.sleep(0)
    other = await ends.wire.receive(block)
    assert isinstance(other, Block) and other is not block
    assert bytes(other.received) == b"second"
    ends.wire.give_back(other)
    ends.wire.give_back(block)


async def test_a_bell_takes_an_unfilled_block_out_of_use(ends: Ends) -> None:
    block = await unfilled_block(ends)
    waiting = asyncio.ensure_future(ends.wire.receive(block))
    await asyncio.sleep(0)
    ends.wire.ring()
    assert await waiting is Signal.BELL
    ends.wire.give_back(block)
    ends.far.send(b"second")
    assert await ends.received() == b"second"
    assert ends.pool.out_bytes == 0


@pytest.mark.parametrize(
    ("shown", "meant"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.7"), ("::1", "::1"), ("::ffff:0:1", "::ffff:0:1")],
)
def test_an_ipv4_peer_is_itself_behind_a_socket_for_both_protocols(shown: str, meant: str) -> None:
    assert unmapped(shown) == meant
