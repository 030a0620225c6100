"""Re-reads every stored object, while the daemon runs or not, and compares it with its index row and with itself.

Rows are read in the order of their ids, a few at a time, so the index is never held. Only how far this has come is
written: to a table of its own, every few seconds, so that the next run can go on from there.
"""

import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from scpd.storage.base import Location, StoreUnavailable
from scpd.storage.examine import DamagedObject, Examined, examine
from scpd.storage.sqlite import connect

ROWS = 100
SAVE_SECONDS = 2.0
TABLES = ("instance", "quarantine")
QUERIES = {
    "instance": "SELECT instance.id, instance.uid, study.uid, series.uid, "
    "sop_class_uid, transfer_syntax_uid, location, digest, size_bytes FROM instance "
    "LEFT JOIN series ON series.id = instance.series LEFT JOIN study ON study.id = series.study",
    "quarantine": "SELECT id, uid, NULL, NULL, sop_class_uid, transfer_syntax_uid, location, digest, size_bytes "
    "FROM quarantine",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the index says of one file."""

    id: int
    sop_instance_uid: str
    study_instance_uid: str | None
    series_instance_uid: str | None
    sop_class_uid: str
    transfer_syntax_uid: str
    location: Location
    digest: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that is not as it was stored, and why."""

    row: Row
    reason: str


@dataclass(slots=True)
class Progress:
    """Objects and bytes until now; `checked` and `failed` count those of an interrupted run, too."""

    total: int = 0
    checked: int = 0
    failed: int = 0
    read_bytes: int = 0


class Pace:
    """Sleeps so that no more than `bytes_per_second` pass; 0 is as fast as they come."""

    def __init__(self, bytes_per_second: float) -> None:
        self._seconds_per_byte = 1 / bytes_per_second if bytes_per_second else 0.0
        self._due = time.monotonic()

    def __call__(self, piece: memoryview) -> None:
        """Takes the next bytes."""
        now = time.monotonic()
        self._due = max(self._due, now) + len(piece) * self._seconds_per_byte
        if self._due > now:
            time.sleep(self._due - now)


class Verification:
    """One run over the store in the folder `root` with the index file `index`. Raises StoreUnavailable."""

    def __init__(self, root: Path, index: Path, *, bytes_per_second: float = 0.0) -> None:
        self.progress = Progress()
        self._root = root
        self._index = index
        self._pace = Pace(bytes_per_second)
        self._after = dict.fromkeys(TABLES, 0)

    def resume(self) -> None:
        """Goes on where an interrupted run was."""
        with closing(connect(self._index)) as db:
            for name, after, checked, failed in db.execute("SELECT * FROM verification"):
                self._after[name] = after
                self.progress.checked += checked
                self.progress.failed += failed

    def findings(self) -> Generator[Finding | None, None, None]:
        """Reads one object after the other: what is wrong with it, or None."""
        saved = time.monotonic()
        with closing(connect(self._index)) as db:
            self.progress.total = sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES)
            try:
                for table in TABLES:
                    for row in self._rows(db, table):
                        finding = self._check(db, table, row)
                        self._after[table] = row.id
                        self.progress.checked += 1
                        self.progress.failed += finding is not None
                        if time.monotonic() - saved > SAVE_SECONDS:
                            self._save()
                            saved = time.monotonic()
                        yield finding
                self._forget()
            except BaseException:
                self._save()
                raise

    def _rows(self, db: sqlite3.Connection, table: str) -> Iterator[Row]:
        sql = f"{QUERIES[table]} WHERE {table}.id > ? ORDER BY {table}.id LIMIT {ROWS}"
        while rows := db.execute(sql, (self._after[table],)).fetchall():
            yield from (Row(*row) for row in rows)

    def _check(self, db: sqlite3.Connection, table: str, row: Row) -> Finding | None:
        try:
            examined = examine(self._root / row.location, self._pace)
        except FileNotFoundError:
            reason = "the file is missing"
        except (DamagedObject, OSError) as error:
            reason = str(error)
        else:
            self.progress.read_bytes += examined.sealed.size_bytes
            reason = _difference(row, examined)
            if not reason:
                return None
        now = db.execute(f"SELECT location FROM {table} WHERE id = ?", (row.id,)).fetchone()
        return Finding(row, reason) if now == (row.location,) else None  # else it was replaced while it was read

    def _save(self) -> None:
        """Notes how far this came; where the index cannot be written just now, the next note will do."""
        counts = (self.progress.checked, self.progress.failed)
        rows = [(table, self._after[table], *(counts if table == TABLES[0] else (0, 0))) for table in TABLES]
        with suppress(sqlite3.Error, StoreUnavailable), closing(connect(self._index, "rw")) as db:
            db.executemany("INSERT OR REPLACE INTO verification VALUES (?, ?, ?, ?)", rows)

    def _forget(self) -> None:
        with suppress(sqlite3.Error, StoreUnavailable), closing(connect(self._index, "rw")) as db:
            db.execute("DELETE FROM verification")


def _difference(row: Row, examined: Examined) -> str:
    """What differs between the index and a file that proves itself; "" for nothing."""
    if (examined.sealed.digest, examined.sealed.size_bytes) != (row.digest, row.size_bytes):
        return "the digest is not that of the index"
    said = examined.incoming
    uids = (said.sop_class_uid, said.sop_instance_uid, said.transfer_syntax_uid)
    if uids != (row.sop_class_uid, row.sop_instance_uid, row.transfer_syntax_uid):
        return "the File Meta Information names other UIDs than the index"
    return ""
