"""One loop for all: whoever floods it is served in turns, and nobody else waits long."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.daemon import Daemon
from tests.rawpeer import RawPeer, command, echo_rq, p_data, pdv, store_rq

ECHOES = command(1, echo_rq()) * 3000
FRAGMENTS = p_data(pdv(3, 0, b"ab")) * 30_000
EMPTY_ITEMS = p_data(pdv(3, 0, b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 2000))

Call = Callable[[], RawPeer]


def read_all(peer: RawPeer) -> None:
    with suppress(OSError):
        while peer.socket.recv(1 << 20):
            pass


def flood(daemon: Daemon, first: bytes, again: bytes, stop: threading.Event) -> None:
    """Sends as fast as the daemon takes it, and reads what it answers."""
    with RawPeer(daemon.port, timeout=20) as peer:
        peer.associate()
        reader = threading.Thread(target=read_all, args=(peer,))
        reader.start()
        with suppress(OSError):
            peer.send(first)
            while not stop.is_set():
                peer.send(again)
        with suppress(OSError):
            peer.socket.shutdown(2)
        reader.join()


@pytest.mark.parametrize(
    ("first", "again"),
    [(b"", ECHOES), (command(3, store_rq("1.2.3.4")), FRAGMENTS), (command(3, store_rq("1.2.3.4")), EMPTY_ITEMS)],
    ids=["echoes", "fragments of two bytes", "hostile data set"],
)
def test_a_flood_on_one_association_leaves_the_others_their_turn(daemon: Daemon, first: bytes, again: bytes) -> None:
    stop = threading.Event()
    flooder = threading.Thread(target=flood, args=(daemon, first, again, stop))
    with RawPeer(daemon.port) as good:
        good.associate()
        flooder.start()
        daemon.wait_until(lambda: daemon.entity.blocks.out_bytes > 0)
        waits = []
        for number in range(1, 41):
            begun = time.monotonic()
            assert good.echo(number) == 0x0000
            waits.append(time.monotonic() - begun)
        stop.set()
        good.release()
    flooder.join()
    assert sorted(waits)[len(waits) * 9 // 10] < 0.1, waits


def test_responses_to_a_flood_come_in_order_and_none_is_lost(daemon: Daemon) -> None:
    with RawPeer(daemon.port) as peer:
        peer.associate()
        peer.send(b"".join(command(1, echo_rq(number)) for number in range(2000)))
        assert [peer.receive_message().number(0x0120) for _ in range(2000)] == list(range(2000))
        peer.release()
