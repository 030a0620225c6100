"""What a daemon has kept, seen from outside: its files, taken apart by hand, and the counts of its backend."""

import asyncio

from scpd.storage.base import StorageStatistics
from tests.daemon import Daemon
from tests.interop.part10 import Part10, read_part10


def files(daemon: Daemon, folder: str = "studies") -> list[Part10]:
    """The objects under a folder of the store: "studies", "other" or "quarantine"."""
    return [read_part10(path) for path in sorted((daemon.directory / "store" / folder).rglob("*.dcm"))]


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
