"""The pump's timer, on the event loop that the daemon runs on."""

import asyncio
import socket

import uvloop

from scpd.server.blocks import BlockPool
from scpd.server.options import ServerOptions
from scpd.server.pump import Pump
from scpd.server.wire import Wire
from scpd.services.exchange import AssociationEnded
from scpd.ul.connection import Connection, Role, UpperLayerLimits


async def wait_for_the_end(artim_seconds: float) -> str:
    """How a pump whose peer never sends a byte ends, when somebody rings the bell all the time."""
    options = ServerOptions(upper_layer=UpperLayerLimits(artim_seconds=artim_seconds))
    pool = BlockPool(options.block_bytes, options.receive_bytes_max)
    near, far = socket.socketpair()
    with far:
        _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(pool, lambda _: None), sock=near)
        pump = Pump(wire, Connection(Role.ACCEPTOR, options.upper_layer), options)
        try:
            while True:
                wire.ring()
                await pump.next_event()
        except AssociationEnded as end:
            return str(end)
        finally:
            pump.finish()


def test_a_timer_may_be_due_before_it_is_set() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for artim_seconds in (0.0, 0.0001, 0.01):
            assert runner.run(wait_for_the_end(artim_seconds)) == "transport closed"
