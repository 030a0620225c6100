"""Large files written past the page cache (O_DIRECT of open(2)): the disk fetches them from our own memory.

The page cache takes a page for each 4 KiB of a file and a copy into it. Where memory has just been given back, to a
virtual machine's host or by others in need, finding these pages takes longer than everything else that an object
costs; and they are kept for readers, while an archive that takes gigabytes is seldom asked for what came last.

A disk takes whole blocks from aligned memory only. So bytes are gathered in a `Lane`; what follows the last whole block
of a file goes through the page cache, which the two may share as long as no block is in both. Lanes lie side by side in
memory that the system is asked to make of huge pages: half a megabyte is one piece there for the disk, not 128. The
last write of a file is only begun, so that the disk is busy while the next object is prepared;
`DirectWriter.wait_written` waits for all.
"""

import ctypes
import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from mmap import MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap

from scpd.storage.aio import WRITE, Request, Ring, failure, opened_ring
from scpd.storage.digests import BLAKE3, UNKNOWN, Digester

DIRECT_BYTES_MIN = 262_144
"""Below, the page cache costs less than the way past it, as long as there is memory at hand."""
BLOCK_BYTES = max(4096, PAGESIZE)  # disks have 512 or 4096, and what the page cache holds must not be written beside it
LANE_BYTES = 1_179_648  # whole blocks: what is gathered of a message, and what a file has before it
UNDER_WAY_MAX = 16
LANES_KEPT = UNDER_WAY_MAX + 5  # one for each thread that gathers; pages that were never used cost nothing
HUGE_PAGE_BYTES = 2_097_152


class Lane:
    """Aligned memory: `view` is all of it, and `address` is where it lies."""

    __slots__ = ("address", "view")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.address = address_of(view)


