"""The one writer of the SQLite index. A batch of objects is one transaction, durable when `add` returns.

What it last saw of studies and series stays in memory, so that one more instance of a known series, saying nothing new
about it, costs one INSERT. Where instances disagree about their study, patient or series, the row shows the winner of
`query.matching.more_telling`, whichever came first.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from scpd.dataset.attributes import Attributes
from scpd.query.entities import more_telling
from scpd.query.terms import Level
from scpd.storage.base import CommitInDoubt, Holder, OutOfResources, Record
from scpd.storage.sqlite_rows import by_level, from_json, series_columns, study_columns, to_json

PARENTS_REMEMBERED = 2_048
UIDS_PER_SELECT = 250

OBJECT_COLUMNS = (
    "uid, sop_class_uid, transfer_syntax_uid, digest, size_bytes, location, damaged, received_at, "
    "calling_ae_title, called_ae_title, attributes"
)
INSERT_INSTANCE = f"INSERT INTO instance (series, {OBJECT_COLUMNS}) VALUES ({', '.join('?' * 12)})"
INSERT_QUARANTINED = f"INSERT INTO quarantine ({OBJECT_COLUMNS}) VALUES ({', '.join('?' * 11)})"

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

    def id_of(self, key: tuple[object, ...], offered: Shown) -> int:
        """The id of the row under `key`, made if need be, when one more instance offers its attribute sets."""
        row = self._known.pop(key, None) or self._stored(key)
        if row is None:
            row = self._insert(key, offered), offered
        elif row[1] != offered:
            row = row[0], self._update(*row, offered)
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

    def _update(self, row_id: int, shown: Shown, offered: Shown) -> Shown:
        winners = tuple(map(more_telling, shown, offered))
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
        for uid, digest, is_stored in found:
            holder = holders.get(uid, Holder(None, frozenset()))
            stored = digest if is_stored else holder.stored
            holders[uid] = Holder(stored, holder.quarantined if is_stored else holder.quarantined | {digest})
        return holders

    def add(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        """One transaction; see `Index.add`. Raises OutOfResources, CommitInDoubt."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(INSERT_INSTANCE, list(map(self._instance, stored)))
            aside = [_object(record, record.instance.attributes) for record in quarantined]
            self._db.executemany(INSERT_QUARANTINED, aside)
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise OutOfResources(f"index: {error}") from error
            raise
        self._commit()

    def _held(self, uids: Sequence[str]) -> list[tuple[str, bytes, int]]:
        found: list[tuple[str, bytes, int]] = []
        for first in range(0, len(uids), UIDS_PER_SELECT):
            some = uids[first : first + UIDS_PER_SELECT]
            marks = ", ".join("?" * len(some))
            found += self._db.execute(
                f"SELECT uid, digest, 1 FROM instance WHERE uid IN ({marks}) "
                f"UNION ALL SELECT uid, digest, 0 FROM quarantine WHERE uid IN ({marks})",
                [*some, *some],
            )
        return found

    def _commit(self) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            # An I/O error may have come after the frames were written: SQLite would find them after a crash.
            in_doubt = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR
            raise (CommitInDoubt if in_doubt else OutOfResources)(f"index: {error}") from error

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")
        self._studies.forget()
        self._series.forget()

    def _series_of(self, record: Record, levels: Mapping[Level, Attributes]) -> int | None:
        """The id of the series row; None for an object of no patient."""
        instance = record.instance
        if not instance.study_instance_uid:
            return None
        study = self._studies.id_of((instance.study_instance_uid,), (levels[Level.PATIENT], levels[Level.STUDY]))
        return self._series.id_of((study, instance.series_instance_uid), (levels[Level.SERIES],))

    def _instance(self, record: Record) -> tuple[object, ...]:
        levels = by_level(record.instance.attributes)
        return self._series_of(record, levels), *_object(record, levels[Level.IMAGE])


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
        time.time(),
        incoming.calling_ae_title,
        incoming.called_ae_title,
        to_json(attributes),
    )
