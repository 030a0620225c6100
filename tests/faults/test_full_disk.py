"""A disk that runs full under spool, objects, index and journal: what fits is kept, and room is used again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datasets import ct
from tests.faults.crashes import Store
from tests.faults.senders import Meter, sender, sending

BALLAST_BYTES = 4 << 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on 12 megabytes, of which a ballast takes some."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    store = Store(tmp_path / "store")
    storage = store.daemon.storage
    storage.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", storage], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        (storage / "ballast").write_bytes(bytes(BALLAST_BYTES))
        yield store
    finally:
        subprocess.run(["umount", storage], check=True)


def test_what_was_acknowledged_on_a_full_disk_is_there_and_room_is_used_again(store: Store) -> None:
    with store.served() as daemon:
        for turn in range(3):  # each sender stops at the first object that did not fit
            with sending(daemon.port, store.ledger, Meter(), f"1.6.{turn}"):
                pass
            assert store.wrong() == []
        with sender(daemon.port, store.ledger) as modality:
            large = ct("1.6.9", PixelData=bytes(BALLAST_BYTES // 2))
            assert modality.store("1.6.9", large) == 0xA700
            (daemon.storage / "ballast").unlink()
            assert modality.store("1.6.9", large) == 0x0000
    with store.served():
        assert store.wrong() == []
    assert store.verify() == []
