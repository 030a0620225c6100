"""The schema of the SQLite index: numbered scripts, each run once, in order, in a transaction of its own.

The number of the last one that ran is the file's `user_version`; `application_id` says that the file is ours.
"""

import sqlite3
from importlib.resources import files

from scpd.storage.base import StoreUnavailable

APPLICATION_ID = 0x73637064  # "scpd"


def migrate(db: sqlite3.Connection) -> None:
    """Brings `db` to the version of this program. Raises StoreUnavailable, sqlite3.Error."""
    scripts = _scripts()
    version = _pragma(db, "user_version")
    owner = _pragma(db, "application_id")
    if owner != APPLICATION_ID and (owner or version or _pragma(db, "schema_version")):
        raise StoreUnavailable("the index file is a database of some other program")
    if version > len(scripts):
        raise StoreUnavailable(f"the index has version {version}, this program knows {len(scripts)}: it is older")
    for number, script in enumerate(scripts[version:], version + 1):
        stamp = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
        db.executescript(f"BEGIN IMMEDIATE; {script} {stamp} COMMIT;")


def _scripts() -> list[str]:
    found = sorted((file.name, file) for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    return [file.read_text("utf-8") for _, file in found]


def _pragma(db: sqlite3.Connection, name: str) -> int:
    value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
    return value
