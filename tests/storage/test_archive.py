"""The archive over real files and SQLite: the suite every backend must pass, and what only this one promises."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from scpd.query.terms import Level
from scpd.storage import aio, filesystem
from scpd.storage.archive import Archive
from scpd.storage.backends import open_filesystem
from scpd.storage.base import Backend, Duplicates, Incoming, Outcome, OutOfResources, StorageError, StoreUnavailable
from scpd.storage.committer import Committer
from scpd.storage.digests import digest_of
from scpd.storage.filesystem import FileBlobs
from scpd.storage.memory import MemoryBlobs, MemoryDraft, MemoryIndex
from scpd.storage.part10 import file_head
from scpd.testing import (
    COMPUTED_TAGS,
    LEVELS,
    BackendSuite,
    attributes,
    find,
    incoming,
    instance,
    opened,
    query,
    read,
    store,
)


def archive_in(folder: Path, **options: object) -> Backend:
    return open_filesystem({"directory": str(folder), "min_free_bytes": 0, **options})


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.dcm"))


class TestFilesystemBackend(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return archive_in(tmp_path / "archive")


class TestFilesystemBackendThatReplaces(BackendSuite):
    duplicates = Duplicates.REPLACE

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return archive_in(tmp_path / "archive", duplicates="replace", digest="sha256")


class TestFilesystemBackendThatRefuses(BackendSuite):
    duplicates = Duplicates.REFUSE

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return archive_in(tmp_path / "archive", duplicates="refuse", durability="none")


@pytest.mark.parametrize(("times", "piece_bytes"), [(1, 0), (1, 3), (100_000, 0), (100_000, 300_000)])
async def test_the_same_bytes_are_known_by_a_digest_of_another_algorithm(
    tmp_path: Path, times: int, piece_bytes: int
) -> None:
    one, first, other = attributes("1.5"), b"first" * times, b"other" * times
    async with opened(archive_in(tmp_path, digest="blake3")) as archive:
        await store(archive, one, first)
        assert await store(archive, one, other) is Outcome.QUARANTINED
    async with opened(archive_in(tmp_path, digest="sha256")) as archive:
        assert await store(archive, one, first, piece_bytes=piece_bytes) is Outcome.SAME_BYTES
        assert await store(archive, one, other, piece_bytes=piece_bytes) is Outcome.QUARANTINED
        assert (await archive.statistics()).quarantined == 1


async def test_a_replaced_object_leaves_no_file(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path, duplicates="replace")) as archive:
        await store(archive, attributes("1.5", study="1.8"), b"first")
        await store(archive, attributes("1.5", study="1.9"), b"second")
        (path,) = files_under(tmp_path)
        assert path.read_bytes().endswith(b"second")
        assert path.is_relative_to(tmp_path / "studies" / "1.9")


async def test_a_replaced_object_whose_file_a_crash_left_is_gone_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(archive_in(tmp_path, duplicates="replace")) as archive:
        await store(archive, attributes("1.5"), b"first")
        with monkeypatch.context() as patched:
            patched.setattr(FileBlobs, "remove", lambda blobs, location: None)
            await store(archive, attributes("1.5"), b"second")
        assert len(files_under(tmp_path)) == 2
    async with opened(archive_in(tmp_path)) as archive:
        assert len(files_under(tmp_path)) == 1
        assert await read(archive, "1.5") == b"second"


async def test_a_replacement_speaks_for_its_study_and_its_siblings_stay(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path, duplicates="replace")) as archive:
        for uid in ("1.5", "1.6"):
            await store(archive, attributes(uid, _00100010="Misspelled^Name"), uid.encode())
        for uid in ("1.5", "1.6"):
            await store(archive, attributes(uid, _00100010="Doe^Jane"), uid.encode() + b"2")
        (study,) = await find(archive, query(Level.STUDY, 0x00100010, 0x00201208))
        assert (study[0x00100010], study[0x00201208]) == ("Doe^Jane", "2")


class TestFilesystemBackendWithoutDurability(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return archive_in(tmp_path / "archive", durability="none")


async def test_what_was_stored_is_there_when_the_archive_is_opened_again(tmp_path: Path) -> None:
    stored = [attributes(f"1.5.{number}", series=f"1.2.3.{number % 2}") for number in range(5)]
    async with opened(archive_in(tmp_path)) as archive:
        for one in stored:
            await store(archive, one, f"{one}".encode())
        before = [await find(archive, query(level, *COMPUTED_TAGS[level])) for level in LEVELS]
    async with opened(archive_in(tmp_path)) as archive:
        assert [await find(archive, query(level, *COMPUTED_TAGS[level])) for level in LEVELS] == before
        assert await read(archive, "1.5.3") == f"{stored[3]}".encode()
        assert await store(archive, attributes("1.5.9")) is Outcome.STORED
        assert await store(archive, stored[3], f"{stored[3]}".encode()) is Outcome.SAME_BYTES
        assert len(await find(archive, query(Level.IMAGE))) == 6


@pytest.mark.parametrize("piece_bytes", [0, 3])
async def test_the_file_is_part_10_with_the_bytes_as_received_and_proves_itself(
    tmp_path: Path, piece_bytes: int
) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await store(archive, attributes("1.5"), b"data set as received", piece_bytes=piece_bytes)
    (path,) = files_under(tmp_path)
    head = file_head(incoming("1.5"), digest_of([b"data set as received"]))
    assert path.read_bytes() == head + b"data set as received"
    assert path.parent == tmp_path / "studies" / "1.2.3" / "1.2.3.1"
    assert path.name.startswith("1.5.")


async def test_files_and_folders_are_for_the_daemon_and_its_group_only(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path / "archive")) as archive:
        await store(archive, attributes("1.5"))
        await store(archive, attributes("1.5"), b"other")
        for path in [tmp_path / "archive", *(tmp_path / "archive").rglob("*")]:
            assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path


async def test_no_text_of_a_peer_leads_out_of_the_archive(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path / "archive")) as archive:
        for number, uid in enumerate(("../../out", "..", "/tmp/x", "a\0b", "", "1.2/3")):
            await store(archive, attributes(f"1.5.{number}", study="1.2", series=uid))
        hostile = Incoming("../../class", "../../instance", "1.2", "../x", "$(y)")
        sink = await archive.open_sink(hostile)
        await sink.commit(instance({}))
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]
    names = {part for path in files_under(tmp_path) for part in path.relative_to(tmp_path).parts}
    assert all(set(name) <= set("0123456789abcdefghimnorstudcqv.") for name in names)


async def test_after_a_discard_no_file_is_left(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        sink = await archive.open_sink(incoming("1.5"))
        await sink.write([memoryview(b"begun")], last=False)
        assert len(list((tmp_path / "spool").iterdir())) == 1
        await sink.discard()
        assert list((tmp_path / "spool").iterdir()) == []


async def test_a_task_cancelled_while_its_views_are_written_leaves_nothing(tmp_path: Path) -> None:
    writing, go_on = threading.Event(), threading.Event()

    class SlowBlobs(MemoryBlobs):
        def draft(self, incoming: Incoming) -> MemoryDraft:
            writing.set()
            go_on.wait(10)
            return super().draft(incoming)

    async with opened(Archive(SlowBlobs(), MemoryIndex())) as archive:
        sink = await archive.open_sink(incoming("1.5"))
        task = asyncio.create_task(sink.write([memoryview(b"lent")], last=False))
        await asyncio.to_thread(writing.wait, 10)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done(), "the thread still reads the views"
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await sink.discard()


async def test_a_task_cancelled_while_its_object_is_committed_waits_for_the_end() -> None:
    placing, go_on = threading.Event(), threading.Event()

    class SlowBlobs(MemoryBlobs):
        def expect(self, location: str, sop_instance_uid: str) -> None:
            placing.set()
            go_on.wait(10)

    async with opened(Archive(SlowBlobs(), MemoryIndex())) as archive:
        sink = await archive.open_sink(incoming("1.5"))
        await sink.write([memoryview(b"lent")], last=True)
        task = asyncio.create_task(sink.commit(instance(attributes("1.5"))))
        await asyncio.to_thread(placing.wait, 10)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done(), "the thread still reads the views"
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await sink.discard()
        assert await read(archive, "1.5") == b"lent"


async def test_below_the_floor_of_free_space_no_object_is_begun(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path, min_free_bytes=1 << 60)) as archive:
        with pytest.raises(OutOfResources) as refused:
            await archive.open_sink(incoming("1.5"))
    assert refused.value.comment == "storage is almost full"


async def test_a_floor_that_is_met_stops_nobody(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path, min_free_bytes=1)) as archive:
        assert await store(archive, attributes("1.5")) is Outcome.STORED


async def test_a_second_daemon_is_refused_and_told_who_was_first(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)):
        with pytest.raises(StoreUnavailable, match=f"pid {os.getpid()}"):
            await archive_in(tmp_path).open()
    async with opened(archive_in(tmp_path)):
        pass


async def test_an_index_that_is_in_use_is_refused_though_the_blobs_are_others(tmp_path: Path) -> None:
    shared = {"index": str(tmp_path / "index.sqlite")}
    async with opened(archive_in(tmp_path / "one", **shared)):
        other = archive_in(tmp_path / "two", **shared)
        with pytest.raises(StoreUnavailable, match="in use"):
            await other.open()
    async with opened(archive_in(tmp_path / "two", **shared)):
        pass


async def test_blobs_and_index_may_lie_apart(tmp_path: Path) -> None:
    folders = {"blobs": str(tmp_path / "blobs"), "index": str(tmp_path / "fast" / "scpd.sqlite")}
    async with opened(open_filesystem({**folders, "min_free_bytes": 0})) as archive:
        await store(archive, attributes("1.5"))
    assert len(files_under(tmp_path / "blobs")) == 1
    assert (tmp_path / "fast" / "scpd.sqlite").is_file()


async def test_what_an_earlier_life_left_in_the_spool_is_removed(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)):
        pass
    (tmp_path / "spool" / "torn").write_bytes(b"half of it")
    async with opened(archive_in(tmp_path)):
        assert list((tmp_path / "spool").iterdir()) == []


async def test_files_of_the_last_batch_without_a_row_are_removed_and_those_with_one_stay(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await store(archive, attributes("1.5"), b"kept")
    blobs = FileBlobs(tmp_path)
    blobs.open()
    (kept,) = files_under(tmp_path)
    placed = {blobs.location(incoming(uid), instance(attributes(uid, study="9.9"))): uid for uid in ("1.6", "1.7")}
    placed = {blobs.quarantine(location) if uid == "1.7" else location: uid for location, uid in placed.items()}
    for location, uid in {**placed, str(kept.relative_to(tmp_path)): "1.5"}.items():
        blobs.expect(location, uid)
    for location, uid in placed.items():
        draft = blobs.draft(incoming(uid))
        draft.finish([memoryview(b"never indexed")])
        draft.place(location)
    blobs.close()
    assert len(files_under(tmp_path)) == 3
    async with opened(archive_in(tmp_path)) as archive:
        assert files_under(tmp_path) == [kept]
        assert not (tmp_path / "studies" / "9.9").exists()
        assert await read(archive, "1.5") == b"kept"


async def test_a_file_that_vanished_is_a_storage_error(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await store(archive, attributes("1.5"))
        files_under(tmp_path)[0].unlink()
        with pytest.raises(StorageError):
            await read(archive, "1.5")


async def test_the_store_is_open_to_others_again_when_the_index_refused(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"this is not a database, but it is long enough to look at" * 100)
    with pytest.raises(StoreUnavailable, match=r"index\.sqlite"):
        await archive_in(tmp_path).open()
    (tmp_path / "index.sqlite").unlink()
    async with opened(archive_in(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("strategy", "call"),
    [
        (strategy, call)
        for strategy in ("files", "filesystem")
        for call in ("writev", "fdatasync", "pwrite", "posix_fallocate", "rename", "open")
    ]
    + [("files", "fsync"), ("files", "ended"), ("filesystem", "sync_file_system")],
)
@pytest.mark.parametrize("piece_bytes", [0, 4, 300_000])
@pytest.mark.parametrize("size_bytes", [5, 100_000, 1_500_000])
async def test_a_failing_system_call_costs_one_object_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str, call: str, piece_bytes: int, size_bytes: int
) -> None:
    """The real call fails with EIO at every place it has in the life of an object, one after the other."""
    home = next(home for home in (os, filesystem, aio.Ring) if hasattr(home, call))
    real = getattr(home, call)
    if call == "fsync":
        monkeypatch.setattr(aio, "NUMBERS", {})  # or the kernel did it
    left = -1

    def failing(*args: object, **kwargs: object) -> object:
        nonlocal left
        left -= 1
        if left == -1:
            raise OSError(5, "Input/output error")
        return real(*args, **kwargs)

    async with opened(archive_in(tmp_path, sync_strategy=strategy)) as archive:
        await store(archive, attributes("1.4", study="9", series="9.1"))
        kept = 1
        for place in range(12):
            uid = f"1.5.{place}"
            sink = await archive.open_sink(incoming(uid))
            with monkeypatch.context() as patch:
                patch.setattr(home, call, failing)
                left = place
                try:
                    if piece_bytes:
                        await sink.write([memoryview(bytes(piece_bytes))], last=False)
                    await sink.write([memoryview(bytes(size_bytes))], last=True)
                    outcome = await sink.commit(instance(attributes(uid, study=f"1.{place}")))
                    assert outcome is Outcome.STORED
                    kept += 1
                except OutOfResources:
                    await sink.discard()
                if left >= 0:
                    break
            assert len(await find(archive, query(Level.IMAGE))) == kept == len(files_under(tmp_path))
            assert list((tmp_path / "spool").iterdir()) == []
        else:
            pytest.fail("the call is made too often")
        assert await store(archive, attributes("1.6", study="1.0"), b"afterwards") is Outcome.STORED
        assert await read(archive, "1.6") == b"afterwards"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
async def test_a_full_disk_refuses_what_does_not_fit_and_nothing_else(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = await asyncio.create_subprocess_exec("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small))
    if await mount.wait():
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        refused = 0
        async with opened(archive_in(tmp_path / "index", blobs=str(small))) as archive:
            for number in range(8):
                for piece_bytes in (0, 65_536):
                    one = attributes(f"1.{number}.{piece_bytes}")
                    try:
                        await store_or_discard(archive, one, bytes(400_000), piece_bytes)
                    except OutOfResources:
                        refused += 1
            kept = await find(archive, query(Level.IMAGE))
            assert refused and len(kept) == 16 - refused == len(files_under(small)) >= 3
            assert list((small / "spool").iterdir()) == []
            assert await store(archive, attributes("1.9"), b"small enough") is Outcome.STORED
    finally:
        assert await (await asyncio.create_subprocess_exec("umount", str(small))).wait() == 0


async def store_or_discard(archive: Backend, one: Mapping[int, str], data: bytes, piece_bytes: int) -> None:
    sink = await archive.open_sink(incoming(one[0x00080018]))
    try:
        for first in range(0, len(data) if piece_bytes else 0, piece_bytes or 1):
            await sink.write([memoryview(data)[first : first + piece_bytes]], last=False)
        await sink.write([] if piece_bytes else [memoryview(data)], last=True)
        await sink.commit(instance(one))
    except BaseException:
        await sink.discard()
        raise


async def test_a_full_index_refuses_the_batch_and_recovers(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await store(archive, attributes("1.1"))
        assert isinstance(archive, Archive)
        writer = archive._index._open_writer._db  # type: ignore[attr-defined]  # the real engine's own limit
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")
        stored = 1
        with pytest.raises(OutOfResources, match="full"):
            for number in range(1000):
                await store(archive, attributes(f"1.5.{number}"))
                stored += 1
        assert len(files_under(tmp_path)) == stored
        writer.execute("PRAGMA max_page_count = 1000000")
        assert await store(archive, attributes("1.6")) is Outcome.STORED
        assert len(await find(archive, query(Level.IMAGE))) == stored + 1


async def test_an_index_locked_by_someone_else_refuses_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scpd.storage.sqlite.BUSY_SECONDS", 0.05)
    async with opened(archive_in(tmp_path)) as archive:
        other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutOfResources, match="locked"):
            await store(archive, attributes("1.5"))
        assert files_under(tmp_path) == []
        other.execute("ROLLBACK")
        other.close()
        assert await store(archive, attributes("1.5")) is Outcome.STORED


async def test_closing_waits_for_what_was_submitted(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    await archive.open()
    stores = [asyncio.create_task(store(archive, attributes(f"1.5.{n}"), b"x")) for n in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    await archive.close()
    assert set(await asyncio.gather(*stores)) == {Outcome.STORED}


async def test_closing_waits_for_what_was_submitted_in_the_same_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Committer.close, []

    async def at_once(_: object, call: Callable[[], None]) -> None:
        call()

    def close(committer: Committer) -> None:
        left.append(len(committer._gathered))
        committer.hand_over()  # or a failure would wait for ever
        real(committer)

    archive = archive_in(tmp_path)
    await archive.open()
    sink = await archive.open_sink(incoming("1.5"))
    await sink.write([memoryview(b"x")], last=True)
    monkeypatch.setattr("scpd.storage.archive.in_thread", at_once)
    monkeypatch.setattr(Committer, "close", close)
    stored = asyncio.create_task(sink.commit(instance(attributes("1.5"))))
    await asyncio.create_task(archive.close())
    assert await stored is Outcome.STORED
    assert left == [0]
