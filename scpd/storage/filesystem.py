"""Blobs on disk: temp file in the spool, rename, one round of syncs for contents and folders.

    spool/<name>                              drafts; whatever is here at start-up is removed
    studies/<study>/<series>/<sop>.<name>.dcm  objects of patients, each folder named by a UID or by a hash of one
    other/<sop class>/<sop>.<name>.dcm         objects that belong to no patient
    quarantine/<sop>.<name>.dcm                objects kept aside
    journal, lock

`<name>` is used once, ever, so no rename replaces anything and a reader never meets a file that changes.

The journal says where names may appear before their index rows do, see `frontier.py`. It is overwritten in place and
synced before the first of them appears, so after a crash start-up need not walk millions of folders to find them.
"""

import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum, StrEnum
from functools import partial
from itertools import count
from pathlib import Path

from blake3 import blake3

from scpd.dataset.uid import is_valid_uid
from scpd.storage import part10
from scpd.storage.base import Draft, Incoming, Instance, Location, StoreUnavailable, nothing
from scpd.storage.digests import BLAKE3
from scpd.storage.direct import DirectWriter
from scpd.storage.draft import FileDraft
from scpd.storage.folders import FOLDER_MODE, Folders, open_folder, sync_folder
from scpd.storage.frontier import LIFE_CHARACTERS, Frontier, subject_of
from scpd.storage.journal import Journal
from scpd.storage.lock import Lock
from scpd.storage.syncer import File, Syncer
from scpd.storage.syncfs import reports_failures, sync_file_system

READ_BYTES = 1 << 20
OBJECTS = ("studies", "other", "quarantine")


class Sync(Enum):
    """How objects become durable."""

    FILES = "files"  # every file and every folder is synced, side by side
    FILESYSTEM = "filesystem"  # one syncfs(2) a batch, which pays for what others wrote there too
    NONE = "none"  # not at all: a power cut loses what was acknowledged


class Large(StrEnum):
    """How large objects are written."""

    DIRECT = "direct"  # past the page cache, where the file system can do that
    CACHED = "cached"  # through it, as small ones


