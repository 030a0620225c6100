"""T02, T03: no room, and media that fail: A700H, never Success, and the association goes on (PS3.4 B.2.3).

The backend is the real one; only the step that fails is replaced, and it can heal. The full disk is a real, small one.
"""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from scpd.storage.archive import Archive
from scpd.storage.backends import open_filesystem
from scpd.storage.base import (
    Backend,
    CommitInDoubt,
    Incoming,
    Location,
    OutOfResources,
    Sealed,
    StorageError,
    nothing,
)
from scpd.storage.draft import FileDraft
from scpd.storage.filesystem import FileBlobs
from scpd.storage.sqlite import SqliteIndex
from scpd.storage.syncer import File, Syncer
from tests.daemon import Daemon
from tests.datasets import PATIENT_MARK, ct
from tests.rawpeer import Message, RawPeer
from tests.reactions import kept

OUT_OF_RESOURCES = 0xA700
MEGABYTE = 1 << 20

Setting: TypeAlias = Callable[[Path, ExitStack], Backend]
"""Prepares a store's folder and opens a backend on it."""


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon on the backend that the test's `Setting` makes."""
    setting: Setting = request.param
    with ExitStack() as stack:
        store = tmp_path / "store"
        store.mkdir()
        yield stack.enter_context(Daemon(tmp_path, backend=setting(store, stack)))


