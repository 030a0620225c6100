"""What a storage backend is: a few small protocols, the words they speak, and the errors they raise.

A backend keeps objects and answers queries about them. It never sees an association, a socket or a PDU. The
order of calls is always `open_sink`, any number of `write`, then `commit` or `discard`, once.

The default backend, `archive.Archive`, is put together of two exchangeable halves: `Blobs` keep the bytes, an `Index`
keeps what queries ask for. Both are called from threads, so their methods simply block.

Ownership of received bytes: the views given to `write` belong to the caller again as soon as `write` returns.
Only the views of a `write(..., last=True)` stay valid until `commit` or `discard` returns, so that a small
object can be written by whoever commits it, without a copy.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol, TypeAlias

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query


@dataclass(frozen=True, slots=True)
class Incoming:
    """An object that is about to arrive, as the C-STORE-RQ and its presentation context name it.

    The UIDs are validated (PS3.5 9.1: digits and dots, at most 64 characters) before a backend sees them.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    called_ae_title: str


@dataclass(frozen=True, slots=True)
class Instance:
    """What was read from the data set while it arrived.

    `attributes` holds every indexed attribute found. `study_instance_uid` and `series_instance_uid` are "" for
    objects that belong to no patient (PS3.4 B.5 non-patient objects). `damaged` says that the structure behind
    the required UIDs is broken; the bytes are kept as they came. `unfit` says why no query may find the object: it
    goes to quarantine, whoever else has its UID.
    """

    study_instance_uid: str
    series_instance_uid: str
    attributes: Attributes
    damaged: bool = False
    unfit: str = ""


class Outcome(Enum):
    """How a commit ended; each is durable when `commit` returns it."""

    STORED = "stored"
    SAME_BYTES = "same bytes"  # the object is there already, byte for byte; nothing was added
    QUARANTINED = "quarantined"  # unfit, or another object holds this SOP Instance UID; these bytes are kept aside
    REPLACED = "replaced"  # stored, and the object that held this SOP Instance UID is gone
    DISCARDED = "discarded"  # another object holds this SOP Instance UID; nothing was kept, as the operator wants it
    REFUSED = "refused"  # the same, and the sender is told that it failed


class Duplicates(StrEnum):
    """What becomes of other bytes under a SOP Instance UID that is taken. The same bytes are SAME_BYTES in any case."""

    KEEP_BOTH = "keep-both-in-quarantine"  # QUARANTINED
    KEEP_FIRST = "keep-first"  # DISCARDED
    REPLACE = "replace"  # REPLACED
    REFUSE = "refuse"  # REFUSED


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """Counts of what a query can find, and of what is kept aside.

    `damaged` are those of the `instances` whose structure breaks behind the required UIDs.
    """

    patients: int
    studies: int
    series: int
    instances: int
    quarantined: int
    stored_bytes: int
    damaged: int = 0


class Sink(Protocol):
    """Receives the data set of one object; nothing is visible before `commit` returns."""

    async def write(self, chunks: Sequence[memoryview], *, last: bool) -> None:
        """Takes the next bytes of the data set, in order. Raises StorageError."""
        ...

    async def commit(self, instance: Instance) -> Outcome:
        """Makes the object durable and visible: bytes, folder and index row. Raises StorageError."""
        ...

    async def discard(self) -> None:
        """Forgets the object and every trace of it. Never raises; may be called after any failure, twice."""
        ...


class Backend(Protocol):
    """Where objects go and where queries are answered. One per daemon; used from one event loop."""

    async def open(self) -> None:
        """Locks, checks and sweeps the store. Raises StorageError with a reason fit for the operator."""
        ...

    async def close(self) -> None:
        """Finishes what was begun and releases the lock."""
        ...

    async def open_sink(self, incoming: Incoming) -> Sink:
        """Begins an object. Raises StorageError (OutOfResources when there is no room)."""
        ...

    def find(self, query: Query) -> AsyncGenerator[Sequence[Attributes], None]:
        """Pages of matches at the query's level, each match with the keys the index has for it, computed ones included.

        An empty page says that the search goes on: it is a chance to stop one that finds nothing for long. Every
        object committed before the call is seen. Closing the generator ends the work at once.
        """
        ...

    def read(self, sop_instance_uid: str) -> AsyncGenerator[bytes, None]:
        """The data set of a stored object, byte for byte as it was received, in pieces. Raises StorageError."""
        ...

    async def statistics(self) -> StorageStatistics:
        """Counts of what is kept."""
        ...


Location: TypeAlias = str
"""Where a blob lies, in the words of its Blobs: made of validated UIDs or of hashes, never of a peer's text."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the data set turned out to be when its last byte was written."""

    digest: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything an index keeps about one object, received just now or at `received_at` (seconds since 1970).

    `replaces` is where the object lies that holds the UID and gives way; "" where there is none.
    """

    incoming: Incoming
    instance: Instance
    location: Location
    sealed: Sealed
    received_at: float | None = None
    replaces: Location = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose bytes go by a SOP Instance UID: those found by queries (None: nobody's), and those in quarantine.

    `location` is where the former lie.
    """

    stored: bytes | None
    quarantined: frozenset[bytes]
    location: Location = ""


