"""kill -9 again and again: at a byte that a seed chose, at the n-th system call of a kind, and while a crash is mended.

A cycle starts the daemon, holds its store against the ledger, sends, and kills. After some cycles the store is
verified by command, and the next one begins empty, so that a cycle costs the same in the first hour and in the last.
"""

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import strace
from tests.faults.inspection import complaints
from tests.faults.ledger import Ledger
from tests.faults.senders import Meter, sending
from tests.faults.strace import Fault, Strace, born_with
from tests.interop.daemon import SCPD, Daemon

OPTIONS = ("--set", "storage.duplicates=replace", "--set", "storage.min_free_bytes=0")
STRATEGIES = ("files", "filesystem")
LIVES = 10  # of one store
MARK_BYTES_MAX = 12_000_000
PAUSE_SECONDS_MAX = 0.01  # between the byte and the kill: commits are at work by then
IN_SERVICE = {
    strace.OPEN: 60,
    strace.WRITE: 60,
    strace.PWRITE: 300,
    strace.ALLOCATE: 12,
    strace.SYNC_FILE: 90,
    strace.SYNC_FOLDER: 30,
    strace.SUBMIT: 60,
    strace.COLLECT: 60,
    strace.SYNC_ALL: 20,
    strace.RENAME: 60,
    strace.UNLINK: 12,
    strace.MKDIR: 12,
}
"""The calls to die at and the last turn to choose; a turn that does not come is followed by a plain kill."""
AT_START = {strace.UNLINK: 3, strace.SYNC_FOLDER: 3, strace.SYNC_FILE: 2, strace.PWRITE: 6}


@dataclass
class Tally:
    """What was seen."""

    cycles: int = 0
    acknowledged: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        deaths = ", ".join(f"{count} {how}" for how, count in sorted(self.deaths.items()))
        return f"{self.cycles} cycles, {self.acknowledged} objects acknowledged; deaths: {deaths}"


def options_of(turn: int) -> Sequence[str]:
    """How the `turn`-th store is configured: one after the other, every way to sync gets its share."""
    return (*OPTIONS, "--set", f"storage.sync_strategy={STRATEGIES[turn % len(STRATEGIES)]}")


class Store:
    """One store, its ledger, and the daemons that come and go over it."""

    def __init__(self, folder: Path, options: Sequence[str] = OPTIONS) -> None:
        folder.mkdir()
        self.folder = folder
        self.options = options
        self.ledger = Ledger()
        self.daemon = Daemon(folder, *options)

    @contextmanager
    def served(self) -> Iterator[Daemon]:
        """The daemon runs; in the end it is killed, whatever is in its log."""
        self.daemon.start()
        try:
            yield self.daemon
        finally:
            self.daemon.kill()

    def wrong(self) -> list[str]:
        """What is wrong with it, while its daemon runs and nobody sends."""
        traceback = ["the log has a traceback"] if "Traceback" in self.daemon.log else []
        return [*complaints(self.daemon.port, self.daemon.storage, self.ledger), *traceback]

    def verify(self) -> list[str]:
        """What `scpd verify` says of it, if that is not that all is well."""
        ran = subprocess.run(
            [SCPD, "verify", "--storage", str(self.daemon.storage)], capture_output=True, text=True, timeout=600
        )
        return [] if ran.returncode == 0 else [f"scpd verify: {ran.stdout}{ran.stderr}"]


def crash(folder: Path, cycles: int, seed: int, told: Callable[[str], None] = print) -> Tally:
    """Runs cycles in `folder`, until one finds something wrong."""
    tally = Tally()
    for first in range(0, cycles, LIVES):
        store = Store(folder / f"store{first}", options_of(first // LIVES))
        for cycle in range(first, min(first + LIVES, cycles)):
            chance = random.Random(f"{seed} {cycle}")
            die_at_start(store, chance, tally)
            before = store.ledger.acknowledged
            with store.served():
                tally.complaints += (f"cycle {cycle}: {complaint}" for complaint in store.wrong())
                if tally.complaints:
                    return tally
                die_while_serving(store, f"1.2.{cycle}", chance, tally)
            tally.cycles += 1
            tally.acknowledged += store.ledger.acknowledged - before
        with store.served():
            tally.complaints += store.wrong()
        tally.complaints += store.verify()
        if tally.complaints:
            return tally
        shutil.rmtree(store.folder)
        told(str(tally))
    return tally


def die_at_start(store: Store, chance: random.Random, tally: Tally) -> None:
    """Kills the daemon while it mends what the last death left, one time in eight."""
    if strace.missing() or chance.random() > 1 / 8:
        return
    calls = chance.choice(list(AT_START))
    fault = Fault(calls, chance.randint(1, AT_START[calls]))
    doomed = Daemon(store.folder, *store.options, command=born_with(fault, SCPD, "serve"))
    with suppress(AssertionError):  # it did not become ready, as it was meant to
        doomed.start()
        doomed.kill()
        return
    tally.deaths[f"at start, in {fault.name}"] += 1


def die_while_serving(store: Store, root: str, chance: random.Random, tally: Tally) -> None:
    """Sends until the daemon is dead, one way or the other."""
    process = store.daemon.process
    if strace.missing() or chance.random() < 0.5:
        pause_seconds = chance.uniform(0, PAUSE_SECONDS_MAX)

        def strike() -> None:
            time.sleep(pause_seconds)
            process.kill()

        with sending(store.daemon.port, store.ledger, Meter(chance.randrange(MARK_BYTES_MAX), strike), root):
            pass
        tally.deaths["at a byte"] += 1
    else:
        calls = chance.choice(list(IN_SERVICE))
        fault = Fault(calls, chance.randint(1, IN_SERVICE[calls]))
        with (
            Strace(process.pid, fault, store.folder / "strace"),
            sending(store.daemon.port, store.ledger, Meter(), root),
        ):
            pass
        died = process.poll() is not None
        tally.deaths[f"in {fault.name}" if died else "between two objects"] += 1
