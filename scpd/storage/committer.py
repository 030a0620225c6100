"""Group commit: one thread takes whatever queues while it is busy and makes all of it durable at once.

A batch goes through seven steps, and what fails in one of them is taken back and goes no further:

    seal      every file is written to its end, in the spool, and gets its digest
    decide    same bytes are dropped; what other bytes under a known UID become is a matter of policy
    expect    the names that files will have are noted durably
    place     files get these names
    settle    what they contain and the folders that lead there are synced, all at once, while their rows are written
    index     the transaction is committed: they are visible; those they replace are not, and their files are removed
    answer    the waiting associations hear of it, in one call into their event loop

Alone, an object is a batch of one and waits for nobody. What comes while a batch is sealed joins it: so those who send
large objects side by side share one round of syncs, though none of them was there when it began.

Nothing that failed is tried again here: after a failed sync the kernel may report success for pages it threw away, so
only the sender can repeat the object.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
BATCH_BYTES_MAX = 16_777_216
"""As much is sealed before it is synced: a larger batch would leave the disk idle, and then the processor."""
DUPLICATES: Mapping[Duplicates, Outcome] = {
    Duplicates.KEEP_BOTH: Outcome.QUARANTINED,
    Duplicates.KEEP_FIRST: Outcome.DISCARDED,
    Duplicates.REPLACE: Outcome.REPLACED,
    Duplicates.REFUSE: Outcome.REFUSED,
}
END: Sequence["Commit"] = ()
"""Nothing follows."""
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
    names: list[Location] = field(default_factory=list)  # where a crash would have to look for a file without a row
    sealed: Sealed = UNSEALED
    outcome: Outcome = Outcome.STORED
    kept: bool = True  # whether a file and a row are added for it
    replaces: Location = ""  # where the object lies that gives way to this one
    relies_on: "Commit | None" = None  # an earlier one of this batch under the same UID
    visible: bool = False  # the row is committed: nothing takes it back
    error: Exception | None = None
    is_over: bool = False  # no thread has a use for the views any more
    end: asyncio.Future[None] | None = None

    async def wait_over(self) -> None:
        """For a caller that was cancelled, and may be so again: a thread is reading its views."""
        self.end = asyncio.get_running_loop().create_future()
        while not self.is_over:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([self.end])

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


class Rows:
    """The rows of a batch on their way into the index. Only `commit` makes them durable and visible."""

    def __init__(self, index: Index, batch: Sequence[Commit]) -> None:
        self.batch = batch
        self._index = index
        self._is_written = False
        self._error: Exception | None = None

    def write(self) -> None:
        """Stages them. What goes wrong is raised by `commit`: here, syncs may be under way."""
        self._is_written = True
        try:
            stored = [commit.record() for commit in self.batch if commit.outcome is not Outcome.QUARANTINED]
            aside = [commit.record() for commit in self.batch if commit.outcome is Outcome.QUARANTINED]
            self._index.stage(stored, aside)
        except Exception as error:
            self._error = error

    def commit(self) -> None:
        """Raises what `Index.stage` and `Index.commit` raise."""
        if not self._is_written:
            self.write()
        if self._error is not None:
            raise self._error
        self._index.commit()


class Committer:
    """The thread between Blobs and Index. Methods with a public name are for others, the rest is the thread's."""

    def __init__(self, blobs: Blobs, index: Index, duplicates: Duplicates = Duplicates.KEEP_BOTH) -> None:
        self._blobs = blobs
        self._index = index
        self._duplicates = duplicates
        self._queue: SimpleQueue[Sequence[Commit]] = SimpleQueue()
        self._gathered: list[Commit] = []
        self._waiting: deque[Commit] = deque()
        self._thread = threading.Thread(target=self._run, name="scpd-commit", daemon=True)
        self._in_doubt: set[Location] = set()

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def submit(self, commit: Commit) -> None:
        """Queues an object, in the event loop that its `answer` belongs to and will be resolved in."""
        if not self._gathered:
            commit.answer.get_loop().call_soon(self.hand_over)
        self._gathered.append(commit)

    def hand_over(self) -> None:
        """Queues what came in one turn of the event loop, at its end or before `close`: each time wakes the thread."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._queue.put(gathered)

    def close(self) -> None:
        """Blocks until all that was handed over is answered; in another thread than the event loop's, if anything was.

        May be called twice.
        """
        self._queue.put(END)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._commit_batch(batch)
            del batch  # or its views would be held until the next object comes

    def _next_batch(self) -> list[Commit]:
        """Waits for an object, and seals it with all that come meanwhile; nothing at the end."""
        batch: list[Commit] = []
        size_bytes = 0
        while len(batch) < BATCH_MAX and size_bytes < BATCH_BYTES_MAX:
            if not self._waiting and not self._receive(waits=not batch):
                break
            commit = self._waiting.popleft()
            self._seal(commit)
            batch.append(commit)
            size_bytes += sum(map(len, commit.rest))
        return batch

    def _receive(self, *, waits: bool) -> bool:
        """Takes what was handed over; whether there was something."""
        try:
            handful = self._queue.get(block=waits)
        except Empty:
            return False
        if handful is END and not waits:
            self._queue.put(END)  # of the next batch
        self._waiting.extend(handful)
        return bool(handful)

    def _seal(self, commit: Commit) -> None:
        try:
            if commit.draft is None:
                commit.draft = self._blobs.draft(commit.incoming)
            commit.sealed = commit.draft.finish(commit.rest)
            location = self._blobs.location(commit.incoming, commit.instance)
            commit.location = self._blobs.quarantine(location) if commit.instance.unfit else location
        except Exception as error:
            commit.fail(error)

    def _place(self, commit: Commit) -> None:
        """Gives an object its name, which nobody knows before it has a row."""
        assert commit.draft is not None
        try:
            for name in filter(None, (commit.location, commit.replaces)):
                self._blobs.expect(name, commit.incoming.sop_instance_uid)
                commit.names.append(name)
            commit.draft.place(commit.location)
        except Exception as error:
            commit.fail(error)

    def _settle(self, rows: Rows) -> None:
        """Makes placed objects durable, and meanwhile writes their rows."""
        failed: Mapping[Location, Exception]
        try:
            failed = self._blobs.settle({commit.location: commit.draft for commit in rows.batch}, rows.write)
        except Exception as error:  # unforeseen
            failed = dict.fromkeys((commit.location for commit in rows.batch), error)
        for commit in rows.batch:
            if commit.location in failed:
                commit.fail(failed[commit.location])

    def _commit_batch(self, batch: Sequence[Commit]) -> None:
        try:
            self._commit(batch)
        except Exception as error:
            self._index.undo()
            for commit in _alive(batch):
                commit.fail(error)
        for location in (name for commit in batch for name in commit.names):
            if location not in self._in_doubt:
                self._blobs.forget(location)
        batch[0].answer.get_loop().call_soon_threadsafe(_answer, batch)

    def _commit(self, batch: Sequence[Commit]) -> None:
        self._decide(_alive(batch))
        for commit in _kept(batch):
            self._place(commit)
        rows = Rows(self._index, _kept(batch))
        if rows.batch:
            self._settle(rows)
        _fail_reliant(_alive(batch))
        if rows.batch != _kept(batch):
            self._index.undo()
            rows = Rows(self._index, _kept(batch))
        if rows.batch:
            self._add(rows)
            _fail_reliant([commit for commit in _alive(batch) if not commit.kept])

    def _decide(self, batch: Sequence[Commit]) -> None:
        holders = dict(self._index.holders({commit.incoming.sop_instance_uid for commit in batch}))
        latest: dict[str, Commit] = {}
        for commit in batch:
            uid = commit.incoming.sop_instance_uid
            commit.relies_on = latest.get(uid)
            latest[uid] = commit
            try:
                holders[uid] = self._judge(commit, _in_terms_of(commit, holders.get(uid, NOBODY)))
            except OSError as error:  # its file cannot be read back
                commit.fail(error)

    def _judge(self, commit: Commit, holder: Holder) -> Holder:
        """Decides what becomes of one object, and who holds its UID then."""
        digest = commit.sealed.digest
        commit.outcome = self._outcome(commit, holder)
        if commit.outcome is Outcome.QUARANTINED and digest not in holder.quarantined:
            if not commit.instance.unfit:
                commit.location = self._blobs.quarantine(commit.location)
            return replace(holder, quarantined=holder.quarantined | {digest})
        if commit.outcome is Outcome.REPLACED:
            commit.replaces = holder.location
        if commit.outcome in (Outcome.STORED, Outcome.REPLACED):
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

    def _add(self, rows: Rows) -> None:
        batch = rows.batch
        try:
            rows.commit()
        except CommitInDoubt as error:
            # A crash could bring these rows back. Their files stay until a later transaction rules that out.
            for commit in batch:
                self._in_doubt.add(commit.location)
                commit.error = error
        except StorageError as error:
            for commit in batch:
                commit.fail(error)
        except Exception as error:
            self._index.undo()
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
                _fail_reliant([commit])
                self._add(Rows(self._index, _alive([commit])))

    def _remove_replaced(self, locations: Sequence[Location]) -> None:
        """Removes files that no row names any more; one that will not go is tried again, or found at the next start."""
        for location in locations:
            try:
                self._blobs.remove(location)
            except OSError:
                self._in_doubt.add(location)

    def _clear_doubt(self) -> None:
        for location in list(self._in_doubt):
            with suppress(OSError):
                self._blobs.remove(location)
                self._in_doubt.discard(location)
                self._blobs.forget(location)


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


def _fail_reliant(batch: Sequence[Commit]) -> None:
    """What was judged by an object that then was not kept would be a false answer."""
    for commit in batch:
        earlier = commit.relies_on
        while earlier is not None and earlier.error is None:
            earlier = earlier.relies_on
        if earlier is not None:
            commit.fail(OutOfResources("another object under this UID failed at the same moment"))


def _answer(batch: Sequence[Commit]) -> None:
    for commit in batch:
        commit.is_over = True
        if commit.end is not None:
            commit.end.set_result(None)
        if commit.answer.cancelled():
            continue
        if commit.error is not None:
            commit.answer.set_exception(commit.error)
        else:
            commit.answer.set_result(commit.outcome)