def small_disk(folder: Path, stack: ExitStack) -> None:
    """Mounts four megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    stack.callback(lambda: subprocess.run(["umount", folder], check=True))


def everything_on_a_small_disk(store: Path, stack: ExitStack) -> Backend:
    small_disk(store, stack)
    return open_filesystem({"directory": store, "min_free_bytes": 0})


def files_on_a_small_disk(store: Path, stack: ExitStack) -> Backend:
    (store / "blobs").mkdir()
    small_disk(store / "blobs", stack)
    return open_filesystem({"directory": store, "blobs": store / "blobs", "min_free_bytes": 0})


def floor_above_a_small_disk(store: Path, stack: ExitStack) -> Backend:
    small_disk(store, stack)
    return open_filesystem({"directory": store, "min_free_bytes": 16 * MEGABYTE})


def assert_out_of_resources(daemon: Daemon, response: Message) -> None:
    """A700H with a comment of at most 64 characters that names no patient, and nothing partial is left."""
    assert response.status == OUT_OF_RESOURCES
    comment = response.text(0x0902)
    assert 0 < len(comment) <= 64
    assert PATIENT_MARK not in comment and "/" not in comment
    assert not kept.drafts(daemon)


def large(instance: str, megabytes: int) -> bytes:
    """An object of some size."""
    return ct(instance, PixelData=bytes(megabytes * MEGABYTE))


@pytest.mark.parametrize("daemon", [everything_on_a_small_disk, files_on_a_small_disk], indirect=True)
def test_t02_disk_runs_full(peer: RawPeer, daemon: Daemon) -> None:
    """T02: A700H with an Error Comment, nothing partial; what fits is stored before and after (Table B.2-1)."""
    assert peer.store("1.2.3.1", large("1.2.3.1", megabytes=1), 1).status == 0x0000
    assert_out_of_resources(daemon, peer.store("1.2.3.2", large("1.2.3.2", megabytes=4), 2))
    assert peer.store("1.2.3.3", ct("1.2.3.3"), 3).status == 0x0000
    assert kept.statistics(daemon).instances == 2
    assert peer.echo(4) == 0x0000


@pytest.mark.parametrize("daemon", [everything_on_a_small_disk, files_on_a_small_disk], indirect=True)
def test_t02_disk_filled_object_by_object(peer: RawPeer, daemon: Daemon) -> None:
    """T02: every 0000H is kept and every A700H leaves nothing, up to the last free byte (Table B.2-1)."""
    uids = [f"1.2.3.{number}" for number in range(1, 60)]
    statuses = {uid: peer.store(uid, ct(uid, PixelData=bytes(100_000))).status for uid in uids}
    assert {*statuses.values()} == {0x0000, OUT_OF_RESOURCES}
    stored = {uid for uid, status in statuses.items() if status == 0x0000}
    assert kept.statistics(daemon).instances == len(stored)
    assert {file.sop_instance_uid for file in kept.files(daemon, ".")} == stored


@pytest.mark.parametrize("daemon", [floor_above_a_small_disk], indirect=True)
def test_t02_less_room_than_the_floor(peer: RawPeer, daemon: Daemon) -> None:
    """T02: A700H before a byte is written, when less than `min_free_bytes` is free (Table B.2-1)."""
    assert_out_of_resources(daemon, peer.store("1.2.3.4", ct("1.2.3.4")))
    assert kept.nothing(daemon)
    assert peer.echo(2) == 0x0000


class Fault:
    """Fails until it is healed."""

    def __init__(self, error: OSError | StorageError) -> None:
        self.error: OSError | StorageError | None = error

    def strike(self) -> None:
        if self.error is not None:
            raise self.error


class FaultyIndex(SqliteIndex):
    """Cannot add rows."""

    def __init__(self, path: Path, fault: Fault) -> None:
        super().__init__(path)
        self._fault = fault

    def commit(self) -> None:
        try:
            self._fault.strike()
        except BaseException:
            self.undo()
            raise
        super().commit()


class FaultyBlobs(FileBlobs):
    """Fails at one step."""

    def __init__(self, root: Path, step: str, fault: Fault) -> None:
        super().__init__(root)
        self._step = step
        self._fault = fault
        if step in ("sync", "folder"):
            self._syncer = FaultySyncer(step, fault)

    def draft(self, incoming: Incoming) -> FileDraft:
        if self._step == "draft":
            self._fault.strike()
        if self._step in ("write", "rename"):
            return FaultyDraft(self, f"{self.spool}/{self._fresh_name()}", incoming, self._step, self._fault)
        return super().draft(incoming)

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        if self._step == "journal":
            self._fault.strike()
        super().expect(location, sop_instance_uid)


class FaultySyncer(Syncer):
    """Cannot sync files, or cannot sync folders."""

    def __init__(self, step: str, fault: Fault) -> None:
        super().__init__()
        self._step = step
        self._fault = fault

    def errors(self, files: Sequence[File], meanwhile: Callable[[], None] = nothing) -> list[OSError | None]:
        if not isinstance(self._fault.error, OSError):
            return super().errors(files, meanwhile)
        struck = self._fault.error
        meanwhile()
        return [struck if file.is_folder == (self._step == "folder") else None for file in files]


class FaultyDraft(FileDraft):
    """Fails at one step."""

    __slots__ = ("_fault", "_step")

    def __init__(self, blobs: FileBlobs, path: str, incoming: Incoming, step: str, fault: Fault) -> None:
        super().__init__(blobs, path, incoming)
        self._step = step
        self._fault = fault

    def write(self, chunks: Sequence[memoryview]) -> None:
        super().write(chunks)
        if self._step == "write":
            self._fault.strike()

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        if self._step == "write":
            self._fault.strike()
        return super().finish(chunks)

    def place(self, location: Location) -> None:
        if self._step == "rename":
            self._fault.strike()
        super().place(location)


def faulty_index(error: StorageError) -> Setting:
    def setting(store: Path, stack: ExitStack) -> Backend:
        fault = Fault(error)
        return FaultyArchive(FileBlobs(store), FaultyIndex(store / "index.sqlite", fault), fault)

    return setting


def faulty_blobs(step: str, code: int) -> Setting:
    def setting(store: Path, stack: ExitStack) -> Backend:
        fault = Fault(OSError(code, os.strerror(code)))
        return FaultyArchive(FaultyBlobs(store, step, fault), SqliteIndex(store / "index.sqlite"), fault)

    return setting


class FaultyArchive(Archive):
    """An archive that can be healed."""

    def __init__(self, blobs: FileBlobs, index: SqliteIndex, fault: Fault) -> None:
        super().__init__(blobs, index)
        self.fault = fault


FAULTS = {
    "index busy": faulty_index(OutOfResources("database is locked")),
    "index in doubt": faulty_index(CommitInDoubt("disk I/O error")),
    "no descriptor": faulty_blobs("draft", errno.EMFILE),
    "EIO on write": faulty_blobs("write", errno.EIO),
    "EIO on sync": faulty_blobs("sync", errno.EIO),
    "EIO on rename": faulty_blobs("rename", errno.EIO),
    "EIO on sync of the folder": faulty_blobs("folder", errno.EIO),
    "EIO on the journal": faulty_blobs("journal", errno.EIO),
    "read-only": faulty_blobs("draft", errno.EROFS),
    "quota": faulty_blobs("write", errno.EDQUOT),
}


@pytest.mark.parametrize("daemon", FAULTS.values(), ids=FAULTS, indirect=True)
@pytest.mark.parametrize("megabytes", [0, 1], ids=["small", "large"])
def test_t03_medium_fails(peer: RawPeer, daemon: Daemon, megabytes: int) -> None:
    """T03: A700H, never 0000H, nothing visible; the same object is taken when the medium is well (PS3.4 B.2.3)."""
    object_ = large("1.2.3.4", megabytes)
    assert_out_of_resources(daemon, peer.store("1.2.3.4", object_))
    assert kept.statistics(daemon).instances == 0
    assert peer.echo(2) == 0x0000
    assert isinstance(daemon.backend, FaultyArchive)
    daemon.backend.fault.error = None
    assert peer.store("1.2.3.4", object_, 3).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]
