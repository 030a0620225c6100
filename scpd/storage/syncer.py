"""Syncs of many files side by side, each to its end, whoever does it: the kernel, or this thread."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from scpd.storage.aio import AT_ONCE, SYNC, SYNC_DATA, Request, Ring, failure, opened_ring
from scpd.storage.base import nothing


class File(NamedTuple):
    """An open file to sync: its data and what it takes to find them, or a folder with all it lists."""

    fd: int
    is_folder: bool = False


class Syncer:
    """Syncs files for one thread at a time."""

    def __init__(self) -> None:
        self._ring: Ring | None = None

    def open(self) -> None:
        """Finds out what the kernel does for us."""
        self._ring = opened_ring()

    def close(self) -> None:
        """May be called twice, and before `open`."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def errors(self, files: Sequence[File], meanwhile: Callable[[], None] = nothing) -> list[OSError | None]:
        """Syncs them all; gives for each, in order, the OSError that it ended with.

        Calls `meanwhile`, which must not raise, while the kernel is at it.
        """
        slices = [files[first : first + AT_ONCE] for first in range(0, len(files), AT_ONCE)]
        calls = chain([meanwhile], repeat(nothing))
        return [error for some, call in zip(slices, calls, strict=False) for error in self._errors(some, call)]

    def _errors(self, files: Sequence[File], meanwhile: Callable[[], None]) -> list[OSError | None]:
        requests = [Request(SYNC if file.is_folder else SYNC_DATA, file.fd) for file in files]
        tokens = [*(self._ring.begin(requests) if self._ring is not None else [None] * len(requests))]
        meanwhile()
        ours = {place: _error(files[place]) for place, token in enumerate(tokens) if token is None}
        results = self._results([token for token in tokens if token is not None])
        return [ours[place] if token is None else failure(results[token]) for place, token in enumerate(tokens)]

    def _results(self, tokens: Sequence[int]) -> Mapping[int, int]:
        results: dict[int, int] = {}
        ring = self._ring
        while ring is not None and (missing := len(tokens) - len(results)):
            try:
                results.update(ring.ended(missing))
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
