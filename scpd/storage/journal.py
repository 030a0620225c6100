"""The names that may appear on disk before their index rows do, in one small file that is overwritten in place.

Only the last list matters: the batch before it is committed, or was undone. A list that was torn by a crash was never
acted upon, since names appear only after `write` returned; it reads as no names at all.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from blake3 import blake3

_HEADER = struct.Struct("<I32s")


class Journal:
    """A durable list of names without newlines. One thread writes at a time."""

    def __init__(self, path: Path, *, sync: bool) -> None:
        self._path = path
        self._sync = sync
        self._fd: int | None = None

    def open(self) -> None:
        """Opens the file, made when there is none. Raises OSError, as every method."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def close(self) -> None:
        """Closes the file; may be called twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def write(self, names: Sequence[str]) -> None:
        """Replaces the list. Durable on return; blocks that exist are overwritten, so this costs no metadata."""
        assert self._fd is not None
        body = "\n".join(names).encode()
        record = _HEADER.pack(len(body), blake3(body).digest()) + body
        if os.pwrite(self._fd, record, 0) != len(record):
            raise OSError("short write of the journal")
        if self._sync:
            os.fdatasync(self._fd)

    def read(self) -> Sequence[str]:
        """The list that was written last."""
        assert self._fd is not None
        record = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        if len(record) < _HEADER.size:
            return ()
        length, digest = _HEADER.unpack_from(record)
        body = record[_HEADER.size : _HEADER.size + length]
        if not body or len(body) != length or blake3(body).digest() != digest:
            return ()
        return body.decode().split("\n")
