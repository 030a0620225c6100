"""One stored file, read to its end: what it says of itself, and whether its bytes are still those it was made of."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from scpd.dataset.scan import ScanLimits
from scpd.dimse.status import DimseFailure
from scpd.storage.base import Incoming, Instance, Sealed
from scpd.storage.digests import Digester, algorithm_of
from scpd.storage.head import STRICT, Head, Leniency
from scpd.storage.part10 import FileHead, read_head

READ_BYTES = 1 << 20
EVERYTHING = Leniency(odd_uids=True, mismatch=True)
"""For what is in the store already: whoever let it in had a reason."""


class DamagedObject(Exception):
    """A file that is not what was stored; its text says why. `incoming` is what its head says, if that can be read."""

    def __init__(self, reason: str, incoming: Incoming | None = None) -> None:
        super().__init__(reason)
        self.incoming = incoming


@dataclass(frozen=True, slots=True)
class Examined:
    """A file whose bytes are those its digest was made of. `received_at` is in seconds since 1970.

    `is_misnamed` says that its data set has another SOP Class or Instance UID than its head, if that was looked at.
    """

    incoming: Incoming
    sealed: Sealed
    received_at: float
    is_misnamed: bool = False


def examine(path: Path, *feeds: Callable[[memoryview], object]) -> Examined:
    """Proves the file at `path` by its own digest; every piece of its data set goes to each of `feeds` on the way.

    Raises DamagedObject, OSError.
    """
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the disk is asked, not the page cache
        head = _head(file)
        digester = Digester(algorithm_of(head.digest) or _unknown(head))
        size_bytes = 0
        buffer = memoryview(bytearray(READ_BYTES))
        while count := file.readinto(buffer):
            size_bytes += count
            for feed in (digester.update, *feeds):
                feed(buffer[:count])
    if digester.value() != head.digest:
        raise DamagedObject("the bytes are not those that were stored", head.incoming)
    return Examined(head.incoming, Sealed(head.digest, size_bytes), state.st_mtime)


def examine_instance(path: Path, limits: ScanLimits, leniency: Leniency = STRICT) -> tuple[Examined, Instance]:
    """As `examine`, with what an index keeps of the object; one that no index takes is `unfit`, with the reason."""
    with path.open("rb") as file:
        head = Head(_head(file).incoming, limits, leniency)
    examined = examine(path, lambda piece: head.feed([piece]))
    try:
        instance = head.instance()
        return replace(examined, is_misnamed=bool(head.differing)), instance
    except DimseFailure as failure:
        return examined, head.unfit(failure.comment)


def _head(file: BinaryIO) -> FileHead:
    try:
        return read_head(file)
    except ValueError as error:
        raise DamagedObject(str(error)) from error


def _unknown(head: FileHead) -> str:
    raise DamagedObject("the algorithm of the digest is not known", head.incoming)
