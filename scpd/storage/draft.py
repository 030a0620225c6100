"""One object on its way to the disk: a file in the spool that is written straight through, then renamed."""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from scpd.storage.base import Incoming, Location, Sealed
from scpd.storage.digests import Digester, digest_of
from scpd.storage.direct import DIRECT_BYTES_MIN, DirectFile, DirectWriter
from scpd.storage.part10 import file_head, read_head

IOV_MAX = os.sysconf("SC_IOV_MAX")
FILE_MODE = 0o640
READ_BYTES = 1 << 20
PIECE_BYTES_MIN = 49_152
EARLY_BYTES_MIN = 65_536
"""So much is on its way to the disk before the sync asks for it, while the next piece or object is still written."""


class Files(Protocol):
    """What a draft asks of the Blobs it belongs to."""

    digest: str
    syncs_files: bool
    """Whether each draft is synced by itself, and so is open until then."""

    direct: DirectWriter
    """For large objects, where it is usable."""

    def rename(self, path: str, location: Location) -> None:
        """Moves the file at `path` to its final name, making the folders on the way."""
        ...

    def path(self, location: Location) -> str:
        """Where a placed object is for the operating system."""
        ...

    def remove(self, location: Location) -> None:
        """Removes a placed object."""
        ...


class FileDraft:
    """A file in the spool. How many bytes come first decides which way they all go."""

    __slots__ = ("_blobs", "_fd", "_file", "_incoming", "_path", "_places", "_size_bytes")

    def __init__(self, blobs: Files, path: str, incoming: Incoming) -> None:
        self._blobs = blobs
        self._path = path
        self._incoming = incoming
        self._places: list[Location] = []  # where it was put, or may have been; the last is where it is
        self._file: CachedFile | DirectFile | None = None
        self._size_bytes = 0
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)

    def write(self, chunks: Sequence[memoryview]) -> None:
        self._file_for(chunks).append(chunks)

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        digest = self._file_for(chunks).finish(chunks)
        return Sealed(digest, self._size_bytes)

    def digest(self, algorithm: str) -> bytes:
        with open(self._path, "rb") as file:
            read_head(file)
            return digest_of(iter(partial(file.read, READ_BYTES), b""), algorithm)

    def place(self, location: Location) -> None:
        self._places.append(location)
        if not self._blobs.syncs_files:
            self._close()
        self._blobs.rename(self._path, location)
        self._path = self._blobs.path(location)

    def check_written(self) -> None:
        if self._file is not None:
            self._file.check_written()

    def fileno(self) -> int | None:
        return self._fd

    def synced(self) -> None:
        self._close()

    def abandon(self) -> None:
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            os.unlink(self._path)
        for location in self._places:
            with suppress(OSError):
                self._blobs.remove(location)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _file_for(self, chunks: Sequence[memoryview]) -> "CachedFile | DirectFile":
        """The file that these are the next bytes for."""
        self._size_bytes += sum(map(len, chunks))
        if self._file is None:
            assert self._fd is not None
            head, digester = file_head(self._incoming), Digester(self._blobs.digest)
            if self._blobs.direct.is_usable and self._size_bytes >= DIRECT_BYTES_MIN:
                self._file = DirectFile(self._blobs.direct, self._fd, head, digester)
            else:
                self._file = CachedFile(self._fd, head, digester, is_hurried=self._blobs.syncs_files)
        return self._file


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
