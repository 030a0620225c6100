"""The default Backend: Blobs keep the bytes, an Index keeps what queries ask for, a Committer stands between them.

Nothing here does file I/O on the event loop. A large object leaves block by block through the writer threads. An object
that comes in one piece costs one hand-off: its views are kept until `commit`, and the committer opens, writes, syncs
and renames its file together with those of its batch.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query
from scpd.storage.base import (
    Blobs,
    Draft,
    Duplicates,
    Incoming,
    Index,
    Instance,
    Location,
    Outcome,
    OutOfResources,
    StorageError,
    StorageStatistics,
    StoreUnavailable,
)
from scpd.storage.committer import Commit, Committer

FREE_SPACE_CHECK_SECONDS = 1.0
WRITERS = 4  # more of them wait for the interpreter more often than for the disk
READERS = 4

P = ParamSpec("P")
T = TypeVar("T")


class Archive:
    """A Backend made of any Blobs and any Index. Below `min_free_bytes` no object is begun."""

    def __init__(
        self,
        blobs: Blobs,
        index: Index,
        *,
        min_free_bytes: int = 0,
        duplicates: Duplicates = Duplicates.KEEP_BOTH,
    ) -> None:
        self._blobs = blobs
        self._index = index
        self._committer = Committer(blobs, index, duplicates)
        self._writers = ThreadPoolExecutor(WRITERS, "scpd-write")
        self._readers = ThreadPoolExecutor(READERS, "scpd-read")
        self._min_free_bytes = min_free_bytes
        self._free_bytes = 0
        self._free_space_known_until = 0.0

    async def open(self) -> None:
        await in_thread(self._writers, self._open)
        self._committer.start()

    async def close(self) -> None:
        self._committer.hand_over()
        await in_thread(self._writers, self._close)
        self._writers.shutdown()
        self._readers.shutdown()

    async def open_sink(self, incoming: Incoming) -> "ArchiveSink":
        if self._min_free_bytes:
            await self._require_free_space()
        return ArchiveSink(incoming, self._blobs, self._committer, self._writers)

    async def find(self, query: Query) -> AsyncGenerator[Sequence[Attributes], None]:
        pages = self._index.pages(query)
        try:
            while (page := await in_thread(self._readers, next, pages, None)) is not None:
                yield page
        finally:
            pages.close()

    async def read(self, sop_instance_uid: str) -> AsyncGenerator[bytes, None]:
        piece, pieces = await in_thread(self._readers, self._begin_read, sop_instance_uid)
        while piece:
            yield piece
            piece = await in_thread(self._readers, next, pieces, b"")

    async def statistics(self) -> StorageStatistics:
        return await in_thread(self._readers, self._index.statistics)

    def _begin_read(self, sop_instance_uid: str) -> tuple[bytes, Iterator[bytes]]:
        """The first piece of an object, and those to come. One that was replaced meanwhile is looked up again."""
        gone: Location | None = None
        while (location := self._index.locate(sop_instance_uid)) is not None:
            pieces = self._blobs.read(location)
            try:
                return next(pieces, b""), pieces
            except FileNotFoundError:
                if location == gone:
                    raise
                gone = location
        raise StorageError("no such object", comment="no such object")

    def _open(self) -> None:
        self._blobs.open()
        try:
            if not self._index.exists() and self._blobs.holds_objects():
                raise StoreUnavailable("there are objects, but no index of them; `scpd reindex` makes one")
            self._index.open()
            remove_unindexed(self._blobs, self._index)
            self._free_bytes = self._blobs.free_bytes()  # known before the first who must not wait for it asks
        except BaseException:
            self._index.close()
            self._blobs.close()
            raise

    def _close(self) -> None:
        self._committer.close()
        self._index.close()
        self._blobs.close()

    async def _require_free_space(self) -> None:
        now = time.monotonic()
        if now >= self._free_space_known_until:
            self._free_space_known_until = now + FREE_SPACE_CHECK_SECONDS
            self._free_bytes = await in_thread(self._writers, self._blobs.free_bytes)
        if self._free_bytes < self._min_free_bytes:
            detail = f"{self._free_bytes} bytes free, the floor is {self._min_free_bytes}"
            raise OutOfResources(detail, comment="storage is almost full")


class ArchiveSink:
    """A Sink. Bytes that are not the last ones are written at once; the last ones wait for the committer."""

    __slots__ = ("_blobs", "_committer", "_draft", "_incoming", "_rest", "_writers")

    def __init__(self, incoming: Incoming, blobs: Blobs, committer: Committer, writers: Executor) -> None:
        self._incoming = incoming
        self._blobs = blobs
        self._committer = committer
        self._writers = writers
        self._draft: Draft | None = None
        self._rest: Sequence[memoryview] = ()

    async def write(self, chunks: Sequence[memoryview], *, last: bool) -> None:
        if last:
            self._rest = chunks
        else:
            await in_thread(self._writers, self._append, chunks)

    async def commit(self, instance: Instance) -> Outcome:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        commit = Commit(self._incoming, instance, self._draft, self._rest, answer)
        self._draft, self._rest = None, ()  # the committer's from here on
        self._committer.submit(commit)
        try:
            return await answer
        except asyncio.CancelledError:
            await commit.wait_over()
            raise

    async def discard(self) -> None:
        draft, self._draft, self._rest = self._draft, None, ()
        if draft is not None:
            await in_thread(self._writers, draft.abandon)

    def _append(self, chunks: Sequence[memoryview]) -> None:
        if self._draft is None:
            self._draft = self._blobs.draft(self._incoming)
        self._draft.write(chunks)


def remove_unindexed(blobs: Blobs, index: Index) -> None:
    """Removes what was placed but not indexed when a crash came. Raises OSError, StorageError."""
    expected = blobs.expected()
    for location in expected.keys() - index.known(expected):
        blobs.remove(location)


async def in_thread(executor: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a blocking call. Raises what it raises, OSError as OutOfResources.

    A cancellation has to wait for its end: the thread may be reading the caller's views.
    """
    future = asyncio.get_running_loop().run_in_executor(executor, partial(call, *args, **kwargs))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise
    except OSError as error:
        raise OutOfResources(str(error)) from error
