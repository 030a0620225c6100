"""Files written through the page cache, as everybody writes files: cheapest where they are small."""

import os
from collections.abc import Sequence

from scpd.storage.digests import Digester

IOV_MAX = os.sysconf("SC_IOV_MAX")
PIECE_BYTES_MIN = 49_152
EARLY_BYTES_MIN = 65_536
"""So much is on its way to the disk before the sync asks for it, while the next piece or object is still written."""


class CachedFile:
    """A new file, open as `fd`, written through the page cache, and early to the disk where it `is_hurried`.

    It has `head`, then what is appended, of which the end of the head gets the digest. A file that comes in one piece
    is one `writev`. Its methods raise OSError.
    """

    __slots__ = ("_digester", "_fd", "_head", "_is_begun", "_is_hurried")

    def __init__(self, fd: int, head: bytes, digester: Digester, *, is_hurried: bool) -> None:
        self._fd = fd
        self._head = head
        self._digester = digester
        self._is_begun = False
        self._is_hurried = is_hurried

    def append(self, views: Sequence[memoryview]) -> None:
        """Writes the next bytes."""
        views = self._known(views)
        self._write(views if self._is_begun else [memoryview(self._head), *views])
        self._is_begun = True

    def finish(self, views: Sequence[memoryview]) -> bytes:
        """Writes the last bytes; the digest."""
        views = self._known(views)
        digest = self._digester.value()
        before = self._head[: -len(digest)]
        if self._is_begun:
            self._write(views)
            os.pwrite(self._fd, digest, len(before))
        else:
            self._write([memoryview(before + digest), *views])
        return digest

    def check_written(self) -> None:
        """All was written when `finish` returned."""

    def _known(self, views: Sequence[memoryview]) -> Sequence[memoryview]:
        """The same bytes, of which the digest has been told."""
        views = in_large_pieces(views)
        for view in views:
            self._digester.update(view)
        return views

    def _write(self, views: Sequence[memoryview]) -> None:
        for first in range(0, len(views), IOV_MAX):
            rest = views[first : first + IOV_MAX]
            written = os.writev(self._fd, rest)
            while written < sum(map(len, rest)):
                rest = _behind(rest, written)
                written = os.writev(self._fd, rest)
        if self._is_hurried and sum(map(len, views)) >= EARLY_BYTES_MIN:
            # Linux begins to write such pages to the disk, and lets go only of those that are there already.
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)


def in_large_pieces(chunks: Sequence[memoryview]) -> Sequence[memoryview]:
    """The same bytes, joined where they come in small pieces.

    Each piece costs a digest call of its own, which lets go of the interpreter and has to wait for it again: with the
    16 KiB that many peers send at a time this takes longer than the copy.
    """
    if len(chunks) > 1 and sum(map(len, chunks)) < len(chunks) * PIECE_BYTES_MIN:
        return [memoryview(b"".join(chunks))]
    return chunks


def _behind(views: Sequence[memoryview], count_bytes: int) -> Sequence[memoryview]:
    """What is left of `views` when their first `count_bytes` bytes are gone."""
    for position, view in enumerate(views):
        if count_bytes < len(view):
            return [view[count_bytes:], *views[position + 1 :]]
        count_bytes -= len(view)
    return []
