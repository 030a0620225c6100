"""The write-ahead log: bounded under queries without end, and no reader keeps a store waiting."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scpd.query.terms import Level
from scpd.storage import sqlite_wal
from scpd.storage.base import Record, Sealed
from scpd.storage.sqlite import SqliteIndex
from scpd.testing import attributes, incoming, instance, query

OBJECTS_A_BATCH = 25
COMMENT = "x" * 4000
WAL_BYTES_MAX = 1_048_576


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteIndex]:
    monkeypatch.setattr(sqlite_wal, "WAL_BYTES_MAX", WAL_BYTES_MAX)
    with closing(SqliteIndex(tmp_path / "index.sqlite", sync=False)) as opened:
        opened.open()
        yield opened


def batch(number: int) -> list[Record]:
    """So many objects of one series, some 100 KB of attributes."""
    uids = [f"1.2.{number}.{part}" for part in range(OBJECTS_A_BATCH)]
    series = {"study": f"1.3.{number}", "series": f"1.3.{number}.1", "_00204000": COMMENT}
    return [Record(incoming(uid), instance(attributes(uid, **series)), uid, Sealed(uid.encode(), 1)) for uid in uids]


def wal_bytes(folder: Path) -> int:
    return (folder / "index.sqlite-wal").stat().st_size


def test_queries_without_end_leave_the_log_bounded(index: SqliteIndex, tmp_path: Path) -> None:
    for number in range(20):
        index.add(batch(number), [])
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            for _ in index.pages(query(Level.IMAGE, 0x00204000)):
                if ended.is_set():
                    return

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    longest = 0
    for number in range(20, 120):  # 10 MB, ten times what the log may have
        index.add(batch(number), [])
        longest = max(longest, wal_bytes(tmp_path))
    ended.set()
    for one in asking:
        one.join()
    # A batch more than the bound begins a checkpoint, and the odd one finds a reader that takes its time.
    assert longest < 4 * WAL_BYTES_MAX


def test_between_two_pages_a_query_holds_nothing(index: SqliteIndex, tmp_path: Path) -> None:
    for number in range(20):
        index.add(batch(number), [])
    pages = index.pages(query(Level.IMAGE, 0x00204000))
    first = next(pages)
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert wal_bytes(tmp_path) == 0
    assert len(first) + sum(map(len, pages)) == 20 * OBJECTS_A_BATCH


def test_a_foreign_reader_holds_up_no_store(index: SqliteIndex, tmp_path: Path) -> None:
    index.add(batch(0), [])
    with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as foreign:
        foreign.execute("BEGIN")
        foreign.execute("SELECT count(*) FROM instance").fetchone()
        for number in range(1, 20):
            index.add(batch(number), [])
        assert wal_bytes(tmp_path) > WAL_BYTES_MAX  # it was tried, and given up for a while
        foreign.execute("COMMIT")
    for number in range(20, 60):
        index.add(batch(number), [])
    assert wal_bytes(tmp_path) < 4 * WAL_BYTES_MAX
