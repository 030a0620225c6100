"""Fifty deaths in every check, and the proof that the inspection would see what it looks for.

The daemon, the disk and the senders are real. `python -m tests.faults ledger --cycles 1000` goes on for as long.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.crashes import Store, crash
from tests.faults.inspection import locations
from tests.faults.objects import plan
from tests.faults.senders import sender
from tests.storage.files import flip

CYCLES = 50
SEED = 4


def test_what_was_acknowledged_outlives_every_death(tmp_path: Path) -> None:
    tally = crash(tmp_path, CYCLES, SEED)
    assert tally.complaints == []
    assert tally.cycles == CYCLES and tally.acknowledged > 10 * CYCLES
    if strace.missing():
        pytest.skip(f"killed at bytes only: {strace.missing()}")
    assert len(tally.deaths) > 5, "deaths in system calls of several kinds"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with some objects, and nobody who sends."""
    store = Store(tmp_path_factory.mktemp("store") / "one")
    with store.daemon as daemon:
        with sender(daemon.port, store.ledger) as modality:
            assert {modality.store(version.uid, version.data()) for version in plan("1.4", 0, 20)} == {0x0000}
        assert store.wrong() == []
        yield store


def one_file(store: Store) -> Path:
    """A file that was not lost yet."""
    return next(store.daemon.storage.glob("studies/*/*/*.dcm"))


def lose(store: Store) -> None:
    one_file(store).unlink()


def damage(store: Store) -> None:
    flip(one_file(store), -1)


def leave_a_draft(store: Store) -> None:
    (store.daemon.storage / "spool" / "draft").touch()


def leave_a_file(store: Store) -> None:
    path = one_file(store)
    path.with_name("1.4.99.0123456789ab0.dcm").write_bytes(path.read_bytes())


def forget_a_row(store: Store) -> None:
    store.ledger.note("1.4.98", b"never sent")


def see_an_older_version(store: Store) -> None:
    uid = min(locations(store.daemon.storage))
    store.ledger.note(uid, b"a newer version")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (lose, "has a row and no file"),
        (damage, "is not what was acknowledged"),
        (leave_a_draft, "left in the spool"),
        (leave_a_file, "has no row"),
        (forget_a_row, "1.4.98 was acknowledged and is not found"),
        (see_an_older_version, "is not what was acknowledged"),
    ],
)
def test_the_inspection_sees_what_it_looks_for(store: Store, happens: Callable[[Store], None], told: str) -> None:
    """What one case leaves broken stays so for the next: each adds a complaint of its own."""
    before = store.wrong()
    happens(store)
    assert any(told in complaint for complaint in set(store.wrong()) - set(before))
