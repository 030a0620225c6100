"""Backends that behave as no real one does, to put behind a daemon's services."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query
from scpd.storage.archive import Archive
from scpd.storage.memory import MemoryBlobs, MemoryIndex


class Answering(Archive):
    """Stores in memory, and answers every query with `matches`, `times` over."""

    def __init__(self, matches: Sequence[Attributes], times: int = 1) -> None:
        super().__init__(MemoryBlobs(), MemoryIndex())
        self._matches = matches
        self._times = times

    async def find(self, query: Query) -> AsyncGenerator[Sequence[Attributes], None]:
        for _ in range(self._times):
            await asyncio.sleep(0)  # as every real backend lets the event loop turn between two pages
            yield self._matches
