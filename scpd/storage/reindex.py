"""Builds a new index from the files alone, beside the old one, while no daemon runs, and puts it in its place.

Every file proves itself by its own digest before it gets a row. What cannot is moved to `damaged/` and reported, never
indexed. Files in quarantine stay there. Files are read a batch at a time by a few threads, so memory stays flat.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from scpd.dataset.scan import ScanLimits
from scpd.storage import sqlite_handover
from scpd.storage.base import Duplicates, Holder, Location, Record
from scpd.storage.examine import EVERYTHING, DamagedObject, examine_instance
from scpd.storage.filesystem import FileBlobs
from scpd.storage.folders import FOLDER_MODE
from scpd.storage.head import STRICT
from scpd.storage.lock import Lock
from scpd.storage.sqlite import SqliteIndex

READERS = 4
BATCH = 128
QUARANTINE, DAMAGED = "quarantine", "damaged"
FOLDERS = (QUARANTINE, "studies", "other")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one file: indexed, and so without a `complaint`, or not."""

    location: Location
    sop_instance_uid: str
    complaint: str = ""


class Reindex:
    """One rebuild of the index file `index` from the files under `root`.

    Of two files with one SOP Instance UID, which only a crash can leave, `duplicates` says whether the older is kept or
    the newer; the other one goes to quarantine.
    """

    def __init__(self, root: Path, index: Path, limits: ScanLimits, duplicates: Duplicates) -> None:
        self._root = root
        self._index = index
        self._limits = limits
        self._newest_counts = duplicates is Duplicates.REPLACE

    def reports(self) -> Iterator[Report]:
        """Does it, and tells of every file. Only the end of the iteration changes the index. Raises StoreUnavailable.

        Raises OSError and OutOfResources when the new index cannot be written; the old one is untouched then.
        """
        with ExitStack() as stack:
            blobs = FileBlobs(self._root)
            blobs.open()
            stack.callback(blobs.close)
            self._index.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            lock = Lock(self._index.with_name(self._index.name + ".lock"))
            lock.acquire()
            stack.callback(lock.release)
            new = SqliteIndex(sqlite_handover.building(self._index), sync=False)
            new.open()
            stack.callback(new.close)
            pool = stack.enter_context(ThreadPoolExecutor(READERS, "scpd-reindex"))
            locations = self._locations()
            while batch := list(islice(locations, BATCH)):
                yield from self._add(new, batch, pool)
            new.close()
            blobs.forget_all()  # or the next start would remove files that were told, and have no row
            sqlite_handover.hand_over(self._index)

    def _add(self, index: SqliteIndex, batch: Sequence[Location], pool: ThreadPoolExecutor) -> Iterator[Report]:
        for location, read in zip(batch, pool.map(self._read, batch), strict=True):
            if isinstance(read, Report):
                yield read
                continue
            record, note = read
            try:
                complaint = self._add_one(index, record) or note
            except ValueError as error:
                complaint = f"no row can be made of it: {error}"
            yield Report(location, record.incoming.sop_instance_uid, complaint)

    def _read(self, location: Location) -> tuple[Record, str] | Report:
        """What the index gets of a file, and what is odd; or, for one that does not prove itself, what became of it."""
        leniency = STRICT if location.startswith(QUARANTINE) else EVERYTHING
        try:
            examined, instance = examine_instance(self._root / location, self._limits, leniency)
        except DamagedObject as error:
            self._move(location, DAMAGED)
            uid = error.incoming.sop_instance_uid if error.incoming is not None else ""
            return Report(location, uid, f"{error}; moved to {DAMAGED}/")
        except OSError as error:
            return Report(location, "", f"cannot be read: {error.strerror}")
        note = "indexed, though its data set has another SOP Class or Instance UID" if examined.is_misnamed else ""
        return Record(examined.incoming, instance, location, examined.sealed, examined.received_at), note

    def _add_one(self, index: SqliteIndex, record: Record) -> str:
        """Gives a record its row; says what was not simply that."""
        uid, digest = record.incoming.sop_instance_uid, record.sealed.digest
        holder = index.holders([uid]).get(uid)
        if record.location.startswith(QUARANTINE):
            if holder is not None and digest in holder.quarantined:
                return "these bytes are in quarantine already"
            index.add([], [record])
            return ""
        if record.instance.unfit and holder is not None and digest in holder.quarantined:
            return f"these bytes are in quarantine already: {record.instance.unfit}"
        if self._is_half_released(record.location):
            (self._root / record.location).unlink()
            return "a release from quarantine was not finished, and was taken back"
        if record.instance.unfit:
            index.add([], [self._aside(record)])
            return f"moved to quarantine: {record.instance.unfit}"
        if holder is None or holder.stored is None:
            index.add([record], [])
            return ""
        return self._add_second(index, record, holder)

    def _add_second(self, index: SqliteIndex, record: Record, holder: Holder) -> str:
        """Two files have one UID: one of them gets the row, the other goes to quarantine."""
        if record.sealed.digest in (holder.stored, *holder.quarantined):
            return f"not indexed: the same as {holder.location}, or as one in quarantine"
        read = self._read(holder.location)
        if isinstance(read, Report):
            return f"cannot be compared with {holder.location}: {read.complaint}"
        other, _ = read
        is_newer = (record.received_at or 0, record.location) > (other.received_at or 0, other.location)
        if is_newer is not self._newest_counts:
            index.add([], [self._aside(record)])
            return f"moved to quarantine: {holder.location} has its SOP Instance UID"
        aside = [] if other.sealed.digest in holder.quarantined else [self._aside(other)]
        index.add([replace(record, replaces=holder.location)], aside)
        return f"indexed instead of {holder.location}, which has its SOP Instance UID and is in quarantine now"

    def _aside(self, record: Record) -> Record:
        return replace(record, location=self._move(record.location, QUARANTINE))

    def _move(self, location: Location, folder: str) -> Location:
        """Moves a file to another folder of the store; its name is its own wherever it is."""
        target = f"{folder}/{location.rpartition('/')[2]}"
        (self._root / folder).mkdir(FOLDER_MODE, exist_ok=True)
        os.rename(self._root / location, self._root / target)
        return target

    def _is_half_released(self, location: Location) -> bool:
        """Whether the same file still has its name in quarantine: a release gives it two for a moment."""
        with suppress(FileNotFoundError):
            return (self._root / location).samefile(self._root / QUARANTINE / location.rpartition("/")[2])
        return False

    def _locations(self) -> Iterator[Location]:
        for folder in FOLDERS:
            for path in _files(self._root / folder):
                yield str(path.relative_to(self._root))


def _files(folder: Path) -> Iterator[Path]:
    """The files under `folder`, one folder's list of names in memory at a time, in their order."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _files(path)
        elif path.suffix == ".dcm":
            yield path
