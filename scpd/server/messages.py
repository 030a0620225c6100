"""Commands and data sets, out of the events of a pump.

Reading happens where it is needed: a C-STORE's data set is read by the very service that writes it away, so a slow
disk stops reading from the peer that sends and from nobody else. What is at hand is taken without a wait, piece after
piece; only where there is nothing left, or others have waited long enough, does the coroutine stand back.
"""

from typing import Self

from scpd.dimse.pdv import CommandReceived, DataSetPiece, DimseLimits, MessageReader
from scpd.server.pump import Pump
from scpd.services.exchange import AssociationEnded, Chunks
from scpd.ul.events import AbortIndication, DataIndication, Event, ReleaseIndication, TransportClosed


class PeerReleased(AssociationEnded):
    """An A-RELEASE-RQ came (PS3.8 7.2)."""


class Messages:
    """What one peer says: ask for `next_command`, then iterate over the data set that it announced, if it did.

    Either raises AssociationEnded, or ProtocolError. The pieces of a data set are handed over as soon as enough was
    gathered, and at the end; they are valid until the next ones, or the next command, are asked for.
    """

    __slots__ = ("_is_within_data_set", "_pump", "_reader")

    def __init__(self, pump: Pump, limits: DimseLimits) -> None:
        self._pump = pump
        self._reader = MessageReader(limits)
        self._is_within_data_set = False

    async def next_command(self) -> CommandReceived | None:
        """The next command, or None when the bell rang."""
        while True:
            part = self._part_at_hand()
            if isinstance(part, CommandReceived):
                self._is_within_data_set = part.has_data_set
                return part
            if part is None and not await self._pump.wait_for_events():
                return None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunks:
        views: list[memoryview] = []
        while self._is_within_data_set:
            part = self._part_at_hand()
            if isinstance(part, DataSetPiece):
                views.append(part.data)
                self._is_within_data_set = not part.is_last
            elif views and not self._pump.may_gather():
                return Chunks(views, last=False)
            else:
                await self._pump.wait_for_events(gathering=bool(views))
        if not views:
            raise StopAsyncIteration
        return Chunks(views, last=True)

    def _part_at_hand(self) -> CommandReceived | DataSetPiece | None:
        """The next part of a message, None where a wait is due. Raises when the association ends."""
        while (event := self._pump.event_at_hand()) is not None:
            if not isinstance(event, DataIndication):
                raise PeerReleased if isinstance(event, ReleaseIndication) else AssociationEnded(describe(event))
            part = self._reader.receive(event)
            if event.is_last and not self._reader.is_within_message:
                self._pump.tempo.rest()
            if part is not None:
                return part
        return None


def describe(event: Event) -> str:
    """How an association ended, in a few words."""
    match event:
        case AbortIndication(source, reason, True):
            return f"aborted by the peer: source {source}, reason {reason}"
        case AbortIndication(source, reason):
            return f"aborted here: source {source}, reason {reason}"
        case TransportClosed():
            return "connection lost"
        case _:
            return f"unexpected {type(event).__name__}"
