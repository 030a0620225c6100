"""The memory backend is the fake that other tests rely on: the whole suite proves it."""

import pytest

from scpd.storage.archive import Archive
from scpd.storage.base import Backend, Duplicates, Incoming, Instance
from scpd.storage.memory import MemoryBlobs, MemoryIndex
from scpd.testing import BackendSuite


class TestMemoryBackend(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return Archive(MemoryBlobs(), MemoryIndex(), duplicates=self.duplicates)


class TestMemoryBackendThatReplaces(TestMemoryBackend):
    duplicates = Duplicates.REPLACE


class TestMemoryBackendThatKeepsTheFirst(TestMemoryBackend):
    duplicates = Duplicates.KEEP_FIRST


class TestMemoryBackendThatRefuses(TestMemoryBackend):
    duplicates = Duplicates.REFUSE


async def test_objects_with_a_broken_structure_are_counted() -> None:
    archive = Archive(MemoryBlobs(), MemoryIndex())
    await archive.open()
    sink = await archive.open_sink(Incoming("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1", "CT1", "SCPD"))
    await sink.write((memoryview(b"broken"),), last=True)
    await sink.commit(Instance("1.2", "1.2.1", {0x00080018: "1.2.3", 0x0020000D: "1.2"}, damaged=True))
    counts = await archive.statistics()
    await archive.close()
    assert (counts.instances, counts.damaged) == (1, 1)
