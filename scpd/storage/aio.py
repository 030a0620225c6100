"""Writes and syncs that the kernel does side by side: io_submit(2) and its family, since Linux 4.18.

One call hands over any number of them, one waits for their ends. A thread for each would have to wait for the
interpreter before and after it. Who begins something here does it by hand where the kernel does not take it: an older
kernel, a sandbox without these calls or another architecture make it slower, not less durable.
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
WRITE, SYNC, SYNC_DATA = 1, 2, 3  # IOCB_CMD_PWRITE, IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC of linux/aio_abi.h
_call = ctypes.CDLL(None, use_errno=True).syscall


class Numbers(NamedTuple):
    """Those of the system calls; the C library has none of them."""

    io_setup: int
    io_destroy: int
    io_getevents: int
    io_submit: int


NUMBERS: Mapping[str, Numbers] = {"x86_64": Numbers(206, 207, 208, 209), "aarch64": Numbers(0, 1, 4, 2)}


class Request(NamedTuple):
    """What the kernel shall do with an open file; memory at `address` must stay as it is until it is done."""

    code: int
    fd: int
    address: int = 0
    size_bytes: int = 0
    offset: int = 0


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
    """A context of the kernel, with room for AT_ONCE requests. Raises OSError where there are none."""

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

    def begin(self, requests: Sequence[Request]) -> Iterator[int | None]:
        """Begins at most AT_ONCE of them; gives for each a token, or None if it was not taken."""
        tokens = [next(self._tokens) for _ in requests]
        for block, request, token in zip(self._blocks, requests, tokens, strict=False):
            block.data, block.opcode, block.fd = token, request.code, request.fd
            block.buffer, block.bytes, block.offset = request.address, request.size_bytes, request.offset
        position = 0
        while position < len(requests):
            rest = ctypes.byref(self._pointers, position * ctypes.sizeof(ctypes.c_void_p))
            taken = _call(self._numbers.io_submit, self._context, ctypes.c_long(len(requests) - position), rest)
            yield from tokens[position : position + taken] if taken > 0 else [None]
            position += max(taken, 1)

    def ended(self, at_least: int) -> Mapping[int, int]:
        """Waits for so many to end; gives by its token what each returned, or its error negated. Raises OSError."""
        while True:
            ended = _call(
                self._numbers.io_getevents,
                self._context,
                ctypes.c_long(at_least),
                ctypes.c_long(AT_ONCE),
                self._events,
                None,
            )
            if ended >= 0 or ctypes.get_errno() != errno.EINTR:
                _checked(ended)
                return {event.data: event.result for event in self._events[:ended]}

    def close(self) -> None:
        """Waits for what was begun and gives the context back."""
        _call(self._numbers.io_destroy, self._context)


def failure(result: int) -> OSError | None:
    """The error that a result stands for, if it does."""
    return OSError(-result, os.strerror(-result)) if result < 0 else None


def opened_ring() -> Ring | None:
    """A ring, if the kernel has one for us."""
    try:
        return Ring()
    except OSError:
        return None


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
