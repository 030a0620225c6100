"""Modalities that store one object after the other and note what was answered, until the daemon is gone.

Every byte that leaves counts on a common meter, so that a crash can come at a moment that a seed chose, whatever the
speed of the machine.
"""

import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

from tests.faults.ledger import Ledger
from tests.faults.objects import Version, plan
from tests.rawpeer import (
    A_ASSOCIATE_AC,
    EXPLICIT_LE,
    P_DATA_TF,
    RawPeer,
    command,
    data_set,
    parse_command,
    store_rq,
    storing,
)

SENDERS = 4
OBJECTS_EACH = 60
CHUNK_BYTES = 65_536
PATIENCE_SECONDS: Final = 60.0  # nothing here may take as long; a daemon that hangs fails the test

GONE = -1
"""Instead of a status: the connection ended without an answer."""


class Meter:
    """Counts the bytes of all senders, and calls `at_mark` once, from the thread that sends the byte at `mark`."""

    def __init__(self, mark: int = 0, at_mark: Callable[[], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._left = mark
        self._at_mark = at_mark

    def count(self, size_bytes: int) -> None:
        """Takes what was sent just now."""
        with self._lock:
            self._left -= size_bytes
            due, self._at_mark = (self._at_mark, None) if self._left < 0 else (None, self._at_mark)
        if due is not None:
            due()


class Sender:
    """One association; `store` notes what is answered 0000H."""

    def __init__(self, peer: RawPeer, ledger: Ledger, meter: Meter) -> None:
        self._peer = peer
        self._ledger = ledger
        self._meter = meter
        self._messages = 0

    def store(self, uid: str, data: bytes) -> int:
        """The status, or GONE."""
        self._messages += 1
        self._ledger.send(uid, data)
        status = self._status(command(3, store_rq(uid, self._messages)) + data_set(3, data))
        if status == 0x0000:
            self._ledger.note(uid, data)
        return status

    def _status(self, request: bytes) -> int:
        try:
            for at in range(0, len(request), CHUNK_BYTES):
                self._peer.send(request[at : at + CHUNK_BYTES])
                self._meter.count(min(CHUNK_BYTES, len(request) - at))
            response = self._peer.receive()
        except ConnectionError:
            return GONE
        if response is None or response.type != P_DATA_TF:
            return GONE
        return int(struct.unpack("<H", parse_command(response.body[6:])[0x0900])[0])


@contextmanager
def sender(port: int, ledger: Ledger, meter: Meter | None = None) -> Iterator[Sender]:
    """An association. Raises ConnectionError when there is no daemon, or it ends before it answers."""
    with RawPeer(port, PATIENCE_SECONDS) as peer:
        peer.send(storing(EXPLICIT_LE).encode())
        answer = peer.receive()
        if answer is None:
            raise ConnectionResetError
        assert answer.type == A_ASSOCIATE_AC, answer
        yield Sender(peer, ledger, meter or Meter())


def send_all(port: int, ledger: Ledger, meter: Meter, versions: Iterable[Version]) -> None:
    """Stores objects until one is not answered 0000H."""
    with suppress(ConnectionError), sender(port, ledger, meter) as modality:
        for version in versions:
            if modality.store(version.uid, version.data()) != 0x0000:
                break


@contextmanager
def sending(port: int, ledger: Ledger, meter: Meter, root: str) -> Iterator[None]:
    """Senders at work. Leaving waits until each has sent all, or was not acknowledged; raises what they raise."""
    with ThreadPoolExecutor(SENDERS, "sender") as pool:
        at_work = [
            pool.submit(send_all, port, ledger, meter, plan(root, number, OBJECTS_EACH)) for number in range(SENDERS)
        ]
        yield
    for one in at_work:
        one.result()
