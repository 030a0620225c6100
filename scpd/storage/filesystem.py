"""Blobs on disk: temp file in the spool, sync, rename, sync of the folder.

    spool/<name>                              drafts; whatever is here at start-up is removed
    studies/<study>/<series>/<sop>.<name>.dcm  objects of patients, each folder named by a UID or by a hash of one
    other/<sop class>/<sop>.<name>.dcm         objects that belong to no patient
    quarantine/<sop>.<name>.dcm                objects kept aside
    journal, lock

`<name>` is used once, ever, so no rename replaces anything and a reader never meets a file that changes. A folder
counts as durable only after the folder that lists it was synced; when such a sync fails the new folder is removed
instead of being trusted later, because the second sync of the same pages reports success without writing them.

The journal holds the names that the batch in hand may create. It is overwritten in place and synced before the first
of them appears, so after a crash start-up need not walk millions of folders to find files without an index row.
"""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from blake3 import blake3

from scpd.dataset.uid import is_valid_uid
from scpd.storage import part10
from scpd.storage.base import Draft, Incoming, Instance, Location, StoreUnavailable
from scpd.storage.crew import Crew
from scpd.storage.digests import BLAKE3
from scpd.storage.draft import FileDraft
from scpd.storage.journal import Journal
from scpd.storage.lock import Lock

READ_BYTES = 1 << 20
FOLDER_MODE = 0o750
FOLDERS_REMEMBERED = 65_536
SYNCS_AT_ONCE = 16


class FileBlobs:
    """Blobs under the folder `root`, each with a digest of the given algorithm.

    With `sync=False` nothing is synced: a power cut loses what was acknowledged.
    """

    def __init__(self, root: Path, *, sync: bool = True, digest: str = BLAKE3) -> None:
        self.root = root
        self.spool = root / "spool"
        self.sync = sync
        self.digest = digest
        self._lock = Lock(root / "lock")
        self._journal = Journal(root / "journal", sync=sync)
        self._durable: dict[str, None] = {}
        self._syncers = Crew(SYNCS_AT_ONCE, "scpd-sync")
        self._life = secrets.token_hex(6)
        self._numbers = count()

    def open(self) -> None:
        try:
            self.root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self._lock.acquire()
            self.spool.mkdir(FOLDER_MODE, exist_ok=True)
            for leftover in self.spool.iterdir():
                leftover.unlink()
            self._journal.open()
            sync_folder(str(self.root))
            sync_folder(str(self.root.parent))
        except OSError as error:
            self.close()
            raise StoreUnavailable(f"cannot use {self.root}: {error.strerror}") from error

    def close(self) -> None:
        self._syncers.dismiss()
        self._journal.close()
        self._lock.release()

    def location(self, incoming: Incoming, instance: Instance) -> Location:
        name = f"{_safe(incoming.sop_instance_uid)}.{self._fresh_name()}.dcm"
        if not instance.study_instance_uid:
            return f"other/{_safe(incoming.sop_class_uid)}/{name}"
        return f"studies/{_safe(instance.study_instance_uid)}/{_safe(instance.series_instance_uid)}/{name}"

    def quarantine(self, location: Location) -> Location:
        return "quarantine/" + location.rpartition("/")[2]

    def draft(self, incoming: Incoming) -> FileDraft:
        return FileDraft(self, f"{self.spool}/{self._fresh_name()}", incoming)

    def harden(self, drafts: Sequence[Draft], names: Mapping[Location, str]) -> Sequence[OSError | None]:
        """Syncs the files side by side, and the journal with them. Raises OSError when the journal fails."""
        note = partial(self._journal.write, [f"{uid} {location}" for location, uid in names.items()])
        noted, *errors = self._syncers.errors([note, *(draft.sync for draft in drafts)])
        if noted is not None:
            raise noted
        return errors

    def announced(self) -> Mapping[Location, str]:
        noted = {location: uid for uid, _, location in (line.partition(" ") for line in self._journal.read())}
        return noted | {self.quarantine(location): uid for location, uid in noted.items()}

    def settle(self, locations: Sequence[Location]) -> Sequence[OSError | None]:
        """Syncs every folder that lists one of `locations`, and each that lists a folder not known to be durable."""
        if not self.sync:
            return [None] * len(locations)
        listings = [self._unsynced(location) for location in locations]
        folders = list({folder for listing in listings for folder in listing})
        synced = self._syncers.errors([partial(sync_folder, self._path(folder)) for folder in folders])
        failed = {folder: error for folder, error in zip(folders, synced, strict=True) if error is not None}
        for location, listing in zip(locations, listings, strict=True):
            if failed.keys().isdisjoint(listing):
                self._remember(location)
        return [next((failed[folder] for folder in listing if folder in failed), None) for listing in listings]

    def remove(self, location: Location) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._path(location))
        for folder in _folders(location):
            if folder in self._durable:
                break
            try:
                os.rmdir(self._path(folder))
            except OSError:
                break

    def read(self, location: Location) -> Iterator[bytes]:
        with open(self._path(location), "rb") as file:
            file.seek(part10.data_set_offset(file.read(part10.DATA_SET_OFFSET_BYTES)))
            yield from iter(partial(file.read, READ_BYTES), b"")

    def free_bytes(self) -> int:
        state = os.statvfs(self.root)
        return state.f_bavail * state.f_frsize

    def rename(self, path: str, location: Location) -> None:
        """Moves the file at `path` to its final name, making the folders on the way."""
        try:
            os.rename(path, self._path(location))
        except FileNotFoundError:
            for folder in reversed(_folders(location)):
                self._make_folder(folder)
            os.rename(path, self._path(location))

    def _make_folder(self, folder: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(self._path(folder), FOLDER_MODE)
            self._durable.pop(folder, None)

    def _unsynced(self, location: Location) -> list[str]:
        """The folder that lists `location`, and those whose listing leads there and may not be durable yet."""
        below = _folders(location)
        return [below[0], *(_parent(folder) for folder in below if folder not in self._durable)]

    def _remember(self, location: Location) -> None:
        for folder in _folders(location):
            self._durable[folder] = None
        while len(self._durable) > FOLDERS_REMEMBERED:
            del self._durable[next(iter(self._durable))]

    def _fresh_name(self) -> str:
        return f"{self._life}{next(self._numbers):x}"

    def _path(self, location: Location) -> str:
        return f"{self.root}/{location}"


def _safe(uid: str) -> str:
    """`uid` where it is one (PS3.5 9.1), else a hash of it: only digits, dots and hexadecimal reach a path."""
    return uid if is_valid_uid(uid) else "h" + blake3(uid.encode("utf-8", "surrogatepass")).hexdigest(16)


def _parent(folder: str) -> str:
    return folder.rpartition("/")[0]


def _folders(location: Location) -> list[str]:
    """The folders above `location`, the nearest first, without the root."""
    folders = []
    while location := _parent(location):
        folders.append(location)
    return folders


def sync_folder(path: str) -> None:
    """Makes the names that a folder lists durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