class FileBlobs:
    """Blobs under the folder `root`, each with a digest of the given algorithm."""

    def __init__(
        self, root: Path, sync: Sync = Sync.FILES, *, digest: str = BLAKE3, large: Large = Large.DIRECT
    ) -> None:
        self.root = root
        self.spool = root / "spool"
        self.syncs_files = sync is Sync.FILES
        self.digest = digest
        self.direct = DirectWriter()
        self._is_direct = large is Large.DIRECT and sync is not Sync.NONE  # without syncs, memory is what is wanted
        self._sync = sync
        self._root_fd: int | None = None
        self._life = secrets.token_hex(LIFE_CHARACTERS // 2)
        self._lock = Lock(root / "lock")
        self._journal = Journal(root / "journal", sync=sync is not Sync.NONE)
        self._frontier = Frontier(self._journal, self._life)
        self._folders = Folders(str(root))
        self._syncer = Syncer()
        self._numbers = count()

    def open(self) -> None:
        if self._sync is Sync.FILESYSTEM and not reports_failures():
            raise StoreUnavailable("sync strategy 'filesystem' needs Linux 5.8: before, failures go unreported")
        try:
            self.root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self._lock.acquire()
            self._root_fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.spool.mkdir(FOLDER_MODE, exist_ok=True)
            for leftover in self.spool.iterdir():
                leftover.unlink()
            self._journal.open()
            self._syncer.open()
            if self._is_direct:
                self.direct.open(str(self.spool))
            sync_folder(str(self.root))
            sync_folder(str(self.root.parent))
        except OSError as error:
            self.close()
            raise StoreUnavailable(f"cannot use {self.root}: {error.strerror}") from error

    def close(self) -> None:
        self.direct.close()
        self._syncer.close()
        self._journal.close()
        if self._root_fd is not None:
            os.close(self._root_fd)
            self._root_fd = None
        self._lock.release()

    def holds_objects(self) -> bool:
        return any(files for top in OBJECTS for _, _, files in os.walk(self.root / top))

    def location(self, incoming: Incoming, instance: Instance) -> Location:
        name = f"{_safe(incoming.sop_instance_uid)}.{self._fresh_name()}.dcm"
        if not instance.study_instance_uid:
            return f"other/{_safe(incoming.sop_class_uid)}/{name}"
        return f"studies/{_safe(instance.study_instance_uid)}/{_safe(instance.series_instance_uid)}/{name}"

    def quarantine(self, location: Location) -> Location:
        return "quarantine/" + location.rpartition("/")[2]

    def draft(self, incoming: Incoming) -> FileDraft:
        return FileDraft(self, f"{self.spool}/{self._fresh_name()}", incoming)

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        self._frontier.expect(location, sop_instance_uid)

    def expected(self) -> Mapping[Location, str]:
        noted = self._frontier.left()
        locations = (f"{folder}/{name}" for folder in noted.folders for name in self._listed(folder))
        owners = {location: self._owner(location) for location in locations if noted.includes(location)}
        return {location: uid for location, uid in owners.items() if uid} | dict(noted.others)

    def forget(self, location: Location) -> None:
        self._frontier.forget(location)

    def forget_all(self) -> None:
        """Takes back what was noted, after every file there is was judged by itself. Raises OSError."""
        self._journal.write([])

    def settle(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        self.direct.wait_written()
        return {**self._made_durable(placed, meanwhile), **_unwritten(placed)}

    def _made_durable(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None]
    ) -> Mapping[Location, OSError]:
        if self._sync is Sync.FILES:
            return self._sync_each(placed, meanwhile)
        meanwhile()
        return self._sync_all(placed) if placed and self._sync is Sync.FILESYSTEM else {}

    def _sync_all(self, placed: Collection[Location]) -> Mapping[Location, OSError]:
        assert self._root_fd is not None
        try:
            sync_file_system(self._root_fd)
        except OSError as error:
            return dict.fromkeys(placed, error)
        return {}

    def _sync_each(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None]
    ) -> Mapping[Location, OSError]:
        """Syncs the files, every folder that lists one, and each that lists a folder not known to be durable."""
        listings = {location: self._folders.unsynced(location) for location in placed}
        folders = dict.fromkeys(folder for listing in listings.values() for folder in listing)
        opened, failed = self._opened(folders)
        try:
            failed |= self._synced(placed, opened, meanwhile)
        finally:
            for folder in opened.values():
                os.close(folder.fd)
        failed_first = sorted(placed, key=lambda location: failed.keys().isdisjoint(listings[location]))
        settled = {location: self._settled(location, listings[location], failed) for location in failed_first}
        return {location: error for location, error in settled.items() if error is not None}

    def _synced(
        self, placed: Mapping[Location, Draft | None], folders: Mapping[str, File], meanwhile: Callable[[], None]
    ) -> Mapping[Location, OSError]:
        """Syncs contents and folders; what went wrong with which of them."""
        drafts = {location: draft for location, draft in placed.items() if draft is not None}
        files = {location: File(fd) for location, draft in drafts.items() if (fd := draft.fileno()) is not None}
        errors = self._syncer.errors([*files.values(), *folders.values()], meanwhile)
        failed = {what: error for what, error in zip([*files, *folders], errors, strict=True) if error is not None}
        for location in files.keys() - failed.keys():
            drafts[location].synced()
        return failed

    def _opened(self, folders: Iterable[str]) -> tuple[dict[str, File], dict[str, OSError]]:
        """The folders, open, and what went wrong with the others."""
        opened, failed = {}, {}
        for folder in folders:
            try:
                opened[folder] = File(open_folder(self.path(folder)), is_folder=True)
            except OSError as error:
                failed[folder] = error
        return opened, failed

    def _settled(self, location: Location, listing: Sequence[str], failed: Mapping[str, OSError]) -> OSError | None:
        """What went wrong for one object, if anything did."""
        unlisted = next((failed[folder] for folder in listing if folder in failed), None)
        try:
            self._folders.settle(location, is_synced=unlisted is None)
        except OSError as error:
            return failed.get(location, error)
        return failed.get(location, unlisted)

    def remove(self, location: Location) -> None:
        self._folders.remove(location)
        if self._sync is not Sync.NONE:
            self._folders.sync_removal(location)

    def read(self, location: Location) -> Iterator[bytes]:
        with open(self._folders.path(location), "rb") as file:
            file.seek(part10.data_set_offset(file.read(part10.DATA_SET_OFFSET_BYTES)))
            yield from iter(partial(file.read, READ_BYTES), b"")

    def free_bytes(self) -> int:
        state = os.statvfs(self.root)
        return state.f_bavail * state.f_frsize

    def rename(self, path: str, location: Location) -> None:
        """Moves the file at `path` to its final name. Raises OSError."""
        self._folders.rename(path, location)

    def path(self, location: Location) -> str:
        """Where a placed object is for the operating system."""
        return self._folders.path(location)

    def link(self, location: Location, target: Location) -> None:
        """Gives a placed object a second name. Raises OSError."""
        self._folders.link(location, target)

    def _listed(self, folder: str) -> Sequence[str]:
        try:
            return os.listdir(self._folders.path(folder))
        except FileNotFoundError:
            return ()

    def _owner(self, location: Location) -> str:
        """The SOP Instance UID of the object there; "" where only its content could tell, and does not."""
        subject = subject_of(location)
        if is_valid_uid(subject):
            return subject
        with open(self._folders.path(location), "rb") as file, suppress(ValueError):
            return part10.read_head(file).incoming.sop_instance_uid
        return ""

    def _fresh_name(self) -> str:
        return f"{self._life}{next(self._numbers):x}"


def _unwritten(placed: Mapping[Location, Draft | None]) -> Mapping[Location, OSError]:
    """Of which of them a write has failed that was still under way when they were placed."""
    failed = {}
    for location, draft in placed.items():
        try:
            if draft is not None:
                draft.check_written()
        except OSError as error:
            failed[location] = error
    return failed


def _safe(uid: str) -> str:
    """`uid` where it is one (PS3.5 9.1), else a hash of it: only digits, dots and hexadecimal reach a path."""
    return uid if is_valid_uid(uid) else "h" + blake3(uid.encode("utf-8", "surrogatepass")).hexdigest(16)
