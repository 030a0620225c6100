"""The fault walk: the n-th system call of every kind fails, one after the other, in a daemon that never stops serving.

For each fault one modality stores a course of objects: the first of a study, one more of its series, one that is
replaced, one that is written in pieces, one that is too large for the page cache. The trace of strace tells during
which of them the call failed. An object is acknowledged only if nothing had failed when its row was synced;
housekeeping behind that, as removing the file that was replaced, may fail. Then the daemon has to answer as if nothing
had been, and at last everything is held against the ledger, before and after a restart.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.datasets import ct
from tests.faults import strace
from tests.faults.crashes import Store
from tests.faults.senders import GONE, sender
from tests.faults.strace import Call, Fault, Strace
from tests.rawpeer import RawPeer

ERRORS: Sequence[tuple[str, Sequence[str]]] = (
    (strace.OPEN, ("EMFILE", "EIO")),
    (strace.WRITE, ("ENOSPC", "EIO")),
    (strace.PWRITE, ("ENOSPC", "EIO")),
    (strace.ALLOCATE, ("ENOSPC", "EIO")),
    (strace.SYNC_FILE, ("EIO", "ENOSPC")),
    (strace.RENAME, ("EIO", "ENOSPC")),
    (strace.MKDIR, ("ENOSPC", "EIO")),
    (strace.SUBMIT, ("EAGAIN", "EINVAL")),
    (strace.COLLECT, ("EFAULT",)),  # from here on the daemon writes and syncs one file after the other
    (strace.PWRITE, ("ENOSPC",)),
    (strace.SYNC_FILE, ("EIO",)),
    (strace.SYNC_FOLDER, ("EIO", "ENOSPC")),
)
OUT_OF_RESOURCES = 0xA700
ROW = "index.sqlite-wal>"
LOG = "/log."
IN_PIECES_BYTES, LARGE_BYTES = 1_500_000, 400_000
LONGEST = 300  # turns of one thread in one course


@dataclass
class Walk:
    """`injected` counts the faults that struck, `refused` the objects that they cost."""

    store: Store
    faults: int = 0
    injected: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.injected} of {self.faults} faults struck, and {self.refused} objects were refused; "
            f"{self.store.ledger.acknowledged} were acknowledged; "
            f"an echo and a store afterwards took {self.slowest_seconds:.3f} s at most"
        )

    def go(self) -> None:
        """Every fault there is: of each kind of calls and each error, until there is no such turn any more."""
        for calls, errors in ERRORS:
            for error in errors:
                for turn in range(1, LONGEST):
                    if not self.struck(Fault(calls, turn, error)):
                        break
        self.finish()

    def struck(self, fault: Fault, *options: str) -> bool:
        """Takes one step; whether the fault came to pass. `options` are for strace."""
        self.faults += 1
        root = f"1.3.{self.faults}"
        log = self.store.folder / "strace"
        with Strace(self.store.daemon.process.pid, fault, log, *options, also=strace.SYNC_FILE) as tracer:
            for uid, data in course(root):
                before = len(tracer.calls())
                status = self._status(uid, data)
                calls = tracer.calls()
                self._judge(f"{fault}: {uid}", status, calls[before:])
        struck = any(call.is_injected for call in calls)
        self.injected += struck
        self._goes_on(fault, f"{root}.9")
        return struck

    def finish(self) -> None:
        """Holds the whole store against the ledger, before and after a restart."""
        self.complaints += self.store.wrong()
        self.store.daemon.kill()
        self.store.daemon.start()
        self.complaints += self.store.wrong()

    def _status(self, uid: str, data: bytes) -> int:
        try:
            with sender(self.store.daemon.port, self.store.ledger) as modality:
                return modality.store(uid, data)
        except ConnectionError:
            return GONE

    def _judge(self, what: str, status: int, calls: Sequence[Call]) -> None:
        self.refused += status == OUT_OF_RESOURCES
        if status not in (0x0000, OUT_OF_RESOURCES, GONE):
            self.complaints.append(f"{what} was answered {status:04X}H")
        if status == 0x0000:
            self.complaints += (f"{what} was acknowledged, though {reason}" for reason in false_promises(calls))

    def _goes_on(self, fault: Fault, uid: str) -> None:
        begun = time.monotonic()
        with RawPeer(self.store.daemon.port) as peer:
            peer.associate()
            if peer.echo() != 0x0000:
                self.complaints.append(f"{fault}: no echo afterwards")
        if self._status(uid, ct(uid)) != 0x0000:
            self.complaints.append(f"{fault}: no store afterwards")
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - begun)


def course(root: str) -> Iterator[tuple[str, bytes]]:
    """What is stored while a fault waits."""
    for uid, text, size_bytes in (
        (f"{root}.1", "first of a study", 1000),
        (f"{root}.2", "one more", 1000),
        (f"{root}.2", "instead of it", 1000),
        (f"{root}.3", "in pieces", IN_PIECES_BYTES),
        (f"{root}.4", "large", LARGE_BYTES),
    ):
        yield (
            uid,
            ct(
                uid,
                StudyInstanceUID=root,
                SeriesInstanceUID=f"{root}.1",
                SeriesDescription=text,
                PixelData=bytes(size_bytes),
            ),
        )


def false_promises(calls: Sequence[Call]) -> Iterator[str]:
    """What contradicts a 0000H in the calls made for one object.

    What the kernel does not take, to write or to sync it, is written or synced by the daemon.
    """
    synced = [call.name == strace.SYNC_FILE and ROW in call.arguments and not call.failed for call in calls]
    rows = [at for at, is_row in enumerate(synced) if is_row]
    if not rows:
        yield "its row was not synced"
        return
    for call in calls[: rows[-1]]:
        if call.is_injected and call.name != strace.SUBMIT and LOG not in call.arguments:
            yield f"{call.name}({call.arguments[:200]}) failed"
