"""Syncs of many files side by side, done by the kernel: io_submit(2) with IOCB_CMD_FSYNC, since Linux 4.18.

One call hands all of them over, one waits for their ends. A thread for each would have to wait for the interpreter
before and after every sync, which costs small objects from many peers a quarter of their CPU time.

Whatever the kernel does not take is synced one after the other: an older kernel, a sandbox without these calls or
another architecture make it slower, not less durable.
"""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

AT_ONCE = 256
SYNC, SYNC_DATA = 2, 3  # IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC of linux/aio_abi.h
_call = ctypes.CDLL(None, use_errno=True).syscall


class Numbers(NamedTuple):
    """Those of the system calls; the C library has none of them."""

    io_setup: int
    io_destroy: int
    io_getevents: int
    io_submit: int


NUMBERS: Mapping[str, Numbers] = {"x86_64": Numbers(206, 207, 208, 209), "aarch64": Numbers(0, 1, 4, 2)}


class File(NamedTuple):
    """An open file to sync: its data and what it takes to find them, or a folder with all it lists."""

    fd: int
    is_folder: bool = False


class ControlBlock(ctypes.Structure):
    """struct iocb of linux/aio_abi.h, little endian."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("key", ctypes.c_uint32),
        ("rw_flags", ctypes.c_int32),
        ("opcode", ctypes.c_uint16),
        ("priority", ctypes.c_int16),
        ("fd", ctypes.c_uint32),
        ("buffer", ctypes.c_uint64),
        ("bytes", ctypes.c_uint64),
        ("offset", ctypes.c_int64),
        ("reserved", ctypes.c_uint64),
        ("flags", ctypes.c_uint32),
        ("event_fd", ctypes.c_uint32),
    )


class Event(ctypes.Structure):
    """struct io_event of linux/aio_abi.h."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("control_block", ctypes.c_uint64),
        ("result", ctypes.c_int64),
        ("result2", ctypes.c_int64),
    )


class Ring:
    """A context of the kernel, with room for AT_ONCE syncs. Raises OSError where there are none."""

    def __init__(self) -> None:
        numbers = NUMBERS.get(platform.machine())
        if numbers is None or sys.maxsize < 1 << 32:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._numbers = numbers
        self._context = ctypes.c_ulong(0)
        self._blocks = (ControlBlock * AT_ONCE)()
        self._pointers = (ctypes.c_void_p * AT_ONCE)(*map(ctypes.addressof, self._blocks))
        self._events = (Event * AT_ONCE)()
        self._tokens = count()
        _checked(_call(numbers.io_setup, AT_ONCE, ctypes.byref(self._context)))

    def begin(self, files: Sequence[File]) -> Iterator[int | None]:
        """Begins to sync at most AT_ONCE files; gives for each a token, or None if it was not taken."""
        tokens = [next(self._tokens) for _ in files]
        for block, file, token in zip(self._blocks, files, tokens, strict=False):
            block.data, block.fd, block.opcode = token, file.fd, SYNC if file.is_folder else SYNC_DATA
        position = 0
        while position < len(files):
            rest = ctypes.byref(self._pointers, position * ctypes.sizeof(ctypes.c_void_p))
            taken = _call(self._numbers.io_submit, self._context, ctypes.c_long(len(files) - position), rest)
            yield from tokens[position : position + taken] if taken > 0 else [None]
            position += max(taken, 1)

    def ended(self, at_least: int) -> Mapping[int, int]:
        """Waits for so many to end; gives the result of each by its token. Raises OSError."""
        ended = _checked(
            _call(
                self._numbers.io_getevents,
                self._context,
                ctypes.c_long(at_least),
                ctypes.c_long(AT_ONCE),
                self._events,
                None,
            )
        )
        return {event.data: event.result for event in self._events[:ended]}

    def close(self) -> None:
        """Waits for what was begun and gives the context back."""
        _call(self._numbers.io_destroy, self._context)


class Syncer:
    """Syncs files for one thread at a time."""

    def __init__(self) -> None:
        self._ring: Ring | None = None

    def open(self) -> None:
        """Finds out what the kernel does for us."""
        try:
            self._ring = Ring()
        except OSError:
            self._ring = None

    def close(self) -> None:
        """May be called twice, and before `open`."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def errors(self, files: Sequence[File]) -> list[OSError | None]:
        """Syncs them all; gives for each, in order, the OSError that it ended with."""
        slices = [files[first : first + AT_ONCE] for first in range(0, len(files), AT_ONCE)]
        return [error for some in slices for error in self._errors(some)]

    def _errors(self, files: Sequence[File]) -> list[OSError | None]:
        """The first is ours while the kernel does the others: alone, a file costs no hand-over."""
        tokens = [None, *(self._ring.begin(files[1:]) if self._ring is not None else [None] * (len(files) - 1))]
        ours = {place: _error(files[place]) for place, token in enumerate(tokens) if token is None}
        results = self._results([token for token in tokens if token is not None])
        return [ours[place] if token is None else _failure(results[token]) for place, token in enumerate(tokens)]

    def _results(self, tokens: Sequence[int]) -> Mapping[int, int]:
        results: dict[int, int] = {}
        ring = self._ring
        while ring is not None and (missing := len(tokens) - len(results)):
            try:
                results.update(ring.ended(missing))
            except InterruptedError:
                continue
            except OSError:  # nobody will ever know how they ended
                self.close()
                return dict.fromkeys(tokens, -errno.EIO)
        return results


def _error(file: File) -> OSError | None:
    try:
        if file.is_folder:
            os.fsync(file.fd)
        else:
            os.fdatasync(file.fd)
    except OSError as error:
        return error
    return None


def _failure(result: int) -> OSError | None:
    return OSError(-result, os.strerror(-result)) if result < 0 else None


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
