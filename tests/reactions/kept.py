"""What a daemon has kept, seen from outside: its files, taken apart by hand, and the counts of its backend."""

import asyncio
import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from scpd.storage.base import StorageStatistics
from tests.daemon import Daemon
from tests.interop.part10 import Part10, read_part10

PREFIX_BYTES = 132  # preamble and "DICM" (PS3.10 7.1)
GROUP_LENGTH_BYTES = 12  # (0002,0000), which says how long the rest of the group is


def files(daemon: Daemon, folder: str = "studies") -> list[Part10]:
    """The objects under a folder of the store: "studies", "other", "quarantine", or "." for all."""
    return list(each_file(daemon, folder))


def each_file(daemon: Daemon, folder: str = "studies") -> Iterator[Part10]:
    """The same one by one, where all at once would be too much."""
    for path in sorted((daemon.directory / "store" / folder).rglob("*.dcm")):
        yield read_part10(path)


def statistics(daemon: Daemon) -> StorageStatistics:
    """The backend's own counts."""
    counting = daemon.entity.provider.backend.statistics()
    return asyncio.run_coroutine_threadsafe(counting, daemon.loop).result(5)


def nothing(daemon: Daemon) -> bool:
    """Whether not one byte of any object was kept."""
    counts = statistics(daemon)
    return not (counts.instances or counts.quarantined or any((daemon.directory / "store").rglob("*.dcm")))


def drafts(daemon: Daemon) -> list[str]:
    """What lies in a spool."""
    return [str(path) for path in (daemon.directory / "store").rglob("spool/*")]


def digests(daemon: Daemon, folder: str = "studies") -> list[str]:
    """SHA-256 of every data set under a folder, read piece by piece."""
    return [_digest(path) for path in sorted((daemon.directory / "store" / folder).rglob("*.dcm"))]


def _digest(path: Path) -> str:
    told = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(PREFIX_BYTES + GROUP_LENGTH_BYTES - 4)
        (meta_bytes,) = struct.unpack("<I", file.read(4))
        file.seek(meta_bytes, os.SEEK_CUR)
        while piece := file.read(65_536):
            told.update(piece)
    return told.hexdigest()
