"""An index that is made of nothing but the files."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from scpd.dataset.scan import DEFAULT_LIMITS
from scpd.storage.base import Duplicates, Outcome, OutOfResources, StoreUnavailable
from scpd.storage.reindex import Reindex, Report
from scpd.testing import COMPUTED_TAGS, LEVELS, find, opened, query, read
from tests.datasets import ct
from tests.storage.files import archive_in, file_of, fill, flip, found, send

UIDS = [f"1.5.{number}" for number in range(5)]
PATIENT_NAME, STUDY_DATE = 0x00100010, 0x00080020


def reindex(folder: Path, duplicates: Duplicates = Duplicates.KEEP_FIRST) -> list[Report]:
    """Rebuilds the index; what was told beyond that a file got its row."""
    reports = Reindex(folder, folder / "index.sqlite", DEFAULT_LIMITS, duplicates).reports()
    return [report for report in reports if report.complaint]


def rows(folder: Path) -> list[tuple[object, ...]]:
    """Everything the index keeps, but for its own numbers."""
    with sqlite3.connect(folder / "index.sqlite") as db:
        columns = (
            "uid, sop_class_uid, transfer_syntax_uid, digest, size_bytes, location, damaged, calling_ae_title, "
            "called_ae_title, attributes"
        )
        kept = db.execute(f"SELECT {columns}, '' FROM instance UNION ALL SELECT {columns}, reason FROM quarantine")
        return sorted(kept)


async def test_the_new_index_holds_what_the_old_one_held(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        for number, uid in enumerate(UIDS):
            study = f"1.2.{number % 2}"
            await send(archive, uid, ct(uid, StudyInstanceUID=study, SeriesInstanceUID=study + ".1"))
        assert await send(archive, "1.5.0", ct("1.5.0", StudyDescription="other")) is Outcome.QUARANTINED
        assert await send(archive, "1.6", b"not a data set") is Outcome.QUARANTINED
        before = [await find(archive, query(level, PATIENT_NAME, *COMPUTED_TAGS[level])) for level in LEVELS]
    kept = rows(tmp_path)
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"index.sqlite{suffix}").unlink(missing_ok=True)
    assert reindex(tmp_path) == []
    assert rows(tmp_path) == kept
    async with opened(archive_in(tmp_path)) as archive:
        after = [await find(archive, query(level, PATIENT_NAME, *COMPUTED_TAGS[level])) for level in LEVELS]
        assert [sorted(map(str, page)) for page in after] == [sorted(map(str, page)) for page in before]
        assert await read(archive, "1.5.3") == ct("1.5.3", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1")
    assert not [*tmp_path.glob("index.sqlite.*[!k]")]


async def test_a_corrupted_index_keeps_the_daemon_from_starting_until_it_is_rebuilt(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    (tmp_path / "index.sqlite").write_bytes(b"garbage" * 10_000)
    with pytest.raises(StoreUnavailable):
        await found(tmp_path)
    assert reindex(tmp_path) == []
    assert await found(tmp_path) == UIDS


@pytest.mark.parametrize("position", [-1, 130, 135, 400])
async def test_a_damaged_file_is_told_and_set_apart_and_never_indexed(tmp_path: Path, position: int) -> None:
    await fill(tmp_path, UIDS)
    damaged = file_of(tmp_path, "1.5.2")
    flip(damaged, position)
    (report,) = reindex(tmp_path)
    assert report.location == str(damaged.relative_to(tmp_path)) and "moved to damaged/" in report.complaint
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [damaged.name]
    assert await found(tmp_path) == [uid for uid in UIDS if uid != "1.5.2"]
    assert reindex(tmp_path) == []


async def test_a_file_whose_head_names_another_object_is_told(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    flip(file_of(tmp_path, "1.5.2"), 200)  # in the Media Storage SOP Class UID, which no digest covers
    (report,) = reindex(tmp_path)
    assert report.complaint == "indexed, though its data set has another SOP Class or Instance UID"


@pytest.mark.parametrize(("duplicates", "kept"), [(Duplicates.KEEP_FIRST, b"old"), (Duplicates.REPLACE, b"new")])
async def test_of_two_files_with_one_uid_the_policy_chooses(
    tmp_path: Path, duplicates: Duplicates, kept: bytes
) -> None:
    stored = {word: ct("1.5", StudyDescription=word.decode()) for word in (b"old", b"new")}
    for turn, (word, data) in enumerate(stored.items()):
        async with opened(archive_in(tmp_path / word.decode())) as archive:
            await send(archive, "1.5", data)
        path = file_of(tmp_path / word.decode(), "1.5")
        os.utime(path, (1000 + turn, 1000 + turn))
        path.rename(tmp_path / "old" / path.relative_to(tmp_path / word.decode()))
    (report,) = reindex(tmp_path / "old", duplicates)
    assert "quarantine" in report.complaint
    async with opened(archive_in(tmp_path / "old")) as archive:
        assert await read(archive, "1.5") == stored[kept]
        assert (await archive.statistics()).quarantined == 1


async def test_the_next_start_removes_nothing_that_was_told_and_has_no_row(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    twin = file_of(tmp_path, "1.5.4")
    copy = twin.with_name("1.5.4.0123456789ab0.dcm")
    copy.write_bytes(twin.read_bytes())
    (report,) = reindex(tmp_path)
    assert report.complaint.startswith("not indexed: the same as ")
    assert await found(tmp_path) == UIDS
    assert twin.exists() and copy.exists()


async def test_a_disk_that_is_full_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(tmp_path, UIDS)
    before = (tmp_path / "index.sqlite").stat().st_ino
    monkeypatch.setattr("scpd.storage.sqlite_writer.INSERT_INSTANCE", "INSERT INTO no_room VALUES (1)")
    with pytest.raises(OutOfResources):
        reindex(tmp_path)
    assert (tmp_path / "index.sqlite").stat().st_ino == before
    assert await found(tmp_path) == UIDS


async def test_a_store_in_use_is_left_alone(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    async with opened(archive_in(tmp_path)):
        with pytest.raises(StoreUnavailable, match="in use"):
            reindex(tmp_path)


async def test_a_handover_that_was_interrupted_is_finished_by_the_next_start(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    (tmp_path / "index.sqlite").rename(tmp_path / "index.sqlite.ready")
    (tmp_path / "index.sqlite").write_bytes(b"the old one")
    (tmp_path / "index.sqlite-wal").write_bytes(b"its log")
    assert await found(tmp_path) == UIDS
    assert not (tmp_path / "index.sqlite.ready").exists()


def killed(folder: Path, call: str, turn: int) -> bool:
    """Reindexes in a process that dies instead of making a system call for the `turn`-th time; whether it came to."""
    died = subprocess.run([sys.executable, "-m", __name__, str(folder), call, str(turn)], timeout=60)
    assert died.returncode in (0, -signal.SIGKILL)
    return died.returncode != 0


@pytest.mark.parametrize("call", ["rename", "fsync", "unlink", "posix_fadvise"])
async def test_a_reindex_that_is_killed_has_changed_nothing_or_everything(tmp_path: Path, call: str) -> None:
    await fill(tmp_path, UIDS)
    turn = 1
    while killed(tmp_path, call, turn):
        assert await found(tmp_path) == UIDS
        turn += 1 + turn // 3
    assert turn > 1
    assert await found(tmp_path) == UIDS
    assert not (tmp_path / "index.sqlite.new").exists()


if __name__ == "__main__":
    from tests.storage.test_crash import die_at

    die_at(sys.argv[2], int(sys.argv[3]))
    reindex(Path(sys.argv[1]))
