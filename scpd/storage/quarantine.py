"""What lies in quarantine: looked at while the daemon runs or not, released or deleted while it does not.

A release gives the file its place in the store beside the one in quarantine, then changes the index in one transaction,
then takes the old name away. Both names are in the journal of names meanwhile, so that after a crash the next start
removes the one that no row has.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scpd.dataset.scan import ScanLimits
from scpd.storage.archive import remove_unindexed
from scpd.storage.base import Incoming, Instance, Location, Record
from scpd.storage.examine import EVERYTHING, DamagedObject, Examined, examine_instance
from scpd.storage.filesystem import FileBlobs
from scpd.storage.sqlite import SqliteIndex, connect

COLUMNS = (
    "id, uid, sop_class_uid, transfer_syntax_uid, size_bytes, location, received_at, calling_ae_title, "
    "called_ae_title, reason"
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One object in quarantine; `received_at` is in seconds since 1970."""

    id: int
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    size_bytes: int
    location: Location
    received_at: float
    calling_ae_title: str
    called_ae_title: str
    reason: str


def listed(index: Path) -> Iterator[Quarantined]:
    """All of them, the oldest first. Raises StoreUnavailable."""
    with closing(connect(index)) as db:
        for row in db.execute(f"SELECT {COLUMNS} FROM quarantine ORDER BY id"):
            yield Quarantined(*row)


def shown(index: Path, number: int) -> Quarantined | None:
    """The one with this id. Raises StoreUnavailable."""
    with closing(connect(index)) as db:
        row = db.execute(f"SELECT {COLUMNS} FROM quarantine WHERE id = ?", (number,)).fetchone()
    return Quarantined(*row) if row else None


class Unreleasable(Exception):
    """The object cannot be put into the store; the text says why."""


class Quarantine:
    """Changes what lies in quarantine. Use it within `opened`, which holds the store's locks."""

    def __init__(self, root: Path, blobs: FileBlobs, index: SqliteIndex, limits: ScanLimits) -> None:
        self._root = root
        self._blobs = blobs
        self._index = index
        self._limits = limits

    def release(self, one: Quarantined) -> Location:
        """Puts an object into the store, for queries to find. Raises Unreleasable, StorageError, OSError."""
        examined, instance = self._examined(one)
        if instance.unfit:
            raise Unreleasable(f"it cannot be filed: {instance.unfit}")
        holder = self._index.holders([one.sop_instance_uid]).get(one.sop_instance_uid)
        if holder is not None and holder.stored is not None:
            raise Unreleasable(f"another object holds its SOP Instance UID: {holder.location}")
        location = self._place(one, examined.incoming, instance)
        record = Record(examined.incoming, instance, location, examined.sealed, one.received_at)
        self._index.release(one.id, record)
        self._blobs.remove(one.location)
        for name in (location, one.location):
            self._blobs.forget(name)
        return location

    def delete(self, one: Quarantined) -> None:
        """Forgets an object for good. Raises StorageError, OSError."""
        self._blobs.expect(one.location, one.sop_instance_uid)
        self._index.release(one.id, None)
        self._blobs.remove(one.location)
        self._blobs.forget(one.location)

    def _examined(self, one: Quarantined) -> tuple[Examined, Instance]:
        try:
            return examine_instance(self._root / one.location, self._limits, EVERYTHING)
        except DamagedObject as error:
            raise Unreleasable(str(error)) from error
        except OSError as error:
            raise Unreleasable(f"its file cannot be read: {error.strerror}") from error

    def _place(self, one: Quarantined, incoming: Incoming, instance: Instance) -> Location:
        """Gives the file a second name, its last one, durably."""
        folder, _, _ = self._blobs.location(incoming, instance).rpartition("/")
        location = f"{folder}/{one.location.rpartition('/')[2]}"
        for name in (location, one.location):
            self._blobs.expect(name, one.sop_instance_uid)
        self._blobs.link(one.location, location)
        for error in self._blobs.settle({location: None}).values():
            self._blobs.remove(location)
            raise error
        return location


@contextmanager
def opened(root: Path, index: Path, limits: ScanLimits) -> Iterator[Quarantine]:
    """The quarantine of a store that no daemon uses. Raises StoreUnavailable."""
    blobs, rows = FileBlobs(root), SqliteIndex(index)
    blobs.open()
    try:
        rows.open()
        remove_unindexed(blobs, rows)  # before other names are expected
        yield Quarantine(root, blobs, rows, limits)
    finally:
        rows.close()
        blobs.close()
