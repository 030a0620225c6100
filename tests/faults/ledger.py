"""The ledger of all senders: what was answered 0000H, and what may be there besides because no answer came.

A sender writes an object down before it sends it, and notes it once the answer is there. So of each UID the ledger
knows the last version that must not be lost, and those sent since, which a crash may have kept or not.
"""

import threading
from collections import defaultdict

from blake3 import blake3


class Ledger:
    """Shared by the senders of one archive, over all its lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[str, bytes] = {}
        self._possible: dict[str, set[bytes]] = defaultdict(set)
        self.acknowledged = 0
        """Answers 0000H until now, those for the same bytes included."""
        self._is_closed = False

    def send(self, uid: str, data: bytes) -> None:
        """These bytes are about to be sent."""
        with self._lock:
            self._possible[uid].add(_digest(data))

    def note(self, uid: str, data: bytes) -> None:
        """They were answered 0000H: nothing older is to be seen again."""
        with self._lock:
            if self._is_closed:
                return
            self.acknowledged += 1
            self._noted[uid] = _digest(data)
            self._possible[uid] = {self._noted[uid]}

    def close(self) -> None:
        """The machine is dead from now on: what it seems to answer reaches nobody."""
        with self._lock:
            self._is_closed = True

    def reopen(self) -> None:
        """It lives again."""
        with self._lock:
            self._is_closed = False

    @property
    def noted(self) -> frozenset[str]:
        """The UIDs that must be found."""
        return frozenset(self._noted)

    def allows(self, uid: str, data: bytes) -> bool:
        """Whether these bytes may be what is kept under a UID."""
        return _digest(data) in self._possible.get(uid, ())


def _digest(data: bytes) -> bytes:
    return blake3(data).digest()
