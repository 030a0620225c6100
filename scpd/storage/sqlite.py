"""Index in SQLite: WAL, synchronous=FULL, one writer, and read-only readers that see every committed row.

The writer lives in `sqlite_writer.py`, the search in `sqlite_search.py`; here are the connections and the checks that
come before them. A reader's connection is borrowed for one statement and holds nothing when it is given back, so no
query keeps the WAL from being checkpointed.
"""

import os
import sqlite3
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query
from scpd.storage import sqlite_handover
from scpd.storage.base import Holder, Location, OutOfResources, Record, StorageStatistics, StoreUnavailable
from scpd.storage.lock import Lock
from scpd.storage.migrations import migrate
from scpd.storage.network import network_file_system
from scpd.storage.sqlite_search import search
from scpd.storage.sqlite_wal import WriteAheadLog
from scpd.storage.sqlite_writer import Writer

READERS = 4
BUSY_SECONDS = 5.0
CACHE_KIB = 16_384
CHECKED_BYTES_MAX = 134_217_728  # larger ones would keep the daemon from starting for seconds
REINDEX = "; `scpd reindex` makes a new one of the files"

COUNTS = """
    SELECT (SELECT count(DISTINCT patient) FROM study), (SELECT count(*) FROM study), (SELECT count(*) FROM series),
        (SELECT count(*) FROM instance), (SELECT count(*) FROM quarantine),
        (SELECT ifnull(sum(size_bytes), 0) FROM instance), (SELECT count(*) FROM instance WHERE damaged)"""


class SqliteIndex:
    """An index in the file `path`, which must lie on a local file system. `sync=False` gives up durability."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        self._path = path
        self._sync = sync
        self._lock = Lock(path.with_name(path.name + ".lock"))
        self._writer: Writer | None = None
        self._wal: WriteAheadLog | None = None
        self._connections: list[sqlite3.Connection] = []
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()

    def exists(self) -> bool:
        return sqlite_handover.exists(self._path)

    def open(self) -> None:
        try:
            self._path.parent.mkdir(0o750, parents=True, exist_ok=True)
            self._refuse_network()
            self._lock.acquire()
            sqlite_handover.finish(self._path)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))  # before SQLite: its mode
            self._connect()
        except StoreUnavailable:
            self.close()
            raise
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreUnavailable(f"cannot use the index {self._path}: {error}{_remedy(error)}") from error

    def close(self) -> None:
        while self._connections:
            self._connections.pop().close()
        self._lock.release()

    def holders(self, sop_instance_uids: Collection[str]) -> Mapping[str, Holder]:
        return self._open_writer.holders(sop_instance_uids)

    def add(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        """`stage` and `commit`, for those who have nothing to do in between."""
        self.stage(stored, quarantined)
        self.commit()

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        self._open_writer.stage(stored, quarantined)

    def commit(self) -> None:
        self._open_writer.commit()
        self._open_wal.shorten()

    def undo(self) -> None:
        self._open_writer.undo()

    def release(self, number: int, record: Record | None) -> None:
        """Makes a quarantined row an instance, or nothing, in one transaction. Raises as `commit`."""
        self._open_writer.release(number, record)

    def known(self, names: Mapping[Location, str]) -> Collection[Location]:
        by_uid = "SELECT location FROM instance WHERE uid = ? UNION ALL SELECT location FROM quarantine WHERE uid = ?"
        with self._reader() as db:
            return {row[0] for uid in set(names.values()) for row in db.execute(by_uid, (uid, uid))}

    def locate(self, sop_instance_uid: str) -> Location | None:
        with self._reader() as db:
            row = db.execute("SELECT location FROM instance WHERE uid = ?", (sop_instance_uid,)).fetchone()
        return row[0] if row else None

    def pages(self, query: Query) -> Generator[Sequence[Attributes], None, None]:
        """Pages of matches. Raises OutOfResources."""
        return search(query, self._fetch)

    def statistics(self) -> StorageStatistics:
        with self._reader() as db:
            return StorageStatistics(*db.execute(COUNTS).fetchone())

    @property
    def _open_writer(self) -> Writer:
        assert self._writer is not None, "the index is not open"
        return self._writer

    @property
    def _open_wal(self) -> WriteAheadLog:
        assert self._wal is not None, "the index is not open"
        return self._wal

    def _fetch(self, sql: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        with self._reader() as db:
            return db.execute(sql, values).fetchall()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        db = self._readers.get()
        try:
            yield db
        except sqlite3.Error as error:
            raise OutOfResources(f"index: {error}") from error
        finally:
            self._readers.put(db)

    def _refuse_network(self) -> None:
        name = network_file_system(self._path.parent)
        if name is not None:
            raise StoreUnavailable(f"the index must lie on a local file system, {self._path.parent} is on {name}")

    def _connect(self) -> None:
        writer = self._connection(self._path.as_uri())
        if self._path.stat().st_size <= CHECKED_BYTES_MAX:
            _check(writer, self._path)
        writer.execute("PRAGMA journal_mode = WAL").fetchone()
        writer.execute(f"PRAGMA synchronous = {'FULL' if self._sync else 'OFF'}")
        migrate(writer)
        self._writer = Writer(writer)
        self._wal = WriteAheadLog(writer, self._path)
        for _ in range(READERS):
            self._readers.put(self._connection(self._path.as_uri() + "?mode=ro"))

    def _connection(self, uri: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        self._connections.append(db)
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreUnavailable(f"the index {path} is damaged: {verdict}{REINDEX}")


def _remedy(error: Exception) -> str:
    """What helps against an index that is none, or not any more; nothing where another file would not help either."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return REINDEX if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""


def connect(index: Path, mode: str = "ro") -> sqlite3.Connection:
    """A connection to an index of this version beside the daemon's own. Raises StoreUnavailable."""
    try:
        db = sqlite3.connect(f"{index.as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        db.execute("SELECT 1 FROM verification")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"cannot read the index {index}: {error}") from error
    return db
