"""One object on its way to the disk: a file in the spool that is written straight through, then renamed."""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from scpd.storage.base import Incoming, Location, Sealed
from scpd.storage.digests import Digester, digest_of
from scpd.storage.part10 import file_head, read_head

IOV_MAX = os.sysconf("SC_IOV_MAX")
FILE_MODE = 0o640
READ_BYTES = 1 << 20


class Files(Protocol):
    """What a draft asks of the Blobs it belongs to."""

    digest: str
    syncs_files: bool
    """Whether each draft is synced by itself, and so is open until then."""

    def rename(self, path: str, location: Location) -> None:
        """Moves a finished draft to its final name, making the folders on the way."""
        ...

    def remove(self, location: Location) -> None:
        """Removes a placed object."""
        ...


class FileDraft:
    """A file in the spool. Its head goes out with the first bytes; a data set in one piece is one `writev`."""

    __slots__ = ("_begun", "_blobs", "_digest", "_fd", "_incoming", "_location", "_path", "_size_bytes")

    def __init__(self, blobs: Files, path: str, incoming: Incoming) -> None:
        self._blobs = blobs
        self._path = path
        self._incoming = incoming
        self._location: Location | None = None
        self._digest = Digester(blobs.digest)
        self._begun = False
        self._size_bytes = 0
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)

    def write(self, chunks: Sequence[memoryview]) -> None:
        self._measure(chunks)
        self._append(chunks if self._begun else [memoryview(file_head(self._incoming)), *chunks])
        self._begun = True

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        self._measure(chunks)
        digest = self._digest.value()
        head = file_head(self._incoming, digest)
        if self._begun:
            self._append(chunks)
            os.pwrite(self._descriptor, digest, len(head) - len(digest))
        else:
            self._append([memoryview(head), *chunks])
        if not self._blobs.syncs_files:
            self._close()
        return Sealed(digest, self._size_bytes)

    def digest(self, algorithm: str) -> bytes:
        with open(self._path, "rb") as file:
            read_head(file)
            return digest_of(iter(partial(file.read, READ_BYTES), b""), algorithm)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)
        self._close()

    def place(self, location: Location) -> None:
        self._blobs.rename(self._path, location)
        self._location = location

    def abandon(self) -> None:
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            if self._location is None:
                os.unlink(self._path)
            else:
                self._blobs.remove(self._location)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    @property
    def _descriptor(self) -> int:
        assert self._fd is not None
        return self._fd

    def _measure(self, chunks: Sequence[memoryview]) -> None:
        for chunk in chunks:
            self._digest.update(chunk)
            self._size_bytes += len(chunk)

    def _append(self, chunks: Sequence[memoryview]) -> None:
        for first in range(0, len(chunks), IOV_MAX):
            views = chunks[first : first + IOV_MAX]
            written = os.writev(self._descriptor, views)
            while written < sum(map(len, views)):
                views = _behind(views, written)
                written = os.writev(self._descriptor, views)


def _behind(views: Sequence[memoryview], count_bytes: int) -> Sequence[memoryview]:
    """What is left of `views` when their first `count_bytes` bytes are gone."""
    for position, view in enumerate(views):
        if count_bytes < len(view):
            return [view[count_bytes:], *views[position + 1 :]]
        count_bytes -= len(view)
    return []
