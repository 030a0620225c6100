"""The index file locked, read-only or overwritten: `scpd serve` says so, and `scpd reindex` makes a new one."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from scpd.exits import Exit
from tests.datasets import ct
from tests.faults.crashes import Store
from tests.faults.objects import plan
from tests.faults.senders import sender
from tests.interop.daemon import SCPD

ALL_CAPABILITIES_DROPPED = ("setpriv", "--bounding-set", "-all")
"""Before a command: root may write to what is read-only, and is to be like others here."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with some objects; its daemon was stopped."""
    store = Store(tmp_path / "store")
    with store.daemon as daemon, sender(daemon.port, store.ledger) as modality:
        for version in plan("1.5", 0, 20):
            assert modality.store(version.uid, version.data()) == 0x0000
    yield store


def index_of(store: Store) -> Path:
    return store.daemon.storage / "index.sqlite"


def run(store: Store, *command: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a command over the store to its end."""
    listen = ("--listen", "127.0.0.1:0") if "serve" in command else ()
    return subprocess.run(
        [*before, SCPD, *command, "--storage", str(store.daemon.storage), *listen],
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_serves_all(store: Store) -> None:
    """Fails unless the daemon starts, finds everything, and takes more."""
    with store.daemon as daemon:
        assert store.wrong() == []
        with sender(daemon.port, store.ledger) as modality:
            assert modality.store("1.5.99", ct("1.5.99")) == 0x0000


def overwrite(index: Path) -> None:
    index.write_bytes(b"garbage " * 10_000)


def overwrite_within(index: Path) -> None:
    content = index.read_bytes()
    index.write_bytes(content[:8192] + b"\xa5" * 20_000 + content[28_192:])


def cut_off(index: Path) -> None:
    index.write_bytes(index.read_bytes()[:20_000])


@pytest.mark.parametrize("damage", [overwrite, overwrite_within, cut_off])
def test_a_damaged_index_is_refused_with_the_remedy_which_helps(store: Store, damage: Callable[[Path], None]) -> None:
    damage(index_of(store))
    refused = run(store, "serve")
    assert refused.returncode == Exit.UNAVAILABLE
    assert str(index_of(store)) in refused.stderr and "`scpd reindex`" in refused.stderr
    mended = run(store, "reindex")
    assert mended.returncode == Exit.OK, mended.stdout + mended.stderr
    assert_serves_all(store)


def test_a_lost_index_is_not_taken_for_an_empty_store(store: Store) -> None:
    for file in index_of(store).parent.glob("index.sqlite*"):
        file.unlink()
    for _ in range(2):
        refused = run(store, "serve")
        assert refused.returncode == Exit.UNAVAILABLE and "`scpd reindex`" in refused.stderr
    assert run(store, "reindex").returncode == Exit.OK
    assert_serves_all(store)


def test_a_read_only_index_is_refused_and_taken_when_it_is_writable_again(store: Store) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    index_of(store).chmod(0o440)
    refused = run(store, "serve", before=ALL_CAPABILITIES_DROPPED)
    assert refused.returncode == Exit.UNAVAILABLE
    assert f"cannot use the index {index_of(store)}" in refused.stderr and "reindex" not in refused.stderr
    index_of(store).chmod(0o640)
    assert_serves_all(store)


def test_an_index_that_another_process_holds_is_refused(store: Store) -> None:
    with closing(sqlite3.connect(index_of(store), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        refused = run(store, "serve")
        assert refused.returncode == Exit.UNAVAILABLE
        assert f"cannot use the index {index_of(store)}: database is locked" in refused.stderr
    assert_serves_all(store)


def test_an_index_that_another_process_writes_costs_the_objects_of_that_time(store: Store) -> None:
    with store.served() as daemon:
        with closing(sqlite3.connect(index_of(store), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with sender(daemon.port, store.ledger) as modality:
                assert modality.store("1.5.77", ct("1.5.77")) == 0xA700
        with sender(daemon.port, store.ledger) as modality:
            assert modality.store("1.5.77", ct("1.5.77")) == 0x0000
        assert store.wrong() == []
