"""One object on its way to the disk: a file in the spool that is written straight through, then renamed."""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from scpd.storage.base import Incoming, Location, Sealed
from scpd.storage.cached import CachedFile
from scpd.storage.digests import Digester, digest_of
from scpd.storage.direct import DIRECT_BYTES_MIN, DirectFile, DirectWriter
from scpd.storage.part10 import file_head, read_head

FILE_MODE = 0o640
READ_BYTES = 1 << 20


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

    __slots__ = ("_blobs", "_fd", "_file", "_incoming", "_location", "_path", "_size_bytes")

    def __init__(self, blobs: Files, path: str, incoming: Incoming) -> None:
        self._blobs = blobs
        self._path = path
        self._incoming = incoming
        self._location: Location = ""  # where it was put, or may have been
        self._file: CachedFile | DirectFile | None = None
        self._size_bytes = 0
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)

    def write(self, chunks: Sequence[memoryview]) -> None:
        self._file_for(chunks).append(chunks)

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        digest = self._file_for(chunks).finish(chunks)
        return Sealed(digest, self._size_bytes)

    def digest(self, algorithm: str) -> bytes:
        self._blobs.direct.wait_written()
        self.check_written()
        with open(self._path, "rb") as file:
            read_head(file)
            return digest_of(iter(partial(file.read, READ_BYTES), b""), algorithm)

    def place(self, location: Location) -> None:
        self._location = location
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
        if self._location:
            with suppress(OSError):
                self._blobs.remove(self._location)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _file_for(self, chunks: Sequence[memoryview]) -> CachedFile | DirectFile:
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