def lanes(count: int) -> list[Lane]:
    """So many side by side, from the start of a huge page on."""
    memory = mmap(-1, count * LANE_BYTES + HUGE_PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(MADV_HUGEPAGE)
    view = memoryview(memory)
    first = -address_of(view) % HUGE_PAGE_BYTES
    return [Lane(view[begin : begin + LANE_BYTES]) for begin in range(first, first + count * LANE_BYTES, LANE_BYTES)]


def address_of(view: memoryview) -> int:
    """Where its bytes lie."""
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


class DirectWriter:
    """Writes files past the page cache. Lanes are for any thread, what is under way is for one at a time."""

    def __init__(self) -> None:
        self.is_usable = False
        self._ring: Ring | None = None
        self._free: list[Lane] = []
        self._under_way: dict[int, tuple[DirectFile, Lane, int]] = {}

    def open(self, folder: str) -> None:
        """Finds out, by a file in `folder`, whether the file system there can do it. Raises OSError."""
        self._ring = opened_ring()
        self._free = lanes(LANES_KEPT)[::-1]  # the first one last, so that it is used first
        path = f"{folder}/direct"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with suppress(OSError):
                file = DirectFile(self, fd, UNKNOWN, Digester(BLAKE3))
                file.append([memoryview(bytes(BLOCK_BYTES))])
                file.finish([memoryview(bytes(BLOCK_BYTES))])
                self.wait_written()
                file.check_written()
                self.is_usable = True
        finally:
            os.close(fd)
            os.unlink(path)

    def close(self) -> None:
        """Waits for what is under way. May be called twice, and before `open`."""
        self.is_usable = False
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()  # the kernel lets go of all lanes here
        self._under_way.clear()
        self._free.clear()

    def wait_written(self) -> None:
        """Waits for everything that is under way; how it ended is for `DirectFile.check_written`."""
        self._wait(0)

    def lane(self) -> Lane:
        """Memory to gather in."""
        try:
            return self._free.pop()
        except IndexError:
            return lanes(1)[0]

    def give_back(self, lane: Lane) -> None:
        """Ends the use of a lane."""
        if len(self._free) < LANES_KEPT:
            self._free.append(lane)

    def begin(self, file: "DirectFile", fd: int, lane: Lane, size_bytes: int, offset: int) -> None:
        """Begins to write the first bytes of a lane, and takes the lane. Raises OSError if that has failed already."""
        self._wait(UNDER_WAY_MAX - 1)
        if self._ring is not None:
            (token,) = self._ring.begin([Request(WRITE, fd, lane.address, size_bytes, offset)])
            if token is not None:
                self._under_way[token] = file, lane, size_bytes
                return
        try:
            write_all(fd, lane.view[:size_bytes], offset)
        finally:
            self.give_back(lane)

    def _wait(self, at_most: int) -> None:
        """Waits until no more than `at_most` are under way."""
        while self._ring is not None and len(self._under_way) > at_most:
            try:
                results = self._ring.ended(len(self._under_way) - at_most)
            except OSError:
                self._give_up(self._ring)
                return
            for token, result in results.items():
                file, lane, size_bytes = self._under_way.pop(token)
                file.error = None if result == size_bytes else failure(min(result, 0) or -errno.EIO)
                self.give_back(lane)

    def _give_up(self, ring: Ring) -> None:
        """Nobody will ever know how they ended. From here on, files are written by the thread that has them."""
        self._ring = None
        ring.close()
        for file, lane, _ in self._under_way.values():
            file.error = failure(-errno.EIO)
            self.give_back(lane)
        self._under_way.clear()


class DirectFile:
    """A new file, open as `fd`: `head`, then what is appended, of which the end of the head gets the digest.

    Its methods raise OSError.
    """

    __slots__ = ("_digester", "_fd", "_head_bytes", "_offset", "_rest", "_writer", "error")

    def __init__(self, writer: DirectWriter, fd: int, head: bytes, digester: Digester) -> None:
        self.error: OSError | None = None
        self._writer = writer
        self._fd = fd
        self._digester = digester
        self._head_bytes = len(head)
        self._offset = 0  # so much is written, in whole blocks
        self._rest = head  # and this follows
        _switch(fd, os.O_DIRECT)

    def append(self, views: Sequence[memoryview]) -> None:
        """Writes the next bytes. For any thread."""
        lane = self._writer.lane()
        try:
            held_bytes = self._gather(lane, views)
            self._rest = self._write_blocks(lane, held_bytes)
        finally:
            self._writer.give_back(lane)

    def finish(self, views: Sequence[memoryview]) -> bytes:
        """Begins to write the last bytes, and leaves `fd` as that of any file; the digest. For one thread at a time."""
        lane = self._writer.lane()
        try:
            held_bytes = self._gather(lane, views)
            digest = self._digester.value()
            digest_at = self._head_bytes - len(digest)
            if not self._offset:
                lane.view[digest_at : self._head_bytes] = digest
            if held_bytes:
                # Where a file must grow for it, the kernel writes at once, and begins nothing.
                os.posix_fallocate(self._fd, self._offset, held_bytes)
            whole_bytes = held_bytes - held_bytes % BLOCK_BYTES
            rest = bytes(lane.view[whole_bytes:held_bytes])
        except BaseException:
            self._writer.give_back(lane)
            raise
        if whole_bytes:
            self._writer.begin(self, self._fd, lane, whole_bytes, self._offset)
        else:
            self._writer.give_back(lane)
        _switch(self._fd, 0)
        write_all(self._fd, memoryview(rest), self._offset + whole_bytes)
        if self._offset:
            write_all(self._fd, memoryview(digest), digest_at)
        return digest

    def check_written(self) -> None:
        """Raises the OSError that the last write has ended with."""
        if self.error is not None:
            raise self.error

    def _gather(self, lane: Lane, views: Sequence[memoryview]) -> int:
        """Copies bytes into a lane, and writes it out when it is full; how many it holds in the end.

        The digest is told of them there, in one call: each lets go of the interpreter and has to wait for it again.
        """
        known_bytes = held_bytes = len(self._rest)
        lane.view[:held_bytes] = self._rest
        for view in views:
            while held_bytes + len(view) > LANE_BYTES:
                room_bytes = LANE_BYTES - held_bytes
                lane.view[held_bytes:] = view[:room_bytes]
                self._digester.update(lane.view[known_bytes:])
                self._write_blocks(lane, LANE_BYTES)
                view, held_bytes, known_bytes = view[room_bytes:], 0, 0
            end = held_bytes + len(view)
            lane.view[held_bytes:end] = view
            held_bytes = end
        self._digester.update(lane.view[known_bytes:held_bytes])
        return held_bytes

    def _write_blocks(self, lane: Lane, held_bytes: int) -> bytes:
        """Writes the whole blocks that a lane holds; what is left."""
        whole_bytes = held_bytes - held_bytes % BLOCK_BYTES
        write_all(self._fd, lane.view[:whole_bytes], self._offset)
        self._offset += whole_bytes
        return bytes(lane.view[whole_bytes:held_bytes])


def write_all(fd: int, view: memoryview, offset: int) -> None:
    """Writes all of it there. Raises OSError."""
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def _switch(fd: int, flags: int) -> None:
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)
