"""What goes wrong in the upper layer: the peer broke the protocol, or our own side asked for what cannot be.

Only these two leave the room. Whatever bytes a peer sends, `Connection` turns a ProtocolError into the A-ABORT that
it carries; a LocalError is a mistake of the caller and nothing was sent because of it.
"""


class ProtocolError(Exception):
    """The peer broke PS3.8 or PS3.7; `source` and `reason` are those of the A-ABORT it causes (PS3.8 Table 9-26).

    `detail` says to the operator what was wrong, without anything the peer could have written into it.
    """

    def __init__(self, source: int, reason: int, detail: str) -> None:
        super().__init__(detail)
        self.source = source
        self.reason = reason
        self.detail = detail


class LocalError(RuntimeError):
    """The state of the association does not allow what was asked for; nothing was sent."""
