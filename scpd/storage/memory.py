"""Blobs and an Index that forget everything when the process ends: `backend = "memory"`, and the fake of the tests.

The index answers queries with the oracle itself, so it is right by definition, and slow by the size of the archive.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from itertools import count, islice
from threading import Lock

from scpd.dataset.attributes import Attributes
from scpd.query.matching import answer
from scpd.query.terms import Level, Model, Query
from scpd.storage.base import Draft, Holder, Incoming, Instance, Location, Record, Sealed, StorageStatistics, nothing
from scpd.storage.digests import digest_of

PAGE_ROWS = 200
UNLIMITED_BYTES = 1 << 62


class MemoryBlobs:
    """Objects by location, in a dict."""

    def __init__(self) -> None:
        self._placed: dict[Location, bytes] = {}
        self._numbers = count()

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def holds_objects(self) -> bool:
        return bool(self._placed)

    def location(self, incoming: Incoming, instance: Instance) -> Location:
        return f"object {next(self._numbers)}"

    def quarantine(self, location: Location) -> Location:
        return f"quarantined {location}"

    def draft(self, incoming: Incoming) -> "MemoryDraft":
        return MemoryDraft(self._placed)

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        pass

    def forget(self, location: Location) -> None:
        pass

    def expected(self) -> Mapping[Location, str]:
        return {}

    def settle(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        meanwhile()
        return {}

    def remove(self, location: Location) -> None:
        self._placed.pop(location, None)

    def read(self, location: Location) -> Iterator[bytes]:
        if location not in self._placed:
            raise FileNotFoundError(location)
        yield self._placed[location]

    def free_bytes(self) -> int:
        return UNLIMITED_BYTES


class MemoryDraft:
    """The bytes of one object."""

    __slots__ = ("_bytes", "_location", "_placed")

    def __init__(self, placed: dict[Location, bytes]) -> None:
        self._placed = placed
        self._bytes = bytearray()
        self._location: Location = ""

    def write(self, chunks: Sequence[memoryview]) -> None:
        for chunk in chunks:
            self._bytes += chunk

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        self.write(chunks)
        return Sealed(digest_of([memoryview(self._bytes)]), len(self._bytes))

    def digest(self, algorithm: str) -> bytes:
        return digest_of([memoryview(self._bytes)], algorithm)

    def check_written(self) -> None:
        pass

    def fileno(self) -> int | None:
        return None

    def synced(self) -> None:
        pass

    def place(self, location: Location) -> None:
        self._location = location
        self._placed[location] = bytes(self._bytes)

    def abandon(self) -> None:
        self._placed.pop(self._location, None)


class MemoryIndex:
    """Records in the order they came."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stored: dict[str, Record] = {}
        self._quarantined: list[Record] = []
        self._staged: tuple[Sequence[Record], Sequence[Record]] = (), ()

    def exists(self) -> bool:
        return True

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def holders(self, sop_instance_uids: Collection[str]) -> Mapping[str, Holder]:
        return {uid: self._holder(uid) for uid in sop_instance_uids}

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        self._staged = stored, quarantined

    def commit(self) -> None:
        stored, quarantined = self._staged
        self.undo()
        with self._lock:
            self._stored.update((record.incoming.sop_instance_uid, record) for record in stored)  # replaces, too
            self._quarantined.extend(quarantined)

    def undo(self) -> None:
        self._staged = (), ()

    def known(self, names: Mapping[Location, str]) -> Collection[Location]:
        with self._lock:
            return names.keys() & {record.location for record in [*self._stored.values(), *self._quarantined]}

    def locate(self, sop_instance_uid: str) -> Location | None:
        record = self._stored.get(sop_instance_uid)
        return record.location if record is not None else None

    def pages(self, query: Query) -> Generator[Sequence[Attributes], None, None]:
        matches = answer(query, self._filed())
        while page := list(islice(matches, PAGE_ROWS)):
            yield page

    def statistics(self) -> StorageStatistics:
        patients, studies, series = (
            sum(1 for _ in answer(Query(Model.PATIENT_ROOT, level, ()), self._filed()))
            for level in (Level.PATIENT, Level.STUDY, Level.SERIES)
        )
        with self._lock:
            sizes = [record.sealed.size_bytes for record in self._stored.values()]
            damaged = sum(record.instance.damaged for record in self._stored.values())
            return StorageStatistics(patients, studies, series, len(sizes), len(self._quarantined), sum(sizes), damaged)

    def _holder(self, uid: str) -> Holder:
        stored = self._stored.get(uid)
        aside = (record.sealed.digest for record in self._quarantined if record.incoming.sop_instance_uid == uid)
        if stored is None:
            return Holder(None, frozenset(aside))
        return Holder(stored.sealed.digest, frozenset(aside), stored.location)

    def _filed(self) -> list[Attributes]:
        """The attributes of every object that belongs to a study: queries know no others (PS3.4 C.6)."""
        with self._lock:
            return [
                record.instance.attributes for record in self._stored.values() if record.instance.study_instance_uid
            ]
