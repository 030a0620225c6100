"""The one writer of the SQLite index. A batch of objects is one transaction, durable when `commit` returns.

What it last saw of studies and series stays in memory, so that one more instance of a known series, saying nothing new
about it, costs one INSERT. Where instances disagree about their study, patient or series, the row shows the winner of
`query.matching.more_telling`, whichever came first.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain, repeat
from typing import NamedTuple, TypeAlias

from scpd.dataset.attributes import Attributes
from scpd.query.entities import more_telling
from scpd.query.terms import Level
from scpd.storage.base import CommitInDoubt, Holder, Location, OutOfResources, Record
from scpd.storage.sqlite_rows import by_level, from_json, series_columns, study_columns, to_json

PARENTS_REMEMBERED = 2_048
UIDS_PER_SELECT = 250
ROWS_PER_INSERT = 128

OBJECT_COLUMNS = (
    "uid, sop_class_uid, transfer_syntax_uid, digest, size_bytes, location, damaged, received_at, "
    "calling_ae_title, called_ae_title, attributes"
)
DUPLICATE = "another object holds this SOP Instance UID"
ROW = f"({', '.join('?' * 12)})"
INSERT_INSTANCE = f"INSERT INTO instance (series, {OBJECT_COLUMNS}) VALUES {ROW}"
INSERT_QUARANTINED = f"INSERT INTO quarantine ({OBJECT_COLUMNS}, reason) VALUES {ROW}"

Shown: TypeAlias = tuple[Attributes, ...]
"""The attribute sets that a row shows: (patient, study) for a study, (series,) for a series."""


class Table(NamedTuple):
    """How a study or a series is found, made and changed; `columns` follow its key, ids and key come last."""

    select: str
    insert: str
    update: str
    columns: Callable[[Shown], tuple[str, ...]]


STUDY = Table(
    "SELECT id, patient_attributes, attributes FROM study WHERE uid = ?",
    "INSERT INTO study (uid, patient, patient_id, patient_name, study_date, accession_number, patient_attributes, "
    "attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE study SET patient = ?, patient_id = ?, patient_name = ?, study_date = ?, accession_number = ?, "
    "patient_attributes = ?, attributes = ? WHERE id = ?",
    study_columns,
)
SERIES = Table(
    "SELECT id, attributes FROM series WHERE study = ? AND uid = ?",
    "INSERT INTO series (study, uid, modality, attributes) VALUES (?, ?, ?, ?)",
    "UPDATE series SET modality = ?, attributes = ? WHERE id = ?",
    series_columns,
)


class Parents:
    """The rows of one table that instances belong to; those used last are remembered."""

    def __init__(self, db: sqlite3.Connection, table: Table) -> None:
        self._db = db
        self._table = table
        self._known: dict[tuple[object, ...], tuple[int, Shown]] = {}

    def id_of(self, key: tuple[object, ...], offered: Shown, *, prevails: bool = False) -> int:
        """The id of the row under `key`, made if need be, when one more instance offers its attribute sets."""
        row = self._known.pop(key, None) or self._stored(key)
        if row is None:
            row = self._insert(key, offered), offered
        elif row[1] != offered:
            winners = offered if prevails else tuple(map(more_telling, row[1], offered))
            row = row[0], self._update(*row, winners)
        self._known[key] = row
        if len(self._known) > PARENTS_REMEMBERED:
            del self._known[next(iter(self._known))]
        return row[0]

    def forget(self) -> None:
        """What was remembered may have been rolled back."""
        self._known.clear()

    def _stored(self, key: tuple[object, ...]) -> tuple[int, Shown] | None:
        row = self._db.execute(self._table.select, key).fetchone()
        return (row[0], tuple(map(from_json, row[1:]))) if row else None

    def _insert(self, key: tuple[object, ...], shown: Shown) -> int:
        row_id = self._db.execute(self._table.insert, (*key, *self._table.columns(shown))).lastrowid
        assert row_id is not None
        return row_id

    def _update(self, row_id: int, shown: Shown, winners: Shown) -> Shown:
        if winners != shown:
            self._db.execute(self._table.update, (*self._table.columns(winners), row_id))
        return winners


class Writer:
    """Adds rows through `db`, which nobody else uses. One thread at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._studies = Parents(db, STUDY)
        self._series = Parents(db, SERIES)

    def holders(self, sop_instance_uids: Collection[str]) -> Mapping[str, Holder]:
        """Who holds these UIDs; see `Index.holders`. Raises OutOfResources."""
        try:
            found = self._held(list(sop_instance_uids))
        except sqlite3.Error as error:
            raise OutOfResources(f"index: {error}") from error
        holders: dict[str, Holder] = {}
        for uid, digest, location in found:
            holder = holders.get(uid, Holder(None, frozenset()))
            if location is None:
                holders[uid] = replace(holder, quarantined=holder.quarantined | {digest})
            else:
                holders[uid] = replace(holder, stored=digest, location=location)
        return holders

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        """Begins a transaction; see `Index.stage`. Raises OutOfResources."""
        with self._transaction():
            self._insert([self._instance(one) for one in stored if not one.replaces])
            for record in stored:  # behind the others: what gives way may be one of them
                if record.replaces:
                    self._replace(record)
            aside = [
                (*_object(record, record.instance.attributes), record.instance.unfit or DUPLICATE)
                for record in quarantined
            ]
            self._db.executemany(INSERT_QUARANTINED, aside)

    def release(self, number: int, record: Record | None) -> None:
        """One transaction; see `SqliteIndex.release`. Raises OutOfResources, CommitInDoubt."""
        with self._transaction():
            self._db.execute("DELETE FROM quarantine WHERE id = ?", (number,))
            if record is not None:
                self._db.execute(INSERT_INSTANCE, self._instance(record))
        self.commit()

    def commit(self) -> None:
        """Ends the transaction; see `Index.commit`. Raises OutOfResources, CommitInDoubt."""
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.undo()
            # An I/O error may have come after the frames were written: SQLite would find them after a crash.
            in_doubt = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR
            raise (CommitInDoubt if in_doubt else OutOfResources)(f"index: {error}") from error

    def undo(self) -> None:
        """Ends the transaction without a trace, if there is one. Never raises."""
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")
        self._studies.forget()
        self._series.forget()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Begins one that is left open, unless something fails in it. Raises OutOfResources."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
        except BaseException as error:
            self.undo()
            if isinstance(error, sqlite3.Error):
                raise OutOfResources(f"index: {error}") from error
            raise

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Few statements for all: between two, this thread has to wait for the interpreter."""
        for first in range(0, len(rows), ROWS_PER_INSERT):
            some = rows[first : first + ROWS_PER_INSERT]
            self._db.execute(", ".join([INSERT_INSTANCE, *repeat(ROW, len(some) - 1)]), [*chain.from_iterable(some)])

    def _held(self, uids: Sequence[str]) -> list[tuple[str, bytes, Location | None]]:
        found: list[tuple[str, bytes, Location | None]] = []
        for first in range(0, len(uids), UIDS_PER_SELECT):
            some = uids[first : first + UIDS_PER_SELECT]
            marks = ", ".join("?" * len(some))
            found += self._db.execute(
                f"SELECT uid, digest, location FROM instance WHERE uid IN ({marks}) "
                f"UNION ALL SELECT uid, digest, NULL FROM quarantine WHERE uid IN ({marks})",
                [*some, *some],
            )
        return found

    def _series_of(self, record: Record, levels: Mapping[Level, Attributes]) -> int | None:
        """The id of the series row; None for an object of no patient."""
        instance = record.instance
        if not instance.study_instance_uid:
            return None
        prevails = bool(record.replaces)
        shown = (levels[Level.PATIENT], levels[Level.STUDY])
        study = self._studies.id_of((instance.study_instance_uid,), shown, prevails=prevails)
        series = (study, instance.series_instance_uid)
        return self._series.id_of(series, (levels[Level.SERIES],), prevails=prevails)

    def _replace(self, record: Record) -> None:
        """Takes away the row of the object that gives way, with a series and a study that have no other, then adds."""
        remove_instance(self._db, record.incoming.sop_instance_uid)
        self._studies.forget()
        self._series.forget()
        self._db.execute(INSERT_INSTANCE, self._instance(record))

    def _instance(self, record: Record) -> tuple[object, ...]:
        levels = by_level(record.instance.attributes)
        return self._series_of(record, levels), *_object(record, levels[Level.IMAGE])


def remove_instance(db: sqlite3.Connection, sop_instance_uid: str) -> None:
    """Removes the row of an instance, and those above it that would be empty."""
    where = "FROM instance WHERE uid = ?"
    series = db.execute(f"SELECT series {where}", (sop_instance_uid,)).fetchone()
    db.execute(f"DELETE {where}", (sop_instance_uid,))
    if series is None or db.execute("SELECT 1 FROM instance WHERE series = ?", series).fetchone():
        return
    study = db.execute("DELETE FROM series WHERE id = ? RETURNING study", series).fetchone()
    if study is not None and not db.execute("SELECT 1 FROM series WHERE study = ?", study).fetchone():
        db.execute("DELETE FROM study WHERE id = ?", study)


def _object(record: Record, attributes: Attributes) -> tuple[object, ...]:
    """The values of OBJECT_COLUMNS."""
    incoming = record.incoming
    return (
        incoming.sop_instance_uid,
        incoming.sop_class_uid,
        incoming.transfer_syntax_uid,
        record.sealed.digest,
        record.sealed.size_bytes,
        record.location,
        record.instance.damaged,
        time.time() if record.received_at is None else record.received_at,
        incoming.calling_ae_title,
        incoming.called_ae_title,
        to_json(attributes),
    )
