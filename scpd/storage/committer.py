"""Group commit: one thread takes whatever queued while it was busy and makes all of it durable at once.

A batch goes through seven steps, and what fails in one of them is taken back and goes no further:

    seal      every file is written to its end; a large one that had to wait was so already, by another thread
    decide    same bytes are dropped; what other bytes under a known UID become is a matter of policy
    announce  the names that files will have are noted durably
    place     files get these names
    settle    what they contain and the folders that list them are synced, all at once
    index     one transaction makes them visible, and those they replace invisible; these files are removed then
    answer    the waiting associations hear of it, in one call into their event loop

Nobody waits for a batch to fill: alone, an object is a batch of one. Nothing that failed is tried again here: after a
failed sync the kernel may report success for pages it threw away, so only the sender can repeat the object.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from scpd.storage.base import (
    Blobs,
    CommitInDoubt,
    Draft,
    Duplicates,
    Holder,
    Incoming,
    Index,
    Instance,
    Location,
    Outcome,
    OutOfResources,
    Record,
    Sealed,
    StorageError,
)
from scpd.storage.digests import algorithm_of

BATCH_MAX = 128
FINISHERS = 4
LARGE_BYTES_MIN = 32_768  # fewer bytes are written sooner than they are handed to another thread
DUPLICATES: Mapping[Duplicates, Outcome] = {
    Duplicates.KEEP_FIRST: Outcome.QUARANTINED,
    Duplicates.REPLACE: Outcome.REPLACED,
    Duplicates.REFUSE: Outcome.REFUSED,
}
NOBODY = Holder(None, frozenset())
UNSEALED = Sealed(b"", 0)


@dataclass(slots=True, eq=False)
class Commit:
    """One object to commit. The views in `rest` stay valid until `answer` is done."""

    incoming: Incoming
    instance: Instance
    draft: Draft | None
    rest: Sequence[memoryview]
    answer: asyncio.Future[Outcome]
    location: Location = ""
    sealed: Sealed = UNSEALED
    outcome: Outcome = Outcome.STORED
    kept: bool = True  # whether a file and a row are added for it
    is_sealed: bool = False
    replaces: Location = ""  # where the object lies that gives way to this one
    relies_on: "Commit | None" = None  # an earlier one of this batch under the same UID
    visible: bool = False  # the row is committed: nothing takes it back
    error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Takes the object back, unless it is visible already; this is its answer then."""
        if self.visible:
            return
        self.error = OutOfResources(str(error)) if isinstance(error, OSError) else error
        if self.draft is not None:
            self.draft.abandon()

    def record(self) -> Record:
        """What the index keeps of it."""
        return Record(self.incoming, self.instance, self.location, self.sealed, replaces=self.replaces)


