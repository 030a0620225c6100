"""How fast a peer sends a message that it has begun: one that dribbles holds a slot and an open file for hours.

Only the time in which we waited for the peer counts, so that a slow disk of ours is not held against it. The rate is
judged once the waiting adds up to the silence that is allowed anyway: a pause alone never makes a sender too slow.
"""


class Tempo:
    """The receive-rate timer of one association; a rate of 0 is no demand."""

    __slots__ = ("_bytes", "_rate", "_running", "_waited", "_window")

    def __init__(self, bytes_per_second_min: float, window_seconds: float) -> None:
        self._rate = bytes_per_second_min
        self._window = window_seconds
        self.rest()

    def rest(self) -> None:
        """The peer has nothing to send for now: what it begins next is judged anew."""
        self._running = False
        self._bytes = 0
        self._waited = 0.0

    def is_too_slow(self, waited_seconds: float, received_bytes: int) -> bool:
        """Notes what came after how long, and whether the demand was missed. The wait for a beginning is free."""
        if self._running:
            self._waited += waited_seconds
        self._running = True
        self._bytes += received_bytes
        if self._waited < self._window:
            return False
        too_slow = self._bytes < self._rate * self._waited
        self._bytes, self._waited = 0, 0.0
        return too_slow
