"""What a storage backend is: three small protocols, the words they speak, and the errors they raise.

A backend keeps objects and answers queries about them. It never sees an association, a socket or a PDU. The
order of calls is always `open_sink`, any number of `write`, then `commit` or `discard`, once.

Ownership of received bytes: the views given to `write` belong to the caller again as soon as `write` returns.
Only the views of a `write(..., last=True)` stay valid until `commit` or `discard` returns, so that a small
object can be written by whoever commits it, without a copy.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

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
    the required UIDs is broken; the bytes are kept as they came.
    """

    study_instance_uid: str
    series_instance_uid: str
    attributes: Attributes
    damaged: bool = False


class Outcome(Enum):
    """How a commit ended; each is durable when `commit` returns it."""

    STORED = "stored"
    SAME_BYTES = "same bytes"  # the object is there already, byte for byte; nothing was added
    QUARANTINED = "quarantined"  # another object holds this SOP Instance UID; these bytes are kept aside


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """Counts of what a query can find, and of what is kept aside."""

    patients: int
    studies: int
    series: int
    instances: int
    quarantined: int
    stored_bytes: int


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

    def find(self, query: Query) -> AsyncIterator[Sequence[Attributes]]:
        """Pages of matches at the query's level, each match with the keys the index has for it, computed ones included.

        Every object committed before the call is seen. Closing the iterator ends the work at once.
        """
        ...

    async def statistics(self) -> StorageStatistics:
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


class StoreUnavailable(StorageError):
    """The store cannot be opened: locked by another daemon, wrong version, corrupt, on a network file system."""

    comment = "store unavailable"
