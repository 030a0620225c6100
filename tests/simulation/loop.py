"""An event loop in which no time passes: when nothing is ready, the clock jumps to the next timer.

There are no sockets and no threads. Connections are made by the simulated network. What would run in a thread runs
on the loop, at a moment drawn by chance between the call and its answer, so everything that might happen before a
thread gets to its work, or before its result is noticed, does happen for some seed. One source of chance decides
all, so the same seed gives the same run, callback by callback.

Built on `asyncio.BaseEventLoop`, by the few methods which that class leaves to the loops of each platform.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from tests.simulation.network import Conditions, Network, Server

T = TypeVar("T")

START, END = 1_000.0, 1_000_000.0
"""What the clock shows first and last, in seconds: far from zero, which some might take for "never"."""

TURNS_MAX = 20_000
"""So many turns of the loop may share one moment."""


class NothingWillHappen(Exception):
    """Somebody waits, and no callback is ready and no timer is set, or none that is of any use to it."""


class TimeStandsStill(Exception):
    """Callbacks call each other on and on and let no time pass: somebody waits in a busy loop."""


class Clock:
    """Stands where the loop has its selector: asked to wait for input, it lets the time pass at once."""

    def __init__(self) -> None:
        self.now = START
        self._turns = 0

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise NothingWillHappen
        self._turns = 0 if timeout else self._turns + 1
        if self._turns > TURNS_MAX:
            raise TimeStandsStill
        self.now += timeout
        if self.now > END:
            raise NothingWillHappen
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs coroutines in virtual seconds. `thread_seconds_max` is how long a call in a thread may take."""

    def __init__(self, chance: Random, network: Network) -> None:
        super().__init__()
        self.thread_seconds_max = 0.01
        self._selector = Clock()
        self._chance = chance
        self._network = network

    def time(self) -> float:
        return self._selector.now

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self._moment(), self._run_in_thread, future, func, args)
        return future

    def _run_in_thread(self, future: "asyncio.Future[T]", func: Callable[..., T], args: tuple[object, ...]) -> None:
        try:
            self.call_later(self._moment(), answer, future, func(*args), None)
        except Exception as error:
            self.call_later(self._moment(), answer, future, None, error)

    def _moment(self) -> float:
        return self._chance.uniform(0, self.thread_seconds_max / 2)

    async def create_server(  # type: ignore[override]  # the one way in which the listener calls it
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], *, sock: object, backlog: int
    ) -> Server:
        return self._network.listen(protocol_factory)

    async def create_connection(  # type: ignore[override]  # the one way in which open_connection calls it
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, *, conditions: Conditions
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        await asyncio.sleep(conditions.delay_seconds)
        return self._network.connect(protocol_factory, host, conditions)

    def _process_events(self, event_list: list[object]) -> None:
        """There never is one."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""


def answer(future: "asyncio.Future[Any]", result: object, error: Exception | None) -> None:  # Any: of whatever thread
    """Delivers what a thread gave, unless nobody waits any more."""
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
