import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.query.terms import Level, Single
from scpd.storage.base import CommitInDoubt, Holder, OutOfResources, Record, Sealed, StoreUnavailable
from scpd.storage.sqlite import SqliteIndex
from scpd.testing import attributes, incoming, instance, query


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(tmp_path / "index.sqlite")
    opened.open()
    yield opened
    opened.close()


def record(uid: str, **changed: str) -> Record:
    found = attributes(uid, **changed)
    return Record(incoming(uid), instance(found), f"studies/{uid}.dcm", Sealed(uid.encode(), 10))


def found(index: SqliteIndex, level: Level = Level.IMAGE) -> int:
    return sum(map(len, index.pages(query(level))))


def test_the_index_is_durable_by_its_settings(index: SqliteIndex, tmp_path: Path) -> None:
    db = index._open_writer._db
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_a_reader_cannot_write(index: SqliteIndex) -> None:
    with pytest.raises(OutOfResources, match="readonly"):
        index._fetch("DELETE FROM study", ())


def test_the_names_with_a_row_are_known_in_quarantine_too(index: SqliteIndex) -> None:
    index.add([record("1.1")], [record("1.2")])
    asked = {"studies/1.1.dcm": "1.1", "studies/1.2.dcm": "1.2", "studies/other.dcm": "1.1", "studies/1.3.dcm": "1.3"}
    assert set(index.known(asked)) & set(asked) == {"studies/1.1.dcm", "studies/1.2.dcm"}


def test_many_uids_are_looked_up_at_once(index: SqliteIndex) -> None:
    index.add([record(f"1.{n}") for n in range(600)], [record("2.1"), record("1.5")])
    holders = index.holders([f"1.{n}" for n in range(600)] + ["2.1", "3.1"])
    assert len(holders) == 601
    assert holders["1.599"].stored == b"1.599"
    assert holders["1.5"] == Holder(b"1.5", frozenset({b"1.5"}), "studies/1.5.dcm")
    assert holders["2.1"] == Holder(None, frozenset({b"2.1"}))


def test_a_batch_that_fails_leaves_nothing_of_itself_and_nothing_remembered(index: SqliteIndex) -> None:
    index.add([record("1.1")], [])
    with pytest.raises(OutOfResources, match="UNIQUE"):
        index.add([record("1.2", study="1.9", series="1.9.1"), record("1.1")], [])
    assert (found(index), found(index, Level.STUDY)) == (1, 1)
    index.add([record("1.2", study="1.9", series="1.9.1")], [])
    assert (found(index), found(index, Level.STUDY)) == (2, 2)


def test_what_is_staged_is_seen_when_it_is_committed(index: SqliteIndex) -> None:
    index.stage([record("1.1")], [record("1.2")])
    assert found(index) == 0 and index.statistics().quarantined == 0 and index.locate("1.1") is None
    index.commit()
    assert found(index) == 1 and index.statistics().quarantined == 1


def test_what_is_undone_was_never_there(index: SqliteIndex) -> None:
    index.stage([record("1.1")], [record("1.2")])
    index.undo()
    index.undo()
    index.add([record("1.1", study="1.9")], [])
    assert (found(index), found(index, Level.STUDY), index.statistics().quarantined) == (1, 1, 0)


def test_a_record_that_cannot_be_stored_is_not_taken_for_a_busy_index(index: SqliteIndex) -> None:
    with pytest.raises(UnicodeEncodeError):
        index.add([record("1.1", study="lone \ud800 surrogate")], [])
    index.add([record("1.1")], [])
    assert found(index) == 1


def test_parents_beyond_those_remembered_are_found_again(index: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scpd.storage.sqlite_writer.PARENTS_REMEMBERED", 2)
    for turn in range(2):
        for study in range(5):
            index.add([record(f"1.{turn}.{study}", study=f"2.{study}", series=f"2.{study}.1")], [])
    assert (found(index, Level.STUDY), found(index, Level.SERIES), found(index)) == (5, 5, 10)


def test_no_query_keeps_the_log_from_being_written_back(index: SqliteIndex, tmp_path: Path) -> None:
    index.add([record(f"1.{n}") for n in range(450)], [])
    pages = index.pages(query(Level.IMAGE))
    assert next(pages)
    other = sqlite3.connect(tmp_path / "index.sqlite")
    busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    assert busy == 0
    assert next(pages)


def test_a_page_that_nothing_of_matched_gives_the_turn_back(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scpd.storage.sqlite_search.PAGE_ROWS", 5)
    monkeypatch.setattr("scpd.storage.sqlite_search.STATEMENTS_PER_PAGE", 2)
    index.add([record(f"1.{n}") for n in range(50)], [])
    pages = list(index.pages(query(Level.IMAGE, _00080060=Single("MR"))))
    assert len(pages) >= 5 and not any(pages)


@pytest.mark.parametrize("damage", [b"\0" * 100, b"nothing like it", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_index_is_refused_with_its_name(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "index.sqlite").write_bytes(damage)
    index = SqliteIndex(tmp_path / "index.sqlite")
    with pytest.raises(StoreUnavailable, match=r"index\.sqlite"):
        index.open()
    index.close()


def test_an_index_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite")
    index.open()
    index.add([record(f"1.{n}") for n in range(500)], [])
    index.close()
    damaged = bytearray((tmp_path / "index.sqlite").read_bytes())
    damaged[3 * 4096 : -4096] = b"\xa5" * (len(damaged) - 4 * 4096)
    (tmp_path / "index.sqlite").write_bytes(damaged)
    with pytest.raises(StoreUnavailable, match=r"(?s)damaged: .*`scpd reindex` makes a new one"):
        SqliteIndex(tmp_path / "index.sqlite").open()


def test_an_index_in_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot use the index"):
        SqliteIndex(tmp_path / "file" / "index.sqlite").open()


def test_a_name_with_every_odd_character_is_a_file_name(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "a b?c#d%20'e.sqlite")
    index.open()
    index.add([record("1.1")], [])
    index.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b?c#d%20'e.sqlite", "a b?c#d%20'e.sqlite.lock"]


def test_a_commit_that_fails_in_the_middle_of_its_writes_is_in_doubt(index: SqliteIndex, tmp_path: Path) -> None:
    index.add([record("1.1")], [])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "index.sqlite-wal").stat().st_size, hard))
    try:
        with pytest.raises(CommitInDoubt, match="I/O"):
            index.add([record("1.2")], [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found(index) == 1
    index.add([record("1.2")], [])
    assert found(index) == 2
