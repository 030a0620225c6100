import sqlite3

import pytest

from scpd.storage.base import StoreUnavailable
from scpd.storage.migrations import APPLICATION_ID, _scripts, migrate


@pytest.fixture
def db() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_an_empty_file_gets_the_whole_schema_and_our_mark(db: sqlite3.Connection) -> None:
    migrate(db)
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"study", "series", "instance", "quarantine", "verification"}
    assert (pragma(db, "application_id"), pragma(db, "user_version")) == (APPLICATION_ID, 3)


def test_an_index_of_this_version_is_left_as_it_is(db: sqlite3.Connection) -> None:
    migrate(db)
    before = pragma(db, "schema_version")
    migrate(db)
    assert pragma(db, "schema_version") == before


def test_an_index_of_a_newer_program_is_refused(db: sqlite3.Connection) -> None:
    migrate(db)
    db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="version 99"):
        migrate(db)


def test_a_database_of_another_program_is_refused_and_not_touched(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE bookmark (url TEXT)")
    with pytest.raises(StoreUnavailable, match="other program"):
        migrate(db)
    assert [row[0] for row in db.execute("SELECT name FROM sqlite_schema")] == ["bookmark"]


def test_digests_of_the_first_version_get_their_name(db: sqlite3.Connection) -> None:
    db.executescript(_scripts()[0] + f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")
    columns = "uid, sop_class_uid, transfer_syntax_uid, digest, size_bytes, location, damaged, received_at"
    values = (b"\0\xff" * 16, 1, "", 0, 0.0)
    for table in ("instance", "quarantine"):
        db.execute(
            f"INSERT INTO {table} ({columns}, calling_ae_title, called_ae_title, attributes) "
            "VALUES ('1.5', '', '', ?, ?, ?, ?, ?, '', '', '{}')",
            values,
        )
    migrate(db)
    for table in ("instance", "quarantine"):
        assert db.execute(f"SELECT digest FROM {table}").fetchone() == (b"blake3\0\0" + b"\0\xff" * 16,)
    assert db.execute("SELECT reason FROM quarantine").fetchone() == ("another object holds this SOP Instance UID",)


def test_studies_and_series_learn_the_time_zone_that_all_their_instances_name(db: sqlite3.Connection) -> None:
    db.executescript("".join(_scripts()[:2]) + f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;")
    study = "uid, patient, patient_id, patient_name, study_date, accession_number, patient_attributes, attributes"
    instance = (
        "uid, sop_class_uid, transfer_syntax_uid, digest, size_bytes, location, damaged, received_at, "
        "calling_ae_title, called_ae_title"
    )
    zones = {(1, 1): "+0100 +0100", (1, 2): "+0100", (2, 3): "+0100 -0500", (2, 4): "+0100 none", (3, 5): "none"}
    for number in range(1, 4):
        values = f"{number}, '{number}', '', '', '', '', '', '{{}}', '{{}}'"
        db.execute(f"INSERT INTO study (id, {study}) VALUES ({values})")
    for (parent, series), told in zones.items():
        db.execute("INSERT INTO series VALUES (?, ?, ?, '', '{\"00080060\":\"CT\"}')", (series, parent, series))
        for count, zone in enumerate(told.split()):
            attributes = "{}" if zone == "none" else f'{{"00080201":"{zone}"}}'
            db.execute(
                f"INSERT INTO instance (series, attributes, {instance}) "
                "VALUES (?, ?, ?, '', '', x'00', 1, '', 0, 0.0, '', '')",
                (series, attributes, f"{series}.{count}"),
            )
    migrate(db)
    path = "json_extract(attributes, '$.00080201')"
    assert db.execute(f"SELECT id, {path} FROM series ORDER BY id").fetchall() == [
        (1, "+0100"), (2, "+0100"), (3, None), (4, None), (5, None),
    ]  # fmt: skip
    assert db.execute(f"SELECT id, {path} FROM study ORDER BY id").fetchall() == [(1, "+0100"), (2, None), (3, None)]
    assert db.execute("SELECT attributes FROM series WHERE id = 1").fetchone() == (
        '{"00080060":"CT","00080201":"+0100"}',
    )
