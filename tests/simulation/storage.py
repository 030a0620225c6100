"""The real Archive over memory that fails when chance says so: full, slow, EIO, a commit in doubt, a bug.

Only what has threads is replaced: the committer's own loop runs as it is, whenever the simulated loop says that its
thread gets to it, until its queue is empty. Every draft is counted, so that a half-written one cannot hide.
"""

import asyncio
import errno
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query
from scpd.storage.archive import Archive
from scpd.storage.base import CommitInDoubt, Draft, Holder, Incoming, Location, OutOfResources, Record, Sealed, nothing
from scpd.storage.committer import END, Commit, Committer
from scpd.storage.memory import MemoryBlobs, MemoryIndex

INJECTED = "injected by the simulation"


@dataclass
class Faults:
    """When storage fails: with `probability` in each step, and always while it `is_full`."""

    chance: Random
    note: Callable[[str, str], None]
    probability: float = 0.0
    is_full: bool = False
    injected: list[Exception] = field(default_factory=list)

    def strike(self, step: str, *kinds: Callable[[], Exception]) -> None:
        """Raises one of `kinds`, or does nothing."""
        if self._strikes():
            error = self.chance.choice(kinds)()
            self.injected.append(error)
            self.note("storage", f"{step}: {error!r}")
            raise error

    def struck(self, step: str, kind: Callable[[], Exception]) -> OSError | None:
        """What `strike` would raise."""
        try:
            self.strike(step, kind)
        except OSError as error:
            return error
        return None

    def writing(self, step: str) -> None:
        """Raises ENOSPC or EIO, or does nothing."""
        if self.is_full:
            error = no_space()
            self.injected.append(error)
            self.note("storage", f"{step}: full")
            raise error
        self.strike(step, no_space, io_error)

    def stop(self) -> None:
        """From here on everything works."""
        self.probability, self.is_full = 0.0, False

    def _strikes(self) -> bool:
        return self.probability > 0 and self.chance.random() < self.probability


def no_space() -> Exception:
    return OSError(errno.ENOSPC, INJECTED)


def io_error() -> Exception:
    return OSError(errno.EIO, INJECTED)


def out_of_resources() -> Exception:
    return OutOfResources(INJECTED)


def commit_in_doubt() -> Exception:
    return CommitInDoubt(INJECTED)


def bug() -> Exception:
    return RuntimeError(INJECTED)


class FaultyBlobs(MemoryBlobs):
    """Memory that fails. `placed` are the bytes under each final name, `drafts` those not yet placed or abandoned."""

    def __init__(self, faults: Faults, draft_type: "type[FaultyDraft] | None" = None) -> None:
        super().__init__()
        self.faults = faults
        self._draft_type = draft_type or FaultyDraft
        self.drafts: set[FaultyDraft] = set()
        self.placed: dict[Location, bytes] = {}

    def draft(self, incoming: Incoming) -> Draft:  # type: ignore[override]  # any Draft, as Blobs has it
        self.faults.writing("draft")
        draft = self._draft_type(self, super().draft(incoming))
        self.drafts.add(draft)
        return draft

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        self.faults.strike("expect", no_space, io_error)

    def settle(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        meanwhile()
        errors = {location: self.faults.struck("settle", io_error) for location in placed}
        return {location: error for location, error in errors.items() if error is not None}

    def remove(self, location: Location) -> None:
        super().remove(location)
        self.placed.pop(location, None)


class FaultyDraft:
    """A draft in memory that fails."""

    def __init__(self, blobs: FaultyBlobs, draft: Draft) -> None:
        self._blobs = blobs
        self._draft = draft
        self._written = bytearray()
        self._location: Location | None = None

    def write(self, chunks: Sequence[memoryview]) -> None:
        self._blobs.faults.writing("write")
        self._append(chunks)
        self._draft.write(chunks)

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        self._blobs.faults.writing("finish")
        self._append(chunks)
        return self._draft.finish(chunks)

    def digest(self, algorithm: str) -> bytes:
        return self._draft.digest(algorithm)

    def check_written(self) -> None:
        pass

    def fileno(self) -> int | None:
        return self._draft.fileno()

    def synced(self) -> None:
        self._draft.synced()

    def place(self, location: Location) -> None:
        self._blobs.faults.writing("place")
        self._draft.place(location)
        if self._location is not None:
            self._blobs.placed.pop(self._location, None)
        self._location = location
        self._blobs.placed[location] = bytes(self._written)
        self._blobs.drafts.discard(self)

    def abandon(self) -> None:
        self._draft.abandon()
        self._blobs.drafts.discard(self)
        if self._location is not None:
            self._blobs.placed.pop(self._location, None)

    def _append(self, chunks: Sequence[memoryview]) -> None:
        for chunk in chunks:
            self._written += chunk


class FaultyIndex(MemoryIndex):
    """Memory that fails. `rows` are its records by location."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults
        self.rows: dict[Location, Record] = {}

    def holders(self, sop_instance_uids: Collection[str]) -> Mapping[str, Holder]:
        self._faults.strike("holders", out_of_resources, bug)
        return super().holders(sop_instance_uids)

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        self._faults.strike("stage", out_of_resources, bug)
        super().stage(stored, quarantined)

    def commit(self) -> None:
        stored, quarantined = self._staged
        try:
            self._faults.strike("commit", out_of_resources, commit_in_doubt, bug)
        except BaseException:
            self.undo()
            raise
        super().commit()
        self.rows.update((record.location, record) for record in (*stored, *quarantined))

    def pages(self, query: Query) -> Generator[Sequence[Attributes], None, None]:
        for page in super().pages(query):
            self._faults.strike("pages", out_of_resources, bug)
            yield page


class SimulatedCommitter(Committer):
    """The committer, without its threads: it works off the queue some time after something was put there."""

    def __init__(self, blobs: FaultyBlobs, index: FaultyIndex) -> None:
        super().__init__(blobs, index)
        self._is_awake = False

    def start(self) -> None:
        pass

    def submit(self, commit: Commit) -> None:
        super().submit(commit)
        if not self._is_awake:
            self._is_awake = True
            asyncio.get_running_loop().run_in_executor(None, self._work_off)

    def _work_off(self) -> None:
        self._is_awake = False
        self.hand_over()
        self._queue.put(END)
        self._run()

    def close(self) -> None:
        self._work_off()
        super().close()


class SimulatedArchive(Archive):
    """The Archive, with that committer."""

    def __init__(self, blobs: FaultyBlobs, index: FaultyIndex) -> None:
        super().__init__(blobs, index)
        self._committer = SimulatedCommitter(blobs, index)
