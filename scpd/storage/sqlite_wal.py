"""Keeps the write-ahead log short although somebody always reads.

SQLite checkpoints by itself, but only up to what the oldest reader sees; and the log begins anew only when no reader
needs it at all. Queries that overlap without end would let it grow without end. So when it has become long, the writer
waits for the readers of the moment: each of them reads one page and is done.
"""

import os
import sqlite3
from pathlib import Path

WAL_BYTES_MAX = 33_554_432
"""From here on the log is shortened; SQLite's own checkpoints begin at 4 MB."""
WAIT_SECONDS = 0.1
"""For the readers of the moment. Another process may read for longer: then it is tried again a log later."""


class WriteAheadLog:
    """The log of the database at `index`, whose only writer is `db`."""

    def __init__(self, db: sqlite3.Connection, index: Path) -> None:
        self._db = db
        self._path = index.with_name(index.name + "-wal")
        self._bytes_max = WAL_BYTES_MAX

    def shorten(self) -> None:
        """Empties the log if it is too long and nobody holds it up. To be called between two transactions."""
        size = os.stat(self._path).st_size
        if size < self._bytes_max:
            return
        (before,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        try:
            self._db.execute(f"PRAGMA busy_timeout = {int(WAIT_SECONDS * 1000)}")
            is_busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            is_busy = True  # what was committed is durable in the log; the next write tells if the disk is ill
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {before}")
        self._bytes_max = WAL_BYTES_MAX + (size if is_busy else 0)
