"""One loop for all: whoever floods it is served in turns, and everybody else gets theirs in between.

Turns are counted, not timed: on a busy machine a turn holds less work, and there are only more of them.
"""

from collections.abc import Callable

import pytest

from tests.daemon import Daemon
from tests.rawpeer import RawPeer, command, echo_rq, p_data, pdv, store_rq

TURNS_MIN = 20
"""One turn is what a flood would take if nobody stopped it: the whole of a received block."""

ECHOES = command(1, echo_rq()) * 3000
FRAGMENTS = command(3, store_rq("1.2.3.4")) + p_data(pdv(3, 0, b"ab")) * 30_000 + p_data(pdv(3, 2, b""))
EMPTY_ITEMS = p_data(pdv(3, 0, b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 2000))
HOSTILE = command(3, store_rq("1.2.3.4")) + EMPTY_ITEMS * 100 + p_data(pdv(3, 2, b""))


class TurnCounter:
    """Somebody else on the daemon's loop, who is always ready: counts how often it is their turn."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._is_counting = True
        self.turns = 0

    def __enter__(self) -> "TurnCounter":
        self._daemon.loop.call_soon_threadsafe(self._take_turn)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_counting = False

    def _take_turn(self) -> None:
        self.turns += 1
        if self._is_counting:
            self._daemon.loop.call_soon(self._take_turn)


@pytest.mark.parametrize(
    ("flood", "answers"),
    [(ECHOES, 3000), (FRAGMENTS, 1), (HOSTILE, 1)],
    ids=["echoes", "fragments of two bytes", "hostile data set"],
)
def test_a_flood_on_one_association_leaves_the_others_their_turn(
    daemon: Daemon, call: Callable[[], RawPeer], flood: bytes, answers: int
) -> None:
    flooder = call()
    flooder.associate()
    with TurnCounter(daemon) as others:
        flooder.send(flood)
        for _ in range(answers):
            flooder.receive_message()
    flooder.release()
    assert others.turns > TURNS_MIN


def test_responses_to_a_flood_come_in_order_and_none_is_lost(daemon: Daemon) -> None:
    with RawPeer(daemon.port) as peer:
        peer.associate()
        peer.send(b"".join(command(1, echo_rq(number)) for number in range(2000)))
        assert [peer.receive_message().number(0x0120) for _ in range(2000)] == list(range(2000))
        peer.release()