def nothing() -> None:
    """What there is to do meanwhile, where there is nothing to do."""


class Draft(Protocol):
    """An object on its way to the disk; invisible wherever it is. What writes, reads or moves it raises OSError."""

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Appends to the data set."""
        ...

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        """Appends the last bytes of the data set, or begins to: `Blobs.settle` waits for their end."""
        ...

    def digest(self, algorithm: str) -> bytes:
        """The digest of the finished content by another algorithm than its own."""
        ...

    def check_written(self) -> None:
        """Raises OSError if a write has failed that `finish` only began. For `Blobs.settle`."""
        ...

    def fileno(self) -> int | None:
        """The open file whose content has yet to be made durable, if there is one. For `Blobs.settle`."""
        ...

    def synced(self) -> None:
        """Lets go of this file: it was made durable. For `Blobs.settle`."""
        ...

    def place(self, location: Location) -> None:
        """Gives the finished object its name; durable only after `Blobs.settle`."""
        ...

    def abandon(self) -> None:
        """Removes it, wherever it is. Never raises."""
        ...


class Blobs(Protocol):
    """Keeps bytes. Called from several threads at once; raises OSError when the medium fails."""

    def open(self) -> None:
        """Locks and checks the place and removes drafts an earlier life left. Raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Releases the lock."""
        ...

    def holds_objects(self) -> bool:
        """Whether objects are placed here, with a row or without. Raises OSError."""
        ...

    def location(self, incoming: Incoming, instance: Instance) -> Location:
        """A name for this object that nothing else has, or will have."""
        ...

    def quarantine(self, location: Location) -> Location:
        """The name it gets when it must be kept aside instead."""
        ...

    def draft(self, incoming: Incoming) -> Draft:
        """Begins an object."""
        ...

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        """Notes durably, before it happens, that an object may be there without an index row."""
        ...

    def forget(self, location: Location) -> None:
        """Takes back what `expect` noted: the object has its row, or is gone."""
        ...

    def expected(self) -> Mapping[Location, str]:
        """The objects, with their UIDs, that may lack a row after a crash. Before the first `expect` of a life."""
        ...

    def settle(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        """Makes placed objects durable, content and name; with None, the name only. For one thread at a time.

        Gives for each that is not what went wrong. Calls `meanwhile`, which must not raise, while it would have to wait
        for the medium; not at all if something goes wrong before.
        """
        ...

    def remove(self, location: Location) -> None:
        """Removes a placed object for good; one that is not there is fine."""
        ...

    def read(self, location: Location) -> Iterator[bytes]:
        """The data set of a placed object as it was received, in pieces."""
        ...

    def free_bytes(self) -> int:
        """How much more this place can take."""
        ...


class Index(Protocol):
    """Keeps what queries ask for; visible means: it has a row here. Raises StorageError.

    One thread at a time writes; any number of others read meanwhile.
    """

    def exists(self) -> bool:
        """Whether there is one already, before it is opened: a new one knows of no object."""
        ...

    def open(self) -> None:
        """Checks the index and brings it to the current version. Raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...

    def holders(self, sop_instance_uids: Collection[str]) -> Mapping[str, Holder]:
        """Who holds these UIDs; one that nobody holds may be missing. Called by the writer."""
        ...

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        """Writes rows for all of them, in order, that nobody sees before `commit`. Raises OutOfResources: none is left.

        A record that `replaces` another takes its row away in the same transaction, and shows its own patient, study
        and series as all instances of them show them from now on.
        """
        ...

    def commit(self) -> None:
        """Makes what was staged durable and visible. Raises OutOfResources, CommitInDoubt; nothing is staged then."""
        ...

    def undo(self) -> None:
        """Drops what was staged, if anything was. Never raises."""
        ...

    def known(self, names: Mapping[Location, str]) -> Collection[Location]:
        """Those of the locations, given with their SOP Instance UIDs, that have a row, in quarantine or not."""
        ...

    def locate(self, sop_instance_uid: str) -> Location | None:
        """Where the object that queries find under this UID lies."""
        ...

    def pages(self, query: Query) -> Generator[Sequence[Attributes], None, None]:
        """Pages of matches as `Backend.find` gives them. Nothing is held between two."""
        ...

    def statistics(self) -> StorageStatistics:
        """Counts of what is kept."""
        ...


class StorageError(Exception):
    """The object was not kept. `comment` goes to the peer: at most 64 characters, no patient data, no path."""

    comment: str = "storage failed"

    def __init__(self, detail: str, *, comment: str | None = None) -> None:
        super().__init__(detail)
        if comment is not None:
            self.comment = comment


class OutOfResources(StorageError):
    """No room, no file descriptor, an I/O error, a busy index: the sender should try again (A700H)."""

    comment = "out of resources, try again"


class CommitInDoubt(OutOfResources):
    """The index could not sync a transaction: it may or may not be there after a crash."""


class StoreUnavailable(StorageError):
    """The store cannot be opened: locked by another daemon, wrong version, corrupt, on a network file system."""

    comment = "store unavailable"
