"""The memory backend is the fake that other tests rely on: the whole suite proves it."""

import pytest

from scpd.storage.archive import Archive
from scpd.storage.base import Backend, Duplicates
from scpd.storage.memory import MemoryBlobs, MemoryIndex
from scpd.testing import BackendSuite


class TestMemoryBackend(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return Archive(MemoryBlobs(), MemoryIndex(), duplicates=self.duplicates)


class TestMemoryBackendThatReplaces(TestMemoryBackend):
    duplicates = Duplicates.REPLACE


class TestMemoryBackendThatRefuses(TestMemoryBackend):
    duplicates = Duplicates.REFUSE
