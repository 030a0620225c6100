"""The whole fault walk, and what it would see: the daemon is one process throughout, and traced by strace."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.crashes import OPTIONS, Store
from tests.faults.strace import Call, Fault, parse
from tests.faults.walk import Walk, false_promises

pytestmark = pytest.mark.skipif(bool(strace.missing()), reason=strace.missing())


@pytest.fixture
def walk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Walk]:
    """A walk over a daemon with the options that the test gives."""
    store = Store(tmp_path / "store", (*OPTIONS, *getattr(request, "param", ())))
    with store.served():
        yield Walk(store)


def test_no_call_that_fails_costs_more_than_its_object(walk: Walk) -> None:
    walk.go()
    assert walk.complaints == []
    assert walk.injected > 50 and walk.refused > 50
    assert "Traceback" not in walk.store.daemon.log


def test_a_replaced_file_that_cannot_be_removed_is_removed_later(walk: Walk) -> None:
    assert walk.struck(Fault(strace.UNLINK, 1, "EIO"))
    walk.finish()
    assert walk.complaints == [] and walk.refused == 0


@pytest.mark.parametrize("walk", [("--set", "storage.sync_strategy=filesystem")], indirect=True)
def test_a_file_system_that_cannot_be_synced_costs_the_batch(walk: Walk) -> None:
    assert walk.struck(Fault(strace.SYNC_ALL, 1, "EIO"))
    walk.finish()
    assert walk.complaints == [] and walk.refused > 0


@pytest.mark.parametrize("calls", [strace.OPEN, strace.WRITE, strace.SYNC_FILE, strace.RENAME])
def test_a_disk_that_fails_for_a_while_costs_what_came_meanwhile(walk: Walk, calls: str) -> None:
    assert walk.struck(Fault(calls, 1, "EIO", onwards=True))
    walk.finish()
    assert walk.complaints == [] and walk.refused >= 2


def test_a_log_that_cannot_be_written_costs_nothing(walk: Walk) -> None:
    """The log lies on a full disk as well, one day."""
    folder = walk.store.folder
    paths = ("-P", str(folder / "log.0"), "-P", str(walk.store.daemon.storage / "index.sqlite-wal"))
    assert walk.struck(Fault("write", 1, "ENOSPC", onwards=True), *paths)
    walk.finish()
    assert walk.complaints == [] and walk.refused == 0
    assert walk.store.ledger.acknowledged == 6


TRACE = """\
11 fdatasync(30</store/spool/a>) = -1 EIO (Input/output error) (INJECTED)
12 fdatasync(17</store/index.sqlite-wal> <unfinished ...>
11 rename("a", "b") = 0
12 <... fdatasync resumed>) = 0
11 unlink("c") = -1 EIO (Input/output error) (INJECTED)
"""


def test_a_trace_is_read_in_the_order_in_which_calls_ended() -> None:
    assert [(call.name, call.is_injected) for call in parse(TRACE)] == [
        ("fdatasync", True),
        ("rename", False),
        ("fdatasync", False),
        ("unlink", True),
    ]


def test_an_acknowledgement_after_a_failed_call_is_a_false_promise() -> None:
    failed, *rest = parse(TRACE)
    assert list(false_promises([failed, *rest])) == ["fdatasync(30</store/spool/a>) failed"]
    assert list(false_promises(rest)) == [], "housekeeping may fail"
    assert list(false_promises([])) == ["its row was not synced"]
    torn = Call("fdatasync", "17</store/index.sqlite-wal>", "-1 EIO (Input/output error) (INJECTED)")
    assert list(false_promises([torn])) == ["its row was not synced"]
