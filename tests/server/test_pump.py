"""The pump's timer, on the event loop that the daemon runs on."""

import asyncio
import socket
from collections.abc import Callable

import uvloop

from scpd.server.blocks import BlockPool
from scpd.server.options import ServerOptions
from scpd.server.pump import Pump
from scpd.server.wire import Wire
from scpd.services.exchange import AssociationEnded
from scpd.ul.connection import Connection, Role, UpperLayerLimits
from scpd.ul.events import AssociateIndication
from tests.rawpeer import Proposal
from tests.ul.samples import ACCEPT


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


class TimersNoted(asyncio.SelectorEventLoop):
    """An event loop that knows which timers were asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[asyncio.TimerHandle] = []

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, **more: object
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args)
        self.timers.append(timer)
        return timer

    @property
    def set_for(self) -> list[float]:
        """When those will ring that nobody cancelled."""
        return [timer.when() for timer in self.timers if not timer.cancelled()]


async def timers_of_an_idle_association(loop: TimersNoted, options: ServerOptions) -> tuple[list[float], list[float]]:
    """In how many seconds something rings: before the association was accepted, and when it waits for a request."""
    pool = BlockPool(options.block_bytes, options.receive_bytes_max)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as far:
        near, _ = server.accept()
        _, wire = await loop.create_connection(lambda: Wire(pool, lambda _: None), sock=near)
        begun = loop.time()
        pump = Pump(wire, Connection(Role.ACCEPTOR, options.upper_layer), options)
        waiting = asyncio.ensure_future(pump.next_event())
        await asyncio.sleep(0)
        before = [when - begun for when in loop.set_for]
        far.sendall(Proposal().encode())
        assert isinstance(await waiting, AssociateIndication)
        pump.connection.accept(ACCEPT, pump.now)
        waiting = asyncio.ensure_future(pump.next_event())
        await asyncio.sleep(0)
        after = [when - begun for when in loop.set_for]
        waiting.cancel()
        pump.finish()
    return before, after


def test_artim_does_not_wake_an_association_that_was_accepted() -> None:
    options = ServerOptions(idle_seconds=60, upper_layer=UpperLayerLimits(artim_seconds=10))
    with asyncio.Runner(loop_factory=TimersNoted) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, TimersNoted)
        (artim,), (idle,) = runner.run(timers_of_an_idle_association(loop, options))
    assert artim <= 10 and 60 <= idle < 70
