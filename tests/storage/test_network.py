from pathlib import Path

import pytest

from scpd.storage import network
from scpd.storage.base import StoreUnavailable
from scpd.storage.network import NETWORK_FILE_SYSTEMS, file_system_magic, network_file_system
from scpd.storage.sqlite import SqliteIndex

PROC_SUPER_MAGIC = 0x9FA0


def test_the_magic_is_the_kernels(tmp_path: Path) -> None:
    assert file_system_magic(Path("/proc")) == PROC_SUPER_MAGIC


def test_a_local_file_system_has_no_network_name() -> None:
    assert network_file_system(Path("/proc")) is None


def test_a_path_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        file_system_magic(tmp_path / "missing")


def test_an_index_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "NETWORK_FILE_SYSTEMS", {**NETWORK_FILE_SYSTEMS, file_system_magic(tmp_path): "NFS"})
    with pytest.raises(StoreUnavailable, match="on NFS"):
        SqliteIndex(tmp_path / "index.sqlite").open()
    assert list(tmp_path.iterdir()) == []