class Committer:
    """The threads between Blobs and Index. `start`, `submit` and `close` are for others, the rest is the threads'."""

    def __init__(self, blobs: Blobs, index: Index, duplicates: Duplicates = Duplicates.KEEP_FIRST) -> None:
        self._blobs = blobs
        self._index = index
        self._duplicates = duplicates
        self._queue: SimpleQueue[Commit | None] = SimpleQueue()
        self._large: SimpleQueue[Commit | None] = SimpleQueue()
        self._finishers = [
            threading.Thread(target=self._finish_large, name=f"scpd-finish-{number}", daemon=True)
            for number in range(FINISHERS)
        ]
        self._thread = threading.Thread(target=self._run, name="scpd-commit", daemon=True)
        self._is_busy = False  # when it is not, the committing thread has time to write a large object itself
        self._in_doubt: dict[Location, str] = {}

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()
        for finisher in self._finishers:
            finisher.start()

    def submit(self, commit: Commit) -> None:
        """Queues an object; its `answer` is resolved in the event loop it belongs to."""
        is_large = self._is_busy and sum(view.nbytes for view in commit.rest) >= LARGE_BYTES_MIN
        (self._large if is_large else self._queue).put(commit)

    def close(self) -> None:
        """Blocks until all that was submitted is answered. May be called twice."""
        self._large.put(None)
        for finisher in self._finishers:
            if finisher.ident is not None:
                finisher.join()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _finish_large(self) -> None:
        while (commit := self._large.get()) is not None:
            self._finish(commit)
            self._queue.put(commit)
            del commit  # or its views would be held until the next one comes
        self._large.put(None)  # for the next finisher

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            self._is_busy = True
            batch = [first, *self._queued()]
            try:
                self._commit(batch)
            except Exception as error:
                for commit in _alive(batch):
                    commit.fail(error)
            batch[0].answer.get_loop().call_soon_threadsafe(_answer, batch)
            del first, batch  # or their views would be held until the next object comes
            self._is_busy = not self._queue.empty()

    def _queued(self) -> Iterator[Commit]:
        with suppress(Empty):
            for _ in range(BATCH_MAX - 1):
                commit = self._queue.get_nowait()
                if commit is None:
                    self._queue.put(None)
                    return
                yield commit

    def _commit(self, batch: Sequence[Commit]) -> None:
        for commit in batch:
            if not commit.is_sealed and commit.error is None:
                self._finish(commit)
        self._decide(_alive(batch))
        if kept := _kept(batch):
            self._announce(kept)
            self._place(kept)
            self._settle(_alive(kept))
            _fail_reliant(_alive(batch))
            self._add(_alive(kept))
            _fail_reliant([commit for commit in _alive(batch) if not commit.kept])

    def _finish(self, commit: Commit) -> None:
        try:
            if commit.draft is None:
                commit.draft = self._blobs.draft(commit.incoming)
            commit.sealed = commit.draft.finish(commit.rest)
            commit.is_sealed = True
        except Exception as error:
            commit.fail(error)

    def _decide(self, batch: Sequence[Commit]) -> None:
        holders = dict(self._index.holders({commit.incoming.sop_instance_uid for commit in batch}))
        latest: dict[str, Commit] = {}
        for commit in batch:
            uid = commit.incoming.sop_instance_uid
            commit.relies_on = latest.get(uid)
            latest[uid] = commit
            holders[uid] = self._judge(commit, _in_terms_of(commit, holders.get(uid, NOBODY)))

    def _judge(self, commit: Commit, holder: Holder) -> Holder:
        """Decides what becomes of one object, and who holds its UID then."""
        digest = commit.sealed.digest
        commit.location = self._blobs.location(commit.incoming, commit.instance)
        commit.outcome = self._outcome(commit, holder)
        if commit.outcome is Outcome.QUARANTINED and digest not in holder.quarantined:
            commit.location = self._blobs.quarantine(commit.location)
            return replace(holder, quarantined=holder.quarantined | {digest})
        if commit.outcome in (Outcome.STORED, Outcome.REPLACED):
            commit.replaces = holder.location if commit.outcome is Outcome.REPLACED else ""
            return replace(holder, stored=digest, location=commit.location)
        commit.kept = False
        if commit.draft is not None:
            commit.draft.abandon()
        return holder

    def _outcome(self, commit: Commit, holder: Holder) -> Outcome:
        if holder.stored == commit.sealed.digest:
            return Outcome.SAME_BYTES
        if commit.instance.unfit:
            return Outcome.QUARANTINED
        return Outcome.STORED if holder.stored is None else DUPLICATES[self._duplicates]

    def _announce(self, batch: Sequence[Commit]) -> None:
        """Notes the files that will come, and those that will go: a crash may come between."""
        names = {location: commit.incoming.sop_instance_uid for commit in batch for location in _names(commit)}
        self._blobs.announce(self._in_doubt | names)

    def _place(self, batch: Sequence[Commit]) -> None:
        for commit in batch:
            assert commit.draft is not None
            try:
                commit.draft.place(commit.location)
            except OSError as error:
                commit.fail(error)

    def _settle(self, batch: Sequence[Commit]) -> None:
        failed = self._blobs.settle({commit.location: commit.draft for commit in batch})
        for commit in batch:
            if commit.location in failed:
                commit.fail(failed[commit.location])

    def _add(self, batch: Sequence[Commit]) -> None:
        stored = [commit.record() for commit in batch if commit.outcome is not Outcome.QUARANTINED]
        aside = [commit.record() for commit in batch if commit.outcome is Outcome.QUARANTINED]
        try:
            self._index.add(stored, aside)
        except CommitInDoubt as error:
            # A crash could bring these rows back. Their files stay until a later transaction rules that out.
            for commit in batch:
                self._in_doubt[commit.location] = commit.incoming.sop_instance_uid
                commit.error = error
        except StorageError as error:
            for commit in batch:
                commit.fail(error)
        except Exception as error:
            self._add_singly(batch, error)
        else:
            for commit in batch:
                commit.visible = True
            self._clear_doubt()
            self._remove_replaced([commit.replaces for commit in batch if commit.replaces])

    def _add_singly(self, batch: Sequence[Commit], error: Exception) -> None:
        """Finds out whose row cannot be made: one peer's object must not cost the others theirs."""
        if len(batch) == 1:
            batch[0].fail(error)
        else:
            for commit in batch:
                self._add([commit])

    def _remove_replaced(self, locations: Sequence[Location]) -> None:
        """Removes files that no row names any more, for good: later batches announce others."""
        for location in locations:
            with suppress(OSError):
                self._blobs.remove(location)
        if locations:
            self._blobs.settle(dict.fromkeys(locations))

    def _clear_doubt(self) -> None:
        while self._in_doubt:
            location, _ = self._in_doubt.popitem()
            with suppress(OSError):
                self._blobs.remove(location)


def _alive(batch: Sequence[Commit]) -> list[Commit]:
    return [commit for commit in batch if commit.error is None]


def _kept(batch: Sequence[Commit]) -> list[Commit]:
    return [commit for commit in batch if commit.error is None and commit.kept]


def _in_terms_of(commit: Commit, holder: Holder) -> Holder:
    """The same holder: what stands there for the bytes of `commit` by another algorithm is given by its own."""

    def term(held: bytes) -> bytes:
        algorithm = algorithm_of(held)
        if commit.draft is None or algorithm in (None, algorithm_of(commit.sealed.digest)):
            return held
        return commit.sealed.digest if commit.draft.digest(str(algorithm)) == held else held

    if holder is NOBODY:
        return holder
    stored = term(holder.stored) if holder.stored is not None else None
    return replace(holder, stored=stored, quarantined=frozenset(map(term, holder.quarantined)))


def _names(commit: Commit) -> Iterator[Location]:
    yield commit.location
    if commit.replaces:
        yield commit.replaces


def _fail_reliant(batch: Sequence[Commit]) -> None:
    """What was judged by an object that then was not kept would be a false answer. In order, so chains fall."""
    for commit in batch:
        if commit.relies_on is not None and commit.relies_on.error is not None:
            commit.fail(OutOfResources("another object under this UID failed at the same moment"))


def _answer(batch: Sequence[Commit]) -> None:
    for commit in batch:
        if commit.answer.cancelled():
            continue
        if commit.error is not None:
            commit.answer.set_exception(commit.error)
        else:
            commit.answer.set_result(commit.outcome)
